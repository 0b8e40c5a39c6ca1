package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
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
	"schloss/kafka/batch"
	"schloss/kafka/config"
	"schloss/kafka/wire"
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

// TestATargetThatShrinks is another topic of the name: what was under way for
// partitions that are gone goes where the keys go now.
func TestATargetThatShrinks(t *testing.T) {
	s, p, f := newDealtStream(t, 3)
	three := func() []byte { return concat(t, made{base: 0, records: 30, keyed: true}) }
	fetch(t, s, p, three)
	if n := len(f.copies); n != 3 {
		t.Fatalf("%d batches were sent, want one for each of 3 partitions", n)
	}
	f.count = 1
	var told []string
	s.mirror.config.Notice = func(text string) { told = append(told, text) }
	s.mirror.recount()
	f.answer(kafka.ErrUnknownTopicOrPartition)
	s.mirror.running.Wait()
	fetch(t, s, p, three)
	if len(f.copies) != 1 || f.copies[0].Partition() != 0 || f.copies[0].Batch().Count() != 30 || p.halt != nil {
		t.Errorf("%d batches were sent, halt %v, want all records in one", len(f.copies), p.halt)
	}
	if len(told) != 1 || !strings.Contains(told[0], "1 partitions on the target now, 3 before") {
		t.Errorf("told %q", told)
	}
}

// TestGrowthLosesNothing has a partition refuse what was dealt to two, when what
// was dealt to four behind it has arrived: of the first nothing may be taken for
// there because of the second.
func TestGrowthLosesNothing(t *testing.T) {
	s, p, f := newDealtStream(t, 2)
	first, second := made{base: 0, records: 20, keyed: true}, made{base: 20, from: 20, records: 20, keyed: true}
	arrived := make(map[string]int)
	arrive := func(r batch.Record) { arrived[string(r.Key)]++ }
	fetch(t, s, p, func() []byte { return concat(t, first) })
	f.count = 4
	s.mirror.recount()
	fetch(t, s, p, func() []byte { return concat(t, second) })
	if len(f.copies) != 6 {
		t.Fatalf("%d batches were sent, want 2 and 4", len(f.copies))
	}
	f.answers.Lock()
	answerOne(t, f.copies[:2], 1, func(*span) error { return nil }, arrive)
	for _, to := range []int32{3, 2, 1, 0} { // of what was dealt to four
		answerOne(t, f.copies[2:], to, func(*span) error { return nil }, arrive)
	}
	answerOne(t, f.copies[:2], 0, func(*span) error { return kafka.ErrCorruptMessage }, arrive)
	f.copies = nil
	f.answers.Unlock()
	s.mirror.running.Wait()
	fetch(t, s, p, func() []byte { return concat(t, first, second) })
	for to := range int32(4) {
		answerOne(t, f.copies, to, func(*span) error { return nil }, arrive)
	}
	if len(arrived) != 40 || p.done != 40 || p.halt != nil {
		t.Errorf("%d records arrived, done %d, halt %v, want all 40", len(arrived), p.done, p.halt)
	}
}

// What one partition has refused is not forgotten when another refuses something
// behind it.
func TestASuspectIsNotForgotten(t *testing.T) {
	p := newTestPartition(0)
	named := func(index int32) error {
		return &recordErrors{&client.AnswerError{Code: kafka.ErrInvalidRecord}, []wire.ProducedRecordError{{BatchIndex: index, Message: "bad"}}}
	}
	one := &span{p: p, offset: 0, records: 10, runs: []rebuild.Run{{Source: 0, Length: 10}}}
	other := &span{p: p, offset: 20, records: 10, runs: []rebuild.Run{{Source: 20, Length: 10}}}
	if !p.doubt(one, named(3), false) || !p.doubt(other, named(2), false) {
		t.Fatal("nothing is left to try")
	}
	if got := slices.Sorted(maps.Keys(p.suspect.bad)); p.suspect.from != 0 || p.suspect.to != 30 || !slices.Equal(got, []kafka.Offset{3, 22}) {
		t.Errorf("suspect from %d to %d without %v, want 0, 30 and 3, 22", p.suspect.from, p.suspect.to, got)
	}
}

