package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror/rebuild"
)

func byKeys(c *Config) { c.Partitioning = KeyHash }

const keys = 12

// deal writes the rounds from..to-1 to the source: in each every key has one
// record, where a producer puts it, and every partition one without a key. A
// value is the record's key, or partition, and its round.
func (w *world) deal(topic string, from, to int, opts ...kgo.Opt) {
	w.t.Helper()
	partitions := int32(len(w.source.PartitionInfos(topic)))
	cl := w.kgo(w.source, append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(2000))...)
	var records []*kgo.Record
	for round := from; round < to; round++ {
		for k := range keys {
			key := fmt.Appendf(nil, "k%d", k)
			records = append(records, &kgo.Record{Topic: topic, Partition: rebuild.PartitionForKey(key, partitions), Key: key, Value: fmt.Appendf(nil, "k%d/%d", k, round)})
		}
		for p := range partitions {
			records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%d/%d", p, round)})
		}
	}
	for i, r := range records {
		r.Headers, r.Timestamp = []kgo.RecordHeader{{Key: "h", Value: r.Value}}, time.UnixMilli(1_700_000_000_000+int64(i))
	}
	if err := cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// dealt waits until the target has all that deal has written up to a round, and
// checks that each record is there once, in order of its key or partition, in the
// partition that place says for a round.
func (w *world) dealt(topic string, rounds int, place func(round int) int32) {
	w.t.Helper()
	sources := len(w.source.PartitionInfos(topic))
	total := rounds * (keys + sources)
	var got map[int32][]*kgo.Record
	w.until(fmt.Sprintf("%s has %d records on the target", topic, total), func() bool {
		n := int64(0)
		for _, info := range w.target.PartitionInfos(topic) {
			n += info.HighWatermark
		}
		return n >= int64(total)
	})
	got = w.readAll(w.target, topic)
	next := make(map[string]int)
	for p, records := range got {
		for _, r := range records {
			of, text, _ := strings.Cut(string(r.Value), "/")
			round, err := strconv.Atoi(text)
			if err != nil || len(r.Headers) != 1 || string(r.Headers[0].Value) != string(r.Value) || r.Timestamp.UnixMilli() < 1_700_000_000_000 {
				w.t.Fatalf("a record came as %+v", r)
			}
			want := rebuild.PartitionForKey(r.Key, place(round))
			if r.Key == nil {
				source, _ := strconv.Atoi(of)
				want = int32(source) % place(round)
			}
			if p != want || r.Key != nil && string(r.Key) != of {
				w.t.Fatalf("record %s with key %q is in partition %d, want %d", r.Value, r.Key, p, want)
			}
			if at := fmt.Sprint(of, "@", p); round < next[at] {
				w.t.Errorf("record %s comes behind round %d in partition %d", r.Value, next[at]-1, p)
			} else {
				next[at] = round + 1
			}
			next[of]++
		}
	}
	if n := len(slices.Collect(maps.Keys(next))); n < keys+sources {
		w.t.Errorf("%d keys and partitions came, want %d", n, keys+sources)
	}
	for of, n := range next {
		if !strings.Contains(of, "@") && n != rounds {
			w.t.Errorf("%s came %d times, want %d", of, n, rounds)
		}
	}
}

// readAll reads a topic from beginning to end.
func (w *world) readAll(c *kfake.Cluster, topic string) map[int32][]*kgo.Record {
	w.t.Helper()
	total := int64(0)
	for _, info := range c.PartitionInfos(topic) {
		total += info.HighWatermark
	}
	cl := w.kgo(c, kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(20*time.Millisecond))
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	got := make(map[int32][]*kgo.Record)
	for n := int64(0); n < total && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			n++
			got[r.Partition] = append(got[r.Partition], r)
		})
	}
	cl.Close()
	return got
}

func always(partitions int32) func(int) int32 { return func(int) int32 { return partitions } }

func TestKeysGoByTheirHash(t *testing.T) {
	for _, test := range []struct {
		name           string
		source, target int32 // partitions; 0: no topic
		codec          kgo.CompressionCodec
		consumer       string
	}{
		{"to more partitions", 3, 5, kgo.NoCompression(), ""},
		{"to fewer partitions", 5, 2, kgo.ZstdCompression(), ""},
		{"to as many", 3, 3, kgo.Lz4Compression(), "isolation.level=read_committed\n"},
		{"to a topic that is created", 4, 0, kgo.SnappyCompression(), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var there []kfake.Opt
			partitions := test.source
			if test.target > 0 {
				partitions = test.target
				there = append(there, kfake.SeedTopics(partitions, "a"))
			}
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(test.source, "a")}, there)
			w.deal("a", 0, 40, kgo.ProducerBatchCompression(test.codec))
			m := w.start(byKeys, earliest+test.consumer, "")
			w.dealt("a", 40, always(partitions))
			w.deal("a", 40, 60, kgo.ProducerBatchCompression(test.codec))
			w.dealt("a", 60, always(partitions))
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			for p := range test.source {
				if got, end := w.committed("a", p), w.source.PartitionInfo("a", p).HighWatermark; got != kafka.Offset(end) {
					t.Errorf("partition %d: committed %d, want %d", p, got, end)
				}
			}
			w.deal("a", 60, 90)
			w.start(byKeys, test.consumer, "")
			w.dealt("a", 90, always(partitions))
			if n := len(w.target.PartitionInfos("a")); n != int(partitions) {
				t.Errorf("the target has %d partitions, want %d", n, partitions)
			}
		})
	}
}

