package local_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// counted counts open files, and holds back the syncs of one of them.
type counted struct {
	disk.FS
	open, most atomic.Int32
	hold       string
	gate       chan struct{}
	all        atomic.Pointer[chan struct{}] // holds back the syncs of every log that is opened from now on
}

func (c *counted) every(gate chan struct{}) { c.all.Store(&gate) }

type countedFile struct {
	disk.File
	of   *counted
	gate chan struct{} // nil: its syncs are not held back
}

func (c *counted) opened(f disk.File, err error, name string) (disk.File, error) {
	if err != nil {
		return nil, err
	}
	for now, most := c.open.Add(1), c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	file := &countedFile{File: f, of: c}
	if name == c.hold {
		file.gate = c.gate
	}
	if gate := c.all.Load(); gate != nil && strings.HasSuffix(name, ".log") {
		file.gate = *gate
	}
	return file, nil
}

func (c *counted) Open(name string) (disk.File, error) {
	f, err := c.FS.Open(name)
	return c.opened(f, err, name)
}

func (c *counted) Create(name string) (disk.File, error) {
	f, err := c.FS.Create(name)
	return c.opened(f, err, name)
}

func (f *countedFile) Sync() error {
	if f.gate != nil {
		<-f.gate
	}
	return f.File.Sync()
}

func (f *countedFile) Close() error {
	f.of.open.Add(-1)
	return f.File.Close()
}

// TestUnsyncedLogsDoNotTakeEveryDescriptor appends to many logs while the sync
// loop is stuck with the first.
func TestUnsyncedLogsDoNotTakeEveryDescriptor(t *testing.T) {
	fs := &counted{FS: disk.NewFake(1), hold: "/data/t-0/00000000000000000000.log", gate: make(chan struct{})}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true, MaxOpenFiles: 2, MaxFiles: 6})
	if err != nil {
		t.Fatal(err)
	}
	var logs []store.PartitionLog
	for i := range 30 {
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t", Partition: int32(i)}, kafka.TopicID{}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	for _, l := range logs {
		b := batch.NewBuilder(batch.None)
		b.Add(batch.Record{Timestamp: 1, Value: []byte("v")})
		one, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(one, 1); err != nil {
			t.Fatal(err)
		}
	}
	if most := fs.most.Load(); most > 8 {
		t.Errorf("%d files were open at a time, want at most 8", most)
	}
	if last := logs[len(logs)-1]; last.Durable() != 1 {
		t.Errorf("the last log is durable up to %d while the sync loop is stuck, want 1", last.Durable())
	}
	close(fs.gate)
	done := make(chan error, 1)
	logs[0].AwaitDurable(1, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
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

// TestManyAppendsDoNotTakeEveryDescriptor appends to very many logs at a time,
// each from a goroutine of its own, while no sync ends.
func TestManyAppendsDoNotTakeEveryDescriptor(t *testing.T) {
	const logs, most = 400, 6
	gate := make(chan struct{})
	fs := &counted{FS: disk.NewFake(1)}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true, MaxOpenFiles: 2, MaxFiles: most})
	if err != nil {
		t.Fatal(err)
	}
	var all []store.PartitionLog
	for i := range logs {
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t", Partition: int32(i)}, kafka.TopicID{}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	fs.every(gate)
	ended := make(chan error, logs)
	for _, l := range all {
		go func() {
			b := batch.NewBuilder(batch.None)
			b.Add(batch.Record{Timestamp: 1, Value: []byte("v")})
			one, err := b.Build()
			if err == nil {
				_, err = l.Append(one, 1)
			}
			ended <- err
		}()
	}
	for range 50 { // let them come as far as they can
		time.Sleep(time.Millisecond)
	}
	close(gate)
	for range logs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := fs.most.Load(); got > most+100 {
		t.Errorf("%d files were open at a time", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestACheckpointOutlivesALackOfDescriptors has none for the file of the leader
// epochs: nothing of the log is lost by that, and it is written the next time.
func TestACheckpointOutlivesALackOfDescriptors(t *testing.T) {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC} {
		fs := &refusing{FS: disk.NewFake(1)}
		s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true})
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t"}, kafka.TopicID{}, store.LogConfig{}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		add := func() error {
			b := batch.NewBuilder(batch.None)
			b.Add(batch.Record{Timestamp: 1, Value: []byte("v")})
			one, err := b.Build()
			if err == nil {
				_, err = l.Append(one, 1)
			}
			return err
		}
		if err := add(); err != nil {
			t.Fatal(err)
		}
		fs.with.Store(&want)
		if err := s.Checkpoint(); !errors.Is(err, want) || errors.Is(err, store.ErrFailed) {
			t.Errorf("%v: checkpoint: %v", want, err)
		}
		fs.with.Store(nil)
		if err := add(); err != nil {
			t.Errorf("%v: append behind it: %v", want, err)
		}
		if err := s.Checkpoint(); err != nil {
			t.Errorf("%v: checkpoint: %v", want, err)
		}
		if content, err := disk.ReadFile(fs, "/data/t-0/leader-epoch-checkpoint"); err != nil || string(content) != "0\n1\n1 0\n" {
			t.Errorf("%v: the epochs are %q, %v", want, content, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// refusing makes no file of epochs while it has a reason not to.
type refusing struct {
	disk.FS
	with atomic.Pointer[error]
}

func (r *refusing) Create(name string) (disk.File, error) {
	if why := r.with.Load(); why != nil && strings.HasSuffix(name, "epoch-checkpoint.tmp") {
		return nil, *why
	}
	return r.FS.Create(name)
}
