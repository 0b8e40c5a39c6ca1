package group

import (
	"cmp"
	"maps"
	"slices"
	"time"
	"unicode/utf16"

	"schloss/kafka"
)

// CommitRequest is an OffsetCommit request. A simple consumer has generation
// -1 and no member id.
type CommitRequest struct {
	Group      string
	MemberID   string
	InstanceID string
	Generation int32
	Retention  time.Duration // versions 2 to 4; the broker's own unless positive
	Offsets    []PartitionOffset
}

// PartitionOffset is the position of a group in one partition.
type PartitionOffset struct {
	Partition   kafka.TopicPartition
	Offset      kafka.Offset
	LeaderEpoch kafka.Epoch // NoEpoch when unknown
	Metadata    string
}

// CommitResponse holds one code for each of the request's Offsets.
type CommitResponse struct {
	Errors []kafka.ErrorCode
}

// Commit stores offsets; the reply comes once they are durable.
func (c *Coordinator) Commit(now time.Time, r CommitRequest, reply func(CommitResponse)) Effects {
	c.begin(now)
	answer := CommitResponse{Errors: make([]kafka.ErrorCode, len(r.Offsets))}
	g, code := c.checkCommit(r)
	if code != kafka.NoError {
		for i := range answer.Errors {
			answer.Errors[i] = code
		}
		c.reply(func() { reply(answer) })
		return c.end()
	}
	c.store(g, r, answer, reply)
	c.settle(g)
	return c.end()
}

// checkCommit finds the group that may take the commit; a consumer outside of
// any group protocol makes the group by committing to it.
func (c *Coordinator) checkCommit(r CommitRequest) (*group, kafka.ErrorCode) {
	if code := c.check(r.Group); code != kafka.NoError {
		return nil, code
	}
	g := c.groups[r.Group]
	switch {
	case g == nil && r.Generation >= 0:
		return nil, kafka.ErrIllegalGeneration
	case g == nil:
		return c.add(r.Group), kafka.NoError
	case g.state == Dead:
		return nil, kafka.ErrCoordinatorNotAvailable
	case r.Generation < 0 && g.state == Empty:
		return g, kafka.NoError
	case r.Generation < 0 && r.MemberID == "" && r.InstanceID == "":
		return nil, kafka.ErrUnknownMemberID
	}
	m, code := g.find(r.MemberID, r.InstanceID)
	switch {
	case code != kafka.NoError:
		return nil, code
	case r.Generation != g.generation:
		return nil, kafka.ErrIllegalGeneration
	}
	m.heard(c.now)
	if g.state == CompletingRebalance {
		c.settle(g)
		return nil, kafka.ErrRebalanceInProgress
	}
	return g, kafka.NoError
}

// store writes the offsets that can be written; answer has the others' errors.
func (c *Coordinator) store(g *group, r CommitRequest, answer CommitResponse, reply func(CommitResponse)) {
	expire := noTime
	if r.Retention > 0 {
		expire = c.now.Add(r.Retention).UnixMilli()
	}
	var records []Record
	var stored []int // indexes of those in records
	values := make([]offsetValue, len(r.Offsets))
	for i, o := range r.Offsets {
		if len(o.Metadata) > maxString || javaLength(o.Metadata) > c.cfg.MetadataMaxBytes {
			answer.Errors[i] = kafka.ErrOffsetMetadataTooLarge
			continue
		}
		if kafka.CheckTopicName(o.Partition.Topic) != nil {
			answer.Errors[i] = kafka.ErrUnknownTopicOrPartition
			continue
		}
		values[i] = offsetValue{offset: o.Offset, epoch: o.LeaderEpoch, metadata: o.Metadata, commit: c.now.UnixMilli(), expire: expire}
		records = append(records, Record{Key: encodeOffsetKey(g.id, o.Partition), Value: values[i].encode()})
		stored = append(stored, i)
	}
	if len(records) == 0 {
		c.reply(func() { reply(answer) })
		return
	}
	for _, i := range stored {
		g.committing[r.Offsets[i].Partition]++
	}
	c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
		for n, i := range stored {
			tp := r.Offsets[i].Partition
			if g.committing[tp]--; g.committing[tp] == 0 {
				delete(g.committing, tp)
			}
			if code == kafka.NoError {
				g.offsets[tp] = committed{offsetValue: values[i], record: base + kafka.Offset(n)}
			}
			answer.Errors[i] = answerFor(code, kafka.ErrInvalidCommitOffsetSize)
		}
		c.reply(func() { reply(answer) })
	})
}

// javaLength is String.length of Java, by which Kafka measures metadata:
// UTF-16 units.
func javaLength(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r)) // -1 where s is not UTF-8
	}
	return n
}

// CommittedOffsets is the committed position of a group in each of these
// partitions, in their order: offset -1, epoch -1 and no metadata where there
// is none. Only durable commits show.
func (c *Coordinator) CommittedOffsets(group string, partitions []kafka.TopicPartition) []PartitionOffset {
	out := make([]PartitionOffset, len(partitions))
	for i, tp := range partitions {
		out[i] = PartitionOffset{Partition: tp, Offset: kafka.NoOffset, LeaderEpoch: kafka.NoEpoch}
		if g := c.groups[group]; g != nil {
			if o, ok := g.offsets[tp]; ok {
				out[i] = o.position(tp)
			}
		}
	}
	return out
}

// AllCommittedOffsets is every committed position of a group, sorted.
func (c *Coordinator) AllCommittedOffsets(group string) []PartitionOffset {
	g := c.groups[group]
	if g == nil {
		return nil
	}
	out := make([]PartitionOffset, 0, len(g.offsets))
	for _, tp := range sortedPartitions(g.offsets) {
		out = append(out, g.offsets[tp].position(tp))
	}
	return out
}

func (o committed) position(tp kafka.TopicPartition) PartitionOffset {
	return PartitionOffset{Partition: tp, Offset: o.offset, LeaderEpoch: o.epoch, Metadata: o.metadata}
}

func sortedPartitions[V any](m map[kafka.TopicPartition]V) []kafka.TopicPartition {
	return slices.SortedFunc(maps.Keys(m), func(a, b kafka.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
