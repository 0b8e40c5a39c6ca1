package local

import (
	"errors"
	"fmt"
	"math"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
)

// Log is the log of one partition. It implements store.PartitionLog.
//
// Readers load the list of segments, whose closed ones never change, and the
// active one's size; they take no lock. The size is stored before the end, and
// the list before both, so a reader that loads the end first finds all below
// it. Whoever changes the list holds mu; whoever removes segments from it
// holds tidy, too.
type Log struct {
	tp       kafka.TopicPartition
	id       kafka.TopicID
	path     string
	fs       disk.FS
	files    *files
	syncer   *syncer
	starts   *checkpoint
	replica  store.Replica // may be nil
	lazy     bool          // visible before it is durable, as in Kafka
	config   atomic.Pointer[store.LogConfig]
	segments atomic.Pointer[[]*segment] // ascending; the last is the active one
	epochs   atomic.Pointer[epochs]
	start    atomic.Int64 // records below it were deleted, durably; the first segment may begin later
	raised   atomic.Int64 // what start is, or is about to be: set before that is written down
	end      atomic.Int64
	synced   atomic.Int64 // every offset below it is durable
	refusal  atomic.Pointer[error]
	closing  atomic.Bool
	deleted  atomic.Bool // set before what the directory keeps of the log is forgotten

	tidy sync.Mutex // one Retain, Rewrite or Close at a time; taken before mu

	// flushing is held from a sync of the active segment until its failure is
	// known to all: the system tells a failure once, so a second sync would
	// find nothing wrong with bytes that are lost. Taken after mu; the sync
	// loop takes it alone.
	flushing sync.Mutex

	mu            sync.Mutex // one writer; guards all below
	pinned        *segment   // its file stays open while it holds unsynced bytes
	firstTime     int64      // max timestamp of the active segment's first batch; -1 without one
	sinceIndex    int        // bytes behind the active segment's last index entry
	sinceSnapshot int64
	sinceSync     int64
	epochsChanged bool
	settled       bool // nothing was appended since all that belongs to the log was made durable
	snapshots     []snapshot

	waitMu  sync.Mutex // guards waiters; taken last
	waiters []waiter
}

type waiter struct {
	end  kafka.Offset
	done func(error)
}

func (l *Log) active() *segment {
	s := *l.segments.Load()
	return s[len(s)-1]
}

// refused says why the log serves no more, or nil.
func (l *Log) refused() error {
	if err := l.refusal.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends the log: what the disk holds is unknown now. The sync loop tells
// those who wait.
func (l *Log) fail(doing string, cause error) error {
	err := fmt.Errorf("%w: %s %s: %w", store.ErrFailed, doing, l.tp, cause)
	if !l.refusal.CompareAndSwap(nil, &err) {
		return l.refused()
	}
	l.syncer.add(l)
	return err
}

// Start implements store.PartitionLog.
func (l *Log) Start() kafka.Offset {
	return max(kafka.Offset(l.start.Load()), (*l.segments.Load())[0].base)
}

// End implements store.PartitionLog.
func (l *Log) End() kafka.Offset { return kafka.Offset(l.end.Load()) }

// Durable implements store.PartitionLog.
func (l *Log) Durable() kafka.Offset {
	if l.lazy {
		return l.End()
	}
	return kafka.Offset(l.synced.Load())
}

// Size implements store.PartitionLog.
func (l *Log) Size() int64 {
	var n int64
	for _, s := range *l.segments.Load() {
		n += s.size.Load()
	}
	return n
}

// EpochEnd implements store.PartitionLog.
func (l *Log) EpochEnd(epoch kafka.Epoch) (kafka.Epoch, kafka.Offset) {
	return l.epochs.Load().end(epoch, l.End())
}

// EpochAt implements store.PartitionLog.
func (l *Log) EpochAt(o kafka.Offset) kafka.Epoch { return l.epochs.Load().at(o) }

// Configure implements store.PartitionLog.
func (l *Log) Configure(c store.LogConfig) {
	c = withDefaults(c)
	l.config.Store(&c)
}

// withDefaults fills in Kafka's defaults.
func withDefaults(c store.LogConfig) store.LogConfig {
	const week = 7 * 24 * time.Hour
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 1 << 30
	}
	c.SegmentBytes = min(c.SegmentBytes, maxSegment)
	if c.SegmentAge == 0 {
		c.SegmentAge = week
	}
	if c.RetentionBytes == 0 {
		c.RetentionBytes = -1
	}
	if c.RetentionAge == 0 {
		c.RetentionAge = week
	}
	if c.IndexInterval == 0 {
		c.IndexInterval = 4096
	}
	return c
}

