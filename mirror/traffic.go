package mirror

import (
	"context"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// traffic is what was copied of a partition lately, and when it had last caught
// up with the source. Its partition's lock guards it.
type traffic struct {
	current, previous window

	endAt    time.Time // when the source's end was last learned
	caughtUp time.Time // when nothing was left to copy; zero: never yet
	behind   time.Time // since when it is known that there is something, if it never was
	newest   int64     // the latest timestamp that was acknowledged, ms; 0: none had one
}

// windowLength is Kafka's metrics.sample.window.ms; averages and rates are of
// two windows, as its own are.
const windowLength = 30 * time.Second

// window is some time's traffic.
type window struct {
	since          time.Time
	records, bytes int64
	age, latency   Spread // of batches when they were fetched and when they were acknowledged
}

// Spread says how values were spread over the last half minute to minute, in
// milliseconds.
type Spread struct{ Last, Min, Max, Sum, Count int64 }

func (s *Spread) note(v int64) {
	if s.Count == 0 {
		s.Min, s.Max = v, v
	}
	s.Last, s.Min, s.Max = v, min(s.Min, v), max(s.Max, v)
	s.Sum += v
	s.Count++
}

// with adds the values of an earlier spread.
func (s Spread) with(earlier Spread) Spread {
	switch {
	case earlier.Count == 0:
		return s
	case s.Count == 0:
		return earlier
	}
	return Spread{s.Last, min(s.Min, earlier.Min), max(s.Max, earlier.Max), s.Sum + earlier.Sum, s.Count + earlier.Count}
}

// at is the window for what happens now.
func (t *traffic) at(now time.Time) *window { return turn(&t.current, &t.previous, now, windowLength) }

// turn has windows of a length follow each other, and returns the current one.
func turn(current, previous *window, now time.Time, length time.Duration) *window {
	switch passed := now.Sub(current.since); {
	case passed >= 2*length: // nothing has happened for so long
		*previous, *current = window{since: now.Add(-length)}, window{since: now}
	case passed >= length:
		*previous, *current = *current, window{since: current.since.Add(length)}
	}
	return current
}

// Traffic is what was copied of a partition in the last half minute to minute.
type Traffic struct {
	RecordRate, ByteRate float64 // a second
	Age, Latency         Spread  // from a batch's latest timestamp to fetching it and to its acknowledgement
}

func (t *traffic) recent(now time.Time) Traffic {
	t.at(now)
	out := Traffic{Age: t.current.age.with(t.previous.age), Latency: t.current.latency.with(t.previous.latency)}
	since := t.previous.since
	if since.IsZero() {
		since = t.current.since
	}
	if seconds := now.Sub(since).Seconds(); seconds > 0 {
		out.RecordRate = float64(t.current.records+t.previous.records) / seconds
		out.ByteRate = float64(t.current.bytes+t.previous.bytes) / seconds
	}
	return out
}

// times are a batch's first and latest timestamps in milliseconds, -1 where
// there are none. What the broker's clock gave counts for all of its records.
func times(b batch.Batch) (first, latest int64) {
	latest = b.MaxTimestamp()
	if a := b.Attributes(); a.LogAppendTime() || a.DeleteHorizon() {
		return latest, latest
	}
	return min(b.BaseTimestamp(), latest), latest
}

// took notes a batch that was fetched.
func (p *partition) took(s *span, now time.Time) {
	s.first, s.latest = times(s.batch)
	if s.latest >= 0 {
		p.traffic.at(now).age.note(now.UnixMilli() - s.latest)
	}
}

// gave notes a batch that the target has acknowledged.
func (p *partition) gave(s *span, now time.Time) {
	p.records += int64(s.records)
	p.bytes += int64(len(s.batch))
	w := p.traffic.at(now)
	w.records += int64(s.records)
	w.bytes += int64(len(s.batch))
	if s.latest >= 0 {
		w.latency.note(now.UnixMilli() - s.latest)
		p.traffic.newest = max(p.traffic.newest, s.latest)
	}
}

// learnEnd notes where the source's log ends.
func (p *partition) learnEnd(end kafka.Offset, now time.Time) {
	p.end, p.traffic.endAt = end, now
	p.catchUp()
	if p.lag() > 0 && p.traffic.behind.IsZero() {
		p.traffic.behind = now
	}
}

// catchUp notes that all is copied that there was when the end was learned.
func (p *partition) catchUp() {
	if p.end >= 0 && p.done >= p.end {
		p.traffic.caughtUp = p.traffic.endAt
	}
}

// secondsBehind is the age of the oldest record that is not copied yet, -1 if
// it is not known yet. Where it was not fetched its timestamp is not known; it
// is no older than the last that was copied. No record that is missing is older
// than the moment when none was, whatever its timestamp says. So, when nothing
// moves, the age grows with the clock.
func (p *partition) secondsBehind(now time.Time) float64 {
	switch lag := p.lag(); {
	case lag < 0:
		return -1
	case lag == 0:
		return 0
	}
	oldest := p.traffic.newest
	if len(p.under) > 0 && p.under[0].first >= 0 {
		oldest = p.under[0].first
	}
	since := time.UnixMilli(oldest)
	switch {
	case p.traffic.caughtUp.After(since):
		since = p.traffic.caughtUp
	case oldest <= 0:
		since = p.traffic.behind
	}
	return max(0, now.Sub(since).Seconds())
}

// bytesBehind is what is not copied yet: what was fetched, and the rest by the
// mean size of what was copied; -1 if it is not known.
func (p *partition) bytesBehind() int64 {
	left := int64(max(0, p.end-p.next))
	switch {
	case p.end < 0 || left > 0 && p.records == 0:
		return -1
	case left == 0:
		return int64(p.backlog)
	}
	return int64(p.backlog) + int64(float64(left)*float64(p.bytes)/float64(p.records))
}

// mindEnds keeps the ends of the source's logs known of partitions that are not
// fetched: halted ones, and those that wait for the target.
func (m *Mirror) mindEnds(ctx context.Context) {
	ticker := time.NewTicker(m.source.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			m.learnEnds(ctx, now.Add(-m.source.every))
		}
	}
}

// learnEnds asks for the ends that were last learned before a moment. An open
// transaction counts here, also where only committed records are copied: it is
// behind, until a fetch tells the stable end again. What cannot be learned now
// is asked for again.
func (m *Mirror) learnEnds(ctx context.Context, before time.Time) {
	stale := make(map[kafka.TopicPartition]*partition)
	var tps []kafka.TopicPartition
	m.mu.Lock()
	for tp, p := range m.given {
		if p.stream == nil {
			continue
		}
		p.stream.mu.Lock()
		if p.traffic.endAt.Before(before) {
			stale[tp] = p
			tps = append(tps, tp)
		}
		p.stream.mu.Unlock()
	}
	m.mu.Unlock()
	listed, err := m.source.admin.ListOffsets(ctx, int64(kafka.LatestOffset), tps)
	if err != nil {
		return
	}
	for _, l := range listed {
		p := stale[l.TopicPartition]
		if l.Err != nil || p == nil {
			continue
		}
		p.stream.mu.Lock()
		if p.done >= 0 && p.traffic.endAt.Before(before) {
			p.learnEnd(l.Offset, time.Now())
		}
		p.stream.mu.Unlock()
	}
}
