package client

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// Committed is the offset that a group has committed for a partition. Err is
// what the broker said instead.
type Committed struct {
	kafka.TopicPartition
	Offset   kafka.Offset
	Epoch    kafka.Epoch
	Metadata string
	Err      error
}

// CommittedOffsets lists all offsets that the group has committed, ordered by
// topic and partition. A group that does not exist has committed none.
func (a *Admin) CommittedOffsets(ctx context.Context, group string) ([]Committed, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group // up to version 7; Topics nil: all
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = group
	req.Groups = append(req.Groups, one)
	resp, err := askGroups[*kmsg.OffsetFetchResponse](ctx, a.to, req, group)
	if err != nil {
		return nil, err
	}
	d := deed{"fetch the offsets of group", kafka.Describe, kafka.Group}
	if err := d.err(resp.ErrorCode, nil, group); err != nil && !errors.Is(err, kafka.ErrGroupIDNotFound) {
		return nil, err
	}
	var out []Committed
	add := func(topic string, partition int32, offset int64, epoch int32, metadata *string, code int16) {
		c := Committed{TopicPartition: kafka.TopicPartition{Topic: topic, Partition: partition}, Offset: kafka.Offset(offset), Epoch: kafka.Epoch(epoch)}
		if metadata != nil {
			c.Metadata = *metadata
		}
		c.Err = deed{"fetch the committed offset of topic", kafka.Describe, kafka.Topic}.err(code, nil, topic)
		if c.Offset >= 0 || c.Err != nil {
			out = append(out, c)
		}
	}
	if resp.Version < 8 {
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				add(t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
	}
	for _, g := range resp.Groups {
		if err := d.err(g.ErrorCode, nil, g.Group); err != nil && !errors.Is(err, kafka.ErrGroupIDNotFound) {
			return nil, err
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				add(t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
	}
	sortPartitions(out, func(c Committed) kafka.TopicPartition { return c.TopicPartition })
	return out, nil
}

// PartitionResult is what became of a deed on one partition: Err is nil where
// it is done.
type PartitionResult struct {
	kafka.TopicPartition
	Err error
}

// CommitGroupOffsets sets offsets of a group that has no members; its results
// are ordered by topic and partition. Err of what is given does not count.
func (a *Admin) CommitGroupOffsets(ctx context.Context, group string, offsets []Committed) ([]PartitionResult, error) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	byTopic := make(map[string]*kmsg.OffsetCommitRequestTopic)
	for _, o := range offsets {
		t := byTopic[o.Topic]
		if t == nil {
			n := kmsg.NewOffsetCommitRequestTopic()
			n.Topic = o.Topic
			t, byTopic[o.Topic] = &n, &n
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = o.Partition, int64(o.Offset), int32(o.Epoch), kmsg.StringPtr(o.Metadata)
		t.Partitions = append(t.Partitions, p)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, *byTopic[name])
	}
	resp, err := askGroups[*kmsg.OffsetCommitResponse](ctx, a.to, req, group)
	if err != nil {
		return nil, err
	}
	var out []PartitionResult
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, PartitionResult{kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition}, groupPartitionErr("commit the offset", group, t.Topic, p.ErrorCode)})
		}
	}
	if len(out) != len(offsets) {
		return nil, errAnswers("OffsetCommit", len(out), len(offsets))
	}
	sortPartitions(out, func(r PartitionResult) kafka.TopicPartition { return r.TopicPartition })
	return out, nil
}

// DeleteGroupOffsets deletes the offsets that the group has committed for the
// partitions; none of its members may be subscribed to their topics. The
// results are ordered by topic and partition. An error that holds for the
// group is the second result.
func (a *Admin) DeleteGroupOffsets(ctx context.Context, group string, partitions []kafka.TopicPartition) ([]PartitionResult, error) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	byTopic := make(map[string]*kmsg.OffsetDeleteRequestTopic)
	for _, tp := range partitions {
		t := byTopic[tp.Topic]
		if t == nil {
			n := kmsg.NewOffsetDeleteRequestTopic()
			n.Topic = tp.Topic
			t, byTopic[tp.Topic] = &n, &n
		}
		p := kmsg.NewOffsetDeleteRequestTopicPartition()
		p.Partition = tp.Partition
		t.Partitions = append(t.Partitions, p)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, *byTopic[name])
	}
	resp, err := askGroups[*kmsg.OffsetDeleteResponse](ctx, a.to, req, group)
	if err != nil {
		return nil, err
	}
	if err := (deed{"delete offsets of group", kafka.Delete, kafka.Group}).err(resp.ErrorCode, nil, group); err != nil {
		return nil, err
	}
	var out []PartitionResult
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, PartitionResult{kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition}, groupPartitionErr("delete the offset", group, t.Topic, p.ErrorCode)})
		}
	}
	sortPartitions(out, func(r PartitionResult) kafka.TopicPartition { return r.TopicPartition })
	return out, nil
}

// groupPartitionErr names what is at fault: the group, or the topic.
func groupPartitionErr(doing, group, topic string, code int16) error {
	d, name := deed{doing + " of topic", kafka.Read, kafka.Topic}, topic
	switch kafka.ErrorCode(code) {
	case kafka.ErrGroupAuthorizationFailed, kafka.ErrInvalidGroupID, kafka.ErrUnknownMemberID, kafka.ErrIllegalGeneration, kafka.ErrGroupIDNotFound:
		d, name = deed{doing + " of group", kafka.Read, kafka.Group}, group
	}
	return d.err(code, nil, name)
}
