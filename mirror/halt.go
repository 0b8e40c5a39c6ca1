package mirror

import (
	"fmt"

	"schloss/kafka"
)

// HaltReason is why a partition does not go on.
type HaltReason string

// The reasons. Those up to LogAppendTime are batches that may not pass as they
// are (research: only a decoded and rebuilt copy would be right).
const (
	OldFormat       HaltReason = "old-format"      // magic 0 or 1
	CompactedBatch  HaltReason = "compacted-batch" // offsets are missing inside the batch
	LogAppendTime   HaltReason = "log-append-time" // the target would show other timestamps
	BatchTooLarge   HaltReason = "batch-too-large" // above the target's max.message.bytes
	ZstdNotTaken    HaltReason = "zstd-not-taken"  // the target is older than zstd
	CorruptSource   HaltReason = "corrupt-source"  // not a record batch at all
	OffsetOutOfRng  HaltReason = "offset-out-of-range"
	NoPosition      HaltReason = "no-position" // auto.offset.reset=none
	SourceRefused   HaltReason = "source-refused"
	TargetRefused   HaltReason = "target-refused"
	TopicNotCreated HaltReason = "topic-not-created"
	FewerPartitions HaltReason = "fewer-partitions" // the target's topic lacks this partition
)

// Halt is the end of one partition's copying; the others go on.
type Halt struct {
	Reason HaltReason
	Offset kafka.Offset // of the source, where it stands
	Err    error        // more detail, or nil
}

func (h *Halt) Error() string {
	if h.Err == nil {
		return fmt.Sprintf("halted at offset %d: %s", h.Offset, h.Reason)
	}
	return fmt.Sprintf("halted at offset %d: %s: %v", h.Offset, h.Reason, h.Err)
}

func (h *Halt) Unwrap() error { return h.Err }
