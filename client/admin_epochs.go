package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// PartitionEpoch is a leader epoch of a partition, and the epoch that whoever
// asks believes to be the current one (-1: no belief, nothing is compared).
type PartitionEpoch struct {
	kafka.TopicPartition
	Epoch, Current kafka.Epoch
}

// EpochEnd is where the records of an epoch, or of the last one before it, end.
// Both are -1 where the broker knows of none.
type EpochEnd struct {
	kafka.TopicPartition
	Epoch kafka.Epoch
	End   kafka.Offset
	Err   error
}

// EpochEnds asks the leaders where epochs end (KIP-320): what lies behind was
// truncated. The answers are ordered by topic and partition.
func (a *Admin) EpochEnds(ctx context.Context, epochs []PartitionEpoch) ([]EpochEnd, error) {
	if len(epochs) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	byTopic := make(map[string]*kmsg.OffsetForLeaderEpochRequestTopic)
	for _, e := range epochs {
		t := byTopic[e.Topic]
		if t == nil {
			n := kmsg.NewOffsetForLeaderEpochRequestTopic()
			n.Topic = e.Topic
			t, byTopic[e.Topic] = &n, &n
		}
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.Partition, p.LeaderEpoch, p.CurrentLeaderEpoch = e.Partition, int32(e.Epoch), int32(e.Current)
		t.Partitions = append(t.Partitions, p)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, *byTopic[name])
	}
	resp, err := ask[*kmsg.OffsetForLeaderEpochResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	var out []EpochEnd
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, EpochEnd{
				TopicPartition: kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition},
				Epoch:          kafka.Epoch(p.LeaderEpoch), End: kafka.Offset(p.EndOffset),
				Err: deed{"find the end of an epoch of topic", kafka.Describe, kafka.Topic}.err(p.ErrorCode, nil, t.Topic),
			})
		}
	}
	if len(out) != len(epochs) {
		return nil, errAnswers("OffsetForLeaderEpoch", len(out), len(epochs))
	}
	sortPartitions(out, func(e EpochEnd) kafka.TopicPartition { return e.TopicPartition })
	return out, nil
}