func TestDealingSurvives(t *testing.T) {
	for _, test := range []struct {
		name    string
		trouble func(w *world)
	}{
		{"leaders that move", func(w *world) { w.source.ShufflePartitionLeaders(); w.target.ShufflePartitionLeaders() }},
		{"produce errors that pass at one partition", func(w *world) {
			for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend} {
				w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Partitions: []int32{1}, Err: err, Count: 3})
			}
		}},
		{"a partition that refuses a batch once", func(w *world) {
			w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Partitions: []int32{1}, Err: kerr.InvalidRecord, Count: 1})
		}},
		{"a partition that refuses for a while", func(w *world) {
			w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Partitions: []int32{1}, Err: kerr.PolicyViolation, Count: 1})
		}},
		{"connections that break", func(w *world) {
			cut := func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true }
			w.source.ControlKey(int16(kmsg.Fetch), cut)
			w.target.ControlKey(int16(kmsg.Produce), cut)
		}},
		{"a rebalance", func(w *world) {
			w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: 1})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(4, "a")}, []kfake.Opt{kfake.SeedTopics(3, "a")})
			w.deal("a", 0, 20)
			m := w.start(func(c *Config) { c.Partitioning, c.AbortOnSendFailure = KeyHash, false }, earliest, "")
			w.dealt("a", 20, always(3))
			test.trouble(w)
			w.deal("a", 20, 60)
			if strings.Contains(test.name, "refuses") { // a record that is refused when it is sent alone is left out
				w.dealt("a", 60, always(3))
			}
			test.trouble(w)
			w.deal("a", 60, 80)
			w.dealt("a", 80, always(3)) // each once, in order
			if err := m.stop(); err != nil || m.Snapshot().Dropped != 0 {
				t.Errorf("ended with %v, %d records left out", err, m.Snapshot().Dropped)
			}
		})
	}
}

func TestARefusalAtOnePartitionEndsTheMirror(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(3, "a")})
	w.deal("a", 0, 10)
	refusal := w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Partitions: []int32{2}, Err: kerr.PolicyViolation, Count: -1})
	m := w.start(byKeys, earliest, "")
	w.until("the mirror ends", func() bool { return len(w.told("ended")) > 0 })
	var se *SendError
	if err := m.stop(); !errors.As(err, &se) || !errors.Is(err, kafka.ErrPolicyViolation) {
		t.Errorf("got %v, want a SendError with POLICY_VIOLATION", err)
	}
	first := kafka.Offset(0) // that goes to the partition that refuses
	for _, r := range w.readAll(w.source, "a")[0] {
		if r.Key != nil && rebuild.PartitionForKey(r.Key, 3) == 2 {
			first = kafka.Offset(r.Offset)
			break
		}
	}
	if got := w.committed("a", 0); got > first {
		t.Errorf("committed %d, though offset %d was refused", got, first)
	}
	refusal.Remove()
	w.start(byKeys, "", "")
	w.until("the rest is copied", func() bool { return w.committed("a", 0) == kafka.Offset(w.source.PartitionInfo("a", 0).HighWatermark) })
	arrived := make(map[string]bool)
	for _, records := range w.readAll(w.target, "a") {
		for _, r := range records {
			arrived[string(r.Value)] = true
		}
	}
	if len(arrived) != 10*(keys+1) {
		t.Errorf("%d records arrived, want %d", len(arrived), 10*(keys+1))
	}
}

func TestTheTargetGrows(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(3, "a")}, []kfake.Opt{kfake.SeedTopics(2, "a")})
	w.deal("a", 0, 20)
	w.start(byKeys, earliest, "")
	w.dealt("a", 20, always(2))
	if _, err := w.admin(w.target).UpdatePartitions(t.Context(), 5, "a"); err != nil {
		t.Fatal(err)
	}
	w.until("it is told", func() bool { return len(w.told("topic a has 5 partitions on the target now, 2 before")) == 1 })
	w.deal("a", 20, 50)
	w.dealt("a", 50, func(round int) int32 {
		if round < 20 {
			return 2
		}
		return 5
	})
}

