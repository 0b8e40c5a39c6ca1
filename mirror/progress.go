package mirror

import (
	"time"

	"schloss/kafka"
)

// Progress is the state of a mirror at one moment.
type Progress struct {
	At         time.Time
	Since      time.Time // start of the mirror
	Records    int64     // acknowledged by the target since the start
	Bytes      int64
	Dropped    int64 // records that the target refused, without AbortOnSendFailure
	RecordRate float64
	ByteRate   float64 // per second, since the snapshot before
	Lag        int64   // records, sum over the partitions that are known
	Partitions []PartitionProgress
}

// Running and Halted count the partitions.
func (p Progress) Running() (n int) { return len(p.Partitions) - p.Halted() }

// Halted counts the partitions that do not go on.
func (p Progress) Halted() (n int) {
	for _, pp := range p.Partitions {
		if pp.Halt != nil {
			n++
		}
	}
	return n
}

// PartitionProgress is the state of one partition that this mirror copies.
type PartitionProgress struct {
	kafka.TopicPartition
	Position  kafka.Offset // next source offset to copy; all before it is acknowledged
	Committed kafka.Offset // -1: nothing yet
	Lag       int64        // records behind the source's high watermark; -1: not known yet
	Halt      *Halt        // nil: it runs
}
