package mirror

import (
	"context"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// Delivery is what a mirror promises about the records that it copies.
type Delivery string

// The promises. None of them loses a record.
const (
	// AtLeastOnce may copy records twice when the mirror, a connection or the
	// target's memory of the producer is lost.
	AtLeastOnce Delivery = "at-least-once"
	// EffectivelyOnce finds out what the target has before it goes on.
	EffectivelyOnce Delivery = "effectively-once"
	// ExactlyOnce writes records and positions in transactions.
	ExactlyOnce Delivery = "exactly-once"
)

// mode is where the promises differ: who may write, where it begins, and what
// makes positions durable. All that lies between is the same for all.
type mode interface {
	// start is called once, before the journal is opened: what an earlier mirror
	// has left under way there would hide what it has written.
	start(ctx context.Context) error
	// own makes partitions ours on the target, which has nothing of theirs
	// under way from us any more, and moves the claims to where copying is to
	// go on. Its error may pass.
	own(ctx context.Context, claims []*claim) error
	// open prepares to append to a partition that is owned; nil: it has to be
	// owned once more. It does not wait.
	open(stream int, c *claim) Appender
	// renews says whether an error only means that the partition has to be
	// owned once more.
	renews(err error) bool
	// commit makes what is acknowledged durable and returns what the group may
	// be told. m.committing is held.
	commit(ctx context.Context, ps []*partition) map[kafka.TopicPartition]kafka.Offset
	// run does what the mode needs in the background, until the context ends.
	run(ctx context.Context)
}

// claim is a partition that is to be copied, from a place on.
type claim struct {
	p      *partition
	at     place
	limits Limits
	halt   *Halt

	partitions int32 // of the target's topic, where records go by their keys; 0: they keep theirs
	turn       int   // of exactly-once: how many transactions were undone before
}

// journalEvery is how often positions are written where what the target has
// behind them is compared at the next start.
const journalEvery = 5 * time.Second

// newMode makes the mode of a delivery; the second result says whether the
// journal's positions count and not the group's.
func newMode(m *Mirror, target *clusterTarget, d Delivery) (mode, bool, error) {
	if err := checkPartitioning(m.config); err != nil {
		return nil, false, err
	}
	switch d {
	case "", AtLeastOnce:
		if m.config.Partitioning == KeyHash {
			return &byKey{atLeastOnce{m}}, false, nil
		}
		return &atLeastOnce{m}, false, nil
	case EffectivelyOnce:
		return &effectivelyOnce{m: m, target: target}, true, nil
	case ExactlyOnce:
		return newExactlyOnce(m, target), true, nil
	}
	return nil, false, &client.SettingError{Key: "delivery", Value: string(d), Problem: "want at-least-once, effectively-once or exactly-once"}
}

// atLeastOnce leaves it to the idempotent producer to tell repetitions.
type atLeastOnce struct{ m *Mirror }

func (a *atLeastOnce) start(context.Context) error        { return nil }
func (a *atLeastOnce) renews(error) bool                  { return false }
func (a *atLeastOnce) run(context.Context)                {}
func (a *atLeastOnce) open(stream int, c *claim) Appender { return a.m.target.Open(stream, c.p.tp) }

// own: what another delivery wrote down of its writer ends here.
func (a *atLeastOnce) own(_ context.Context, claims []*claim) error {
	for _, c := range claims {
		c.at.base, c.at.writer = kafka.NoOffset, noWriter
	}
	return nil
}

// commit writes the journal first, so that it knows no less than the group;
// where it cannot be written, the next start finds a stretch of its map missing
// and treats it as unknown.
func (a *atLeastOnce) commit(ctx context.Context, ps []*partition) map[kafka.TopicPartition]kafka.Offset {
	moved, state := movedOf(ps)
	if a.m.journal != nil && len(moved) > 0 {
		a.m.writeJournal(ctx, state)
	}
	return moved
}

// movedOf collects what has moved since the last commit.
func movedOf(ps []*partition) (map[kafka.TopicPartition]kafka.Offset, map[kafka.TopicPartition]entry) {
	moved := make(map[kafka.TopicPartition]kafka.Offset)
	state := make(map[kafka.TopicPartition]entry)
	for _, p := range ps {
		p.stream.mu.Lock()
		if !p.revoked && p.done >= 0 && p.done != p.committed {
			moved[p.tp], state[p.tp] = p.done, p.entry()
		}
		p.stream.mu.Unlock()
	}
	return moved, state
}

// writeJournal writes entries, and tells once that it cannot.
func (m *Mirror) writeJournal(ctx context.Context, state map[kafka.TopicPartition]entry) error {
	err := m.journal.write(ctx, state)
	if err != nil && !m.journalFails {
		m.notice(err.Error())
	}
	m.journalFails = err != nil
	return err
}
