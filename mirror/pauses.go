package mirror

import (
	"context"
	"fmt"
	"time"

	"schloss/kafka"
)

// passes says whether what halts a partition may pass without anybody deciding
// something about its records: such a halt is a pause.
func (r HaltReason) passes() bool {
	switch r {
	case SourceRefused, TargetRefused, TopicNotShown, TopicNotCreated, FewerPartitions, NotQuarantined:
		return true
	}
	return false
}

// pausing is a partition whose halt may pass.
type pausing struct {
	reason HaltReason
	tries  int
	due    time.Time // of the next try; zero while it is tried
}

const (
	firstPause = time.Second
	maxPause   = time.Minute
)

// paused notes a halt and says whether it is new to the operator.
func (m *Mirror) paused(tp kafka.TopicPartition, h *Halt) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !h.Reason.passes() {
		delete(m.pauses, tp)
		return true
	}
	p := m.pauses[tp]
	if p == nil {
		p = &pausing{}
		m.pauses[tp] = p
	}
	fresh := p.reason != h.Reason
	if fresh {
		p.reason, p.tries = h.Reason, 0
	}
	p.due = time.Now().Add(min(firstPause<<min(p.tries, 10), maxPause))
	p.tries++
	return fresh
}

// mindPauses tries paused partitions again until the context ends.
func (m *Mirror) mindPauses(ctx, carry context.Context) {
	ticker := time.NewTicker(firstPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			m.endPauses(carry, now)
		}
	}
}

// endPauses begins anew with each partition whose pause is over, and tells of
// those that go on.
func (m *Mirror) endPauses(carry context.Context, now time.Time) {
	var due, going []kafka.TopicPartition
	m.mu.Lock()
	for tp, pause := range m.pauses {
		p := m.given[tp]
		switch {
		case p == nil || p.stream == nil: // not ours, or not yet begun
		case p.halted() != nil:
			if !pause.due.IsZero() && !now.Before(pause.due) {
				pause.due = time.Time{}
				due = append(due, tp)
			}
		case p.advanced():
			delete(m.pauses, tp)
			going = append(going, tp)
		}
	}
	m.mu.Unlock()
	for _, tp := range going {
		m.notice(fmt.Sprintf("partition %s goes on", tp))
	}
	if len(due) == 0 {
		return
	}
	m.release(carry, due, true)
	ours := m.accept(due)
	m.running.Go(func() { m.begin(carry, ours) })
}
