package local_test

import (
	"runtime"
	"strings"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
	"schloss/store/local"
	"schloss/store/storetest"
)

// slow is a disk on which the making of some files waits.
type slow struct {
	disk.FS
	suffix string
	began  chan struct{} // told of each
	gate   chan struct{}
}

func (s *slow) Create(name string) (disk.File, error) {
	if strings.HasSuffix(name, s.suffix) {
		s.began <- struct{}{}
		<-s.gate
	}
	return s.FS.Create(name)
}

// TestACheckpointForgetsWhatIsDeletedMeanwhile deletes a log while a checkpoint
// is on its way. A log of that name that is made later must not be taken for
// one that has lost what it had.
func TestACheckpointForgetsWhatIsDeletedMeanwhile(t *testing.T) {
	fs := &slow{FS: disk.NewFake(1), suffix: "b-0/leader-epoch-checkpoint.tmp", began: make(chan struct{}, 9), gate: make(chan struct{})}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	gone, other := kafka.TopicPartition{Topic: "a"}, kafka.TopicPartition{Topic: "b"}
	open := func(tp kafka.TopicPartition) store.PartitionLog {
		t.Helper()
		l, _, err := s.Logs().Open(tp, kafka.TopicID{1}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, tp := range []kafka.TopicPartition{gone, other} {
		l := open(tp)
		if _, err := l.Append(storetest.Batch(t, storetest.Record{Key: "k"}), 1); err != nil {
			t.Fatal(err)
		}
		storetest.AwaitDurable(t, l)
	}
	written := make(chan error, 1)
	go func() { written <- s.Checkpoint() }()
	<-fs.began
	if err := s.Logs().Delete(gone); err != nil {
		t.Fatal(err)
	}
	close(fs.gate)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if l := open(gone); l.End() != 0 {
		t.Errorf("the new log ends at %d, want 0", l.End())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestACheckpointKeepsAStartThatIsBeingRaised writes a checkpoint while records
// are being deleted. The start that the deletion answers with must be there
// after a power cut.
func TestACheckpointKeepsAStartThatIsBeingRaised(t *testing.T) {
	power := disk.NewFake(1)
	fs := &slow{FS: power, suffix: "/log-start-offset-checkpoint.tmp", began: make(chan struct{}, 9), gate: make(chan struct{})}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	open := func(s *local.Store) store.PartitionLog {
		t.Helper()
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "a"}, kafka.TopicID{1}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open(s)
	for range 3 {
		if _, err := l.Append(storetest.Batch(t, storetest.Record{Key: "k"}), 1); err != nil {
			t.Fatal(err)
		}
	}
	storetest.AwaitDurable(t, l)
	raised, written := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := l.DeleteRecords(2)
		raised <- err
	}()
	<-fs.began
	go func() { written <- s.Checkpoint() }()
	for !s.StartsGather() { // until the checkpoint has said what it wants
		runtime.Gosched()
	}
	close(fs.gate)
	for _, done := range []chan error{raised, written} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	power.Crash()
	power.Restart(disk.KeepNothing)
	again, err := local.Open(power, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := open(again).Start(); got != 2 {
		t.Errorf("after a crash the log starts at %d, want 2", got)
	}
}