// AwaitDurable implements store.PartitionLog.
func (l *Log) AwaitDurable(end kafka.Offset, done func(error)) {
	if end <= l.Durable() {
		done(nil)
		return
	}
	// Whoever changes synced or refusal looks for waiters afterwards; so one
	// of us sees the other.
	l.waitMu.Lock()
	l.waiters = append(l.waiters, waiter{end, done})
	l.waitMu.Unlock()
	if end <= l.Durable() || l.refusal.Load() != nil {
		l.notify()
	}
}

// awaited says whether somebody waits.
func (l *Log) awaited() bool {
	l.waitMu.Lock()
	defer l.waitMu.Unlock()
	return len(l.waiters) > 0
}

// notify calls the waiters that have their answer. The caller holds no lock.
func (l *Log) notify() {
	refused := l.refused()
	durable := l.Durable()
	var ready []waiter
	l.waitMu.Lock()
	kept := l.waiters[:0]
	for _, w := range l.waiters {
		if w.end <= durable || refused != nil {
			ready = append(ready, w)
		} else {
			kept = append(kept, w)
		}
	}
	clear(l.waiters[len(kept):])
	l.waiters = kept
	l.waitMu.Unlock()
	for _, w := range ready {
		if w.end <= durable {
			w.done(nil)
		} else {
			w.done(refused)
		}
	}
}

// sync makes all that was appended durable. Only the active segment can hold
// unsynced bytes: roll syncs a segment before it makes the next. The sync loop
// calls it. A lazy log is synced only when much has gathered.
func (l *Log) sync() {
	defer l.notify()
	l.mu.Lock()
	s, end := l.active(), l.end.Load()
	if l.refused() != nil || l.synced.Load() >= end || l.lazy && l.sinceSync < lazyBytes {
		l.mu.Unlock()
		return
	}
	handle, err := s.log.acquire()
	l.sinceSync = 0
	l.mu.Unlock()
	if err == nil {
		err = l.flush(handle.Sync)
		s.log.release()
	}
	if err != nil {
		_ = l.fail("sync", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(end)
	if l.pinned == s && l.end.Load() == end {
		l.unpin()
	}
}

// flush syncs the active segment, and fails the log before another flush can
// begin.
func (l *Log) flush(sync func() error) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	if err := l.refused(); err != nil {
		return err
	}
	if err := sync(); err != nil {
		return l.fail("sync", err)
	}
	return nil
}

// advance moves synced up. The caller holds mu.
func (l *Log) advance(end int64) {
	if end > l.synced.Load() && l.refused() == nil {
		l.synced.Store(end)
	}
}

// pin keeps the active segment's file open: a descriptor that was closed with
// unsynced bytes may never hear of the error that lost them.
func (l *Log) pin() (disk.File, error) {
	s := l.active()
	if l.pinned == s {
		return s.log.handle, nil
	}
	handle, err := s.log.acquire()
	if err == nil {
		l.pinned = s
	}
	return handle, err
}

func (l *Log) unpin() {
	if l.pinned != nil {
		l.pinned.log.release()
		l.pinned = nil
	}
}

// Close implements store.PartitionLog.
func (l *Log) Close() error {
	l.closing.Store(true)
	l.tidy.Lock()
	defer l.tidy.Unlock()
	defer l.notify()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refused(); err != nil {
		l.shut()
		if errors.Is(err, store.ErrClosed) {
			return nil
		}
		return err
	}
	if err := l.settle(); err != nil {
		return l.fail("close", err)
	}
	l.shut()
	return nil
}

// settle makes the log and all that belongs to it durable. The caller holds mu.
func (l *Log) settle() error {
	if l.settled {
		return nil
	}
	s := l.active()
	if err := l.flush(s.log.sync); err != nil {
		return err
	}
	l.advance(l.end.Load())
	l.unpin()
	if err := s.seal(); err != nil {
		return err
	}
	if err := l.writeEpochs(); err != nil {
		return err
	}
	if err := l.writeSnapshot(true); err != nil {
		return err
	}
	l.settled = true
	return nil
}

// shut refuses all further calls. The caller holds mu.
func (l *Log) shut() {
	closed := store.ErrClosed
	l.refusal.CompareAndSwap(nil, &closed)
	l.unpin()
	for _, s := range *l.segments.Load() {
		s.forget()
	}
}

// writeEpochs writes the leader epochs if they have changed.
func (l *Log) writeEpochs() error {
	if !l.epochsChanged {
		return nil
	}
	if err := disk.WriteFile(l.fs, path.Join(l.path, epochFile), l.epochs.Load().format()); err != nil {
		return err
	}
	l.epochsChanged = false
	return nil
}

// floor is the index of the segment that holds an offset: the last one with a
// base not above it, or the first.
func floor(segments []*segment, o kafka.Offset) int {
	lo, hi := 0, len(segments)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; segments[mid].base <= o {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// decodeLimit bounds what one batch may grow to when it is decompressed. The
// broker has checked it against its own limit when it was produced.
const decodeLimit = math.MaxInt32
