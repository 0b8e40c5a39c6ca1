package local_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
	"schloss/store/local"
	"schloss/store/storetest"
)

// life is one data directory through crashes, with what was promised about it.
// The record at offset o has key "k<o>" and is dead for rewrites if o%3 == 1.
type life struct {
	t    *testing.T
	fs   *disk.Fake
	name string // of the case, for messages
	lazy bool

	durable  kafka.Offset // all below it was acknowledged or visible
	start    kafka.Offset // told by Retain and DeleteRecords
	clean    kafka.Offset // no dead record below it: told by Rewrite
	commits  int          // acknowledged
	rewrites bool         // a rewrite was tried
	retained bool         // a retention or deletion was tried
	closed   bool         // cleanly
	flipped  bool         // a bit, perhaps one of an epoch, which no checksum covers

	store   *local.Store
	log     store.PartitionLog
	replica *storetest.Counter
	found   store.Recovery
}

var (
	crashPartition = kafka.TopicPartition{Topic: "t", Partition: 0}
	crashConfig    = store.LogConfig{SegmentBytes: 1500, IndexInterval: 200, RetentionAge: -1}
)

// open opens the store and its log. It fails only when the power goes off.
func (l *life) open() error {
	s, err := local.Open(l.fs, []string{"/data"}, local.Options{FlushBeforeAck: !l.lazy})
	if err != nil {
		return err
	}
	l.store, l.replica = s, &storetest.Counter{}
	l.log, l.found, err = s.Logs().Open(crashPartition, kafka.TopicID{9}, crashConfig, l.replica, true)
	return err
}

// append appends n records in one batch; size is that of each value.
func (l *life) append(n, size int) error {
	end := l.log.End()
	builder := batch.NewBuilder(batch.None)
	for i := range n {
		o := int64(end) + int64(i)
		value := make([]byte, size)
		for j := range value {
			value[j] = byte(o) | 1 // no zeros: those are holes
		}
		builder.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: 1000 + o, Key: fmt.Appendf(nil, "k%d", o), Value: value})
	}
	b, err := builder.Build()
	if err != nil {
		return err
	}
	if _, err := l.log.Append(b, epochOf(end)); err != nil {
		return err
	}
	l.replica.Apply(b.Header())
	l.seen()
	return nil
}

// epochOf is the leader epoch of the batch that begins at an offset.
func epochOf(base kafka.Offset) kafka.Epoch { return kafka.Epoch(base / 5) }

// seen notes what a consumer can see now.
func (l *life) seen() {
	if !l.lazy {
		l.durable = max(l.durable, l.log.Durable())
	}
}

func (l *life) await() error {
	end := l.log.End()
	told := make(chan error, 1)
	l.log.AwaitDurable(end, func(err error) { told <- err })
	if err := <-told; err != nil {
		return err
	}
	if !l.lazy {
		l.durable = max(l.durable, end)
	}
	return nil
}

func (l *life) retain() error {
	l.retained = true
	cfg := crashConfig
	cfg.RetentionBytes = l.log.Size() / 2
	l.log.Configure(cfg)
	start, _, err := l.log.Retain(time.UnixMilli(0))
	if err == nil {
		l.start = max(l.start, start)
	}
	return err
}

// deleteRecords deletes all but the newest record, so that the start is within a
// batch where that has several.
func (l *life) deleteRecords() error {
	if l.log.End() == 0 {
		return nil
	}
	l.retained = true
	start, err := l.log.DeleteRecords(min(l.log.End()-1, l.log.Durable()))
	if err == nil {
		l.start = max(l.start, start)
		l.durable = max(l.durable, start)
	}
	return err
}

func dead(o kafka.Offset) bool { return o%3 == 1 }

func (l *life) rewrite() error {
	if err := l.log.Roll(); err != nil {
		return err
	}
	end := l.log.End()
	l.rewrites = true
	err := l.log.Rewrite(func(o kafka.Offset, _ []byte) bool { return !dead(o) })
	if err == nil {
		l.clean = max(l.clean, end)
	}
	return err
}

