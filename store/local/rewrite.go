package local

import (
	"errors"
	"fmt"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// keepFunc says whether the record at an offset, with this key, is live.
type keepFunc = func(offset kafka.Offset, key []byte) bool

// Rewrite implements store.PartitionLog. Small neighbours become one segment.
//
// The last batch of what is rewritten stays, without records if need be: so a
// new segment ends where the old ones ended, and a recovery can tell from its
// batches which ones it replaces. Unlike Kafka, the last batch of each
// producer is not kept for its sequence number: producers are restored from
// their snapshots, which are written whenever a segment is closed.
func (l *Log) Rewrite(keep func(offset kafka.Offset, key []byte) bool) error {
	l.tidy.Lock()
	defer l.tidy.Unlock()
	if err := l.refused(); err != nil {
		return err
	}
	list := *l.segments.Load()
	for closed := list[:len(list)-1]; len(closed) > 0; {
		group := l.group(closed)
		closed = closed[len(group):]
		if l.closing.Load() {
			return store.ErrClosed
		}
		if err := l.refused(); err != nil {
			return err
		}
		if err := l.rewriteGroup(group, keep); err != nil {
			return fmt.Errorf("rewrite %s: %w", l.tp, err)
		}
	}
	return nil
}

// group takes segments that fit into one, by the sizes they have now.
func (l *Log) group(closed []*segment) []*segment {
	size := closed[0].size.Load()
	n := 1
	for ; n < len(closed); n++ {
		var end kafka.Offset
		if n+1 < len(closed) {
			end = closed[n+1].base
		} else {
			end = l.active().base
		}
		if size += closed[n].size.Load(); size > l.config.Load().SegmentBytes || !closed[0].holds(end) {
			break
		}
	}
	return closed[:n]
}

// rewriteGroup replaces segments by one. Until the swap an error leaves the log
// as it is; the files of the attempt are emptied by the next one.
func (l *Log) rewriteGroup(group []*segment, keep keepFunc) error {
	next, err := newSegment(l.files, l.path, group[0].base, cleanedSuffix)
	if err != nil {
		return err
	}
	c := &copier{to: next, keep: keep, interval: l.config.Load().IndexInterval, stop: l.closing.Load}
	for i, s := range group {
		if err := c.copy(s, i == len(group)-1); err != nil {
			next.forget()
			return err
		}
	}
	if c.stopped || !c.changed && len(group) == 1 {
		next.forget()
		return l.unlink(next)
	}
	if err := c.finish(); err != nil {
		next.forget()
		return err
	}
	if err := l.swap(group, next); err != nil {
		return l.fail("swap segments of", err)
	}
	return nil
}

// swap puts a rewritten segment in the place of a group. The rename of the log
// file to .log.swap is the point of no return: recovery finishes what comes
// behind it.
func (l *Log) swap(group []*segment, next *segment) error {
	files := []*file{next.offsets.file, next.times.file, next.log}
	suffixes := []string{indexSuffix, timesSuffix, logSuffix}
	for i, f := range files {
		if err := f.rename(l.path + "/" + fileName(next.base, suffixes[i]) + swapSuffix); err != nil {
			return err
		}
	}
	if err := l.fs.SyncDir(l.path); err != nil {
		return err
	}
	l.replace(group, next)
	for _, s := range group {
		s.forget()
	}
	for _, s := range group[1:] {
		if err := l.unlink(s); err != nil {
			return err
		}
	}
	for i, f := range files {
		// The segment gets its name after its indexes and the removals.
		if f == next.log {
			if err := l.fs.SyncDir(l.path); err != nil {
				return err
			}
		}
		if err := f.rename(l.path + "/" + fileName(next.base, suffixes[i])); err != nil {
			return err
		}
	}
	return l.fs.SyncDir(l.path)
}

// replace publishes the list with next instead of group, whose first segment
// has the same base.
func (l *Log) replace(group []*segment, next *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*segment
	for _, s := range *l.segments.Load() {
		switch {
		case s == group[0]:
			list = append(list, next)
		case s.base < next.base || s.base > group[len(group)-1].base:
			list = append(list, s)
		}
	}
	l.segments.Store(&list)
}

// copier writes the live batches of segments into a new one.
type copier struct {
	to       *segment
	keep     keepFunc
	interval int
	stop     func() bool

	out     []byte
	since   int
	buf     []byte
	changed bool // something was left out
	stopped bool
}

// copy takes over the batches of a segment. last says that none comes behind
// it.
func (c *copier) copy(s *segment, last bool) error {
	return s.log.use(func(f disk.File) error {
		size := s.size.Load()
		for cur := newCursor(f, 0, size, walkWindow); ; {
			if !cur.next() {
				return cur.err
			}
			if c.stopped = c.stop(); c.stopped {
				return nil
			}
			b, err := cur.whole(c.buf)
			if err != nil {
				return err
			}
			if b, err = c.live(b, last && cur.after == size); err != nil {
				return fmt.Errorf("%s: %w", s.log.path, err)
			}
			if err := c.write(b); err != nil {
				return err
			}
		}
	})
}

// live is the batch without its dead records: as it is when all live, nil when
// none does. The keys must be seen, so the batch is decoded; but its bytes are
// changed only when a record goes.
func (c *copier) live(b batch.Batch, last bool) (batch.Batch, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	if b.Attributes().Control() {
		return b, nil
	}
	records, err := b.Records(decodeLimit)
	if err != nil {
		return nil, err
	}
	live := make([]batch.Record, 0, len(records))
	for _, r := range records {
		if c.keep(r.Offset, r.Key) {
			live = append(live, r)
		}
	}
	switch {
	case len(live) == len(records) && (len(live) > 0 || last):
		return b, nil
	}
	c.changed = true
	if len(live) == 0 && !last {
		return nil, nil
	}
	return sparse(b, live)
}

func (c *copier) write(b batch.Batch) error {
	if len(b) == 0 {
		return nil
	}
	var err error
	at := c.to.size.Load() + int64(len(c.out))
	if at > maxSegment {
		return errors.New("the new segment is too long")
	}
	if c.since, err = c.to.note(b, at, c.since, c.interval); err != nil {
		return err
	}
	if c.out = append(c.out, b...); len(c.out) < walkWindow {
		return nil
	}
	return c.flush()
}

func (c *copier) flush() error {
	at := c.to.size.Load()
	err := c.to.log.use(func(f disk.File) error {
		_, err := f.WriteAt(c.out, at)
		return err
	})
	c.to.size.Store(at + int64(len(c.out)))
	c.out = c.out[:0]
	return err
}

// finish makes the new segment durable, but not its names.
func (c *copier) finish() error {
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.to.log.sync(); err != nil {
		return err
	}
	return c.to.seal()
}

// sparse is b with some of its records, or none: it keeps its offsets and
// whom it is from.
func sparse(b batch.Batch, records []batch.Record) (batch.Batch, error) {
	h := b.Header()
	builder := batch.NewBuilder(h.Attributes.Codec())
	builder.Span(h.BaseOffset, h.LastOffset())
	builder.Attributes = h.Attributes &^ batch.DeleteHorizonBit // its base timestamp is the first record's again
	builder.LeaderEpoch = h.LeaderEpoch
	builder.ProducerID, builder.ProducerEpoch, builder.BaseSequence = h.ProducerID, h.ProducerEpoch, h.BaseSequence
	for _, r := range records {
		builder.Add(r)
	}
	out, err := builder.Build()
	if err == nil && h.Attributes.LogAppendTime() && len(records) > 0 {
		out.StampLogAppendTime(h.MaxTimestamp)
	}
	return out, err
}
