package mirror

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/mirror/offsetmap"
)

// committedRecords are the values that a reader of committed records sees of
// one partition, with their offsets.
func (w *world) committedRecords(c *kfake.Cluster, topic string, partition int32) (values []string, offsets []kafka.Offset) {
	w.t.Helper()
	info := c.PartitionInfo(topic, partition)
	cl := w.kgo(c, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(20*time.Millisecond), kgo.KeepControlRecords())
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	for at := int64(0); at < info.LastStableOffset && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				values, offsets = append(values, string(r.Value)), append(offsets, kafka.Offset(r.Offset))
			}
		})
	}
	cl.Close()
	return values, offsets
}

// wantOnce checks that each partition of the target has the numbered records
// 0..n-1, each once and in order, and that the map of m knows each of them.
func (w *world) wantOnce(m *started, topic string, partitions int32, n int) {
	w.t.Helper()
	for p := range partitions {
		values, offsets := w.committedRecords(w.target, topic, p)
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("%d/%d", p, i))
		}
		if !slices.Equal(values, want) {
			w.t.Errorf("%s-%d holds %d records %.200v, want %d", topic, p, len(values), values, n)
			continue
		}
		e, ok := m.journal.entry(kafka.TopicPartition{Topic: topic, Partition: p})
		if !ok {
			w.t.Errorf("%s-%d: the journal knows nothing", topic, p)
			continue
		}
		for i, at := range offsets {
			if got, precision := e.offsets.ToTarget(kafka.Offset(i)); got != at || precision != offsetmap.Exact {
				w.t.Errorf("%s-%d: offset %d is said to be at %d, %v, want exactly %d", topic, p, i, got, precision, at)
				break
			}
		}
	}
}

func promising(d Delivery) func(*Config) {
	return func(c *Config) { c.Delivery, c.AbortOnSendFailure = d, false }
}

func TestEachRecordOnce(t *testing.T) {
	for _, stronger := range []struct {
		name     string
		delivery Delivery
		unfenced bool
	}{
		{"exactly-once", ExactlyOnce, false},
		{"effectively-once", EffectivelyOnce, false},
		{"effectively-once without fence", EffectivelyOnce, true},
	} {
		d := stronger.delivery
		for _, trouble := range []struct {
			name string
			make func(w *world)
		}{
			{"nothing", func(*world) {}},
			{"the target forgets the producer", func(w *world) {
				w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownProducerID, Count: 1})
			}},
			{"a batch that the target refuses once", func(w *world) {
				w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Err: kerr.InvalidRecord, Count: 1})
			}},
			{"connections that break", func(w *world) {
				w.target.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true })
			}},
			{"leaders that move", func(w *world) { w.source.ShufflePartitionLeaders(); w.target.ShufflePartitionLeaders() }},
			{"a rebalance", func(w *world) {
				w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1})
			}},
		} {
			t.Run(stronger.name+"/"+trouble.name, func(t *testing.T) {
				w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "a")}, []kfake.Opt{kfake.SeedTopics(2, "a")})
				if stronger.unfenced {
					w.noFence()
				}
				w.produce("a", 2, 0, 100)
				m := w.start(promising(d), earliest, "")
				w.until("the first are copied", func() bool { return m.Snapshot().Records >= 200 })
				trouble.make(w)
				w.produce("a", 2, 100, 300)
				trouble.make(w)
				w.produce("a", 2, 300, 400)
				w.until("all are copied", func() bool { return m.position("a", 0) == 400 && m.position("a", 1) == 400 })
				if err := m.stop(); err != nil {
					t.Fatal(err)
				}
				w.wantOnce(m, "a", 2, 400)
				w.produce("a", 2, 400, 420)
				m = w.start(promising(d), "", "")
				w.until("the rest is copied", func() bool { return m.position("a", 0) == 420 && m.position("a", 1) == 420 })
				if err := m.stop(); err != nil {
					t.Fatal(err)
				}
				w.wantOnce(m, "a", 2, 420)
			})
		}
	}
}

// position is up to where a partition is copied, durably where the journal says.
func (m *started) position(topic string, partition int32) kafka.Offset {
	for _, p := range m.Snapshot().Partitions {
		if p.Topic == topic && p.Partition == partition {
			return p.Position
		}
	}
	return -1
}

