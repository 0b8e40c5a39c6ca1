package mirror

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// at is where the mirror says that an offset of the source stands.
func (m *started) at(offset kafka.Offset) (kafka.Offset, string) {
	m.mu.Lock()
	p := m.given[kafka.TopicPartition{Topic: "a"}]
	m.mu.Unlock()
	if p == nil || p.stream == nil {
		return -1, "not ours"
	}
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	got, precision := p.offsets.ToTarget(offset)
	return got, precision.String()
}

func TestTheMapOutlivesTheMirror(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	foreign := w.kgo(w.target, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := foreign.ProduceSync(t.Context(), &kgo.Record{Topic: "a", Value: []byte("foreign")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 1, 0, 20)
	m := w.start(nil, earliest, "")
	w.until("all is copied", func() bool { return m.Snapshot().Records == 20 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 1, 20, 30)
	m = w.start(nil, earliest, "")
	w.until("the rest is copied", func() bool { return m.Snapshot().Records == 10 })
	for _, tt := range []struct {
		offset, want kafka.Offset
		precision    string
	}{{0, 1, "exact"}, {19, 20, "exact"}, {25, 26, "exact"}, {30, 31, "beyond"}} {
		if got, precision := m.at(tt.offset); got != tt.want || precision != tt.precision {
			t.Errorf("offset %d is at %d, %s, want %d, %s", tt.offset, got, precision, tt.want, tt.precision)
		}
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

// A position that somebody has moved forward leaves a stretch of which nothing
// is known: nobody is sent behind its beginning.
func TestAStretchThatTheMapLacksIsNotPassed(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 20)
	m := w.start(nil, earliest, "")
	w.until("all is copied", func() bool { return m.Snapshot().Records == 20 })
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 1, 20, 40)
	w.commit("a", 0, 30)
	m = w.start(nil, earliest, "")
	w.until("the rest is copied", func() bool { return m.Snapshot().Records == 10 })
	if got, precision := m.at(25); got > 20 {
		t.Errorf("offset 25, which was never copied, is at %d, %s, want at most 20", got, precision)
	}
	if got, precision := m.at(33); got != 23 || precision != "exact" {
		t.Errorf("offset 33 is at %d, %s, want exactly 23", got, precision)
	}
}

func TestATargetThatHasLostRecords(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
	}{{"halts the partition", HaltThere}, {"gets them again", GoOn}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
			w.produce("a", 1, 0, 20)
			m := w.start(nil, earliest, "")
			w.targetHas("a", 1, 20)
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			w.target.DeleteTopic("a")
			w.target.CreateTopic("a", 1, nil)
			m = w.start(func(c *Config) { c.OnTargetTruncated = test.policy }, earliest, "")
			if test.policy == HaltThere {
				w.until("it halts", func() bool { return m.Snapshot().Halted() == 1 })
				if h := m.Snapshot().Partitions[0].Halt; h.Reason != TargetChanged || h.Offset != 20 {
					t.Errorf("got %v, want %s at 20", h, TargetChanged)
				}
				return
			}
			w.targetHas("a", 1, 20)
		})
	}
}

// A target that does not let the mirror keep its state gets the records all the
// same.
func TestAMirrorWithoutState(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: StateTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	w.produce("a", 1, 0, 20)
	m := w.start(nil, earliest, "")
	w.targetHas("a", 1, 20)
	if told := w.told("not kept"); len(told) != 1 {
		t.Errorf("told %q, want once that offsets are not kept", w.told(""))
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

// A target that has lost a whole topic, or some of its partitions, does not hold
// the others up.
func TestATargetThatLacksPartitions(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(3, "a")}, nil)
	w.produce("a", 3, 0, 20)
	m := w.start(nil, earliest, "")
	w.targetHas("a", 3, 20)
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.target.DeleteTopic("a")
	w.target.CreateTopic("a", 1, nil)
	w.produce("a", 3, 20, 30)
	m = w.start(func(c *Config) { c.OnTargetTruncated = GoOn }, earliest, "")
	w.until("it is copied", func() bool { return m.Snapshot().Records == 30+2*10 })
	if n := len(w.target.PartitionInfos("a")); n != 3 {
		t.Errorf("the target has %d partitions, want 3", n)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	e := entry{position: 12, epoch: 3, id: kafka.TopicID{1, 2, 3}}
	if err := e.offsets.Add(5, 7, 4); err != nil {
		t.Fatal(err)
	}
	text, err := e.format()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseEntry(text)
	if err != nil || got.position != e.position || got.epoch != e.epoch || got.id != e.id || len(got.offsets.Segments()) != 1 || got.offsets.Segments()[0] != e.offsets.Segments()[0] {
		t.Errorf("%s was read as %+v, %v", text, got, err)
	}
	for _, bad := range []string{"", "{}", `{"map":"!"}`, `{"map":"AQ=="}`, `{"map":"AQA=","topicId":"x"}`} {
		if _, err := parseEntry([]byte(bad)); err == nil {
			t.Errorf("%q was taken for an entry", bad)
		}
	}
}
