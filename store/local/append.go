package local

import (
	"errors"
	"fmt"
	"syscall"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
)

const (
	// snapshotBytes is how much is appended until the producers are written
	// down again, which bounds the headers a recovery has to replay.
	snapshotBytes = 64 << 20
	// lazyBytes is how much of a lazy log waits until it is synced behind the
	// acknowledgements; a roll, which waits for a sync, is then short.
	lazyBytes = 32 << 20
)

// run is what Append learns of the batches it is given from their headers.
type run struct {
	first, next kafka.Offset
	maxTime     int64 // of all batches
	firstTime   int64 // max timestamp of the first batch
}

// Append implements store.PartitionLog. It is one write, and looks at headers
// only.
func (l *Log) Append(batches []byte, epoch kafka.Epoch) (kafka.Offset, error) {
	defer l.files.enter()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refused(); err != nil {
		return kafka.NoOffset, err
	}
	r, err := stampRun(batches, l.End(), epoch)
	if err != nil {
		return kafka.NoOffset, fmt.Errorf("append to %s: %w", l.tp, err)
	}
	if l.mustRoll(len(batches), r) {
		if err := l.roll(); err != nil {
			return kafka.NoOffset, err
		}
	}
	if err := l.snapshotWhenDue(int64(len(batches))); err != nil {
		return kafka.NoOffset, l.fail("write producer snapshot of", err)
	}
	// Without a descriptor nothing is written: the log stays as it was.
	if _, err := l.pin(); err != nil {
		return kafka.NoOffset, fmt.Errorf("append to %s: %w", l.tp, err)
	}
	if err := l.write(batches, r); errors.Is(err, errTakenBack) {
		return kafka.NoOffset, fmt.Errorf("append to %s: %w", l.tp, err)
	} else if err != nil {
		return kafka.NoOffset, l.fail("append to", err)
	}
	l.noteEpoch(epoch, r.first)
	l.end.Store(int64(r.next))
	l.sinceSync += int64(len(batches))
	if l.pinned != nil && l.files.crowded() {
		if err := l.flush(l.pinned.log.handle.Sync); err != nil {
			return kafka.NoOffset, err
		}
		l.advance(l.end.Load())
		l.unpin()
	}
	if !l.lazy || l.sinceSync >= lazyBytes || l.awaited() {
		l.syncer.add(l)
	}
	return r.first, nil
}

// stampRun gives the batches their offsets and epoch.
func stampRun(batches []byte, first kafka.Offset, epoch kafka.Epoch) (run, error) {
	r := run{first: first, next: first, maxTime: -1, firstTime: -1}
	if len(batches) == 0 || len(batches) > maxSegment {
		return r, fmt.Errorf("%d bytes are no batches", len(batches))
	}
	for rest := batches; len(rest) > 0; {
		var b batch.Batch
		var err error
		if b, rest, err = batch.Split(rest); err != nil {
			return r, err
		}
		if b.LastOffsetDelta() < 0 {
			return r, &batch.CorruptError{Offset: b.BaseOffset(), Reason: "last offset delta is negative"}
		}
		b.StampAppend(r.next, epoch)
		if r.next == first {
			r.firstTime = b.MaxTimestamp()
		}
		r.maxTime = max(r.maxTime, b.MaxTimestamp())
		r.next = b.NextOffset()
	}
	return r, nil
}

// mustRoll says whether the batches belong into a new segment: for size, for
// age by their own timestamps as in Kafka, or for an offset too far from the
// base.
func (l *Log) mustRoll(n int, r run) bool {
	s, c := l.active(), l.config.Load()
	size := s.size.Load()
	if size == 0 {
		return false
	}
	return size+int64(n) > c.SegmentBytes || !s.holds(r.next) ||
		l.firstTime >= 0 && r.maxTime >= 0 && r.maxTime-l.firstTime > c.SegmentAge.Milliseconds()
}

// write puts stamped batches behind the active segment and into its indexes.
func (l *Log) write(batches []byte, r run) error {
	l.settled = false
	handle, err := l.pin()
	if err != nil {
		return err
	}
	s := l.active()
	at := s.size.Load()
	if _, err := handle.WriteAt(batches, at); err != nil {
		return takeBack(handle, at, err)
	}
	if l.lazy {
		l.unpin()
	}
	if at == 0 {
		l.firstTime = r.firstTime
	}
	interval := l.config.Load().IndexInterval
	for rest := batches; len(rest) > 0; {
		b := batch.Batch(rest)
		if l.sinceIndex, err = s.note(b, at, l.sinceIndex, interval); err != nil {
			return err
		}
		at += int64(sizeOf(b))
		rest = rest[sizeOf(b):]
	}
	s.size.Store(at)
	return nil
}

// errTakenBack says that a write was cut short by a full disk, and that what
// came of it is gone again: the log is as it was.
var errTakenBack = errors.New("nothing was written")

// takeBack cuts a file to the length it had before a write that failed. Only
// for want of space is it known what the disk holds.
func takeBack(f disk.File, size int64, cause error) error {
	if !errors.Is(cause, syscall.ENOSPC) && !errors.Is(cause, syscall.EDQUOT) {
		return cause
	}
	if err := f.Truncate(size); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w: %w", errTakenBack, cause)
}

func (l *Log) noteEpoch(epoch kafka.Epoch, start kafka.Offset) {
	old := *l.epochs.Load()
	if e := old.with(epoch, start); len(e) > len(old) {
		l.epochs.Store(&e)
		l.epochsChanged = true
	}
}

// Roll implements store.PartitionLog.
func (l *Log) Roll() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refused(); err != nil {
		return err
	}
	return l.roll()
}

// roll closes the active segment and starts the next, unless it is empty. It
// syncs the old one before the new one exists: so only the last segment of a
// log can ever lack bytes after a power cut. The caller holds mu.
func (l *Log) roll() error {
	if l.active().size.Load() == 0 {
		return nil
	}
	if err := l.settle(); err != nil {
		return l.fail("roll", err)
	}
	next, err := newSegment(l.files, l.path, l.End(), "")
	if err == nil {
		err = l.fs.SyncDir(l.path)
	}
	if err != nil {
		return l.fail("roll", err)
	}
	old := *l.segments.Load()
	list := append(old[:len(old):len(old)], next)
	l.segments.Store(&list)
	l.firstTime, l.sinceIndex = -1, 0
	l.syncer.add(l) // tells those who wait for what settle has synced
	return nil
}
