package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// CreatePartitions gives topics more partitions.
//
// Behavior: ALTER on each topic, before it is looked up. A topic named twice is
// refused. The one broker there is holds every replica. validateOnly does
// everything but the deed. New partitions are there at once.
//
// Differs from Kafka: the partitions of __consumer_offsets stay as many as they
// are, since a group's partition follows from their number.
func createPartitions(b *Broker, c *call, req *kmsg.CreatePartitionsRequest) kmsg.Response {
	resp := kmsg.NewPtrCreatePartitionsResponse()
	name := func(t *kmsg.CreatePartitionsRequestTopic) string { return t.Topic }
	twice := repeated(req.Topics, name)
	for _, in := range distinct(req.Topics, name) {
		out := kmsg.NewCreatePartitionsResponseTopic()
		out.Topic = in.Topic
		var err error
		switch {
		case !c.allowed(kafka.Alter, kafka.Topic, in.Topic):
			err = kafka.ErrTopicAuthorizationFailed
		case twice[in.Topic]:
			err = &faultError{kafka.ErrInvalidRequest, "the request names this topic more than once"}
		default:
			err = b.createPartitionsOf(c, &in, req.ValidateOnly)
		}
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (b *Broker) createPartitionsOf(c *call, in *kmsg.CreatePartitionsRequestTopic, dry bool) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	t, ok := b.meta.Image().Topics[in.Topic]
	switch {
	case !ok:
		return kafka.ErrUnknownTopicOrPartition
	case kafka.Internal(in.Topic):
		return &faultError{kafka.ErrInvalidTopicException, "the topic holds the broker's own state"}
	case in.Count == t.Partitions:
		return &faultError{kafka.ErrInvalidPartitions, fmt.Sprintf("Topic already has %d partition(s).", t.Partitions)}
	case in.Count < t.Partitions:
		return &faultError{kafka.ErrInvalidPartitions, fmt.Sprintf("The topic %s currently has %d partition(s); %d would not be an increase.", in.Topic, t.Partitions, in.Count)}
	case in.Count-t.Partitions > maxNewPartitions:
		return &faultError{kafka.ErrPolicyViolation, fmt.Sprintf("%d more partitions are too many at once, %d are allowed", in.Count-t.Partitions, maxNewPartitions)}
	}
	if err := b.checkAssignment(in, int(in.Count-t.Partitions)); err != nil || dry {
		return err
	}
	if b.topics.named(in.Topic) == nil {
		return &faultError{kafka.ErrKafkaStorageError, "the logs of the topic could not be made, nor could it be taken back: delete it, or start the broker again"}
	}
	if err := b.growTopic(t, in.Count); err != nil {
		b.log.Error("create partitions", "topic", in.Topic, "error", err)
		return err
	}
	b.log.Info("partitions created", "topic", in.Topic, "from", t.Partitions, "to", in.Count, "by", c.peer.Name)
	return nil
}

// checkAssignment checks where the caller wants the replicas of n partitions, if
// it says so.
func (b *Broker) checkAssignment(in *kmsg.CreatePartitionsRequestTopic, n int) error {
	if in.Assignment == nil {
		return nil
	}
	if len(in.Assignment) != n {
		return &faultError{kafka.ErrInvalidReplicaAssignment, fmt.Sprintf("%d assignments are given for %d partitions", len(in.Assignment), n)}
	}
	for _, a := range in.Assignment {
		if err := b.checkReplicas(a.Replicas); err != nil {
			return err
		}
	}
	return nil
}
