package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// OffsetDelete forgets the position of a group in some partitions (KIP-496).
//
// Behavior: DELETE on the group, then READ on each topic, before it is looked
// up. A group of consumers keeps the positions of topics that its members
// read; any other group must have no members. The answer waits until the
// positions are durably gone.
func offsetDelete(b *Broker, c *call, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	if !c.allowed(kafka.Delete, kafka.Group, req.Group) {
		resp.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
		return resp
	}
	var codes []*int16 // where the answer to each of partitions goes
	var partitions []kafka.TopicPartition
	resp.Topics = make([]kmsg.OffsetDeleteResponseTopic, len(req.Topics))
	for i, in := range req.Topics {
		out := &resp.Topics[i]
		out.Topic = in.Topic
		out.Partitions = make([]kmsg.OffsetDeleteResponseTopicPartition, len(in.Partitions))
		readable := c.allowed(kafka.Read, kafka.Topic, in.Topic)
		t := b.topics.named(in.Topic)
		for j, p := range in.Partitions {
			part := &out.Partitions[j]
			part.Partition = p.Partition
			switch {
			case !readable:
				part.ErrorCode = int16(kafka.ErrTopicAuthorizationFailed)
			case t.replica(p.Partition) == nil:
				part.ErrorCode = int16(kafka.ErrUnknownTopicOrPartition)
			default:
				codes = append(codes, &part.ErrorCode)
				partitions = append(partitions, kafka.TopicPartition{Topic: in.Topic, Partition: p.Partition})
			}
		}
	}
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		return coord.DeleteOffsets(now, req.Group, partitions, func(r group.DeleteOffsetsResponse) {
			if r.Error != kafka.NoError {
				resp.ErrorCode, resp.Topics = int16(r.Error), nil // as in Kafka: the whole, or each
			}
			for i, code := range r.Partitions {
				*codes[i] = int16(code)
			}
			c.respond(resp)
		})
	})
	if err == nil {
		return nil
	}
	resp.ErrorCode, resp.Topics = int16(codeOf(err)), nil
	return resp
}
