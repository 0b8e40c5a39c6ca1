package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// Produce appends record batches to partitions.
//
// Behavior: WRITE on each topic, before it is looked up. Each partition gets
// one batch, which is verified down to its records and otherwise stays as it
// came. acks=all is answered when the batch is durable, acks=1 when it is
// written, acks=0 never; an error then closes the connection, the only way to
// tell. Requests of one connection are appended in order and may wait for the
// disk together.
//
// Versions: 0 to 2 carry old message formats and close the connection; 7
// allows zstd, 8 names single records that are at fault, 13 names topics by id.
//
// Differs from Kafka: transactions are not served; a transactional id or batch
// gets TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which every client takes as final.

// produceCall is a produce request on its way.
type produceCall struct {
	*call
	in   wire.ProduceRequest
	out  wire.ProduceResponse
	open atomic.Int32 // partitions that are not durable yet, and one for the request itself
}

func produce(_ *Broker, c *call, body []byte) {
	if c.header.Version < wire.MinProduce {
		c.hangup(kafka.ErrUnsupportedVersion)
		return
	}
	p := &produceCall{call: c}
	if err := c.read(func() error { return p.in.Decode(c.header.Version, body) }); err != nil {
		c.hangup(err)
		return
	}
	p.open.Store(1)
	p.out.Topics = make([]wire.ProducedTopic, len(p.in.Topics))
	for i := range p.in.Topics {
		p.produceTopic(&p.in.Topics[i], &p.out.Topics[i])
	}
	c.req.Release() // every batch is in its log
	p.settle()
}

func (p *produceCall) produceTopic(in *wire.ProduceTopic, out *wire.ProducedTopic) {
	out.Name, out.ID = in.Name, in.ID
	out.Partitions = make([]wire.ProducedPartition, len(in.Partitions))
	t, refusal := p.authorizeTopic(in)
	for i := range in.Partitions {
		part := &out.Partitions[i]
		*part = wire.ProducedPartition{Index: in.Partitions[i].Index, BaseOffset: kafka.NoOffset, LogAppendTime: -1, LogStart: kafka.NoOffset}
		if refusal != nil {
			part.Error = codeOf(refusal)
			continue
		}
		if err := p.producePartition(t.replica(part.Index), in.Partitions[i].Records, part); err != nil {
			p.fail(part, err)
		}
	}
}

// authorizeTopic is the topic the caller may write to, or why not.
func (p *produceCall) authorizeTopic(in *wire.ProduceTopic) (*topic, error) {
	if p.in.TransactionalID != nil {
		return nil, kafka.ErrTransactionalIDAuthorizationFailed
	}
	name, byID := in.Name, p.header.Version >= 13
	if byID {
		t := p.b.topics.withID(in.ID)
		if t == nil {
			return nil, kafka.ErrUnknownTopicID
		}
		name = t.name
	}
	switch {
	case !p.allowed(kafka.Write, kafka.Topic, name):
		return nil, p.refuses(name, byID)
	case p.in.Acks < -1 || p.in.Acks > 1:
		return nil, kafka.ErrInvalidRequiredAcks
	case kafka.Internal(name):
		return nil, kafka.ErrInvalidTopicException
	}
	t := p.b.topics.named(name)
	if t != nil && p.in.Acks == -1 && t.settings.Load().minInsync > 1 {
		return nil, kafka.ErrNotEnoughReplicas
	}
	return t, nil
}

func (p *produceCall) producePartition(r *replica, records []byte, out *wire.ProducedPartition) error {
	if r == nil {
		return kafka.ErrUnknownTopicOrPartition
	}
	epoch, err := r.lead()
	if err != nil {
		return err
	}
	set := r.topic.settings.Load()
	one, err := p.check(set, records)
	if err != nil {
		return err
	}
	at, err := r.append(one, epoch, p.now)
	if err != nil {
		return err
	}
	out.BaseOffset, out.LogStart = at.base, r.log.Start()
	if set.appendTime {
		out.LogAppendTime = p.now.UnixMilli()
		if at.duplicate {
			out.LogAppendTime = at.timestamp
		}
	}
	grown := len(one)
	if at.duplicate {
		grown = 0
	}
	if p.in.Acks != -1 {
		r.awaitDurable(at.end, grown, func(error) {}) // the client was promised no more
		return nil
	}
	p.open.Add(1)
	r.awaitDurable(at.end, grown, func(err error) {
		if err != nil {
			p.fail(out, err)
		}
		p.settle()
	})
	return nil
}

