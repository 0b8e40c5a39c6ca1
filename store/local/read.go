package local

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// span is what a Read asks for.
type span struct {
	from, limit kafka.Offset
	room        int  // bytes
	atLeastOne  bool // the first batch may be longer than room
}

// Read implements store.PartitionLog.
func (l *Log) Read(dst []byte, from, limit kafka.Offset, maxBytes int, atLeastOne bool) ([]byte, error) {
	for {
		out, err := l.read(dst, span{from: from, limit: limit, room: maxBytes, atLeastOne: atLeastOne})
		if !errors.Is(err, errGone) {
			return out, err
		}
	}
}

// read gives errGone when a segment was removed meanwhile. Its list has been
// replaced by then, or the log was closed.
func (l *Log) read(dst []byte, want span) ([]byte, error) {
	if err := l.refused(); err != nil {
		return dst, err
	}
	start, end := l.Start(), l.End() // before the list: see Log
	segments := *l.segments.Load()
	if want.from < start || want.from > end {
		return dst, fmt.Errorf("read %s at %d: %w [%d, %d]", l.tp, want.from, store.ErrOffsetOutOfRange, start, end)
	}
	want.limit = min(want.limit, end)
	out := dst
	for i := floor(segments, want.from); i < len(segments) && want.from < want.limit; i++ {
		longer, more, err := segments[i].read(out, want)
		if err != nil {
			return dst, fmt.Errorf("read %s at %d: %w", l.tp, want.from, err)
		}
		if got := len(longer) - len(out); got > 0 {
			want.room, want.atLeastOne = want.room-got, false
		}
		out = longer
		if !more {
			break
		}
	}
	return out, nil
}

// read appends the batches of one segment. more is false when the limit or the
// room ended it.
func (s *segment) read(dst []byte, want span) (out []byte, more bool, err error) {
	f, err := s.log.acquire()
	if err != nil {
		return dst, false, err
	}
	defer s.log.release()
	at, head, ok, err := s.locate(f, want.from)
	if err != nil {
		return dst, false, fmt.Errorf("%s: %w", s.log.path, err)
	}
	if !ok {
		return dst, true, nil
	}
	if head.NextOffset() > want.limit {
		return dst, false, nil
	}
	size := s.size.Load()
	n := min(size-at, int64(max(want.room, 0)))
	if first := int64(sizeOf(head)); first > n {
		if !want.atLeastOne {
			return dst, false, nil
		}
		n = first
	}
	out = slices.Grow(dst, int(n))[:len(dst)+int(n)]
	if _, err := f.ReadAt(out[len(dst):], at); err != nil && err != io.EOF {
		return dst, false, err
	}
	whole := wholeBatches(out[len(dst):], want.limit)
	return out[:len(dst)+whole], at+int64(whole) == size, nil
}

// wholeBatches is how many bytes of b are whole batches that end before limit.
func wholeBatches(b []byte, limit kafka.Offset) int {
	n := 0
	for {
		first, _, err := batch.Split(b[n:])
		if err != nil || first.NextOffset() > limit {
			return n
		}
		n += len(first)
	}
}

// OffsetForTime implements store.PartitionLog.
func (l *Log) OffsetForTime(ts int64) (kafka.Offset, int64, bool, error) {
	return l.search(func(segments []*segment) (hit, error) {
		for _, s := range segments {
			if newest := s.newest.Load(); newest == nil || newest.timestamp < ts {
				continue
			}
			h, err := s.firstSince(ts, l.Start())
			if err != nil || h.found {
				return h, err
			}
		}
		return hit{}, nil
	})
}

// MaxTimestamp implements store.PartitionLog.
func (l *Log) MaxTimestamp() (kafka.Offset, int64, bool, error) {
	return l.search(func(segments []*segment) (hit, error) {
		var best hit
		for _, s := range segments {
			h, err := s.latest(l.Start(), l.Durable())
			if err != nil {
				return best, err
			}
			if h.found && (!best.found || h.timestamp > best.timestamp) {
				best = h
			}
		}
		if !best.found {
			return best, nil
		}
		// The hit is a batch; the record within it is what is asked for.
		return segments[floor(segments, best.offset)].firstSinceNear(best.timestamp, best.offset, l.Start())
	})
}

// hit is a record that a search by time has found.
type hit struct {
	offset    kafka.Offset
	timestamp int64
	found     bool
}

// search runs find on the segments until none of them is removed meanwhile.
func (l *Log) search(find func([]*segment) (hit, error)) (kafka.Offset, int64, bool, error) {
	for {
		if err := l.refused(); err != nil {
			return kafka.NoOffset, -1, false, err
		}
		durable := l.Durable()
		h, err := find(*l.segments.Load())
		switch {
		case errors.Is(err, errGone):
			continue
		case err != nil:
			return kafka.NoOffset, -1, false, fmt.Errorf("search %s by time: %w", l.tp, err)
		case !h.found || h.offset >= durable:
			return kafka.NoOffset, -1, false, nil
		}
		return h.offset, h.timestamp, true, nil
	}
}

// firstSince finds the first record from start on with a timestamp of at least
// ts.
func (s *segment) firstSince(ts int64, start kafka.Offset) (hit, error) {
	near := max(s.base, start)
	e, ok, err := s.times.search(func(e stamp) bool { return e.timestamp < ts })
	if err != nil {
		return hit{}, err
	}
	if ok {
		near = max(near, s.base+kafka.Offset(e.offset)+1)
	}
	return s.firstSinceNear(ts, near, start)
}

// firstSinceNear does so among the batches that end at near or later. The batch
// that has it is walked: its header tells the largest timestamp only.
func (s *segment) firstSinceNear(ts int64, near, start kafka.Offset) (h hit, err error) {
	err = s.log.use(func(f disk.File) error {
		c, err := s.cursorNear(f, near)
		if err != nil {
			return err
		}
		for c.next() {
			if c.head.LastOffset() < near || c.head.MaxTimestamp() < ts {
				continue
			}
			b, err := c.whole(nil)
			if err != nil {
				return err
			}
			offset, timestamp, found, err := b.FirstSince(start, ts, decodeLimit)
			if err != nil {
				return err
			}
			if found {
				h = hit{offset, timestamp, true}
				return nil
			}
		}
		return c.err
	})
	return h, err
}

// latest finds the last offset of the first batch between start and limit that
// has the largest timestamp there.
func (s *segment) latest(start, limit kafka.Offset) (hit, error) {
	newest := s.newest.Load()
	if newest == nil {
		return hit{}, nil
	}
	if o := s.base + kafka.Offset(newest.offset); o >= start && o < limit {
		return hit{o, newest.timestamp, true}, nil
	}
	var h hit
	err := s.log.use(func(f disk.File) error {
		c := newCursor(f, 0, s.size.Load(), walkWindow)
		for c.next() && c.head.NextOffset() <= limit {
			if ts := c.head.MaxTimestamp(); c.head.LastOffset() >= start && c.head.Count() > 0 && ts >= 0 && (!h.found || ts > h.timestamp) {
				h = hit{c.head.LastOffset(), ts, true}
			}
		}
		return c.err
	})
	return h, err
}
