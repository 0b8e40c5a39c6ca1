package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// stream copies some of the partitions: num.streams of them work side by side,
// each with its own connections to both clusters. MirrorMaker 1 makes each
// stream a member of the group; here they share one member, because then a
// topic of one partition does not land on the first stream as all others do,
// and a rebalance has one member to wait for, not eight.
type stream struct {
	index  int
	mirror *Mirror

	mu         sync.Mutex // guards the partitions and what follows
	partitions []*partition
	fetchers   map[kafka.NodeID]*fetcher
}

// makeStreams makes so many streams.
func (m *Mirror) makeStreams(n int) {
	for i := range n {
		m.streams = append(m.streams, &stream{index: i, mirror: m, fetchers: make(map[kafka.NodeID]*fetcher)})
	}
}

// adopt begins to copy a partition.
func (s *stream) adopt(ctx context.Context, p *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.stream = s
	s.partitions = append(s.partitions, p)
	slices.SortFunc(s.partitions, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.tp.Topic, b.tp.Topic), cmp.Compare(a.tp.Partition, b.tp.Partition))
	})
	s.leadLocked(ctx, p, s.mirror.source.lead(p.tp))
}

// leadLocked has the partition fetched from its leader. After a change of leader
// epochs the new one may lack records that were read from the old one: before
// anything else it is asked where they end.
func (s *stream) leadLocked(ctx context.Context, p *partition, now lead) {
	if p.changes(now) {
		s.mirror.running.Go(func() { s.verify(ctx, p) })
	}
	if now.node < 0 {
		return
	}
	f := s.fetchers[now.node]
	if f == nil {
		f = newFetcher(s, now.node)
		s.fetchers[now.node] = f
		s.mirror.running.Go(func() { f.run(ctx) })
	}
	f.signal()
}

// follow notes new leaders.
func (s *stream) follow(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		if now := s.mirror.source.lead(p.tp); now.node != p.leader || now.epoch != p.epoch {
			s.leadLocked(ctx, p, now)
		}
	}
}

// size is how many partitions the stream copies.
func (s *stream) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.partitions)
}

// release ends the copying of a partition: nothing more is fetched or sent,
// and what is under way is waited for as long as ctx lasts. What is
// acknowledged by then may be committed, by the caller, before forget.
func (s *stream) release(ctx context.Context, p *partition) {
	s.mu.Lock()
	p.leaving = true
	appender := p.appender
	s.mu.Unlock()
	if appender != nil {
		appender.Close(ctx)
	}
}

// forget drops a released partition; from here on its position is not ours.
// It returns what was copied, and how far.
func (s *stream) forget(p *partition) (totals, place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.revoked = true
	s.partitions = slices.DeleteFunc(s.partitions, func(q *partition) bool { return q == p })
	return totals{p.records, p.bytes, p.dropped}, p.place()
}

// fetched takes what a response holds for a partition.
func (s *stream) fetched(ctx context.Context, p *partition, r *wire.FetchedPartition, memory *buffer) {
	var work *task
	now := time.Now()
	s.mu.Lock()
	halted := p.halt != nil
	switch {
	case !p.expects(): // it has gone back since it was asked for
	case r.Error == kafka.NoError:
		p.rests = 0
		end := r.HighWatermark
		if s.mirror.settings.committedOnly {
			end = r.LastStable
		}
		p.learnEnd(end, now)
		if len(r.Records) > 0 { // of many partitions few have any
			p.trip = s.mirror.target.RoundTrip()
			work = p.task(&s.mirror.settings, s.mirror.config.AbortOnSendFailure)
			work.room = memory.pool.make
		}
	case r.Error == kafka.ErrOffsetOutOfRange:
		p.resting = true
		s.mirror.running.Go(func() { s.reposition(ctx, p) })
	case r.Error.Retriable() && r.Error != kafka.ErrCorruptMessage || r.Error == kafka.ErrUnknownServerError:
		s.restLocked(p)
	default:
		p.stop(SourceRefused, p.next, s.mirror.fetchError(p.tp, r.Error))
	}
	newly := !halted && p.halt != nil
	s.mu.Unlock()
	if work != nil {
		s.copy(p, work.read(r), memory)
	}
	if newly {
		s.mirror.halted(p.tp, p.halt)
	}
}

// stands says whether the partition is where it was when it was asked for.
func (s *stream) stands(p *partition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.expects()
}

