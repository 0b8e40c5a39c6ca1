package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// Policy is what becomes of a partition whose source is not any more what was
// read of it.
type Policy int8

const (
	AsFiled   Policy = iota // it halts; as for retention, auto.offset.reset in the file decides
	HaltThere               // it halts with the reason
	GoOn                    // it goes on with what is there now, and that is told
)

// changes notes a new leader; true if it is to be asked what it has of that
// which was read before (KIP-320).
func (p *partition) changes(now lead) bool {
	before := p.epoch
	p.leader, p.epoch = now.node, now.epoch
	if p.unsure || now.node < 0 || before == now.epoch || p.read == kafka.NoEpoch || now.epoch == kafka.NoEpoch {
		return false
	}
	p.unsure = true
	return true
}

// verify asks the leader of a partition where the epoch ends from which the
// last record was read. What was read behind that is no more in the source.
func (s *stream) verify(ctx context.Context, p *partition) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		s.mu.Lock()
		ask := client.PartitionEpoch{TopicPartition: p.tp, Epoch: p.read, Current: p.epoch}
		gone := p.halt != nil || p.leaving || p.revoked
		s.mu.Unlock()
		if gone {
			return
		}
		end, err := s.epochEnd(ctx, ask)
		var old *client.VersionError
		switch {
		case errors.As(err, &old): // it cannot be asked, and does not truncate by epochs
			end.End = kafka.NoOffset
		case err != nil:
			s.mirror.source.refresh()
			select {
			case <-time.After(pause(s.mirror.settings.backoff, attempt)):
			case <-ctx.Done():
			}
			continue
		}
		s.verified(ctx, p, ask, end)
		return
	}
}

func (s *stream) epochEnd(ctx context.Context, ask client.PartitionEpoch) (client.EpochEnd, error) {
	ends, err := s.mirror.source.admin.EpochEnds(ctx, []client.PartitionEpoch{ask})
	if err == nil {
		err = ends[0].Err
	}
	if err != nil {
		return client.EpochEnd{}, err
	}
	return ends[0], nil
}

// verified takes the leader's answer.
func (s *stream) verified(ctx context.Context, p *partition, asked client.PartitionEpoch, end client.EpochEnd) {
	s.mu.Lock()
	next := p.next
	lost := end.End != kafka.NoOffset && end.End < next
	again := !lost && p.epoch != asked.Current // there is another leader by now
	p.unsure = lost || again                   // what is lost is settled by restart
	if again {
		s.mirror.running.Go(func() { s.verify(ctx, p) })
	}
	s.mu.Unlock()
	if !lost {
		s.wake(p)
		return
	}
	err := fmt.Errorf("it has lost the offsets from %d to %d, which were read before (an unclean leader election, or an older copy of its disk)", end.End, next-1)
	s.restart(p, end.End, &Halt{SourceTruncated, end.End, err}, s.mirror.config.OnTruncated)
}

// restart has a partition go on at another offset of a source that has changed,
// or halt, as the policy says. What the target has of the old records stays.
func (s *stream) restart(p *partition, at kafka.Offset, why *Halt, policy Policy) {
	s.mu.Lock()
	switch {
	case p.halt != nil || p.leaving || p.revoked:
		s.mu.Unlock()
		return
	case policy != GoOn:
		p.stop(why.Reason, why.Offset, why.Err)
		s.mu.Unlock()
		s.mirror.halted(p.tp, p.halt)
		return
	}
	busy := p.rereading
	if !busy {
		p.rereading, p.unsure = true, false
	}
	s.mu.Unlock()
	if busy { // it is beginning again anyway: after that
		time.AfterFunc(s.mirror.settings.backoff, func() { s.restart(p, at, why, policy) })
		return
	}
	s.mirror.notice(fmt.Sprintf("partition %s: %s: %v; going on at offset %d", p.tp, why.Reason, why.Err, at))
	s.mirror.running.Go(func() {
		s.reopen(p, func() {
			p.rewind()
			p.next, p.done, p.read, p.suspect, p.ahead = at, at, kafka.NoEpoch, suspect{}, ahead{}
			p.writer.next = noSequence // what is sent now differs from what was on its way
			p.offsets.Cut(at)
		})
	})
}

// recreated is told that another topic has taken the name of one that is
// copied: offsets of the old one mean nothing there.
func (m *Mirror) recreated(topic string) {
	id := m.source.topic(topic).id
	m.mu.Lock()
	maps.DeleteFunc(m.kept, func(tp kafka.TopicPartition, _ place) bool { return tp.Topic == topic })
	m.mu.Unlock()
	for _, s := range m.streams {
		s.mu.Lock()
		var ours []*partition
		for _, p := range s.partitions {
			if p.tp.Topic == topic && p.id != id {
				p.id = id
				ours = append(ours, p)
			}
		}
		s.mu.Unlock()
		for _, p := range ours {
			s.restart(p, 0, &Halt{TopicRecreated, p.next, errors.New("another topic of the source has taken the name")}, m.config.OnRecreated)
		}
	}
}