// A batch that was built here of records that were whole is not left out, however
// often the target calls it damaged.
func TestWhatIsRebuiltIsNotWithheld(t *testing.T) {
	s, p, f := newDealtStream(t, 2)
	for range 2 {
		if p.halt != nil {
			t.Fatalf("halted at the first refusal: %v", p.halt)
		}
		fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 20, keyed: true}) })
		f.answer(kafka.ErrCorruptMessage)
		s.mirror.running.Wait()
	}
	if p.halt == nil || p.halt.Reason != TargetRefused || p.done != 0 || p.dropped != 0 {
		t.Errorf("halt %v, done %d, dropped %d, want %s at 0", p.halt, p.done, p.dropped, TargetRefused)
	}
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

// newDealtStream copies one partition, from offset 0 on, onto a shelf of several.
func newDealtStream(t *testing.T, partitions int32) (*stream, *partition, *shelf) {
	s, p, f := newTestStream(t, false)
	s.mirror.config.Partitioning = KeyHash
	s.mirror.mode = &byKey{atLeastOnce{s.mirror}}
	f.count, p.partitions = partitions, partitions
	p.appender = s.mirror.mode.open(0, &claim{p: p})
	return s, p, f
}

// TestSeveralPartitionsRefuse has each of them dislike its fourth record, and tell
// in another order each time: all others arrive once and in order, or all up to
// the one at which the mirror is to end.
func TestSeveralPartitionsRefuse(t *testing.T) {
	const partitions, records = 3, 60
	all, err := made{base: 0, records: records, value: "v", keyed: true}.build(t).Records(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	response := func() []byte {
		return concat(t, made{base: 0, records: 40, value: "v", keyed: true, codec: batch.Zstd}, made{base: 40, from: 40, records: 20, value: "v", keyed: true, codec: batch.Zstd})
	}
	for _, test := range []struct {
		name  string
		names bool
		dumb  []int32 // partitions that refuse
		abort bool
	}{
		{"named, left out", true, []int32{0, 1, 2}, false},
		{"not named, left out", false, []int32{0, 1, 2}, false},
		{"named, ends the mirror", true, []int32{1}, true},
		{"not named, ends the mirror", false, []int32{1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newDealtStream(t, partitions)
			s.mirror.config.AbortOnSendFailure = test.abort
			bad, end := make(map[int32]string), kafka.Offset(records)
			count := make(map[int32]int)
			want := make(map[int32][]string)
			for _, r := range all {
				to := rebuild.PartitionForKey(r.Key, partitions)
				if count[to]++; count[to] == 4 && slices.Contains(test.dumb, to) {
					if bad[to] = string(r.Value); test.abort {
						end = r.Offset
					}
				} else if r.Offset < end {
					want[to] = append(want[to], string(r.Value))
				}
			}
			got := make(map[int32][]string)
			for turn := int32(0); p.done < records && p.halt == nil && turn < 30; turn++ {
				fetch(t, s, p, response)
				copies := f.copies
				f.copies = nil
				f.answers.Lock()
				for i := range int32(partitions) {
					to := (i + turn) % partitions
					answerOne(t, copies, to, refuse(bad[to], test.names), func(r batch.Record) { got[to] = append(got[to], string(r.Value)) })
				}
				f.answers.Unlock()
				s.mirror.running.Wait()
			}
			for to := range want {
				arrived := got[to]
				if test.abort && bad[to] == "" { // it may be further than the one that refuses
					arrived = arrived[:min(len(arrived), len(want[to]))]
				}
				if !slices.Equal(arrived, want[to]) {
					t.Errorf("partition %d got %v, want %v", to, got[to], want[to])
				}
			}
			if (p.halt != nil) != test.abort || test.abort && (p.halt.Reason != UnfitRecord || p.halt.Offset != end) || p.done != end || p.backlog != 0 {
				t.Errorf("halt %v, done %d, backlog %d, want done %d", p.halt, p.done, p.backlog, end)
			}
			if !test.abort && (p.suspect.to != 0 || p.ahead.end != 0) {
				t.Errorf("suspect %+v, ahead %+v, want none", p.suspect, p.ahead)
			}
		})
	}
}

// answerOne answers for one partition of the target as target does.
func answerOne(t *testing.T, copies []Copy, to int32, target func(*span) error, arrive func(batch.Record)) {
	var refused error
	for _, c := range copies {
		if c.Partition() != to {
			continue
		}
		if refused == nil {
			refused = target(c.(*span))
		}
		if refused == nil {
			records, err := c.Batch().Records(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				arrive(r)
			}
		}
		c.Done(kafka.NoOffset, refused)
	}
}

// TestADealtResponse has what lies between batches, and what they are like, make
// no more of them than there are partitions.
func TestADealtResponse(t *testing.T) {
	old, err := os.ReadFile("../kafka/batch/testdata/old/m0.10.0-lz4.log") // records 0 to 5 of format v1
	if err != nil {
		t.Fatal(err)
	}
	keyed := func(base kafka.Offset, records int) made {
		return made{base: base, records: records, keyed: true, from: int(base)}
	}
	with := func(m made, change func(*made)) made { change(&m); return m }
	for _, test := range []struct {
		name     string
		at       kafka.Offset
		records  []byte
		batches  int
		count    int32 // records
		next     kafka.Offset
		halt     HaltReason
		position kafka.Offset // once all is acknowledged
	}{
		{"many small ones", 0, concat(t, keyed(0, 9), keyed(9, 9), keyed(18, 9), keyed(27, 9)), 3, 36, 36, "", 36},
		{"holes, and a position inside", 4, concat(t, keyed(0, 9), with(keyed(9, 9), func(m *made) { m.span = 15 })), 3, 14, 24, "", 24},
		{"markers between and behind", 0, concat(t, made{base: 0, producer: 7, marker: "commit"}, keyed(1, 20), made{base: 21, producer: 7, marker: "commit"}, keyed(22, 20), made{base: 42, producer: 7, marker: "commit"}), 3, 40, 43, "", 43},
		{"none has a key", 0, concat(t, made{base: 0, records: 9}, made{base: 9, records: 9}), 1, 18, 18, "", 18},
		{"another codec begins anew", 0, concat(t, keyed(0, 20), with(keyed(20, 20), func(m *made) { m.codec = batch.LZ4 })), 6, 40, 40, "", 40},
		{"an old format", 1, old, 2, 5, 6, "", 6},
		{"damage behind", 0, concat(t, keyed(0, 20), with(keyed(20, 20), func(m *made) { m.damaged = true }), keyed(40, 20)), 3, 20, 20, CorruptSource, 20},
		{"damage alone", 0, concat(t, with(keyed(0, 20), func(m *made) { m.damaged = true })), 0, 0, 0, CorruptSource, 0},
		{"a cut one at the end", 0, concat(t, keyed(0, 20), keyed(20, 20))[:200], 0, 0, 0, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPartition(test.at)
			p.partitions = 3
			memory := newPool(1 << 20).takeLocked()
			spans := take(p, fetchedRecords(test.records, 100), false, memory)
			var count int32
			var reason HaltReason
			for i, s := range spans {
				count += s.Batch().Count()
				p.settle(s.(*span), kafka.Offset(1000-i), true) // offsets of several partitions are in no order
			}
			if p.halt != nil {
				reason = p.halt.Reason
			}
			if len(spans) != test.batches || count != test.count || p.next != test.next || reason != test.halt || p.done != max(test.position, test.at) {
				t.Errorf("%d batches of %d records, next %d, halt %q, done %d, want %+v", len(spans), count, p.next, reason, p.done, test)
			}
			if memory.refs.Load() != 1 || p.offsets.Len() != 0 {
				t.Errorf("the response is held %d times, the map has %d segments, want 1 and none", memory.refs.Load(), p.offsets.Len())
			}
		})
	}
}

