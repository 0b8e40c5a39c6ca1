package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
)

// transactional is a transactional id on the target, spoken without a client's
// state: batches are sent raw, by the senders.
type transactional struct {
	cluster *client.Client
	id      string
	timeout time.Duration // after that the target gives up a transaction whose mirror has died; one that starts again ends it at once
	backoff time.Duration
}

func (t *clusterTarget) transaction(id string) *transactional {
	return &transactional{t.cluster, id, t.transactionTimeout, t.backoff}
}

// request sends one request until its answer is not one that passes.
func (t *transactional) request(ctx context.Context, doing string, req kmsg.Request, code func(kmsg.Response) int16) (kmsg.Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := t.cluster.Request(ctx, req)
		var k *kerr.Error
		if errors.As(err, &k) { // of looking for the coordinator
			err = kafka.ErrorCode(k.Code)
		}
		if err == nil {
			err = kafka.ErrorCode(code(resp)).Err()
		}
		var answered kafka.ErrorCode
		if errors.As(err, &answered) {
			if answered == kafka.ErrInvalidProducerEpoch { // what brokers before 2.7 say (KIP-588)
				answered = kafka.ErrProducerFenced
			}
			err = &client.AnswerError{Doing: doing, Name: t.id, Code: answered}
		}
		if err == nil || ctx.Err() != nil || answered != kafka.ErrConcurrentTransactions && !transient(err) {
			return resp, client.Denied(err, kafka.Write, kafka.TransactionalID, t.id)
		}
		select {
		case <-time.After(pause(min(t.backoff, 20*time.Millisecond), min(attempt, 5))):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// init becomes the one writer of the id: whatever transaction was under way is
// ended when it returns, and older writers are refused in it. last is who we
// were, nobody at first; the error is then PRODUCER_FENCED where somebody else
// has become the writer meanwhile (KIP-360).
func (t *transactional) init(ctx context.Context, last identity) (identity, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &t.id, int32(t.timeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = int64(last.id), last.epoch
	resp, err := t.request(ctx, "become the writer of transactional id", req, func(r kmsg.Response) int16 { return r.(*kmsg.InitProducerIDResponse).ErrorCode })
	if err != nil {
		return nobody, err
	}
	r := resp.(*kmsg.InitProducerIDResponse)
	return identity{kafka.ProducerID(r.ProducerID), r.ProducerEpoch}, nil
}

// refusals are the partitions that may not be in a transaction.
type refusals map[kafka.TopicPartition]error

// operationNotAttempted is what the others are told of a request in which some
// partition was refused.
const operationNotAttempted kafka.ErrorCode = 55

// add has partitions be of the transaction. Where some are refused, none is
// added.
func (t *transactional) add(ctx context.Context, who identity, tps []kafka.TopicPartition) (refusals, error) {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = t.id, int64(who.id), who.epoch
	at := make(map[string]int)
	for _, tp := range tps {
		i, ok := at[tp.Topic]
		if !ok {
			i = len(req.Topics)
			at[tp.Topic] = i
			req.Topics = append(req.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: tp.Topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, tp.Partition)
	}
	refused := make(refusals)
	_, err := t.request(ctx, "add partitions to a transaction of", req, func(r kmsg.Response) int16 {
		clear(refused)
		worst := int16(0)
		for _, topic := range r.(*kmsg.AddPartitionsToTxnResponse).Topics {
			for _, p := range topic.Partitions {
				switch code := kafka.ErrorCode(p.ErrorCode); code {
				case kafka.NoError, operationNotAttempted:
				case kafka.ErrTopicAuthorizationFailed, kafka.ErrInvalidTopicException:
					tp := kafka.TopicPartition{Topic: topic.Topic, Partition: p.Partition}
					err := &client.AnswerError{Doing: "produce to partition", Name: tp.String(), Code: code}
					refused[tp] = client.Denied(err, kafka.Write, kafka.Topic, topic.Topic)
				default:
					worst = p.ErrorCode
				}
			}
		}
		return worst
	})
	return refused, err
}

// end ends the transaction. The identity is who we are from then on: brokers of
// transaction.version 2 make us another one each time (KIP-890).
func (t *transactional) end(ctx context.Context, who identity, commit bool) (identity, error) {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = t.id, int64(who.id), who.epoch, commit
	resp, err := t.request(ctx, "end a transaction of", req, func(r kmsg.Response) int16 { return r.(*kmsg.EndTxnResponse).ErrorCode })
	if err != nil {
		return nobody, err
	}
	r := resp.(*kmsg.EndTxnResponse)
	if r.Version >= 5 && r.ProducerID >= 0 && r.ProducerEpoch >= 0 {
		return identity{kafka.ProducerID(r.ProducerID), r.ProducerEpoch}, nil
	}
	return who, nil
}

// fence makes a partition refuse whatever earlier writers of the id have sent
// and that may still be on its way, and returns who may write to it now. To
// become the writer is not enough: a late batch outside of transactions is
// taken until a marker of the new epoch stands in the partition, and EndTxn
// answers before it does. Only then, and after the id is free again, is every
// late batch refused (measured on Kafka 3.9.1 and 4.3.1).
func (t *transactional) fence(ctx context.Context, tp kafka.TopicPartition) (identity, error) {
	who, err := t.init(ctx, nobody)
	if err != nil {
		return nobody, err
	}
	refused, err := t.add(ctx, who, []kafka.TopicPartition{tp})
	if err == nil {
		err = refused[tp]
	}
	if err != nil {
		return nobody, fmt.Errorf("fence %s: %w", tp, err)
	}
	if who, err = t.end(ctx, who, false); err != nil {
		return nobody, fmt.Errorf("fence %s: %w", tp, err)
	}
	return t.init(ctx, who)
}