// check is the one batch of a partition, verified as Kafka's LogValidator does
// and given its timestamp.
func (p *produceCall) check(set *topicSettings, records []byte) (batch.Batch, error) {
	one, rest, err := batch.Split(records)
	switch {
	case errors.Is(err, batch.ErrOldFormat):
		return nil, &faultError{kafka.ErrInvalidRecord, "only record batches of magic version 2 are accepted"}
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, &faultError{kafka.ErrInvalidRecord, "exactly one record batch is accepted for a partition"}
	case len(one) > set.maxMessage:
		return nil, &faultError{kafka.ErrMessageTooLarge,
			fmt.Sprintf("record batch of %d bytes is longer than the %d that max.message.bytes allows", len(one), set.maxMessage)}
	}
	if err := one.Check(); err != nil {
		return nil, err
	}
	h := one.Header()
	switch {
	case h.Attributes.Transactional():
		return nil, kafka.ErrTransactionalIDAuthorizationFailed
	case h.Attributes.Control():
		return nil, &faultError{kafka.ErrInvalidRecord, "clients may not write control records"}
	case h.BaseOffset != 0:
		return nil, &faultError{kafka.ErrInvalidRecord, fmt.Sprintf("base offset is %d, it must be 0", h.BaseOffset)}
	case h.ProducerID != kafka.NoProducerID && (h.ProducerEpoch < 0 || h.BaseSequence < 0):
		return nil, &faultError{kafka.ErrInvalidRecord, "an idempotent batch needs epoch and sequence"}
	case h.Attributes.Codec() == batch.Zstd && p.header.Version < 7:
		return nil, kafka.ErrUnsupportedCompressionType
	}
	var found batch.Summary
	err = p.read(func() (err error) {
		found, err = p.b.unpacking.inspect(one)
		return err
	})
	if err != nil {
		return nil, err
	}
	if set.compacted && found.Keyless >= 0 {
		return nil, &batch.RecordError{Index: found.Keyless, Reason: "a compacted topic takes no record without a key"}
	}
	return one, p.stampTime(set, one, found.MaxTimestamp)
}

// stampTime sets or checks the timestamps of a batch, as the topic says.
func (p *produceCall) stampTime(set *topicSettings, one batch.Batch, newest int64) error {
	now := p.now.UnixMilli()
	if set.appendTime {
		one.StampLogAppendTime(now)
		return nil
	}
	if one.Attributes().LogAppendTime() {
		return &faultError{kafka.ErrInvalidTimestamp, "a producer may not set LogAppendTime"}
	}
	first := one.BaseTimestamp()
	if first >= 0 && now-first > set.beforeMillis || newest >= 0 && newest-now > set.afterMillis {
		return &faultError{kafka.ErrInvalidTimestamp, fmt.Sprintf("timestamps %d to %d are too far from the broker's time %d", first, newest, now)}
	}
	if one.MaxTimestamp() != newest {
		one.StampMaxTimestamp(newest)
	}
	return nil
}

func (p *produceCall) fail(out *wire.ProducedPartition, err error) {
	out.Error, out.BaseOffset, out.LogAppendTime, out.LogStart = codeOf(err), kafka.NoOffset, -1, kafka.NoOffset
	var record *batch.RecordError
	if errors.As(err, &record) {
		out.RecordErrors = []wire.ProducedRecordError{{BatchIndex: record.Index, Message: record.Reason}}
		out.Message = "one or more records have been rejected"
		return
	}
	if text := messageOf(err); text != nil {
		out.Message = *text
	}
}

// settle notes that one more part has ended, and answers when it was the last.
func (p *produceCall) settle() {
	if p.open.Add(-1) > 0 {
		return
	}
	if p.in.Acks == 0 {
		p.endUnanswered()
		return
	}
	out := p.out.Append(p.begin(), p.header.Version)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	p.req.Answer(listener.Response{Buffers: net.Buffers{out}, Pooled: [][]byte{out}})
}

func (p *produceCall) endUnanswered() {
	for _, t := range p.out.Topics {
		for _, part := range t.Partitions {
			if part.Error != kafka.NoError {
				p.hangup(fmt.Errorf("acks=0 to %s-%d: %w", t.Name, part.Index, part.Error))
				return
			}
		}
	}
	p.req.Silence()
}
