package mirror

import (
	"fmt"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// HaltReason is why a partition does not go on.
type HaltReason string

// The reasons.
const (
	UnfitRecord     HaltReason = "unfit-record"        // no batch could bring it into the target
	CorruptSource   HaltReason = "corrupt-source"      // what the source answered is no record batch, or a damaged one
	TopicRecreated  HaltReason = "topic-recreated"     // another topic has taken the name
	SourceTruncated HaltReason = "source-truncated"    // the source has lost records that were read from it
	OffsetGone      HaltReason = "offset-out-of-range" // the source has deleted the records there before they were copied
	NoPosition      HaltReason = "no-position"         // auto.offset.reset=none
	SourceRefused   HaltReason = "source-refused"
	TargetRefused   HaltReason = "target-refused"
	TopicNotShown   HaltReason = "topic-not-shown" // the target does not describe it
	TopicNotCreated HaltReason = "topic-not-created"
	TargetChanged   HaltReason = "target-changed"   // it has lost records, or is another topic of the same name
	NotQuarantined  HaltReason = "not-quarantined"  // what the target does not take could not be kept elsewhere
	FewerPartitions HaltReason = "fewer-partitions" // the target's topic lacks this partition
)

// Halt is the end of one partition's copying; the others go on. Nothing is
// lost by it: the position stays where it is.
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

// Limits are what a target's topic says about the batches it takes.
type Limits struct {
	MaxMessageBytes int  // 0: not known
	LogAppendTime   bool // it gives records its own time
	Compacted       bool // it takes no record without a key
}

// batch is the size of the largest batch, Kafka's default where it is not known.
func (l Limits) batch() int {
	if l.MaxMessageBytes > 0 {
		return l.MaxMessageBytes
	}
	return 1<<20 + 12
}

// verdict is what becomes of a batch.
type verdict int8

const (
	pass   verdict = iota
	skip           // it holds nothing that a consumer would see
	unpack         // its records pass, but not in this batch
	halt
)

// judge decides from the header alone whether a batch may pass as bytes, by
// what Kafka's LogValidator would say to it and by what a consumer of the
// target would then see. A compacted target may refuse records without keys;
// that is seen only by opening the batch, so it is left to the target to say.
func judge(h batch.Header, l Limits) (verdict, HaltReason, error) {
	switch {
	case h.Attributes.Control() || h.Count == 0:
		// Markers of transactions cannot be produced. An empty batch is what
		// compaction leaves to keep a producer's state.
		return skip, "", nil
	case h.Count < 0 || h.LastOffsetDelta < 0:
		return halt, CorruptSource, fmt.Errorf("it says it holds %d records, the last at %d", h.Count, h.LastOffsetDelta)
	case h.LastOffsetDelta != h.Count-1: // holes of compaction, which Kafka would refuse
		return unpack, "", nil
	case h.Attributes.LogAppendTime() && !l.LogAppendTime: // the target would show other timestamps
		return unpack, "", nil
	case l.MaxMessageBytes > 0 && h.Size > l.MaxMessageBytes:
		return unpack, "", nil
	}
	return pass, "", nil
}
