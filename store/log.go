package store

import (
	"errors"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Errors of a PartitionLog. The broker turns them into error codes.
var (
	// ErrOffsetOutOfRange answers a read before the log start or past the end.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrClosed answers calls to a log that was closed or deleted.
	ErrClosed = errors.New("log is closed")
	// ErrFailed answers every call after a failed write or fsync: what the
	// disk holds is unknown, so the log serves no more until it is recovered.
	ErrFailed = errors.New("log failed on disk")
)

// PartitionLog is the durable sequence of record batches of one partition.
//
// Append and Roll are called by one goroutine at a time (the partition's lock
// holder). Every other method may be called by any goroutine at any time.
type PartitionLog interface {
	// Append stamps offsets and the leader epoch into batches, which holds one
	// or more whole v2 batches that were verified, and writes them behind the
	// log's end. It returns the first offset given. What was appended is
	// neither durable nor visible yet. An error leaves the log as it was, or
	// failed for good (ErrFailed); never half a batch.
	// The caller may reuse batches once Append has returned.
	Append(batches []byte, epoch kafka.Epoch) (kafka.Offset, error)

	// AwaitDurable calls done once, when every offset below end is durable
	// (nil) or never will be (the reason). It may be called before AwaitDurable
	// returns; else it is called by the sync loop and must not block.
	AwaitDurable(end kafka.Offset, done func(error))

	// Read appends to dst whole batches as they are on disk, beginning with
	// the one that holds from, ending before limit and before dst has grown by
	// more than maxBytes. If atLeastOne is set, the first batch comes whole
	// even when it is longer than maxBytes (KIP-74). from may equal End: then
	// nothing is appended.
	Read(dst []byte, from, limit kafka.Offset, maxBytes int, atLeastOne bool) ([]byte, error)

	// Start is the log start offset, End the offset the next record gets,
	// Durable the high watermark: all below it survives a power cut.
	Start() kafka.Offset
	End() kafka.Offset
	Durable() kafka.Offset

	// Size is the number of bytes of all segments.
	Size() int64

	// OffsetForTime finds the first durable record whose timestamp is at least
	// ts (milliseconds); found is false when there is none. MaxTimestamp finds
	// the record with the largest timestamp.
	OffsetForTime(ts int64) (offset kafka.Offset, timestamp int64, found bool, err error)
	MaxTimestamp() (offset kafka.Offset, timestamp int64, found bool, err error)

	// EpochEnd is the first offset after the last record of the largest epoch
	// that is not above epoch (Kafka: LeaderEpochFileCache.endOffsetFor);
	// NoEpoch and NoOffset when it is unknown.
	EpochEnd(epoch kafka.Epoch) (kafka.Epoch, kafka.Offset)
	// EpochAt is the epoch under which offset was written, NoEpoch if unknown.
	EpochAt(offset kafka.Offset) kafka.Epoch

	// Retain deletes whole old segments as the configuration says and returns
	// the new log start and how many bytes went.
	Retain(now time.Time) (kafka.Offset, int64, error)

	// DeleteRecords moves the log start up to before, which is not above
	// Durable, and deletes the segments that end there or earlier. It returns
	// the log start, which is durable and never moves back. An error that is
	// not ErrFailed leaves the log as it was.
	DeleteRecords(before kafka.Offset) (kafka.Offset, error)

	// Rewrite recopies the closed segments, keeping only records that keep
	// says are live; offsets do not change. It is crash-safe: after a power cut
	// either the old or the new segments are there. Control batches stay, and
	// the last batch of what is recopied, perhaps without records. The last
	// batch of a producer need not: its state is in the snapshot of Replica.
	Rewrite(keep func(offset kafka.Offset, key []byte) bool) error

	// Roll closes the active segment and starts the next.
	Roll() error

	// Configure changes the configuration from now on.
	Configure(LogConfig)

	// Close syncs, writes the snapshot and closes. Idempotent.
	Close() error
}

// LogConfig is the configuration of one log. Zero means Kafka's default.
type LogConfig struct {
	SegmentBytes   int64         // roll after so many bytes; 1 GiB
	SegmentAge     time.Duration // roll after this time; 7 days
	RetentionBytes int64         // keep at most so many bytes; negative: no limit
	RetentionAge   time.Duration // keep records so long; negative: for ever
	IndexInterval  int           // bytes between index entries; 4096
	Compacted      bool          // cleanup.policy names compact alone: Retain deletes nothing
}

// Replica is what the owner of a log keeps beside it: the state of its
// producers, which a restart must find again.
type Replica interface {
	// Restore takes the newest snapshot at or before the point recovery starts
	// from; nil when there is none. It may refuse a damaged one: then an older
	// one is tried.
	Restore(snapshot []byte) error
	// Replay takes the header of every batch behind that snapshot, in order.
	Replay(batch.Header) error
	// Snapshot is the state after everything appended so far, in Kafka's
	// producer snapshot format. It is called from Append, Roll and Close; in
	// Append before the batches given to it are appended.
	Snapshot() []byte
}

// Recovery is what opening a log found and did. Zero means a clean start.
type Recovery struct {
	Unclean        bool         // no clean shutdown: the tail was scanned
	TruncatedAt    kafka.Offset // first offset that is gone; meaningful when TruncatedBytes > 0
	TruncatedBytes int64        // bytes cut from the torn tail
	Reason         string       // why they were cut
}

// DamageError reports a log that is damaged before its tail. Its files have
// been left as they are or renamed by suffix, and the partition stays offline.
type DamageError struct {
	Partition kafka.TopicPartition
	File      string
	Position  int64
	Reason    string
}

func (e *DamageError) Error() string {
	return "log " + e.Partition.String() + " is damaged in " + e.File + ": " + e.Reason
}

// Logs opens and removes partition logs.
type Logs interface {
	// Open opens the log of tp, recovering it, or creates it when it is absent
	// and create is set. A log damaged before its tail gives a *DamageError.
	Open(tp kafka.TopicPartition, id kafka.TopicID, cfg LogConfig, replica Replica, create bool) (PartitionLog, Recovery, error)
	// Delete closes and removes logs and all their files, durably. After an
	// error some of them may be there still.
	Delete(tps ...kafka.TopicPartition) error
	// Directories are the places where the logs are, in the order in which they
	// were configured.
	Directories() []Directory
	// Close closes every open log cleanly and releases the directories.
	Close() error
}

// Directory is one place where logs are.
type Directory struct {
	Path          string
	Total, Usable int64                          // bytes of its file system; -1 when unknown
	Err           error                          // why it cannot be used
	Sizes         map[kafka.TopicPartition]int64 // bytes of each open log
}