// commit changes two topics at once; both have as many partitions as there
// were commits.
func (l *life) commit() error {
	n := int32(l.commits + 1)
	err := l.store.Metadata().Commit(
		store.PutTopic{Topic: store.Topic{Name: "a", ID: kafka.TopicID{1}, Partitions: n}},
		store.PutTopic{Topic: store.Topic{Name: "b", ID: kafka.TopicID{2}, Partitions: n}})
	if err == nil {
		l.commits++
	}
	return err
}

func (l *life) close() error {
	l.seen()
	end := l.log.End()
	err := l.store.Close()
	if err == nil {
		l.durable, l.closed = end, true
	}
	return err
}

// work is a day of a store. It ends at the first error.
func (l *life) work() error {
	steps := []func() error{
		l.open, l.commit,
		func() error { return l.append(2, 100) }, l.await,
		func() error { return l.append(1, 700) }, func() error { return l.append(3, 30) }, l.commit, l.await,
		func() error { return l.append(1, 900) }, func() error { return l.append(1, 20) }, l.checkpoint, l.await,
		func() error { return l.append(4, 200) }, l.roll, func() error { return l.append(1, 600) }, l.await, l.rewrite,
		func() error { return l.append(2, 500) }, func() error { return l.append(2, 500) }, l.await, l.retain,
		func() error { return l.append(3, 500) }, l.await, l.deleteRecords, func() error { return l.append(2, 700) }, l.await, l.checkpoint,
		func() error { return l.append(2, 700) }, l.await, l.deleteRecords,
		func() error { return l.append(1, 100) }, l.await, l.close,
		l.open, l.commit, func() error { return l.append(3, 400) }, l.await, l.rewrite, func() error { return l.append(1, 10) }, l.await,
		l.checkpoint, func() error { return l.append(1, 1400) }, l.await, l.retain, l.close,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) checkpoint() error { return l.store.Checkpoint() }
func (l *life) roll() error       { return l.log.Roll() }

// check opens the store after a crash and looks whether all promises were
// kept. It may fail with an error only while the power is off.
func (l *life) check() error {
	if err := l.open(); err != nil {
		return err
	}
	log := l.log
	if log.End() < l.durable {
		l.t.Fatalf("%s: end is %d, but %d was durable (recovery %+v)", l.name, log.End(), l.durable, l.found)
	}
	if log.Start() < l.start || log.Start() > l.start && !l.retained {
		l.t.Fatalf("%s: start is %d, was %d", l.name, log.Start(), l.start)
	}
	if log.Durable() != log.End() || l.replica.Next != log.End() {
		l.t.Fatalf("%s: end is %d, durable %d, replica at %d", l.name, log.End(), log.Durable(), l.replica.Next)
	}
	if l.found.TruncatedBytes > 0 && (l.found.Reason == "" || l.found.TruncatedAt != log.End()) {
		l.t.Fatalf("%s: recovery told %+v, end is %d", l.name, l.found, log.End())
	}
	l.checkRecords()
	image := l.store.Metadata().Image()
	a, b := image.Topics["a"], image.Topics["b"]
	got := int32(0)
	if a != nil && b != nil {
		got = a.Partitions
	}
	if (a == nil) != (b == nil) || a != nil && a.Partitions != b.Partitions || int(got) < l.commits || int(got) > l.commits+1 {
		l.t.Fatalf("%s: metadata is %+v, %+v after %d commits", l.name, a, b, l.commits)
	}
	l.commits = int(got)
	l.durable, l.start = log.End(), log.Start()
	return nil
}

func (l *life) checkRecords() {
	next := l.log.Start()
	missing := func(to kafka.Offset) {
		for ; next < to; next++ {
			if !l.rewrites || !dead(next) {
				l.t.Fatalf("%s: record %d is missing", l.name, next)
			}
		}
	}
	storetest.ReadBatches(l.t, l.log, func(b batch.Batch, records []batch.Record) {
		for _, r := range records {
			if r.Offset < l.log.Start() {
				continue
			}
			missing(r.Offset)
			if string(r.Key) != fmt.Sprintf("k%d", r.Offset) {
				l.t.Fatalf("%s: record %d has key %q", l.name, r.Offset, r.Key)
			}
			if dead(r.Offset) && r.Offset < l.clean {
				l.t.Fatalf("%s: dead record %d is there again", l.name, r.Offset)
			}
			next = r.Offset + 1
		}
		first := max(b.BaseOffset(), l.log.Start())
		if want := epochOf(b.BaseOffset()); !l.flipped && l.log.EpochAt(first) != want {
			l.t.Fatalf("%s: epoch of %d is %d, want %d", l.name, first, l.log.EpochAt(first), want)
		}
	})
	missing(l.log.End())
}

// after checks, appends, and checks again after a clean close.
func (l *life) after() {
	steps := []func() error{
		l.check, func() error { return l.append(2, 300) }, l.commit, l.await, l.retain, l.deleteRecords, l.rewrite,
		func() error { return l.append(1, 10) }, l.await, l.close, l.check, l.close,
	}
	for i, step := range steps {
		if err := step(); err != nil {
			l.t.Fatalf("%s: step %d after the crash: %v", l.name, i, err)
		}
	}
	if l.found.Unclean {
		l.t.Fatalf("%s: unclean after a clean close", l.name)
	}
}

// TestCrashAnywhere cuts the power in every single operation.
func TestCrashAnywhere(t *testing.T) {
	count := &life{t: t, fs: disk.NewFake(0), name: "without a crash"}
	if err := count.work(); err != nil {
		t.Fatal(err)
	}
	ops := count.fs.Ops()
	t.Logf("%d operations", ops)
	if ops < 150 {
		t.Fatalf("the workload has %d operations, too few to show anything", ops)
	}
	// Where chance decides what survives, it is asked twice.
	for i, keep := range []disk.Survival{disk.KeepNothing, disk.KeepSome, disk.KeepSome, disk.KeepAll} {
		for _, lazy := range []bool{false, true}[:max(1, 2-i/2)] {
			for n := 1; n <= ops; n++ {
				l := &life{t: t, fs: disk.NewFake(uint64(i*ops + n)), lazy: lazy, name: fmt.Sprintf("crash at %d, keep %d, lazy %v", n, keep, lazy)}
				l.fs.CrashAt(n)
				if err := l.work(); err == nil && n < ops/2 {
					t.Fatalf("%s: the workload ended well", l.name)
				} else if err == nil {
					l.fs.Crash() // the sync loop has gathered more than it did first
				}
				l.fs.Restart(keep)
				l.after()
			}
		}
	}
}

// TestCrashAgain cuts the power at random, and again during recovery.
func TestCrashAgain(t *testing.T) {
	for seed := range uint64(600) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := &life{t: t, fs: disk.NewFake(seed), name: fmt.Sprintf("seed %d", seed)}
		l.fs.CrashAt(1 + rng.IntN(470))
		if l.work() == nil {
			continue
		}
		l.fs.Restart(disk.Survival(rng.IntN(3)))
		for range rng.IntN(4) {
			l.fs.CrashAt(l.fs.Ops() + 1 + rng.IntN(40))
			if err := l.check(); err != nil && !l.fs.Crashed() {
				t.Fatalf("%s: recovery: %v", l.name, err)
			}
			l.fs.Crash()
			l.fs.Restart(disk.Survival(rng.IntN(3)))
		}
		l.after()
	}
}

