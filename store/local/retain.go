package local

import (
	"fmt"
	"time"

	"schloss/kafka"
	"schloss/store"
)

// Retain implements store.PartitionLog.
func (l *Log) Retain(now time.Time) (kafka.Offset, int64, error) {
	l.tidy.Lock()
	defer l.tidy.Unlock()
	if err := l.refused(); err != nil {
		return kafka.NoOffset, 0, err
	}
	if err := l.rollExpired(now); err != nil {
		return l.Start(), 0, err
	}
	gone, err := l.drop(max(l.expired(now), l.passed()))
	return l.Start(), gone, err
}

// DeleteRecords implements store.PartitionLog.
func (l *Log) DeleteRecords(before kafka.Offset) (kafka.Offset, error) {
	l.tidy.Lock()
	defer l.tidy.Unlock()
	if err := l.refused(); err != nil {
		return kafka.NoOffset, err
	}
	if before < 0 || before > l.Durable() {
		return kafka.NoOffset, fmt.Errorf("delete records of %s below %d: %w, it is durable up to %d", l.tp, before, store.ErrOffsetOutOfRange, l.Durable())
	}
	if before > l.Start() {
		if err := l.raiseStart(before); err != nil {
			return kafka.NoOffset, fmt.Errorf("delete records of %s below %d: %w", l.tp, before, err)
		}
	}
	_, err := l.drop(l.passed())
	return l.Start(), err
}

// raiseStart moves the log start, first on the disk. All below it must be
// durable by then, or a power cut could leave a log that ends before it starts.
func (l *Log) raiseStart(to kafka.Offset) error {
	l.mu.Lock()
	end := l.end.Load()
	if kafka.Offset(l.synced.Load()) < to { // of a lazy log
		if err := l.flush(l.active().log.sync); err != nil {
			l.mu.Unlock()
			return err
		}
		l.advance(end)
	}
	l.mu.Unlock()
	l.raised.Store(int64(to))
	if err := l.starts.put(l.tp, to); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start.Store(int64(to))
	l.trimEpochs()
	return nil
}

// passed is how many of the oldest closed segments end before the log start.
func (l *Log) passed() int {
	list, start, n := *l.segments.Load(), l.Start(), 0
	for n+1 < len(list) && list[n+1].base <= start {
		n++
	}
	return n
}

// drop removes the n oldest segments, one after the other.
func (l *Log) drop(n int) (gone int64, err error) {
	for range n {
		size, err := l.dropFirst()
		gone += size
		if err != nil {
			return gone, l.fail("remove old segments of", err)
		}
	}
	return gone, nil
}

// rollExpired closes the active segment when all that it holds is too old, so
// that it can go.
func (l *Log) rollExpired(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.Load().Compacted || !l.tooOld(l.active(), now) {
		return nil
	}
	return l.roll()
}

// tooOld says whether the newest record of a segment is past its time. One
// without timestamps is kept: nothing tells its age.
func (l *Log) tooOld(s *segment, now time.Time) bool {
	age, newest := l.config.Load().RetentionAge, s.newest.Load()
	return age >= 0 && newest != nil && now.UnixMilli()-newest.timestamp > age.Milliseconds()
}

// expired is how many of the oldest closed segments may go: by time as far as all
// before are too old as well, then by size. Each of them ends at or before the
// durable end, because it was synced when it was closed.
func (l *Log) expired(now time.Time) int {
	c, list := l.config.Load(), *l.segments.Load()
	if c.Compacted {
		return 0
	}
	closed := list[:len(list)-1]
	n := 0
	for n < len(closed) && l.tooOld(closed[n], now) {
		n++
	}
	if c.RetentionBytes >= 0 {
		excess := l.Size() - c.RetentionBytes
		for i, s := range closed {
			if excess -= s.size.Load(); excess < 0 {
				break
			}
			n = max(n, i+1)
		}
	}
	return n
}

// dropFirst removes the oldest segment. Its name is durably gone before the
// log start passes it, and before the next one is touched: after a power cut
// the log begins where it began or later, and has no hole.
func (l *Log) dropFirst() (int64, error) {
	first := (*l.segments.Load())[0]
	aside := l.path + "/" + fileName(first.base, logSuffix) + deletedSuffix
	if err := first.log.rename(aside); err != nil {
		return 0, err
	}
	if err := l.fs.SyncDir(l.path); err != nil {
		return 0, err
	}
	l.mu.Lock()
	list := (*l.segments.Load())[1:]
	l.segments.Store(&list)
	l.trimEpochs()
	l.mu.Unlock()
	first.forget()
	return first.size.Load(), l.unlink(first)
}

// trimEpochs forgets the epochs before the log start. The caller holds mu.
func (l *Log) trimEpochs() {
	trimmed := l.epochs.Load().from(l.Start())
	l.epochsChanged = l.epochsChanged || len(trimmed) != len(*l.epochs.Load())
	l.epochs.Store(&trimmed)
}

// unlink removes the files of a segment that is in no list any more.
func (l *Log) unlink(s *segment) error {
	for _, f := range []*file{s.log, s.offsets.file, s.times.file} {
		if err := l.fs.Remove(f.path); err != nil {
			return fmt.Errorf("remove %s: %w", f.path, err)
		}
	}
	return nil
}
