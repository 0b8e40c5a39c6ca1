package client

import (
	"context"

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