// TestCrashInSwap cuts the power while a rewrite puts a segment in its place,
// and again in every operation of the recovery that finishes it.
func TestCrashInSwap(t *testing.T) {
	crash := func(n int, seed uint64) *life {
		l := &life{t: t, fs: disk.NewFake(seed), name: fmt.Sprintf("crash at %d, seed %d", n, seed)}
		l.fs.CrashAt(n)
		if l.work() == nil {
			l.fs.Crash()
		}
		l.fs.Restart(disk.KeepSome)
		return l
	}
	swapping := func(l *life) bool {
		names, err := l.fs.ReadDir(segmentDir)
		return err == nil && slices.ContainsFunc(names, func(e disk.Entry) bool { return strings.HasSuffix(e.Name, ".log.swap") })
	}
	found := 0
	for n := 1; n < 380 && found < 6; n++ {
		if !swapping(crash(n, uint64(n))) {
			continue
		}
		found++
		for again := range 25 {
			for seed := range uint64(3) {
				l := crash(n, uint64(n)+seed*1000)
				l.fs.CrashAt(l.fs.Ops() + 1 + again)
				if err := l.check(); err != nil && !l.fs.Crashed() {
					t.Fatalf("%s: recovery: %v", l.name, err)
				}
				l.fs.Crash()
				l.fs.Restart(disk.KeepSome)
				l.after()
			}
		}
	}
	if found < 3 {
		t.Errorf("found %d crashes in a swap, too few to show anything", found)
	}
}

