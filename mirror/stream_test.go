package mirror

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// shelf is a Target and the Appender of its partitions. It keeps what it is
// given until the test answers.
type shelf struct {
	mu     sync.Mutex // guards what follows
	opened int
	count  int32 // partitions of its topics
	trip   time.Duration
	copies []Copy

	answers sync.Mutex // held while a test gives some, which Close waits for
}

func (f *shelf) Topic(context.Context, string) (TargetTopic, error) { return TargetTopic{}, nil }
func (f *shelf) CreateTopic(context.Context, string, int32) error   { return nil }
func (f *shelf) AddPartitions(context.Context, string, int32) error { return nil }
func (f *shelf) Ends(context.Context, []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Offset, error) {
	return nil, nil
}
func (f *shelf) Partitions(string) int32       { return f.count }
func (f *shelf) Run(context.Context)           {}
func (f *shelf) Close(context.Context)         { f.answers.Lock(); defer f.answers.Unlock() }
func (f *shelf) Measure(context.Context) error { return nil }
func (f *shelf) RoundTrip() time.Duration      { return f.trip }
func (f *shelf) Open(int, kafka.TopicPartition) Appender {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return f
}
func (f *shelf) Append(copies []Copy) { f.copies = append(f.copies, copies...) }

// newTestStream copies one partition, from offset 0 on, onto a shelf.
func newTestStream(t *testing.T, abort bool) (*stream, *partition, *shelf) {
	f := &shelf{}
	m := &Mirror{
		config: Config{AbortOnSendFailure: abort},
		target: f,
		pool:   newPool(1 << 20),
		pauses: make(map[kafka.TopicPartition]*pausing),
		seen:   make(map[kafka.TopicPartition]traffic), carry: t.Context(),
		fatal:  func(error) {},
		source: newSource(nil, nil, time.Hour, time.Millisecond, func(string) {}),
	}
	m.mode = &atLeastOnce{m}
	t.Cleanup(m.running.Wait)
	m.settings.memory, m.settings.fetchMaxBytes = 1<<20, 1<<20
	s := &stream{mirror: m, fetchers: make(map[kafka.NodeID]*fetcher)}
	m.streams = []*stream{s}
	p := newTestPartition(0)
	p.appender = f.Open(0, p.tp)
	s.adopt(t.Context(), p)
	return s, p, f
}

// fetch asks for what is next and hands in the response that respond makes.
func fetch(t *testing.T, s *stream, p *partition, respond func() []byte) {
	t.Helper()
	f := newFetcher(s, -1)
	asked, _ := f.plan()
	if len(asked) != 1 {
		t.Fatalf("asked for %d partitions, want 1", len(asked))
	}
	memory := s.mirror.pool.takeLocked(0)
	s.fetched(t.Context(), p, fetchedRecords(respond(), 100), memory)
	memory.release()
	f.finish(asked)
}

func (f *shelf) answer(err error) {
	copies := f.copies
	f.copies = nil
	for _, c := range copies {
		c.Done(kafka.NoOffset, err)
	}
}

func offsets(f *shelf) (out []kafka.Offset) {
	for _, c := range f.copies {
		out = append(out, c.(*span).offset)
	}
	return out
}

// A response that was asked for before the partition went back must not be
// taken: between the two lies what has to be sent again.
func TestStreamIgnoresAResponseToAnEarlierPosition(t *testing.T) {
	s, p, f := newTestStream(t, true)
	fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 5}) })
	fetch(t, s, p, func() []byte {
		f.answer(kafka.ErrCorruptMessage)
		s.mirror.running.Wait() // it has been reopened
		return concat(t, made{base: 5, records: 5})
	})
	if p.next != 0 || len(f.copies) != 0 {
		t.Errorf("took offsets %v, next is %d, want none and 0", offsets(f), p.next)
	}
	fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 5}, made{base: 5, records: 5}) })
	if got := offsets(f); !slices.Equal(got, []kafka.Offset{0, 5}) {
		t.Errorf("sent %v, want 0 and 5", got)
	}
}

