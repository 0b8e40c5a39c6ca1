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

var deleteRecords = deed{"delete records of topic", kafka.Delete, kafka.Topic}

// DeleteRecords deletes the records before the offsets; kafka.LatestOffset
// stands for the high watermark. The answers are ordered by topic and partition.
func (a *Admin) DeleteRecords(ctx context.Context, before []PartitionOffset) ([]DeletedRecords, error) {
	before, out, err := a.withLeaders(ctx, before)
	if err != nil || len(before) == 0 {
		return out, err
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
	missing := len(out)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, DeletedRecords{
				TopicPartition: kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition},
				LowWatermark:   kafka.Offset(p.LowWatermark),
				Err:            deleteRecords.err(p.ErrorCode, nil, t.Topic),
			})
		}
	}
	if got := len(out) - missing; got != len(before) {
		return nil, errAnswers("DeleteRecords", got, len(before))
	}
	sortPartitions(out, func(d DeletedRecords) kafka.TopicPartition { return d.TopicPartition })
	return out, nil
}

// withLeaders takes out the partitions that nobody leads, each with its answer:
// one of them must not hide what becomes of the others.
func (a *Admin) withLeaders(ctx context.Context, before []PartitionOffset) (led []PartitionOffset, missing []DeletedRecords, err error) {
	byName := map[string]bool{}
	for _, at := range before {
		byName[at.Topic] = true
	}
	if len(byName) == 0 {
		return nil, nil, nil
	}
	topics, err := a.Topics(ctx, sortedKeys(byName)...)
	if err != nil {
		return nil, nil, err
	}
	leads := map[kafka.TopicPartition]bool{}
	refused := map[string]error{}
	for _, t := range topics {
		refused[t.Name] = t.Err
		for _, p := range t.Partitions {
			leads[kafka.TopicPartition{Topic: t.Name, Partition: p.Index}] = p.Leader >= 0
		}
	}
	for _, at := range before {
		leader, there := leads[at.TopicPartition]
		switch {
		case leader:
			led = append(led, at)
		case refused[at.Topic] != nil:
			missing = append(missing, DeletedRecords{at.TopicPartition, kafka.NoOffset, refused[at.Topic]})
		case there:
			missing = append(missing, DeletedRecords{at.TopicPartition, kafka.NoOffset, deleteRecords.err(int16(kafka.ErrLeaderNotAvailable), nil, at.Topic)})
		default:
			missing = append(missing, DeletedRecords{at.TopicPartition, kafka.NoOffset, deleteRecords.err(int16(kafka.ErrUnknownTopicOrPartition), nil, at.Topic)})
		}
	}
	return led, missing, nil
}
