package group

import (
	"time"

	"schloss/kafka"
)

// CommitRequest is an OffsetCommit request. A simple consumer has generation
// -1 and no member id.
type CommitRequest struct {
	Group      string
	MemberID   string
	InstanceID string
	Generation int32
	Retention  time.Duration // versions 2 to 4; negative: the broker's own
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
	return Effects{}
}

// CommittedOffsets is the committed position of a group in each of these
// partitions, in their order: offset -1, epoch -1 and no metadata where there
// is none. Only durable commits show.
func (c *Coordinator) CommittedOffsets(group string, partitions []kafka.TopicPartition) []PartitionOffset {
	return nil
}

// AllCommittedOffsets is every committed position of a group, sorted.
func (c *Coordinator) AllCommittedOffsets(group string) []PartitionOffset { return nil }