// Of two outboxes for one partition only one may be in a request.
func TestOnePartitionOnceInARequest(t *testing.T) {
	s := &sender{target: &clusterTarget{requestSize: 1 << 20, window: maxInFlight}, lanes: make(map[kafka.NodeID]*lane), last: make(map[kafka.TopicPartition]*int)}
	l := &lane{sender: s, wake: make(chan struct{}, 1)}
	s.lanes[0] = l
	var log []string
	for i, partition := range []int32{7, 7, 8, 7} {
		o := s.outbox(kafka.TopicPartition{Topic: "t", Partition: partition})
		o.who, o.node, o.flying = &identity{id: kafka.ProducerID(i)}, 0, 0
		o.add([]Copy{&note{name: strconv.Itoa(i), batch: made{records: 1}.build(t), log: &log}})
		o.listed = true
		l.ready = append(l.ready, o)
	}
	var requests []string
	for {
		var names []string
		for _, sh := range l.gather(time.Now()) {
			names = append(names, sh.parcel.copy.(*note).name)
		}
		if names == nil {
			break
		}
		requests = append(requests, strings.Join(names, " "))
	}
	if want := []string{"0 2", "1", "3"}; !slices.Equal(requests, want) {
		t.Errorf("requests hold %q, want %q", requests, want)
	}
}