// TestNoMapOutlivesDealing changes the partitioning, and back: where a group
// stands is never said by a map that has not seen everything.
func TestNoMapOutlivesDealing(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	id := MirrorID{"mirror", "source"}
	const somewhere = -2 // markers of the fence take offsets too
	produced := 0
	run := func(name string, change func(*Config), produce int, ask kafka.Offset, want kafka.Offset, standing Standing) {
		t.Helper()
		w.produce("a", 1, produced, produced+produce)
		produced += produce
		m := w.start(change, earliest, "")
		w.until("all is copied, or it is begun with", func() bool { return m.position("a", 0) == kafka.Offset(produced) })
		if err := m.stop(); err != nil {
			t.Fatal(err)
		}
		state, err := ReadState(t.Context(), m.config.Target, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := state.Translate(t.Context(), id, false, []client.Committed{{TopicPartition: kafka.TopicPartition{Topic: "a"}, Offset: ask}}, client.NewAdmin(w.kgo(w.target)))
		if err != nil || got[0].To != want && want != somewhere || got[0].Standing != standing {
			t.Errorf("%s: offset %d is at %d, %s, %v, want %d, %s", name, ask, got[0].To, got[0].Standing, err, want, standing)
		}
		if e, _ := m.journal.entry(kafka.TopicPartition{Topic: "a"}); e.position != kafka.Offset(produced) {
			t.Errorf("%s: the journal stands at %d, want %d", name, e.position, produced)
		}
	}
	run("same", nil, 20, 7, 7, StandsExactly)
	run("key-hash, and nothing to copy", byKeys, 0, 7, kafka.NoOffset, StandsByKey)
	run("key-hash", byKeys, 20, 30, kafka.NoOffset, StandsByKey)
	run("same again, of what was before", nil, 20, 30, kafka.NoOffset, StandsBefore)
	run("same again", nil, 0, 45, 45, StandsExactly)
	run("effectively once", promising(EffectivelyOnce), 10, 65, somewhere, StandsExactly)
	run("key-hash again", byKeys, 0, 65, kafka.NoOffset, StandsByKey)
	run("effectively once again", promising(EffectivelyOnce), 10, 75, somewhere, StandsExactly)
	w.targetHas("a", 1, produced)
}

// TestDealingAndBack goes to fewer partitions, and back to a partition each: the
// target's topic grows as it would have, and nothing fails on what is missing.
func TestDealingAndBack(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(3, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.deal("a", 0, 10)
	m := w.start(byKeys, earliest, "")
	w.dealt("a", 10, always(1))
	w.until("all is committed", func() bool {
		for p := range int32(3) {
			if w.committed("a", p) != kafka.Offset(w.source.PartitionInfo("a", p).HighWatermark) {
				return false
			}
		}
		return true
	})
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	state, err := ReadState(t.Context(), m.config.Target, "")
	if err != nil {
		t.Fatal(err)
	}
	var committed []client.Committed
	for p := range int32(3) {
		committed = append(committed, client.Committed{TopicPartition: kafka.TopicPartition{Topic: "a", Partition: p}, Offset: 1})
	}
	got, err := state.Translate(t.Context(), MirrorID{"mirror", "source"}, false, committed, client.NewAdmin(m.config.Target))
	if err != nil || len(got) != 3 || slices.ContainsFunc(got, func(x Translated) bool { return x.Standing != StandsByKey }) {
		t.Errorf("translated to %v, %v, want by-key for all", got, err)
	}
	w.deal("a", 10, 15)
	m = w.start(nil, "", "")
	w.until("the rest is copied", func() bool { return m.Snapshot().Records == 5*(keys+3) })
	if n := len(w.target.PartitionInfos("a")); n != 3 {
		t.Errorf("the target has %d partitions, want 3", n)
	}
}

func TestPartitioningIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, problem string
		change        func(*Config)
	}{
		{"another word", "want same or key-hash", func(c *Config) { c.Partitioning = "sticky" }},
		{"effectively once", "at-least-once, not effectively-once", func(c *Config) { c.Partitioning, c.Delivery = KeyHash, EffectivelyOnce }},
		{"exactly once", "at-least-once, not exactly-once", func(c *Config) { c.Partitioning, c.Delivery = KeyHash, ExactlyOnce }},
		{"groups", "groups are brought over", func(c *Config) { c.Partitioning, c.SyncGroups = KeyHash, ".*" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Config{Consumer: values(t, config.Consumer, "group.id=g\n"), Producer: values(t, config.Producer, ""), Include: ".*"}
			test.change(&c)
			var se *client.SettingError
			if _, err := New(c); !errors.As(err, &se) || se.Key != "partitioning" || !strings.Contains(se.Problem, test.problem) {
				t.Errorf("got %v, want a SettingError: %s", err, test.problem)
			}
		})
	}
}