// A crash behind the journal's last word: the tail of the target tells.
func TestTheTailIsNotCopiedTwice(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 50)
	m := w.start(promising(EffectivelyOnce), earliest, "")
	w.until("they are copied", func() bool { return m.position("a", 0) == 50 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	m = w.start(promising(EffectivelyOnce), "", "")
	w.until("it is ours", func() bool { return m.position("a", 0) == 50 })
	// From here on neither the journal nor the group learns anything.
	mute := w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: StateTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	w.produce("a", 1, 50, 90)
	foreign := w.kgo(w.target, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	w.until("the rest is copied", func() bool { return m.position("a", 0) == 90 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	if err := foreign.ProduceSync(t.Context(), &kgo.Record{Topic: "a", Value: []byte("foreign")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	mute.Remove()
	w.produce("a", 1, 90, 100)
	m = w.start(promising(EffectivelyOnce), "", "")
	w.until("all is copied", func() bool { return m.position("a", 0) == 100 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	values, _ := w.committedRecords(w.target, "a", 0)
	if got := strings.Join(values, " "); strings.Count(got, "foreign") != 1 || len(values) != 101 {
		t.Errorf("%d records %q, want 101, one of them foreign", len(values), got)
	}
	slices.Sort(values)
	if len(slices.Compact(values)) != 101 {
		t.Error("records are doubled")
	}
}

// Of two processes of one group one ends, and the other has every record once.
func TestTwoProcessesOfOneGroup(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "a")}, []kfake.Opt{kfake.SeedTopics(2, "a")})
	w.produce("a", 2, 0, 50)
	ms := []*started{w.start(promising(ExactlyOnce), earliest, "")}
	w.until("the first copies", func() bool { return ms[0].position("a", 0) == 50 && ms[0].position("a", 1) == 50 })
	ms = append(ms, w.start(promising(ExactlyOnce), earliest, ""))
	n := 50
	w.until("one ends", func() bool {
		w.produce("a", 2, n, n+10)
		n += 10
		return len(w.told("ended: another mirror of group")) > 0
	})
	w.until("the other has all", func() bool {
		at := map[int32]kafka.Offset{}
		for _, m := range ms {
			for p := range int32(2) {
				at[p] = max(at[p], m.position("a", p))
			}
		}
		return at[0] == kafka.Offset(n) && at[1] == kafka.Offset(n)
	})
	fenced := 0
	for _, m := range ms {
		var f *FencedError
		if err := m.stop(); errors.As(err, &f) {
			fenced++
		} else if err != nil {
			t.Errorf("ended with %v", err)
		}
	}
	if fenced != 1 {
		t.Errorf("%d have ended, want one", fenced)
	}
	for p := range int32(2) {
		if values, _ := w.committedRecords(w.target, "a", p); len(values) != n || !slices.IsSortedFunc(values, byNumber) {
			t.Errorf("a-%d has %d records, want %d in order", p, len(values), n)
		}
	}
}

func byNumber(a, b string) int {
	number := func(s string) int {
		_, n, _ := strings.Cut(s, "/")
		i, _ := strconv.Atoi(n)
		return i
	}
	return number(a) - number(b)
}

func TestExactlyOnceNeedsTransactions(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 10)
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1})
	m := w.start(promising(ExactlyOnce), earliest, "")
	w.until("the mirror ends", func() bool { return len(w.told("ended")) > 0 })
	if err := m.stop(); !errors.Is(err, kafka.ErrTransactionalIDAuthorizationFailed) || !strings.Contains(err.Error(), "exactly-once needs") {
		t.Errorf("got %v, want that transactions are needed", err)
	}
	if info := w.target.PartitionInfo("a", 0); info.HighWatermark != 0 {
		t.Errorf("%d records were copied all the same", info.HighWatermark)
	}
}

func TestEffectivelyOnceGoesOnWithoutFence(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 10)
	w.noFence()
	m := w.start(promising(EffectivelyOnce), earliest, "")
	w.until("all is copied", func() bool { return m.position("a", 0) == 10 })
	if told := w.told("cannot fence"); len(told) != 1 {
		t.Errorf("told %q, want once that the target cannot fence", w.told(""))
	}
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.wantOnce(m, "a", 1, 10)
}

func TestTailMatch(t *testing.T) {
	record := func(offset kafka.Offset, value string) batch.Record {
		return batch.Record{Offset: offset, Timestamp: 5, Value: []byte(value)}
	}
	for _, test := range []struct {
		name     string
		certain  bool
		source   string // one record a letter, from offset 10 on
		target   string // from offset 100 on
		position kafka.Offset
		segments []offsetmap.Segment
	}{
		{"nothing is there", true, "abc", "", 10, nil},
		{"some are there", true, "abcd", "ab", 12, []offsetmap.Segment{{Source: 10, Target: 100, SourceLength: 2, TargetLength: 2}}},
		{"equal records", true, "aaaa", "aa", 12, []offsetmap.Segment{{Source: 10, Target: 100, SourceLength: 2, TargetLength: 2}}},
		{"one was left out", true, "abcd", "ac", 13, []offsetmap.Segment{{Source: 10, Target: 100, SourceLength: 1, TargetLength: 1}, {Source: 12, Target: 101, SourceLength: 1, TargetLength: 1}}},
		{"one was deleted from the source", true, "acd", "abc", 12, []offsetmap.Segment{{Source: 10, Target: 100, SourceLength: 1, TargetLength: 1}, {Source: 11, Target: 102, SourceLength: 1, TargetLength: 1}}},
		{"foreign records", false, "abcd", "xaybz", 12, []offsetmap.Segment{{Source: 10, Target: 101, SourceLength: 1, TargetLength: 1}, {Source: 11, Target: 103, SourceLength: 1, TargetLength: 1}}},
		{"a foreign record that comes later in the source", false, "abcd", "ca", 11, []offsetmap.Segment{{Source: 10, Target: 101, SourceLength: 1, TargetLength: 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := 0
			m := tailMatch{offsets: &offsetmap.Map{}, position: 10, certain: test.certain, next: func() (batch.Record, error, bool) {
				if i++; i > len(test.source) {
					return batch.Record{}, nil, false
				}
				return record(kafka.Offset(9+i), test.source[i-1:i]), nil, true
			}}
			m.seed = maphash.MakeSeed()
			for at := range test.target {
				if err := m.take(record(kafka.Offset(100+at), test.target[at:at+1])); err != nil {
					t.Fatal(err)
				}
			}
			if m.position != test.position || !slices.Equal(m.offsets.Segments(), test.segments) {
				t.Errorf("position %d, segments %v, want %d, %v", m.position, m.offsets.Segments(), test.position, test.segments)
			}
		})
	}
}

// What a killed mirror has left open does not keep the next one waiting.
func TestAnOpenTransactionIsEnded(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a", StateTopic)})
	w.produce("a", 1, 0, 10)
	killed := w.kgo(w.target, kgo.TransactionalID("schloss-mirror-mirror"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := killed.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"a", StateTopic} {
		if err := killed.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("never")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	m := w.start(promising(ExactlyOnce), earliest, "")
	w.until("all is copied", func() bool { return m.position("a", 0) == 10 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.wantOnce(m, "a", 1, 10)
}
