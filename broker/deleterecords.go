package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// DeleteRecords deletes the records of partitions up to an offset.
//
// Behavior: DELETE on each topic, before it is looked up. -1 is the high
// watermark. The low watermark is answered when it is durable: from then on
// nothing below it is read again. Partitions are done side by side, since their
// starts are then written together.
func deleteRecords(b *Broker, c *call, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteRecordsResponse()
	var all sync.WaitGroup
	slots := make(chan struct{}, deletedAtOnce)
	for _, in := range distinct(req.Topics, func(t *kmsg.DeleteRecordsRequestTopic) string { return t.Topic }) {
		allowed := c.allowed(kafka.Delete, kafka.Topic, in.Topic)
		t := b.topics.named(in.Topic)
		out := kmsg.NewDeleteRecordsResponseTopic()
		out.Topic = in.Topic
		partitions := distinct(in.Partitions, func(p *kmsg.DeleteRecordsRequestTopicPartition) int32 { return p.Partition })
		out.Partitions = make([]kmsg.DeleteRecordsResponseTopicPartition, len(partitions))
		for i, p := range partitions {
			part := &out.Partitions[i]
			part.Partition, part.LowWatermark = p.Partition, -1
			if !allowed {
				part.ErrorCode = int16(kafka.ErrTopicAuthorizationFailed)
				continue
			}
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				low, err := t.deleteRecords(p.Partition, kafka.Offset(p.Offset))
				part.LowWatermark, part.ErrorCode = int64(low), int16(codeOf(err))
			})
		}
		resp.Topics = append(resp.Topics, out)
	}
	all.Wait()
	return resp
}

// deletedAtOnce is how many partitions of a request are worked on at a time.
const deletedAtOnce = 64

// deleteRecords returns the low watermark, that is the log start.
func (t *topic) deleteRecords(partition int32, before kafka.Offset) (kafka.Offset, error) {
	if t == nil {
		return kafka.NoOffset, kafka.ErrUnknownTopicOrPartition
	}
	r := t.replica(partition)
	if r == nil {
		return kafka.NoOffset, kafka.ErrNotLeaderOrFollower // as Kafka does
	}
	if _, err := r.lead(); err != nil {
		return kafka.NoOffset, err
	}
	switch {
	case kafka.Internal(t.name):
		return kafka.NoOffset, kafka.ErrInvalidTopicException
	case !t.settings.Load().deletes:
		return kafka.NoOffset, kafka.ErrPolicyViolation
	case before == kafka.LatestOffset:
		before = r.log.Durable()
	}
	start, err := r.log.DeleteRecords(before)
	if err != nil {
		r.failed(err)
		return kafka.NoOffset, err
	}
	r.wake(0)
	return start, nil
}
