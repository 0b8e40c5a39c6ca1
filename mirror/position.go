package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"schloss/kafka"
	"schloss/mirror/offsetmap"
)

// positions finds where partitions are to begin. What the group has committed
// counts. What has no position begins at its first record, so that a topic
// born while nobody looked is whole; only at the very first start of a group
// does auto.offset.reset decide for what was there before, as it does in
// MirrorMaker 1 (whose default, latest, copies nothing old).
func (m *Mirror) positions(ctx context.Context, tps []kafka.TopicPartition) (at map[kafka.TopicPartition]place, err error) {
	if m.journalRules { // they may come from another process
		if err := m.journal.read(ctx); err != nil {
			return nil, err
		}
	}
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
		if e, ok := m.ruling(tp); ok {
			at[tp] = somewhere(e.position, -1, nil)
			continue
		}
		if offset, ok := known[tp]; ok {
			at[tp] = somewhere(offset, offset, nil)
			continue
		}
		switch point := m.entry(tp); point {
		case kafka.EarliestOffset, kafka.LatestOffset:
			asked[point] = append(asked[point], tp)
		default:
			at[tp] = nowhere(&Halt{Reason: NoPosition, Offset: -1, Err: errors.New("the group has committed none and auto.offset.reset is none")})
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
				at[l.TopicPartition] = somewhere(l.Offset, -1, nil)
			case transient(l.Err):
				return nil, l.Err
			default:
				at[l.TopicPartition] = nowhere(&Halt{Reason: SourceRefused, Offset: -1, Err: l.Err})
			}
		}
	}
	return at, m.recall(ctx, at)
}

// ruling is the journal's entry of a partition where it counts, and not what
// the group has committed.
func (m *Mirror) ruling(tp kafka.TopicPartition) (entry, bool) {
	if !m.journalRules {
		return entry{}, false
	}
	return m.journal.entry(tp)
}

// place is where a partition begins.
type place struct {
	at, committed kafka.Offset
	read          kafka.Epoch   // of the last record before it; -1: not known
	offsets       offsetmap.Map // of what was copied before
	base          kafka.Offset  // as of an entry
	writer        writer
	ahead         ahead
	halt          *Halt
}

// entry is what the journal is to know of a place.
func (at place) entry(id kafka.TopicID) entry {
	return entry{position: at.at, epoch: at.read, id: id, offsets: at.offsets, base: at.base, writer: at.writer}
}

// nowhere is a place without a position.
func nowhere(halt *Halt) place {
	return somewhere(-1, -1, halt)
}

func somewhere(at, committed kafka.Offset, halt *Halt) place {
	return place{at: at, committed: committed, read: kafka.NoEpoch, base: kafka.NoOffset, writer: noWriter, halt: halt}
}

// recall adds to the places what the journal knows of them, and compares that
// with what source and target are now. The map ends at the place: what was
// copied behind it is copied again.
func (m *Mirror) recall(ctx context.Context, places map[kafka.TopicPartition]place) error {
	if m.journal == nil {
		return nil
	}
	var mapped []kafka.TopicPartition
	for tp, at := range places {
		e, ok := m.journal.entry(tp)
		if !ok || at.halt != nil {
			continue
		}
		if now := m.source.topic(tp.Topic).id; !e.id.IsZero() && !now.IsZero() && e.id != now {
			places[tp] = m.reborn(tp, at)
			continue
		}
		if at.at <= e.position {
			at.read = e.epoch
		}
		if m.config.Partitioning != KeyHash { // which has no use for a map
			at.offsets = e.offsets.Clone()
			at.offsets.Cut(at.at)
			at.base, at.writer = e.base, e.writer
			mapped = append(mapped, tp)
		}
		places[tp] = at
	}
	ends, err := m.target.Ends(ctx, mapped)
	if err != nil {
		return err
	}
	for tp, end := range ends {
		places[tp] = m.fit(tp, places[tp], end)
	}
	return nil
}

// reborn is the place in a topic that took the name of another one while the
// mirror was down.
func (m *Mirror) reborn(tp kafka.TopicPartition, at place) place {
	err := errors.New("another topic of the source has taken the name")
	if m.config.OnRecreated != GoOn {
		at.halt = &Halt{TopicRecreated, at.at, err}
		return at
	}
	m.notice(fmt.Sprintf("partition %s: %s: %v; going on at offset 0", tp, TopicRecreated, err))
	return somewhere(0, at.committed, nil)
}

// fit is the place after a look at where the target's log ends: what the map
// has behind that is lost there.
func (m *Mirror) fit(tp kafka.TopicPartition, at place, end kafka.Offset) place {
	_, mapped, ok := at.offsets.End()
	if !ok || mapped <= end {
		return at
	}
	from, precision := at.offsets.ToSource(end)
	if precision == offsetmap.Beyond {
		return at // only offsets that had no records of ours
	}
	err := fmt.Errorf("it ends at offset %d, though records were copied up to %d: those from the source's offset %d on are lost there", end, mapped, from)
	if m.config.OnTargetTruncated != GoOn {
		at.halt = &Halt{TargetChanged, at.at, err}
		return at
	}
	m.notice(fmt.Sprintf("partition %s: %s: %v; they are copied again", tp, TargetChanged, err))
	at.at, at.read = from, kafka.NoEpoch
	at.offsets.Cut(from)
	at.writer.next = noSequence // the target has lost that too
	return at
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
// faster, and OnRetention says whether to go on with what is left. Behind the
// log's end, the source has lost what was read from it, without a leader epoch
// that would tell.
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
	case from > end:
		s.mu.Unlock()
		s.restart(p, end, &Halt{SourceTruncated, from, fmt.Errorf("the source has offsets %d to %d", start, end)}, m.config.OnTruncated)
		s.wake(p)
		return
	case m.passesRetention():
		s.mu.Unlock()
		s.restart(p, start, &Halt{OffsetGone, from, fmt.Errorf("records %d to %d are gone from the source (retention)", from, start-1)}, GoOn)
		s.wake(p)
		return
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

// passesRetention says whether to go on where the source has deleted records
// before they were copied: auto.offset.reset=earliest in the file allows it,
// unless a policy says otherwise.
func (m *Mirror) passesRetention() bool {
	if m.config.OnRetention != AsFiled {
		return m.config.OnRetention == GoOn
	}
	return m.settings.reset == "earliest" && m.settings.resetSet
}
