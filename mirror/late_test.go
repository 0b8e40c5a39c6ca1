package mirror

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// noFence has the target serve no transactional ids.
func (w *world) noFence() {
	w.target.ControlKey(int16(kmsg.InitProducerID), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		req := r.(*kmsg.InitProducerIDRequest)
		if req.TransactionalID == nil {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		resp.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		return resp, nil, true
	})
}

// lastOf is the header of the last batch in a partition of the target.
func (w *world) lastOf(m *started, tp kafka.TopicPartition) (last batch.Header) {
	w.t.Helper()
	end := kafka.Offset(w.target.PartitionInfo(tp.Topic, tp.Partition).HighWatermark)
	r := tailReader{m.config.Target, client.NewAdmin(m.config.Target), tp, false}
	err := r.each(w.t.Context(), 0, end, func(b batch.Batch) error { last = b.Header(); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return last
}

// late is what a mirror that has died had still on its way to a-0: the records
// from..to-1 that produce made, as the producer of a batch and behind it.
type late struct {
	cl   *kgo.Client
	last batch.Header
	next int32
}

func (w *world) late(last batch.Header) *late {
	return &late{cl: w.kgo(w.target, kgo.MaxVersions(kversion.V2_8_0())), last: last, next: last.BaseSequence + last.Count}
}

// arrive has one batch reach the target.
func (l *late) arrive(w *world, from, to int) {
	b := batch.NewBuilder(batch.None)
	for i := from; i < to; i++ {
		b.Add(batch.Record{Offset: kafka.Offset(i - from), Timestamp: 1_700_000_000_000 + int64(i), Value: fmt.Appendf(nil, "0/%d", i),
			Headers: []batch.RecordHeader{{Key: "h", Value: []byte{byte(i)}}}})
	}
	built, err := b.Build()
	if err != nil {
		w.t.Error(err)
		return
	}
	built.Rewrite(batch.Rewrite{ProducerID: l.last.ProducerID, ProducerEpoch: l.last.ProducerEpoch, BaseSequence: l.next})
	l.next += int32(to - from)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: "a", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: built}}}}
	resp, err := req.RequestWith(w.t.Context(), l.cl.Broker(int(w.target.LeaderFor("a", 0))))
	if err != nil {
		w.t.Error(err)
		return
	}
	code := resp.Topics[0].Partitions[0].ErrorCode
	if code != 0 && code != kerr.OutOfOrderSequenceNumber.Code {
		w.t.Errorf("a late batch got code %d", code)
	}
}

// before calls do once before the n-th batch of the mirror for topic a is taken.
func (w *world) before(n int, do func()) {
	seen, doing := 0, false
	w.target.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		ours := slices.ContainsFunc(r.(*kmsg.ProduceRequest).Topics, func(t kmsg.ProduceRequestTopic) bool { return t.Topic == "a" })
		if !ours || doing {
			return nil, nil, false
		}
		if seen++; seen == n {
			doing = true
			w.target.SleepControl(do)
			w.target.DropControl()
		}
		return nil, nil, false
	})
}

// A batch of a dead mirror lands between the moment when the tail is read and
// the first batch of the next one, or later, on a target that cannot be fenced.
func TestALateBatchIsNotDoubled(t *testing.T) {
	for _, test := range []struct {
		name   string
		before int // which batch of the next mirror
		late   []int
	}{
		{"as long as the next one's first", 1, []int{10}},
		{"shorter", 1, []int{5}},
		{"longer", 1, []int{15}},
		{"two as long as the next one's", 1, []int{10, 10}},
		{"two with other boundaries", 1, []int{4, 12}},
		{"more than a broker remembers", 1, []int{2, 2, 2, 2, 2, 2, 2}},
		{"all there is", 1, []int{30}},
		{"behind the next one's first, as long", 2, []int{10}},
		{"behind the next one's first, shorter", 2, []int{5}},
		{"the second lands, the first is known", 2, []int{10, 10}},
		{"behind the next one's first, longer", 2, []int{25}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
			w.noFence()
			w.produce("a", 1, 0, 50)
			m := w.start(promising(EffectivelyOnce), earliest, "")
			w.until("they are copied", func() bool { return m.position("a", 0) == 50 })
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			for at := 50; at < 80; at += 10 {
				w.produce("a", 1, at, at+10)
			}
			dead := w.late(w.lastOf(m, kafka.TopicPartition{Topic: "a"}))
			w.before(test.before, func() {
				at := 50
				for _, n := range test.late {
					dead.arrive(w, at, at+n)
					at += n
				}
			})
			m = w.start(promising(EffectivelyOnce), "", "")
			w.until("all is copied", func() bool { return m.position("a", 0) == 80 })
			w.produce("a", 1, 80, 90)
			w.until("the rest is copied", func() bool { return m.position("a", 0) == 90 })
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			w.wantOnce(m, "a", 1, 90)
		})
	}
}