// copy sends what was read of a response, unless the partition has gone back
// meanwhile.
func (s *stream) copy(p *partition, r *reading, memory *buffer) {
	if halt := s.mirror.quarantine(p.tp, r.left); halt != nil { // nothing of the response is taken
		s.mu.Lock()
		p.stop(halt.Reason, halt.Offset, halt.Err)
		s.mu.Unlock()
		s.mirror.halted(p.tp, halt)
		return
	}
	s.mu.Lock()
	if !p.expects() {
		s.mu.Unlock()
		return
	}
	spans, appender := p.accept(r, memory, time.Now()), p.appender
	s.mu.Unlock()
	if len(spans) > 0 {
		appender.Append(spans)
	}
	s.mirror.leftOut(p.tp, r.left)
	if r.halt != nil {
		s.mirror.halted(p.tp, r.halt)
	}
}

// restLocked leaves a partition alone for a while and has its leader looked
// for.
func (s *stream) restLocked(p *partition) {
	p.resting = true
	p.rests++
	s.mirror.source.refresh()
	time.AfterFunc(pause(s.mirror.settings.backoff, p.rests), func() { s.wake(p) })
}

// wake ends a partition's rest.
func (s *stream) wake(p *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.resting = false
	if f := s.fetchers[p.leader]; f != nil {
		f.signal()
	}
}

// answered takes the target's answer for one batch.
func (s *stream) answered(sp *span, base kafka.Offset, err error) {
	p := sp.p
	s.mu.Lock()
	crowded, halted := p.crowded(), p.halt != nil
	switch {
	case err == nil:
		p.renewals = 0
		p.gave(sp, time.Now())
	case !errors.Is(err, errAppenderClosed):
		s.refusedLocked(sp, err)
	}
	p.settle(sp, base, err == nil)
	newly := !halted && p.halt != nil
	if crowded && !p.crowded() {
		if f := s.fetchers[p.leader]; f != nil {
			f.signal()
		}
	}
	s.mu.Unlock()
	if sp.memory != nil {
		sp.memory.release()
	}
	if newly {
		s.mirror.halted(p.tp, p.halt)
	}
}

// refusedLocked decides what a refused batch means. Those behind it share its
// answer but not its fate.
func (s *stream) refusedLocked(sp *span, err error) {
	p := sp.p
	switch {
	case p.rereading || sp.generation != p.generation || p.halt != nil:
	case s.mirror.mode.renews(err):
		p.rereading = true
		p.renewals++
		if errors.Is(err, kafka.ErrUnknownProducerID) { // nor would anything else of it be taken
			p.writer.next = noSequence
		}
		s.mirror.running.Go(func() { s.reopen(p, p.rewind) })
	case p.doubt(sp, err, s.mirror.config.AbortOnSendFailure):
		p.rereading = true
		p.writer.next = noSequence // what is sent now differs from what was on its way
		s.mirror.running.Go(func() { s.reopen(p, p.rewind) })
	default:
		p.stop(TargetRefused, sp.offset, err)
	}
}

// reopen begins again where move puts the partition, once nothing is under way
// any more. p.rereading must be set.
func (s *stream) reopen(p *partition, move func()) {
	p.appender.Close(context.Background())
	s.mu.Lock()
	if !p.leaving {
		move()
	}
	renewals := p.renewals
	s.mu.Unlock()
	if renewals == 10 {
		s.mirror.notice(fmt.Sprintf("partition %s: the target does not let the mirror go on behind its last record; trying again", p.tp))
	}
	if renewals > 1 { // what it has may not be readable yet
		select {
		case <-time.After(pause(s.mirror.settings.backoff, renewals-1)):
		case <-s.mirror.carry.Done():
		}
	}
	for attempt := 1; ; attempt++ {
		s.mu.Lock()
		c := &claim{p: p, at: p.place(), limits: p.limits}
		leaving := p.leaving
		s.mu.Unlock()
		if leaving {
			return
		}
		err := s.mirror.mode.own(s.mirror.carry, []*claim{c})
		if err == nil && s.reopened(c) {
			break
		}
		select {
		case <-time.After(pause(s.mirror.settings.backoff, attempt)):
		case <-s.mirror.carry.Done():
			return
		}
	}
	if c := p.halted(); c != nil {
		s.mirror.halted(p.tp, c)
	}
}

// reopened takes up what was owned; false if it has to be owned once more.
func (s *stream) reopened(c *claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := c.p
	if p.leaving {
		return true
	}
	if c.halt != nil {
		p.stop(c.halt.Reason, p.done, c.halt.Err)
	} else {
		opened := s.mirror.mode.open(s.index, c)
		if opened == nil {
			return false
		}
		p.resume(c.at)
		p.appender = opened
	}
	p.rereading = false
	if f := s.fetchers[p.leader]; f != nil {
		f.signal()
	}
	return true
}

// redo has a partition begin again where its mode puts it.
func (s *stream) redo(p *partition) {
	s.mu.Lock()
	busy := p.rereading || p.leaving || p.revoked
	p.rereading = true
	s.mu.Unlock()
	if !busy { // else it begins again anyway, or not at all
		s.mirror.running.Go(func() { s.reopen(p, p.rewind) })
	}
}
