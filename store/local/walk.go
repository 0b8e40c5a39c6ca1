package local

import (
	"fmt"
	"maps"
	"slices"

	"schloss/internal/disk"
	"schloss/kafka"
)

// walk goes through a segment batch by batch and makes the indexes behind the
// point where it starts.
type walk struct {
	*segment
	at        int64        // where it is: before it all is good
	end       int64        // size of the file
	next      kafka.Offset // the offset behind the last good batch
	check     kafka.Offset // batches that end behind it are verified whole
	gaps      bool         // a rewrite may have left gaps between the batches
	indexed   bool         // the first batch is the one of the last index entry
	interval  int
	since     int // bytes behind the last index entry
	firstTime int64
	epochs    epochs
}

// run walks to the end. bad says why it stopped before; err that it could not
// read.
func (w *walk) run() (bad, err error) {
	err = w.log.use(func(f disk.File) error {
		if first := newCursor(f, 0, w.end, seekWindow); first.next() {
			w.firstTime = first.head.MaxTimestamp()
		}
		c := newCursor(f, w.at, w.end, walkWindow)
		var buf []byte
		for c.next() {
			if bad = w.order(c); bad != nil {
				return nil
			}
			if c.head.NextOffset() > w.check {
				b, err := c.whole(buf)
				if err != nil {
					return err
				}
				if bad = b.Check(); bad != nil {
					return nil
				}
				if cap(b) > cap(buf) && len(b) > walkWindow {
					buf = b
				}
			}
			if err := w.take(c); err != nil {
				return err
			}
		}
		bad = c.err
		return nil
	})
	return bad, err
}

// order says why a batch may not stand where it stands.
func (w *walk) order(c *cursor) error {
	base := c.head.BaseOffset()
	switch {
	case c.head.LastOffsetDelta() < 0 || !w.holds(c.head.NextOffset()):
		return fmt.Errorf("position %d: offsets %d to %d are out of range", c.at, base, c.head.LastOffset())
	case w.indexed:
		if last := c.head.LastOffset(); last != w.next {
			return fmt.Errorf("position %d: last offset is %d instead of %d", c.at, last, w.next)
		}
	case base < w.next || base > w.next && !w.gaps:
		return fmt.Errorf("position %d: offset is %d instead of %d", c.at, base, w.next)
	}
	return nil
}

func (w *walk) take(c *cursor) error {
	var err error
	if w.indexed {
		w.indexed, w.since = false, sizeOf(c.head)
	} else if w.since, err = w.note(c.head, c.at, w.since, w.interval); err != nil {
		return err
	}
	w.epochs = w.epochs.with(c.head.LeaderEpoch(), c.head.BaseOffset())
	w.at, w.next = c.after, c.head.NextOffset()
	return nil
}

// sortedBases are the offsets in the names with this suffix.
func sortedBases(names map[string]bool, suffix string) []kafka.Offset {
	var out []kafka.Offset
	for name := range maps.Keys(names) {
		if base, ok := parseFileName(name, suffix); ok {
			out = append(out, base)
		}
	}
	slices.Sort(out)
	return out
}
