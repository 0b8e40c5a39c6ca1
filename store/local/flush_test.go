package local_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
	"schloss/store/local"
)

// forgetful is a disk that tells the failure of a sync once, as Linux does:
// the next sync of the same file finds nothing wrong, though the bytes are
// lost. While the first one runs, meanwhile is called.
type forgetful struct {
	disk.FS
	meanwhile func()
	armed     atomic.Bool
}

type forgetfulFile struct {
	disk.File
	fs *forgetful
}

func (f *forgetful) Open(name string) (disk.File, error) { return f.wrap(name)(f.FS.Open(name)) }

func (f *forgetful) Create(name string) (disk.File, error) { return f.wrap(name)(f.FS.Create(name)) }

func (f *forgetful) wrap(name string) func(disk.File, error) (disk.File, error) {
	return func(file disk.File, err error) (disk.File, error) {
		if err != nil || !strings.Contains(name, "t-0/") || !strings.HasSuffix(name, ".log") {
			return file, err
		}
		return &forgetfulFile{file, f}, nil
	}
}

func (f *forgetfulFile) Sync() error {
	if !f.fs.armed.CompareAndSwap(true, false) {
		return f.File.Sync()
	}
	f.fs.meanwhile()
	return errors.New("input/output error")
}

// TestARollDoesNotOutrunAFailedSync rolls a log while a sync of it fails. The
// roll's own sync succeeds, and must not make durable what was lost.
func TestARollDoesNotOutrunAFailedSync(t *testing.T) {
	fs := &forgetful{FS: disk.NewFake(1)}
	s, err := local.Open(fs, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() // the log has failed
	log, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t"}, kafka.TopicID{}, store.LogConfig{}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	rolled := make(chan error, 1)
	fs.meanwhile = func() {
		go func() { rolled <- log.Roll() }()
		for range 10_000 { // the roll gets its chance
			runtime.Gosched()
		}
	}
	fs.armed.Store(true)
	b := batch.NewBuilder(batch.None)
	b.Add(batch.Record{Timestamp: 1, Value: []byte("v")})
	one, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(one, 1); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(chan error, 1)
	log.AwaitDurable(1, func(err error) { acknowledged <- err })
	if err := <-acknowledged; !errors.Is(err, store.ErrFailed) {
		t.Errorf("acknowledged with %v, want %v", err, store.ErrFailed)
	}
	if err := <-rolled; !errors.Is(err, store.ErrFailed) {
		t.Errorf("rolled with %v, want %v", err, store.ErrFailed)
	}
	if log.Durable() != 0 {
		t.Errorf("durable up to %d, want 0", log.Durable())
	}
}
