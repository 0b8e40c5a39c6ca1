package fetchsession

import (
	"cmp"
	"math"
	"slices"

	"schloss/kafka"
)

// Epochs of a session that stand for something else (Kafka: FetchMetadata).
const (
	InitialEpoch int32 = 0  // asks for a new session
	FinalEpoch   int32 = -1 // asks for none, and ends the one that is named
)

// What a session's parts take in memory at most, in bytes, with what the
// broker keeps beside them: the least that a Cache must count.
const (
	partitionBytes = 256
	topicBytes     = 512
)

// Session is what one consumer fetches. H is what the broker keeps with each
// partition.
type Session[H any] struct {
	ByID bool // its topics are named by their ids: Fetch 13 and later

	epoch  int32 // that the next request has
	topics map[topicKey]*Topic[H]
	size   int
	bytes  int
	limits int64 // sum of what the partitions' limits allow

	hot   []*Partition[H] // and some that are no more
	turns uint64
}

type topicKey struct {
	name string
	id   kafka.TopicID
}

// Topic is one topic of a session.
type Topic[H any] struct {
	Name    string // "" while nobody knows which topic the id means
	ID      kafka.TopicID
	Allowed bool // the caller may read it, as far as was judged

	key        topicKey
	partitions map[int32]*Partition[H]
}

// Partition is one partition of a session.
type Partition[H any] struct {
	Topic *Topic[H]
	Index int32
	Ask
	Held H

	// What the client was last told.
	highWatermark, logStart kafka.Offset

	turn   uint64 // of two hot ones the one with the lower turn is read first
	hot    bool
	listed bool // it is in Session.hot
}

// Ask is what a request says of a partition.
type Ask struct {
	LeaderEpoch      kafka.Epoch
	Offset           kafka.Offset
	LastFetchedEpoch kafka.Epoch
	MaxBytes         int32
}

// Found is what was found in a partition.
type Found struct {
	HighWatermark, LogStart kafka.Offset
	Records                 bool // there are some in the answer
	More                    bool // there would be more to read
	Failed                  bool // an error is in the answer
	Diverging               bool // the answer says where the reader's log is not ours
}

// New makes a session without partitions.
func New[H any](byID bool) *Session[H] {
	return &Session[H]{ByID: byID, epoch: nextEpoch(InitialEpoch), topics: make(map[topicKey]*Topic[H])}
}

// nextEpoch follows an epoch: after the largest comes 1, as 0 means a new
// session.
func nextEpoch(epoch int32) int32 {
	if epoch == math.MaxInt32 {
		return 1
	}
	return epoch + 1
}

// Check says why a request cannot go on with the session (Kafka:
// FetchManager.newContext).
func (s *Session[H]) Check(epoch int32, byID bool) kafka.ErrorCode {
	switch {
	case epoch != s.epoch:
		return kafka.ErrInvalidFetchSessionEpoch
	case byID != s.ByID:
		return kafka.ErrFetchSessionTopicIDError
	}
	return kafka.NoError
}

// Advance ends the intake of a request and returns the epoch of the next one.
func (s *Session[H]) Advance() int32 {
	s.epoch = nextEpoch(s.epoch)
	return s.epoch
}

// Epoch is the epoch that the next request must have.
func (s *Session[H]) Epoch() int32 { return s.epoch }

// Size is the number of partitions, Bytes what the session takes in memory.
func (s *Session[H]) Size() int  { return s.size }
func (s *Session[H]) Bytes() int { return s.bytes }

// Limits is the sum of the partitions' own limits.
func (s *Session[H]) Limits() int64 { return s.limits }

// Growth is how many bytes more the session takes when it is asked for a
// partition. A new topic counts with each of its partitions.
func (s *Session[H]) Growth(name string, id kafka.TopicID, index int32) int {
	t := s.topics[topicKey{name, id}]
	switch {
	case t == nil:
		return topicBytes + len(name) + partitionBytes
	case t.partitions[index] == nil:
		return partitionBytes
	}
	return 0
}

// Ask takes in what a request says of a partition, which is to be looked at.
// Of a topic that goes by its id the name is empty.
func (s *Session[H]) Ask(name string, id kafka.TopicID, index int32, ask Ask) *Partition[H] {
	key := topicKey{name, id}
	t := s.topics[key]
	if t == nil {
		t = &Topic[H]{Name: name, ID: id, key: key, partitions: make(map[int32]*Partition[H])}
		s.topics[key] = t
		s.bytes += topicBytes + len(name)
	}
	p := t.partitions[index]
	if p == nil {
		p = &Partition[H]{Topic: t, Index: index, highWatermark: kafka.NoOffset, logStart: kafka.NoOffset}
		s.moveBack(p)
		t.partitions[index] = p
		s.size++
		s.bytes += partitionBytes
	}
	s.limits += limit(ask) - limit(p.Ask)
	p.Ask = ask
	s.Look(p)
	return p
}

func limit(a Ask) int64 { return int64(max(a.MaxBytes, 0)) }

// Forget drops a partition and returns it, nil if it was not there.
func (s *Session[H]) Forget(name string, id kafka.TopicID, index int32) *Partition[H] {
	t := s.topics[topicKey{name, id}]
	if t == nil || t.partitions[index] == nil {
		return nil
	}
	p := t.partitions[index]
	p.hot = false
	delete(t.partitions, index)
	s.size--
	s.bytes -= partitionBytes
	s.limits -= limit(p.Ask)
	if len(t.partitions) == 0 {
		delete(s.topics, t.key)
		s.bytes -= topicBytes + len(t.key.name)
	}
	return p
}

// Look has a partition looked at.
func (s *Session[H]) Look(p *Partition[H]) {
	p.hot = true
	if !p.listed {
		p.listed = true
		s.hot = append(s.hot, p)
	}
}

// Hot are the partitions to look at, those first that gave no records for the
// longest time, so that no other ones can starve them. The slice is valid
// until the next call of a method.
func (s *Session[H]) Hot() []*Partition[H] {
	s.hot = slices.DeleteFunc(s.hot, func(p *Partition[H]) bool {
		p.listed = p.hot
		return !p.hot
	})
	slices.SortFunc(s.hot, func(a, b *Partition[H]) int { return cmp.Compare(a.turn, b.turn) })
	return s.hot
}

// Answered notes what was found in a partition, and says whether the client is
// to be told (Kafka: CachedPartition.maybeUpdateResponseData). It stays hot as
// long as there is something to be told at once the next time.
func (s *Session[H]) Answered(p *Partition[H], f Found) (tell bool) {
	tell = f.Records || f.Failed || f.Diverging || f.HighWatermark != p.highWatermark || f.LogStart != p.logStart
	p.highWatermark, p.logStart = f.HighWatermark, f.LogStart
	if f.Failed {
		p.highWatermark = kafka.NoOffset // so that it is told when the error goes
	}
	if f.Records {
		s.moveBack(p)
	}
	p.hot = f.Records || f.More || f.Failed || f.Diverging
	return tell
}

func (s *Session[H]) moveBack(p *Partition[H]) {
	s.turns++
	p.turn = s.turns
}

// Topics calls do with each topic of the session.
func (s *Session[H]) Topics(do func(*Topic[H])) {
	for _, t := range s.topics {
		do(t)
	}
}

// Partitions calls do with each partition of the topic.
func (t *Topic[H]) Partitions(do func(*Partition[H])) {
	for _, p := range t.partitions {
		do(p)
	}
}
