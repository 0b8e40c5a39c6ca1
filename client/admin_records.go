package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// PartitionOffset is a position in a partition.
type PartitionOffset struct {
	kafka.TopicPartition
	Offset kafka.Offset
}

// DeletedRecords is what became of one partition: where its records now begin.
// Err is what the broker said instead.
type DeletedRecords struct {
	kafka.TopicPartition
	LowWatermark kafka.Offset
	Err          error
}

// DeleteRecords deletes the records before the offsets; kafka.LatestOffset
// stands for the high watermark. The answers are ordered by topic and partition.
func (a *Admin) DeleteRecords(ctx context.Context, before []PartitionOffset) ([]DeletedRecords, error) {
	if len(before) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = adminTimeoutMillis
	byTopic := make(map[string]*kmsg.DeleteRecordsRequestTopic)
	for _, at := range before {
		t := byTopic[at.Topic]
		if t == nil {
			n := kmsg.NewDeleteRecordsRequestTopic()
			n.Topic = at.Topic
			t, byTopic[at.Topic] = &n, &n
		}
		p := kmsg.NewDeleteRecordsRequestTopicPartition()
		p.Partition, p.Offset = at.Partition, int64(at.Offset)
		t.Partitions = append(t.Partitions, p)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, *byTopic[name])
	}
	resp, err := ask[*kmsg.DeleteRecordsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	var out []DeletedRecords
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, DeletedRecords{
				TopicPartition: kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition},
				LowWatermark:   kafka.Offset(p.LowWatermark),
				Err:            deed{"delete records of topic", kafka.Delete, kafka.Topic}.err(p.ErrorCode, nil, t.Topic),
			})
		}
	}
	if len(out) != len(before) {
		return nil, errAnswers("DeleteRecords", len(out), len(before))
	}
	sortPartitions(out, func(d DeletedRecords) kafka.TopicPartition { return d.TopicPartition })
	return out, nil
}
