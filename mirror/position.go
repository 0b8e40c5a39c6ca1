package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"schloss/kafka"
)

// positions finds where partitions are to begin. What the group has committed
// counts. What has no position begins at its first record, so that a topic
// born while nobody looked is whole; only at the very first start of a group
// does auto.offset.reset decide for what was there before, as it does in
// MirrorMaker 1 (whose default, latest, copies nothing old).
func (m *Mirror) positions(ctx context.Context, tps []kafka.TopicPartition) (at map[kafka.TopicPartition]place, err error) {
	committed, err := m.source.admin.CommittedOffsets(ctx, m.settings.group)
	if err != nil {
		return nil, err
	}
	at = make(map[kafka.TopicPartition]place, len(tps))
	known := make(map[kafka.TopicPartition]kafka.Offset, len(committed))
	for _, c := range committed {
		if c.Err != nil {
			return nil, c.Err
		}
		known[c.TopicPartition] = c.Offset
	}
	asked := make(map[kafka.Offset][]kafka.TopicPartition)
	for _, tp := range tps {
		if offset, ok := known[tp]; ok {
			at[tp] = place{at: offset, committed: offset}
			continue
		}
		switch point := m.entry(tp); point {
		case kafka.EarliestOffset, kafka.LatestOffset:
			asked[point] = append(asked[point], tp)
		default:
			at[tp] = place{at: -1, committed: -1, halt: &Halt{Reason: NoPosition, Offset: -1, Err: errors.New("the group has committed none and auto.offset.reset is none")}}
		}
	}
	for point, tps := range asked {
		listed, err := m.source.admin.ListOffsets(ctx, int64(point), tps)
		if err != nil {
			return nil, err
		}
		for _, l := range listed {
			switch {
			case l.Err == nil:
				at[l.TopicPartition] = place{at: l.Offset, committed: -1}
			case transient(l.Err):
				return nil, l.Err
			default:
				at[l.TopicPartition] = place{at: -1, committed: -1, halt: &Halt{Reason: SourceRefused, Offset: -1, Err: l.Err}}
			}
		}
	}
	return at, nil
}

// place is where a partition begins.
type place struct {
	at, committed kafka.Offset
	halt          *Halt
}

// neither is the point of a partition that must not begin by itself.
const neither kafka.Offset = -100

// entry says from which end of the log a partition without a position starts.
func (m *Mirror) entry(tp kafka.TopicPartition) kafka.Offset {
	bornLater := tp.Partition >= m.atStart[tp.Topic]
	switch reset := m.settings.reset; {
	case bornLater || reset == "earliest":
		return kafka.EarliestOffset
	case reset == "none":
		return neither
	case m.firstStart || m.settings.resetSet:
		return kafka.LatestOffset
	}
	return kafka.EarliestOffset
}

// reposition decides what becomes of a partition whose position the source
// does not have. Before the log's start, the records are gone: retention was
// faster. auto.offset.reset=earliest in the file allows to go on with what is
// left, and that is told. Behind the log's end, the source has lost records or
// is another topic of the same name: nothing allows to guess there.
func (s *stream) reposition(ctx context.Context, p *partition) {
	m := s.mirror
	one := []kafka.TopicPartition{p.tp}
	first, err := m.source.admin.ListOffsets(ctx, int64(kafka.EarliestOffset), one)
	last, lastErr := m.source.admin.ListOffsets(ctx, int64(kafka.LatestOffset), one)
	if err = errors.Join(err, lastErr); err == nil {
		err = errors.Join(first[0].Err, last[0].Err)
	}
	if err != nil {
		if ctx.Err() == nil {
			time.AfterFunc(pause(m.settings.backoff, 5), func() { s.wake(p) }) // the fetch tells again
		}
		return
	}
	s.mu.Lock()
	halted := p.halt != nil
	from := p.next
	switch start, end := first[0].Offset, last[0].Offset; {
	case from >= start && from <= end: // it was a leader that lagged behind
	case from < start && m.settings.reset == "earliest" && m.settings.resetSet:
		p.skipTo(start)
		defer m.notice(fmt.Sprintf("partition %s: records %d to %d are gone from the source (retention); going on at %d (auto.offset.reset=earliest)", p.tp, from, start-1, start))
	default:
		p.stop(OffsetGone, from, fmt.Errorf("the source has offsets %d to %d", start, end))
	}
	newly := !halted && p.halt != nil
	s.mu.Unlock()
	if newly {
		m.halted(p.tp, p.halt)
	}
	s.wake(p)
}
