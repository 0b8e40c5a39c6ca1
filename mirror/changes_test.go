package mirror

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
)

// TestTruncatedSource has a new leader say that it lacks what was read from the
// old one.
func TestTruncatedSource(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		end    client.EpochEnd
		next   kafka.Offset
		halt   HaltReason
	}{
		{"it has everything", HaltThere, client.EpochEnd{Epoch: 3, End: 12}, 10, ""},
		{"it has exactly what was read", HaltThere, client.EpochEnd{Epoch: 3, End: 10}, 10, ""},
		{"it cannot say", HaltThere, client.EpochEnd{Epoch: kafka.NoEpoch, End: kafka.NoOffset}, 10, ""},
		{"it has lost some", HaltThere, client.EpochEnd{Epoch: 3, End: 7}, 10, SourceTruncated},
		{"it has lost some, and that is to be passed over", GoOn, client.EpochEnd{Epoch: 3, End: 7}, 7, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newTestStream(t, true)
			s.mirror.config.OnTruncated = test.policy
			fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 5}, made{base: 5, records: 5}) })
			f.copies[0].Done(100, nil)
			f.copies[1].Done(105, nil)
			f.copies = nil
			p.leader, p.epoch, p.read = 0, 3, 3
			if p.changes(lead{0, 3}) || !p.changes(lead{1, 4}) || p.running() {
				t.Fatal("want that a new epoch, and only that, makes the partition unsure")
			}
			s.verified(t.Context(), p, client.PartitionEpoch{TopicPartition: p.tp, Epoch: 3, Current: 4}, test.end)
			s.mirror.running.Wait()
			if test.halt != "" {
				if p.halt == nil || p.halt.Reason != test.halt || p.halt.Offset != test.end.End {
					t.Errorf("halt %v, want %s at %d", p.halt, test.halt, test.end.End)
				}
				return
			}
			if !p.running() || p.next != test.next || p.done != test.next {
				t.Fatalf("running %v (%v), next %d, done %d, want that it goes on at %d", p.running(), p.halt, p.next, p.done, test.next)
			}
			p.leader = -1 // which fetch stands for
			fetch(t, s, p, func() []byte { return concat(t, made{base: test.next, records: 4}) })
			f.copies[0].Done(110, nil)
			if got, precision := p.offsets.ToTarget(test.next + 1); p.done != test.next+4 || got != 111 || precision.String() != "exact" {
				t.Errorf("done %d; offset %d is at %d, %v, want exactly 111", p.done, test.next+1, got, precision)
			}
			if got, _ := p.offsets.ToTarget(6); got != 106 {
				t.Errorf("offset 6, from before, is at %d, want 106", got)
			}
		})
	}
}

func (w *world) admin(c *kfake.Cluster) *kadm.Client { return kadm.NewClient(w.kgo(c)) }

func TestPartitionsAreAddedAsTheSourceGrows(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 20)
	m := w.start(nil, earliest, "")
	w.targetHas("a", 1, 20)
	if _, err := w.admin(w.source).UpdatePartitions(t.Context(), 3, "a"); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 3, 20, 40)
	w.until("both new partitions are copied", func() bool { return m.Snapshot().Records == 20+3*20 })
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

func TestRecreatedTopic(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		copied int64
	}{{"halts", HaltThere, 20}, {"goes on", GoOn, 35}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
			w.produce("a", 1, 0, 20)
			m := w.start(func(c *Config) { c.OnRecreated = test.policy }, earliest, "")
			w.targetHas("a", 1, 20)
			admin := w.admin(w.source)
			if _, err := admin.DeleteTopics(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if _, err := admin.CreateTopics(t.Context(), 1, 1, nil, "a"); err != nil {
				t.Fatal(err)
			}
			w.produce("a", 1, 100, 115)
			w.until("it is seen", func() bool { return len(w.told(string(TopicRecreated))) > 0 })
			if test.policy == GoOn {
				w.until("the new topic is copied", func() bool { return m.Snapshot().Records == test.copied })
			}
			if got := m.Snapshot(); got.Records != test.copied || (got.Halted() == 1) != (test.policy == HaltThere) {
				t.Errorf("%d records copied, %d partitions halted, want %d copied; told %q", got.Records, got.Halted(), test.copied, w.told(""))
			}
			if err := m.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a", "b")}, []kfake.Opt{kfake.SeedTopics(1, "a", "b")})
	w.produce("a", 1, 0, 20)
	w.produce("b", 1, 0, 20)
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "a", Err: kerr.TopicAuthorizationFailed, Count: 2})
	m := w.start(func(c *Config) { c.AbortOnSendFailure = false }, earliest, "")
	w.until("both are copied", func() bool { return m.Snapshot().Records == 40 })
	w.until("it is told", func() bool { return len(w.told("goes on")) > 0 })
	if halts := w.told(string(TargetRefused)); len(halts) != 1 || len(w.told("partition b")) != 0 {
		t.Errorf("told %q, want one halt of a", w.told(""))
	}
	if err := m.stop(); err != nil || m.Snapshot().Dropped != 0 {
		t.Errorf("ended with %v, %d records left out", err, m.Snapshot().Dropped)
	}
}

func TestPausesGrow(t *testing.T) {
	m := &Mirror{pauses: make(map[kafka.TopicPartition]*pausing)}
	tp := kafka.TopicPartition{Topic: "a"}
	var lengths []time.Duration
	for range 9 {
		before := time.Now()
		m.paused(tp, &Halt{Reason: TopicNotCreated, Err: errors.New("x")})
		lengths = append(lengths, m.pauses[tp].due.Sub(before).Round(time.Second))
	}
	if lengths[0] != firstPause || !slices.IsSorted(lengths) || lengths[8] != maxPause {
		t.Errorf("pauses of %v, want from %v growing to %v", lengths, firstPause, maxPause)
	}
	if !m.paused(tp, &Halt{Reason: TargetRefused}) || m.paused(tp, &Halt{Reason: TargetRefused}) {
		t.Error("want that a reason is told once, and a new one again")
	}
	if !m.paused(tp, &Halt{Reason: CorruptSource}) || len(m.pauses) != 0 {
		t.Error("want that a final halt is no pause")
	}
}
