package mirror

import (
	"cmp"
	"context"
	"slices"
	"time"

	"schloss/kafka"
)

// Progress is the state of a mirror at one moment.
type Progress struct {
	At         time.Time
	Since      time.Time // start of the mirror
	Records    int64     // acknowledged by the target since the start
	Bytes      int64     // as batches, compressed as they are
	Dropped    int64     // records that the target refused, without AbortOnSendFailure
	RecordRate float64   // a second, between the last two ticks
	ByteRate   float64
	Lag        int64   // records, sum over the partitions where it is known
	LagSeconds float64 // the largest of the partitions: what a disaster right now would cost
	Partitions []PartitionProgress
}

// Halted counts the partitions that do not go on.
func (p Progress) Halted() (n int) {
	for _, pp := range p.Partitions {
		if pp.Halt != nil {
			n++
		}
	}
	return n
}

// Running counts the others.
func (p Progress) Running() int { return len(p.Partitions) - p.Halted() }

// PartitionProgress is the state of one partition that this mirror copies.
type PartitionProgress struct {
	kafka.TopicPartition
	Position  kafka.Offset // next source offset to copy; all before it is acknowledged; -1: not known yet
	Committed kafka.Offset // -1: nothing yet
	End       kafka.Offset // what the source lets us read up to; -1: not known yet
	Halt      *Halt        // nil: it runs

	Lag        int64   // records behind End; -1: not known yet
	LagBytes   int64   // as batches, estimated by the mean size of records; -1: not known yet
	LagSeconds float64 // age of the oldest record that is not copied yet; -1: not known yet

	Records, Bytes, Dropped int64 // since it was last assigned to this mirror
	Traffic
}

// totals are counts of what was copied.
type totals struct{ records, bytes, dropped int64 }

func (t totals) plus(u totals) totals {
	return totals{t.records + u.records, t.bytes + u.bytes, t.dropped + u.dropped}
}

// rates are counts a second, between ticks.
type rates struct {
	since, at      time.Time
	last           totals
	records, bytes float64
}

func (r *rates) begin(now time.Time) { r.since, r.at = now, now }

func (r *rates) tick(now time.Time, t totals) {
	if seconds := now.Sub(r.at).Seconds(); seconds > 0 {
		r.records = float64(t.records-r.last.records) / seconds
		r.bytes = float64(t.bytes-r.last.bytes) / seconds
	}
	r.at, r.last = now, t
}

// Snapshot is the state right now.
func (m *Mirror) Snapshot() Progress { return m.snapshot(false) }

func (m *Mirror) snapshot(tick bool) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	sum := m.retired
	out := Progress{At: now, Since: m.rates.since}
	for _, p := range m.given {
		if p.stream == nil {
			out.Partitions = append(out.Partitions, p.progress(now))
			continue
		}
		p.stream.mu.Lock()
		pp := p.progress(now)
		sum = sum.plus(totals{p.records, p.bytes, p.dropped})
		p.stream.mu.Unlock()
		out.Partitions = append(out.Partitions, pp)
		out.Lag += max(0, pp.Lag)
		out.LagSeconds = max(out.LagSeconds, pp.LagSeconds)
	}
	slices.SortFunc(out.Partitions, func(a, b PartitionProgress) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if tick {
		m.rates.tick(now, sum)
	}
	out.Records, out.Bytes, out.Dropped = sum.records, sum.bytes, sum.dropped
	out.RecordRate, out.ByteRate = m.rates.records, m.rates.bytes
	return out
}

// retire forgets a partition that was given back, but for its counts, and for
// what the group does not know of its position.
func (m *Mirror) retire(p *partition) {
	copied, at := p.stream.forget(p)
	p.stream.mu.Lock()
	seen := p.traffic
	p.stream.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retired = m.retired.plus(copied)
	m.seen[p.tp] = seen
	if at.at >= 0 && (at.at != at.committed || at.ahead.end > 0) {
		m.kept[p.tp] = at
	}
}

// tellProgress reports at intervals until the context ends.
func (m *Mirror) tellProgress(ctx context.Context) {
	interval := m.config.ProgressInterval
	if interval <= 0 {
		interval = time.Second
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p := m.snapshot(true)
		if m.config.Progress != nil {
			m.config.Progress(p)
		}
	}
}
