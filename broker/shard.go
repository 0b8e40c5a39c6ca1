package broker

import (
	"fmt"
	"sync"
	"time"

	"schloss/broker/group"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// shard drives the pure coordinator of one partition of __consumer_offsets: it
// appends what the coordinator wants written, tells it when that is durable,
// and sends replies outside of its lock. One timer stands for all deadlines.
type shard struct {
	b       *Broker
	replica *replica

	mu        sync.Mutex // guards what follows; taken before the replica's
	coord     *group.Coordinator
	state     shardState
	timer     *time.Timer
	due       time.Time      // when the timer fires; zero: it is stopped
	known     *store.Image   // the metadata when it began to load; nil afterwards
	forgotten []string       // topics deleted while it was loading
	pending   []kafka.Offset // first offsets of appends that are not settled
	rewritten int64          // size after the last rewrite; 0 after a start

	doneMu   sync.Mutex // guards what follows; the sync loop takes no other lock
	done     []settled
	draining bool
}

type shardState int8

const (
	shardLoading shardState = iota
	shardServing
	shardFailed
	shardClosed
)

// settled is an append whose fate is known.
type settled struct {
	id   group.WriteID
	base kafka.Offset
	code kafka.ErrorCode
}

func newShard(b *Broker, r *replica, cfg group.Config) *shard {
	s := &shard{b: b, replica: r, coord: group.New(cfg), known: b.meta.Image()}
	s.timer = time.AfterFunc(time.Hour, s.tick)
	s.timer.Stop()
	return s
}

// do runs one verb of the coordinator. The error says that no coordinator
// serves now.
func (s *shard) do(verb func(c *group.Coordinator, now time.Time) group.Effects) error {
	s.mu.Lock()
	if err := s.stateErrorLocked(); err != nil {
		s.mu.Unlock()
		return err
	}
	replies := s.applyLocked(verb(s.coord, s.b.now()))
	s.mu.Unlock()
	for _, reply := range replies {
		reply()
	}
	return nil
}

// forgetTopic removes what groups committed of a deleted topic, at the latest
// when the shard is loaded.
func (s *shard) forgetTopic(name string) {
	s.mu.Lock()
	if s.state == shardLoading {
		s.forgotten = append(s.forgotten, name)
	}
	s.mu.Unlock()
	// If it does not serve, there is nobody to tell.
	_ = s.do(func(c *group.Coordinator, now time.Time) group.Effects {
		return c.ForgetTopics(now, func(topic string) bool { return topic == name })
	})
}

// look reads the coordinator's state.
func (s *shard) look(view func(c *group.Coordinator)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stateErrorLocked(); err != nil {
		return err
	}
	view(s.coord)
	return nil
}

func (s *shard) stateErrorLocked() error {
	switch s.state {
	case shardServing:
		return nil
	case shardLoading:
		return kafka.ErrCoordinatorLoadInProgress
	default:
		return kafka.ErrCoordinatorNotAvailable
	}
}

// applyLocked appends the writes of a verb, in order, and returns its replies.
func (s *shard) applyLocked(e group.Effects) []func() {
	replies := e.Replies
	for _, w := range e.Writes {
		base, end, err := s.appendLocked(w)
		if err != nil {
			s.b.log.Error("append to group partition", "partition", s.replica.tp.String(), "error", err)
			undo := s.coord.Written(s.b.now(), w.ID, kafka.NoOffset, codeOf(err))
			replies = append(replies, s.applyLocked(undo)...)
			continue
		}
		s.pending = append(s.pending, base)
		s.replica.awaitDurable(end.at, end.size, func(err error) {
			s.settle(settled{id: w.ID, base: base, code: codeOf(err)})
		})
	}
	s.scheduleLocked()
	return replies
}

// written is where an appended batch ends and how long it is.
type written struct {
	at   kafka.Offset
	size int
}

func (s *shard) appendLocked(w group.Write) (kafka.Offset, written, error) {
	epoch, err := s.replica.lead()
	if err != nil {
		return 0, written{}, err
	}
	builder := batch.NewBuilder(batch.None)
	now := s.b.now()
	for i, r := range w.Records {
		builder.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: now.UnixMilli(), Key: r.Key, Value: r.Value})
	}
	b, err := builder.Build()
	if err != nil {
		return 0, written{}, fmt.Errorf("build group records: %w", err)
	}
	at, err := s.replica.append(b, epoch, now)
	return at.base, written{at: at.end, size: len(b)}, err
}

// settle notes the fate of an append. It is called by the store's sync loop,
// so the coordinator hears of it from a goroutine of its own.
func (s *shard) settle(w settled) {
	s.doneMu.Lock()
	defer s.doneMu.Unlock()
	s.done = append(s.done, w)
	if !s.draining {
		s.draining = true
		go s.drain()
	}
}

func (s *shard) drain() {
	for {
		s.doneMu.Lock()
		batch := s.done
		s.done = nil
		if len(batch) == 0 {
			s.draining = false
			s.doneMu.Unlock()
			return
		}
		s.doneMu.Unlock()
		for _, reply := range s.tellWritten(batch) {
			reply()
		}
	}
}

func (s *shard) tellWritten(batch []settled) []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var replies []func()
	for _, w := range batch {
		s.forgetPendingLocked(w.base)
		if s.state != shardServing {
			continue
		}
		replies = append(replies, s.applyLocked(s.coord.Written(s.b.now(), w.id, w.base, w.code))...)
	}
	return replies
}

func (s *shard) forgetPendingLocked(base kafka.Offset) {
	for i, p := range s.pending {
		if p == base {
			s.pending = append(s.pending[:i], s.pending[i+1:]...)
			return
		}
	}
}

// scheduleLocked sets the timer to the coordinator's next deadline.
func (s *shard) scheduleLocked() {
	due := s.coord.Deadline()
	if due.Equal(s.due) || s.state != shardServing {
		return
	}
	s.due = due
	if due.IsZero() {
		s.timer.Stop()
		return
	}
	s.timer.Reset(max(due.Sub(s.b.now()), 0))
}

func (s *shard) tick() {
	s.mu.Lock()
	s.due = time.Time{}
	s.mu.Unlock()
	// Nothing to do if the shard serves no more.
	_ = s.do(func(c *group.Coordinator, now time.Time) group.Effects { return c.Tick(now) })
}

func (s *shard) close() {
	s.mu.Lock()
	if s.state == shardClosed {
		s.mu.Unlock()
		return
	}
	s.state = shardClosed
	s.timer.Stop()
	e := s.coord.Resign()
	s.mu.Unlock()
	for _, reply := range e.Replies {
		reply()
	}
}