// A partition comes to a process that has read the journal before anything
// stood there, from one whose last commit was lost.
func TestTheJournalIsReadAnewWhereAPartitionComes(t *testing.T) {
	for _, fence := range []bool{true, false} {
		t.Run(fmt.Sprintf("fence %v", fence), func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "other")}, nil)
			if !fence {
				w.noFence()
			}
			ms := []*started{w.start(promising(EffectivelyOnce), earliest, ""), w.start(promising(EffectivelyOnce), earliest, "")}
			w.until("both have read the journal", func() bool { return len(ms[0].Snapshot().Partitions) == 1 && len(ms[1].Snapshot().Partitions) == 1 })
			if err := w.source.CreateTopic("a", 1, nil); err != nil {
				t.Fatal(err)
			}
			w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress, Count: -1})
			w.produce("a", 1, 0, 40)
			has := func(m *started, n kafka.Offset) bool { return m.position("a", 0) == n }
			w.until("one has copied them", func() bool { return has(ms[0], 40) || has(ms[1], 40) })
			if has(ms[1], 40) {
				slices.Reverse(ms)
			}
			if err := ms[0].stop(); err != nil {
				t.Fatal(err)
			}
			w.produce("a", 1, 40, 60)
			w.until("the other goes on", func() bool { return has(ms[1], 60) })
			if err := ms[1].stop(); err != nil {
				t.Fatal(err)
			}
			w.wantOnce(ms[1], "a", 1, 60)
		})
	}
}

// What the writer wrote last may be lost with the end of the target's log. Then
// another one goes on.
func TestAWriterWhoseEndIsLostDoesNotGoOn(t *testing.T) {
	for _, test := range []struct {
		name string
		lose func(t *testing.T, target *client.Admin) error
	}{
		{"the tail is deleted", func(t *testing.T, target *client.Admin) error {
			_, err := target.DeleteRecords(t.Context(), []client.PartitionOffset{{TopicPartition: kafka.TopicPartition{Topic: "a"}, Offset: 90}})
			return err
		}},
		{"another topic has the name", func(t *testing.T, target *client.Admin) error {
			if err := target.DeleteTopic(t.Context(), "a"); err != nil {
				return err
			}
			return target.CreateTopic(t.Context(), client.NewTopic{Name: "a", Partitions: 1, ReplicationFactor: 1})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
			w.noFence()
			w.produce("a", 1, 0, 50)
			start := func(consumer string) *started {
				return w.start(func(c *Config) { promising(EffectivelyOnce)(c); c.OnTargetTruncated = GoOn }, consumer, "")
			}
			m := start(earliest)
			w.until("they are copied", func() bool { return m.position("a", 0) == 50 })
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			m = start("")
			w.until("it is ours", func() bool { return m.position("a", 0) == 50 })
			// The journal does not learn what follows.
			mute := w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: StateTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
			w.produce("a", 1, 50, 90)
			w.until("the rest is copied", func() bool { return m.position("a", 0) == 90 })
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			mute.Remove()
			if err := test.lose(t, client.NewAdmin(m.config.Target)); err != nil {
				t.Fatal(err)
			}
			m = start("")
			w.until("what was lost is copied again", func() bool { return m.position("a", 0) == 90 })
		})
	}
}
