package local_test

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
	"schloss/store/local"
)

// scarce is a disk on which no file can be opened for a while, as when the
// process has no descriptor left.
type scarce struct {
	disk.FS
	none atomic.Bool
}

func (s *scarce) Open(name string) (disk.File, error) {
	if s.none.Load() {
		return nil, syscall.EMFILE
	}
	return s.FS.Open(name)
}

// TestALogOutlivesALackOfDescriptors appends to a log whose file was closed in
// favour of another's and cannot be opened now. Nothing is written then, so
// nothing is unknown: the log goes on when there are descriptors again.
func TestALogOutlivesALackOfDescriptors(t *testing.T) {
	fs := &scarce{FS: disk.NewFake(1)}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true, MaxOpenFiles: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	open := func(topic string) store.PartitionLog {
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: topic}, kafka.TopicID{}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	add := func(l store.PartitionLog) error {
		b := batch.NewBuilder(batch.None)
		b.Add(batch.Record{Timestamp: 1, Value: []byte("v")})
		one, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		base, err := l.Append(one, 1)
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		l.AwaitDurable(base+1, func(err error) { done <- err })
		return <-done
	}
	first, other := open("first"), open("other")
	for _, l := range []store.PartitionLog{first, other, other} {
		if err := add(l); err != nil {
			t.Fatal(err)
		}
	}
	fs.none.Store(true)
	if err := add(first); !errors.Is(err, syscall.EMFILE) || errors.Is(err, store.ErrFailed) {
		t.Errorf("append without descriptors: %v", err)
	}
	fs.none.Store(false)
	if err := add(first); err != nil {
		t.Errorf("append with descriptors again: %v", err)
	}
	if got := first.Durable(); got != 2 {
		t.Errorf("the log ends at %d, want 2", got)
	}
}