// slow is a Copy whose Done takes until it may end.
type slow struct {
	note
	told, end chan struct{}
}

func (s *slow) Done(base kafka.Offset, err error) {
	close(s.told)
	<-s.end
	s.note.Done(base, err)
}

// Who closes an appender to begin again has been told all that is in the target.
func TestAClosedAppenderHasToldAll(t *testing.T) {
	s := &sender{target: &clusterTarget{requestSize: 1 << 20, window: maxInFlight}, lanes: make(map[kafka.NodeID]*lane), last: make(map[kafka.TopicPartition]*int)}
	l := &lane{sender: s, wake: make(chan struct{}, 1)}
	o := s.outbox(kafka.TopicPartition{Topic: "t"})
	o.who, o.node, o.listed, l.ready = &identity{id: 1}, 0, true, []*outbox{o}
	var log []string
	c := &slow{note{name: "a", batch: made{records: 1}.build(t), log: &log}, make(chan struct{}), make(chan struct{})}
	o.add([]Copy{c})
	load := l.gather(time.Now())
	answered := make(chan struct{})
	go func() {
		l.answered(load, &wire.ProduceResponse{Topics: []wire.ProducedTopic{{Name: "t", Partitions: []wire.ProducedPartition{{}}}}}, nil)
		close(answered)
	}()
	<-c.told
	s.mu.Lock()
	emptied, done := o.close(), o.report()
	s.mu.Unlock()
	s.tell(o, done)
	select {
	case <-emptied:
		t.Error("it counts as closed while an outcome is being told")
	default:
	}
	close(c.end)
	<-answered
	<-emptied
	if !slices.Equal(log, []string{"a:ok"}) {
		t.Errorf("told %v", log)
	}
}

func TestADealerThatIsClosed(t *testing.T) {
	f := &shelf{}
	d := &dealer{target: f, topic: "t", to: make(map[int32]Appender)}
	var log []string
	give := func(name string, partition int32) {
		d.Append([]Copy{&note{name: name, batch: made{records: 1}.build(t), log: &log, partition: partition}})
	}
	give("a", 0)
	d.Close(t.Context())
	give("b", 0)
	give("c", 1)
	if len(f.copies) != 2 || !slices.Equal(log, []string{"c:closed"}) || f.opened != 1 {
		t.Errorf("%d were sent, told %v, opened %d times, want that nothing is opened any more", len(f.copies), log, f.opened)
	}
}
