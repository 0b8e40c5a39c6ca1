package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// NewPartitions are partitions to add to a topic. Count is how many it is to
// have then; Assignment, where given, has the replicas of each new one.
type NewPartitions struct {
	Topic        string
	Count        int32
	Assignment   [][]kafka.NodeID
	ValidateOnly bool
}

// CreatePartitions adds partitions to one topic.
func (a *Admin) CreatePartitions(ctx context.Context, p NewPartitions) error {
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = p.Topic, p.Count
	if p.Assignment != nil {
		topic.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{} // an empty one is for the broker to judge
	}
	for _, replicas := range p.Assignment {
		one := kmsg.NewCreatePartitionsRequestTopicAssignment()
		for _, id := range replicas {
			one.Replicas = append(one.Replicas, int32(id))
		}
		topic.Assignment = append(topic.Assignment, one)
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = append(req.Topics, topic)
	req.TimeoutMillis = adminTimeoutMillis
	req.ValidateOnly = p.ValidateOnly
	resp, err := ask[*kmsg.CreatePartitionsResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errAnswers("CreatePartitions", len(resp.Topics), 1)
	}
	r := resp.Topics[0]
	return deed{"create partitions of topic", kafka.Alter, kafka.Topic}.err(r.ErrorCode, r.ErrorMessage, p.Topic)
}

// DescribeTopics describes the named topics with the eligible leaders of their
// partitions, which brokers before 3.8 do not tell. No answer has more
// partitions than perAnswer. Topics are ordered by name.
func (a *Admin) DescribeTopics(ctx context.Context, perAnswer int32, names ...string) ([]TopicInfo, error) {
	if len(names) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = perAnswer
	for _, name := range names {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
	}
	sortBy(req.Topics, func(t kmsg.DescribeTopicPartitionsRequestTopic) string { return t.Topic })
	var topics []TopicInfo
	for {
		resp, err := ask[*kmsg.DescribeTopicPartitionsResponse](ctx, a.to, req)
		if old := (*VersionError)(nil); errors.As(err, &old) {
			return a.Topics(ctx, names...)
		}
		if err != nil {
			return nil, err
		}
		for i := range resp.Topics {
			info := describedTopic(&resp.Topics[i])
			if last := len(topics) - 1; last >= 0 && topics[last].Name == info.Name { // cut in two by the limit
				topics[last].Partitions = append(topics[last].Partitions, info.Partitions...)
				continue
			}
			topics = append(topics, info)
		}
		if resp.NextCursor == nil {
			return topics, nil
		}
		next := kmsg.NewDescribeTopicPartitionsRequestCursor()
		next.Topic, next.Partition = resp.NextCursor.Topic, resp.NextCursor.Partition
		if at := req.Cursor; at != nil && at.Topic == next.Topic && at.Partition == next.Partition {
			return nil, fmt.Errorf("describe topic %q: the broker repeats its answer", next.Topic)
		}
		req.Cursor = &next
		for len(req.Topics) > 0 && req.Topics[0].Topic < next.Topic {
			req.Topics = req.Topics[1:]
		}
	}
}

func describedTopic(t *kmsg.DescribeTopicPartitionsResponseTopic) TopicInfo {
	info := TopicInfo{ID: t.TopicID, Internal: t.IsInternal}
	if t.Topic != nil {
		info.Name = *t.Topic
	}
	info.Err = deed{"describe topic", kafka.Describe, kafka.Topic}.err(t.ErrorCode, nil, info.Name)
	for _, p := range t.Partitions {
		info.Partitions = append(info.Partitions, Partition{
			Index:    p.Partition,
			Leader:   kafka.NodeID(p.LeaderID),
			Epoch:    kafka.Epoch(p.LeaderEpoch),
			Replicas: nodeIDs(p.Replicas),
			ISR:      nodeIDs(p.ISR),
			Offline:  nodeIDs(p.OfflineReplicas),
			Elr:      nodeIDs(p.EligibleLeaderReplicas),
			LastElr:  nodeIDs(p.LastKnownELR),
		})
	}
	sortBy(info.Partitions, func(p Partition) int32 { return p.Index })
	return info
}
