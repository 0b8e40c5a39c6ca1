package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"schloss/kafka"
)

// begin starts to copy partitions that the group has given us. It goes on
// trying while they are ours.
func (m *Mirror) begin(ctx context.Context, ours []*partition) {
	for attempt := 1; len(ours) > 0 && ctx.Err() == nil; attempt++ {
		err := m.prepare(ctx, ours)
		if err == nil {
			return
		}
		if attempt == 3 && ctx.Err() == nil {
			m.notice(fmt.Sprintf("begin to copy %d partitions: %v; trying again", len(ours), err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause(m.settings.backoff, attempt)):
		}
		ours = m.still(ours)
	}
}

// accept notes partitions as ours, not yet running.
func (m *Mirror) accept(tps []kafka.TopicPartition) (ours []*partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, tp := range tps {
		p := &partition{tp: tp, id: m.source.topic(tp.Topic).id, leader: -1}
		p.start(nowhere(nil))
		if before, ok := m.seen[tp]; ok {
			p.traffic = before
		}
		m.given[tp] = p
		ours = append(ours, p)
	}
	return ours
}

// still are those that are not taken from us and not yet in a stream.
func (m *Mirror) still(ps []*partition) (ours []*partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range ps {
		if m.given[p.tp] == p && p.stream == nil {
			ours = append(ours, p)
		}
	}
	return ours
}

// prepare finds each partition's position and its place in the target, and
// hands it to a stream. Its error may pass.
func (m *Mirror) prepare(ctx context.Context, ps []*partition) error {
	tps := make([]kafka.TopicPartition, len(ps))
	for i, p := range ps {
		tps[i] = p.tp
	}
	places, err := m.positions(ctx, tps)
	if err != nil {
		return err
	}
	type answer struct {
		TargetTopic
		halt *Halt
	}
	topics := make(map[string]answer)
	var claims []*claim
	for _, p := range ps {
		if p.tp.Partition >= m.source.topic(p.tp.Topic).partitions { // it is younger than the last look
			m.source.refresh()
			return fmt.Errorf("the source does not show %s yet", p.tp)
		}
		topic, known := topics[p.tp.Topic]
		if !known {
			if topic.TargetTopic, topic.halt, err = m.targetTopic(ctx, p.tp.Topic); err != nil && topic.halt == nil {
				return err
			}
			topics[p.tp.Topic] = topic
		}
		place, ok := places[p.tp]
		if !ok {
			return fmt.Errorf("the source answered no position for %s", p.tp)
		}
		c := &claim{p: p, at: place, limits: topic.Limits, halt: cmp.Or(topic.halt, place.halt)}
		if m.config.Partitioning == KeyHash {
			c.partitions = topic.Partitions
		} else if c.halt == nil && p.tp.Partition >= topic.Partitions {
			c.halt = &Halt{Reason: FewerPartitions, Err: fmt.Errorf("the target's topic has %d partitions", topic.Partitions)}
		}
		claims = append(claims, c)
	}
	return m.launch(ctx, claims)
}

// targetTopic finds a topic of the target, and makes it as large as the source's
// is: it creates the topic, or adds partitions. Where records go by their keys one
// that there is may have any size: another one would move its keys. An error may
// pass by itself, a halt may not.
func (m *Mirror) targetTopic(ctx context.Context, name string) (TargetTopic, *Halt, error) {
	topic, err := m.target.Topic(ctx, name)
	partitions := m.source.topic(name).partitions
	least := partitions
	if m.config.Partitioning == KeyHash {
		least = 1
	}
	switch {
	case errors.Is(err, kafka.ErrUnknownTopicOrPartition):
		if partitions == 0 {
			return TargetTopic{}, nil, fmt.Errorf("create topic %q: the source does not show it any more", name)
		}
		err = m.target.CreateTopic(ctx, name, partitions)
		if err == nil {
			m.notice(fmt.Sprintf("topic %s created on the target, partitions: %d", name, partitions))
		}
		if err != nil && !errors.Is(err, kafka.ErrTopicAlreadyExists) { // else somebody was faster
			return TargetTopic{}, stays(TopicNotCreated, err), err
		}
	case err != nil:
		return TargetTopic{}, stays(TopicNotShown, err), err
	case topic.Partitions < least:
		if err := m.target.AddPartitions(ctx, name, partitions); err != nil {
			if transient(err) {
				return TargetTopic{}, nil, err
			}
			m.notice(fmt.Sprintf("topic %s has %d partitions on the target, %d on the source: %v", name, topic.Partitions, partitions, err))
			return topic, nil, nil // those that are there can be copied
		}
		m.notice(fmt.Sprintf("topic %s grown on the target from %d to %d partitions", name, topic.Partitions, partitions))
	default:
		return topic, nil, nil
	}
	// What is new shows after a moment; until then the caller tries again.
	if topic, err = m.target.Topic(ctx, name); err == nil && topic.Partitions < least {
		err = fmt.Errorf("topic %q: the target shows %d of its %d partitions yet", name, topic.Partitions, partitions)
	}
	return topic, stays(TopicNotShown, err), err
}

// stays is a halt for an error that does not pass by itself.
func stays(reason HaltReason, err error) *Halt {
	if err == nil || transient(err) {
		return nil
	}
	return &Halt{Reason: reason, Offset: -1, Err: err}
}

// launch makes partitions ours on the target and hands each to the stream that
// has the fewest, unless it was taken from us meanwhile. A halted one is kept,
// to be seen.
func (m *Mirror) launch(ctx context.Context, claims []*claim) error {
	var going []*claim
	for _, c := range claims {
		if c.halt == nil {
			going = append(going, c)
		}
	}
	if err := m.mode.own(ctx, going); err != nil {
		return err
	}
	for _, c := range claims {
		placed, err := m.place(ctx, c)
		if err != nil {
			return err
		}
		if placed && c.halt != nil {
			m.halted(c.p.tp, c.halt)
		}
	}
	m.touch()
	return nil
}

// errOwnAgain is a partition that was lost between being owned and opened.
var errOwnAgain = errors.New("a transaction was undone meanwhile")

func (m *Mirror) place(ctx context.Context, c *claim) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, at := c.p, c.at
	if m.given[p.tp] != p || p.stream != nil {
		return false, nil
	}
	if kept, ok := m.kept[p.tp]; ok && c.halt == nil && !m.journalRules && kept.committed == at.committed {
		at = kept // nobody else has had it since
	}
	delete(m.kept, p.tp)
	s := m.streams[0]
	for _, other := range m.streams[1:] {
		if other.size() < s.size() {
			s = other
		}
	}
	p.start(at)
	p.limits, p.partitions = c.limits, c.partitions
	if p.halt = c.halt; c.halt == nil {
		if p.appender = m.mode.open(s.index, c); p.appender == nil {
			return false, errOwnAgain
		}
	}
	s.adopt(ctx, p)
	return true, nil
}

// drainWithin is how long batches under way are waited for when a partition is
// given back. What is not acknowledged by then is copied again by the next
// owner.
const drainWithin = 10 * time.Second

// release gives partitions back: nothing more is sent, what is under way is
// waited for, and, while the group still counts us in, the positions are
// committed. After that nothing is ever committed for them: Kafka would take
// it and move the next owner's position. When the membership is lost, because
// the source's broker restarts, say, nothing can be committed: the position is
// kept in case the partition comes back.
func (m *Mirror) release(ctx context.Context, tps []kafka.TopicPartition, commit bool) {
	m.committing.Lock()
	defer m.committing.Unlock()
	m.mu.Lock()
	var leaving []*partition
	for _, tp := range tps {
		if p := m.given[tp]; p != nil {
			delete(m.given, tp)
			if p.stream != nil {
				leaving = append(leaving, p)
			}
		}
	}
	m.mu.Unlock()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	var drained sync.WaitGroup
	for _, p := range leaving {
		drained.Go(func() { p.stream.release(drain, p) })
	}
	drained.Wait()
	if commit {
		m.commitOf(context.WithoutCancel(ctx), leaving)
	}
	for _, p := range leaving {
		m.retire(p)
	}
}