func TestStreamFetchesADamagedBatchOnceMore(t *testing.T) {
	two := func() []byte { return concat(t, made{base: 0, records: 5}, made{base: 5, records: 5}) }
	for _, test := range []struct {
		name    string
		abort   bool
		second  error
		done    kafka.Offset
		dropped int64
		halt    bool
	}{
		{"the damage was on the way", true, nil, 10, 0, false},
		{"the source is damaged", true, kafka.ErrCorruptMessage, 0, 0, true},
		{"the source is damaged and that is to be left out", false, kafka.ErrCorruptMessage, 10, 5, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newTestStream(t, test.abort)
			var fatal error
			s.mirror.fatal = func(err error) { fatal = err }
			fetch(t, s, p, two)
			f.answer(kafka.ErrCorruptMessage) // the batch behind shares the fate
			s.mirror.running.Wait()
			if p.halt != nil || p.next != 0 || f.opened != 2 {
				t.Fatalf("halt %v, next %d, opened %d times, want to begin again at 0", p.halt, p.next, f.opened)
			}
			fetch(t, s, p, two)
			if got := offsets(f); !slices.Equal(got, []kafka.Offset{0, 5}) {
				t.Errorf("sent %v the second time, want 0 and 5", got)
			}
			f.answer(test.second)
			s.mirror.running.Wait()
			if p.suspect.stage == withheld {
				fetch(t, s, p, two)
				if got := offsets(f); !slices.Equal(got, []kafka.Offset{5}) {
					t.Errorf("sent %v the third time, want only 5", got)
				}
				f.answer(nil)
			}
			if p.done != test.done || p.dropped != test.dropped || (p.halt != nil) != test.halt || p.backlog != 0 {
				t.Errorf("done %d, dropped %d, halt %v, backlog %d, want %d, %d, %v, 0", p.done, p.dropped, p.halt, p.backlog, test.done, test.dropped, test.halt)
			}
			if (fatal != nil) != test.halt || test.halt && !errors.Is(fatal, kafka.ErrCorruptMessage) {
				t.Errorf("ended with %v", fatal)
			}
			if test.halt {
				return
			}
			from := p.done
			fetch(t, s, p, func() []byte { return concat(t, made{base: from, records: 1}) })
			f.answer(nil)
			if p.done != from+1 {
				t.Errorf("it does not go on: done is %d, want %d", p.done, from+1)
			}
		})
	}
}

// What is acknowledged after a partition was given back and its time is up
// must not touch what is kept of it.
func TestStreamForgets(t *testing.T) {
	s, p, f := newTestStream(t, true)
	s.mirror.kept = make(map[kafka.TopicPartition]place)
	fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 5}) })
	late := make(chan struct{})
	go func() { f.answer(nil); close(late) }()
	s.release(t.Context(), p)
	s.mirror.retire(p)
	<-late
	kept := s.mirror.kept[p.tp]
	if kept.at != 0 && kept.at != 5 || !p.revoked || len(s.partitions) != 0 {
		t.Errorf("kept %+v, revoked %v, %d partitions", kept, p.revoked, len(s.partitions))
	}
}

// A batch that its partition's share of a response does not hold comes whole to
// the partition that is first, so that one is first in the next request, though
// others have records all the time.
func TestALargeBatchComesFirst(t *testing.T) {
	s, a, f := newTestStream(t, true)
	b := newTestPartition(0)
	b.tp.Partition = 1
	b.appender = f.Open(0, b.tp)
	s.adopt(t.Context(), b)
	from := newFetcher(s, -1)
	memory := s.mirror.pool.takeLocked(0)
	defer memory.release()
	for round := range kafka.Offset(3) {
		asked, _ := from.plan()
		large := concat(t, made{base: round / 2, records: 1, value: "large"})
		if asked[0] != b { // it is cut
			large = large[:len(large)-5]
		}
		if round == 1 && asked[0] != b {
			t.Fatal("what was cut does not come first")
		}
		from.resp = wire.FetchResponse{Topics: []wire.FetchedTopic{{Name: a.tp.Topic, Partitions: []wire.FetchedPartition{
			{Index: 0, HighWatermark: 100, LastStable: 100, Records: concat(t, made{base: round, records: 1})},
			{Index: 1, HighWatermark: 100, LastStable: 100, Records: large},
		}}}}
		from.handOut(t.Context(), asked, memory)
		from.finish(asked)
	}
	if a.next != 3 || b.next != 1 {
		t.Errorf("the positions are %d and %d, want 3 and 1", a.next, b.next)
	}
	f.answer(nil)
}
