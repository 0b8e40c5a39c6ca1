package local_test

import (
	"errors"
	"syscall"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
	"schloss/store/local"
)

// TestALogOutlivesAFullDisk cuts an append short for want of space. The bytes
// that came are taken back, so that the log goes on when there is space again,
// and a crash finds nothing torn.
func TestALogOutlivesAFullDisk(t *testing.T) {
	fs := disk.NewFake(1)
	open := func() (*local.Store, store.PartitionLog, store.Recovery) {
		s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true})
		if err != nil {
			t.Fatal(err)
		}
		l, found, err := s.Logs().Open(kafka.TopicPartition{Topic: "t"}, kafka.TopicID{}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		return s, l, found
	}
	add := func(l store.PartitionLog, value string) error {
		b := batch.NewBuilder(batch.None)
		b.Add(batch.Record{Timestamp: 1, Value: []byte(value)})
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
	s, l, _ := open()
	if err := add(l, "first"); err != nil {
		t.Fatal(err)
	}
	fs.FailAt(fs.Ops()+1, syscall.ENOSPC)
	if err := add(l, "lost"); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, store.ErrFailed) {
		t.Errorf("append to a full disk: %v", err)
	}
	if err := add(l, "second"); err != nil {
		t.Fatalf("append with space again: %v", err)
	}
	fs.Crash()
	_ = s.Close() // it cannot be closed cleanly any more
	fs.Restart(disk.KeepNothing)
	s, l, found := open()
	defer s.Close()
	if l.End() != 2 || found.TruncatedBytes > 0 {
		t.Errorf("after a crash the log ends at %d, %d bytes were cut off", l.End(), found.TruncatedBytes)
	}
}
