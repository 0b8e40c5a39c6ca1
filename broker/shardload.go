package broker

import (
	"errors"
	"slices"
	"time"

	"schloss/broker/group"
	"schloss/kafka"
	"schloss/kafka/batch"
)

const (
	loadRead = 1 << 20 // bytes of a group partition read at once
	// rewriteMin is the size below which a group partition is left alone, and
	// rewriteCheck how often its size is looked at.
	rewriteMin   = 4 << 20
	rewriteCheck = 30 * time.Second
)

// load reads the whole partition into the coordinator, which answers
// COORDINATOR_LOAD_IN_PROGRESS until then.
func (s *shard) load() {
	err := s.replica.offline
	if err == nil {
		err = s.replay()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == shardClosed {
		return
	}
	if err != nil {
		s.b.log.Error("groups of this partition cannot be served", "partition", s.replica.tp.String(), "error", err)
		s.state = shardFailed
		return
	}
	s.state = shardServing
	now := s.b.now()
	// Nobody waits for a reply yet: Start begins sessions, and what goes was
	// left by a deletion that ended before it had come this far.
	e := s.coord.Start(now)
	replies := append(s.applyLocked(e), s.applyLocked(s.coord.ForgetTopics(now, s.goneLocked))...)
	for _, reply := range replies {
		reply()
	}
	s.known, s.forgotten = nil, nil
}

// goneLocked says whether a topic was deleted before the shard was loaded. One
// of that name that is there now is another.
func (s *shard) goneLocked(topic string) bool {
	_, ok := s.known.Topics[topic]
	return !ok || slices.Contains(s.forgotten, topic)
}

// replay feeds every durable record to the coordinator. Nobody else touches it
// while it is loading.
func (s *shard) replay() error {
	log := s.replica.log
	at, end := log.Start(), log.Durable()
	var buf []byte
	for at < end {
		read, err := log.Read(buf[:0], at, end, loadRead, true)
		if err != nil {
			return err
		}
		buf = read
		next := at
		for rest := read; len(rest) > 0; {
			one, more, err := batch.Split(rest)
			if err != nil {
				return err
			}
			if err := s.replayBatch(one); err != nil {
				return err
			}
			next, rest = one.NextOffset(), more
		}
		if next <= at {
			return errors.New("the log gave nothing below its end")
		}
		at = next
	}
	return nil
}

// replayBatch decodes a batch, since what groups committed is inside its
// records.
func (s *shard) replayBatch(one batch.Batch) error {
	if one.Attributes().Control() {
		return nil // a marker of Kafka's transactions, in a log that came from there
	}
	records, err := one.Records(maxUncompressed)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := s.coord.Load(r.Offset, group.Record{Key: r.Key, Value: r.Value}); err != nil {
			s.b.log.Error("group record is not in Kafka's format and was passed over",
				"partition", s.replica.tp.String(), "offset", int64(r.Offset), "error", err)
		}
	}
	return nil
}

// rewriteIfGrown shortens the partition to its live keys, when it has doubled
// since the last time.
func (s *shard) rewriteIfGrown() error {
	s.mu.Lock()
	if s.state != shardServing {
		s.mu.Unlock()
		return nil
	}
	log := s.replica.log
	if log.Size() < max(2*s.rewritten, rewriteMin) {
		s.mu.Unlock()
		return nil
	}
	// What is not settled yet is neither live nor dead: it stays.
	settledBelow := log.End()
	for _, p := range s.pending {
		settledBelow = min(settledBelow, p)
	}
	s.replica.mu.Lock()
	err := log.Roll()
	s.replica.mu.Unlock()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	before := log.Size()
	err = log.Rewrite(func(offset kafka.Offset, key []byte) bool {
		if offset >= settledBelow {
			return true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.coord.IsLive(key, offset)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.rewritten = log.Size()
	s.mu.Unlock()
	s.b.log.Info("group partition rewritten", "partition", s.replica.tp.String(), "from", before, "to", log.Size())
	return nil
}
