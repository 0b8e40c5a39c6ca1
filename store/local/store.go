package local

import (
	"errors"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
)

// Options are the settings of a store. The zero value works.
type Options struct {
	// FlushBeforeAck makes the high watermark the durable end. Without it an
	// append is visible and acknowledged at once, from the page cache, as
	// Kafka does it. The metadata is always flushed.
	FlushBeforeAck bool
	// NodeID is who leads all partitions.
	NodeID kafka.NodeID
	// MaxOpenFiles bounds the files that are kept open for later; more are
	// open while they hold unsynced data or are being read. 0 means 1024.
	MaxOpenFiles int
}

// Store keeps partition logs and metadata in directories, which it holds
// locked. It implements store.Leaders.
type Store struct{}

// Open locks the directories, which exist, and opens the metadata in the first
// one. A directory that another process holds gives a *disk.LockedError.
func Open(fsys disk.FS, dirs []string, opts Options) (*Store, error) {
	return nil, errors.ErrUnsupported
}

// Logs are the partition logs.
func (s *Store) Logs() store.Logs { return nil }

// Metadata is the description of the cluster.
func (s *Store) Metadata() store.Metadata { return nil }

// Leader names this node and the epoch of this start for every partition that
// exists and is not offline with a damaged log.
func (s *Store) Leader(tp kafka.TopicPartition) (kafka.NodeID, kafka.Epoch, bool) {
	return 0, kafka.NoEpoch, false
}

// Partitions are the partitions that have a directory. One that the metadata
// does not know was left by a deletion that a crash cut short.
func (s *Store) Partitions() []kafka.TopicPartition { return nil }

// Checkpoint writes down how far each log is durable, so that recovery after a
// crash need not verify older bytes. It is to be called every few seconds.
func (s *Store) Checkpoint() error { return nil }

// Close closes every log cleanly, marks the directories clean and releases
// them. Idempotent.
func (s *Store) Close() error { return nil }
