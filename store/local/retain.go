package local

import (
	"fmt"
	"time"

	"schloss/kafka"
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
	var gone int64
	for range l.expired(now) {
		n, err := l.dropFirst()
		gone += n
		if err != nil {
			return l.Start(), gone, l.fail("remove old segments of", err)
		}
	}
	return l.Start(), gone, nil
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

// expired are the oldest closed segments that may go: by time as far as all
// before are too old as well, then by size. Each of them ends at or before the
// durable end, because it was synced when it was closed.
func (l *Log) expired(now time.Time) []*segment {
	c, list := l.config.Load(), *l.segments.Load()
	if c.Compacted {
		return nil
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
	return closed[:n]
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
	trimmed := l.epochs.Load().from(list[0].base)
	l.epochsChanged = l.epochsChanged || len(trimmed) != len(*l.epochs.Load())
	l.epochs.Store(&trimmed)
	l.mu.Unlock()
	first.forget()
	return first.size.Load(), l.unlink(first)
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