// TestFailAnywhere lets every single operation fail once. The log must say so
// or be unharmed; nothing that was acknowledged may depend on the failed one,
// whether the process or the machine goes down next.
func TestFailAnywhere(t *testing.T) {
	broken := errors.New("input/output error")
	count := &life{t: t, fs: disk.NewFake(0), name: "without a failure"}
	if err := count.work(); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= count.fs.Ops(); n++ {
		for _, keep := range []disk.Survival{disk.KeepNothing, disk.KeepAll} {
			l := &life{t: t, fs: disk.NewFake(uint64(n)), name: fmt.Sprintf("failure at %d, keep %d", n, keep)}
			l.fs.FailAt(n, broken)
			err := l.work()
			if err != nil && !errors.Is(err, broken) {
				t.Fatalf("%s: got %v, want the failure", l.name, err)
			}
			l.fs.Crash()
			l.fs.Restart(keep)
			if err := l.check(); err != nil {
				t.Fatalf("%s: open: %v", l.name, err)
			}
			l.fs.Crash()
			l.fs.Restart(disk.KeepNothing)
			l.after()
		}
	}
}

// TestFailedSync pins what a failed sync means: no acknowledgement, and none
// later.
func TestFailedSync(t *testing.T) {
	broken := errors.New("input/output error")
	l := &life{t: t, fs: disk.NewFake(0), name: "failed sync"}
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	l.fs.FailAt(l.fs.Ops()+2, broken) // the write, then the sync
	if err := l.append(1, 10); err != nil {
		t.Fatal(err)
	}
	if err := l.await(); !errors.Is(err, store.ErrFailed) || !errors.Is(err, broken) {
		t.Errorf("await: got %v, want %v", err, store.ErrFailed)
	}
	if err := l.append(1, 10); !errors.Is(err, store.ErrFailed) {
		t.Errorf("append: got %v, want %v", err, store.ErrFailed)
	}
	if _, err := l.log.Read(nil, 0, 1, 100, true); !errors.Is(err, store.ErrFailed) {
		t.Errorf("read: got %v, want %v", err, store.ErrFailed)
	}
	if l.log.Durable() != 0 {
		t.Errorf("durable: got %d, want 0", l.log.Durable())
	}
	if err := l.store.Close(); !errors.Is(err, store.ErrFailed) {
		t.Errorf("close: got %v, want %v", err, store.ErrFailed)
	}
	if names, err := l.fs.ReadDir("/data"); err != nil || slices.ContainsFunc(names, func(e disk.Entry) bool { return e.Name == ".kafka_cleanshutdown" }) {
		t.Errorf("the directory is marked clean: %v, %v", names, err)
	}
}
