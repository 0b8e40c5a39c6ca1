package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/store"
)

// DescribeTopicPartitions describes topics page by page (KIP-966).
//
// Behavior: a named topic that the caller may not describe gets
// TOPIC_AUTHORIZATION_FAILED whether it exists or not, behind the others; among
// all topics, which an empty list means, it is left out. Topics come by name.
// An answer has at most as many partitions as the request allows and
// max.request.partition.size.limit; the cursor says where to go on.
func describeTopicPartitions(b *Broker, c *call, req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeTopicPartitionsResponse()
	names, start, err := topicsFrom(c.image, req)
	if err != nil {
		// The response has no code of its own: Kafka, too, puts it on each topic.
		for _, t := range req.Topics {
			resp.Topics = append(resp.Topics, describedTopic(t.Topic, err))
		}
		return resp
	}
	left := max(min(int(req.ResponsePartitionLimit), b.values.Load().Int("max.request.partition.size.limit")), 1)
	var denied []kmsg.DescribeTopicPartitionsResponseTopic
	for _, name := range names {
		switch all := len(req.Topics) == 0; {
		case all && !c.sees(kafka.Describe, kafka.Topic, name):
			continue
		case !all && !c.allowed(kafka.Describe, kafka.Topic, name):
			denied = append(denied, describedTopic(name, kafka.ErrTopicAuthorizationFailed))
			continue
		}
		if left == 0 {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: name}
			break
		}
		out := b.describeTopic(c, name, start[name], left)
		resp.Topics = append(resp.Topics, out)
		left -= len(out.Partitions)
		next := start[name] + int32(len(out.Partitions))
		if t := c.image.Topics[name]; t != nil && next < t.Partitions {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: name, Partition: next}
			break
		}
	}
	resp.Topics = append(resp.Topics, denied...)
	return resp
}

// topicsFrom are the topics of a request from its cursor on, by name, and with
// which partition the one at the cursor begins.
func topicsFrom(image *store.Image, req *kmsg.DescribeTopicPartitionsRequest) (names []string, start map[string]int32, err error) {
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	if len(req.Topics) == 0 {
		for name := range image.Topics {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if req.Cursor == nil {
		return names, nil, nil
	}
	at, found := slices.BinarySearch(names, req.Cursor.Topic)
	if req.Cursor.Partition < 0 || !found && len(req.Topics) > 0 {
		return nil, nil, kafka.ErrInvalidRequest
	}
	return names[at:], map[string]int32{req.Cursor.Topic: req.Cursor.Partition}, nil
}

func describedTopic(name string, err error) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.ErrorCode = &name, int16(codeOf(err))
	return out
}

// describeTopic describes at most so many partitions of a topic, from one on.
func (b *Broker) describeTopic(c *call, name string, from int32, most int) kmsg.DescribeTopicPartitionsResponseTopic {
	t, ok := c.image.Topics[name]
	if !ok {
		out := describedTopic(name, kafka.ErrUnknownTopicOrPartition)
		if kafka.CheckTopicName(name) != nil {
			out.ErrorCode = int16(kafka.ErrInvalidTopicException)
		}
		out.IsInternal, out.AuthorizedOperations = kafka.Internal(name), c.operations(kafka.Topic, name)
		return out
	}
	out := describedTopic(name, nil)
	out.TopicID, out.IsInternal, out.AuthorizedOperations = t.ID, kafka.Internal(name), c.operations(kafka.Topic, name)
	for i := from; i < t.Partitions && len(out.Partitions) < most; i++ {
		p := b.partitionOf(t, i)
		out.Partitions = append(out.Partitions, kmsg.DescribeTopicPartitionsResponseTopicPartition{
			ErrorCode: p.ErrorCode, Partition: i, LeaderID: p.Leader, LeaderEpoch: p.LeaderEpoch,
			Replicas: p.Replicas, ISR: p.ISR, OfflineReplicas: p.OfflineReplicas,
			EligibleLeaderReplicas: []int32{}, LastKnownELR: []int32{},
		})
	}
	return out
}
