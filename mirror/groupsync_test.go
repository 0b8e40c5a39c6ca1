package mirror

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror/offsetmap"
)

func TestTranslationsStayInTheLog(t *testing.T) {
	var m offsetmap.Map // 10..19 at 100..109, 22..24 at 110..112
	for _, c := range [][3]int64{{10, 100, 10}, {22, 110, 3}} {
		if err := m.Add(kafka.Offset(c[0]), kafka.Offset(c[1]), c[2]); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name     string
		back     bool
		position kafka.Offset
		from     kafka.Offset
		log      bounds
		want     kafka.Offset
		standing Standing
	}{
		{"inside", false, 25, 12, bounds{100, 113}, 102, StandsExactly},
		{"in a gap", false, 25, 20, bounds{100, 113}, 110, StandsExactly},
		{"at the end", false, 25, 25, bounds{100, 113}, 113, StandsExactly},
		{"behind markers at the end", false, 27, 27, bounds{100, 113}, 113, StandsExactly},
		{"ahead of the mirror", false, 25, 30, bounds{100, 113}, 113, StandsAhead},
		{"before the map", false, 25, 9, bounds{0, 113}, kafka.NoOffset, StandsBefore},
		{"deleted on the target", false, 25, 12, bounds{105, 113}, 105, StandsExpired},
		{"the target has lost its end", false, 25, 24, bounds{100, 111}, 111, StandsAtEnd},
		{"back", true, 25, 105, bounds{0, 25}, 15, StandsExactly},
		{"back from the end", true, 27, 113, bounds{0, 27}, 27, StandsExactly},
		{"back from records that only the target has", true, 25, 120, bounds{0, 25}, 25, StandsAhead},
		{"back from before the map", true, 25, 50, bounds{0, 25}, kafka.NoOffset, StandsBefore},
	} {
		t.Run(test.name, func(t *testing.T) {
			translate := toTarget
			if test.back {
				translate = toSource
			}
			if got, standing := translate(&m, test.position, test.from, test.log); got != test.want || standing != test.standing {
				t.Errorf("offset %d goes to %d, %s, want %d, %s", test.from, got, standing, test.want, test.standing)
			}
		})
	}
}

func (w *world) commitGroup(c *kfake.Cluster, group string, offsets map[int32]kafka.Offset) {
	w.t.Helper()
	var all []client.Committed
	for p, o := range offsets {
		all = append(all, client.Committed{TopicPartition: kafka.TopicPartition{Topic: "a", Partition: p}, Offset: o, Epoch: kafka.NoEpoch, Metadata: "of " + group})
	}
	named, err := client.Open(w.t.Context(), client.Config{Values: values(w.t, config.Admin, ""), Bootstrap: c.ListenAddrs()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer named.Close()
	results, err := client.NewAdmin(named).CommitGroupOffsets(w.t.Context(), group, all)
	for _, r := range results {
		if err == nil {
			err = r.Err
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) groupAt(c *kfake.Cluster, group string) map[int32]kafka.Offset {
	w.t.Helper()
	all, err := client.NewAdmin(w.kgo(c)).CommittedOffsets(w.t.Context(), group)
	if err != nil {
		w.t.Fatal(err)
	}
	at := make(map[int32]kafka.Offset)
	for _, o := range all {
		at[o.Partition] = o.Offset
	}
	return at
}

// standing is what the last round found of a group's partition.
func (m *started) standing(group string, partition int32) Standing {
	for _, g := range m.Groups() {
		for _, o := range g.Offsets {
			if g.Group == group && o.Partition == partition {
				return o.Standing
			}
		}
	}
	return ""
}

func TestGroupsAreBroughtOver(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "a")}, []kfake.Opt{kfake.SeedTopics(2, "a")})
	foreign := w.kgo(w.target, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := foreign.ProduceSync(t.Context(), &kgo.Record{Topic: "a", Value: []byte("foreign")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 2, 0, 30)
	w.source.DeleteRecords("a", 1, 10)
	w.commitGroup(w.source, "idle", map[int32]kafka.Offset{0: 12, 1: 20})
	w.commitGroup(w.source, "early", map[int32]kafka.Offset{1: 4})
	w.commitGroup(w.source, "late", map[int32]kafka.Offset{0: 99})
	w.commitGroup(w.source, "busy", map[int32]kafka.Offset{0: 5})
	w.commitGroup(w.source, "ahead", map[int32]kafka.Offset{0: 5})
	w.commitGroup(w.source, "other", map[int32]kafka.Offset{0: 5})
	w.commitGroup(w.target, "ahead", map[int32]kafka.Offset{0: 20})
	member := w.kgo(w.target, kgo.ConsumerGroup("busy"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit())
	member.PollFetches(t.Context())

	m := w.start(func(c *Config) {
		c.SyncGroups, c.SyncGroupsInterval = "idle|early|late|busy|ahead|mirror", 50*time.Millisecond
	}, earliest, "")
	w.until("all is copied and every group is seen", func() bool {
		return m.Snapshot().Records == 50 && m.standing("late", 0) == StandsPastEnd && m.standing("idle", 1) == StandsExactly && m.standing("idle", 0) == StandsExactly
	})
	if got := w.groupAt(w.target, "idle"); got[0] != 13 || got[1] != 10 {
		t.Errorf("idle stands at %v, want 13 and 10", got)
	}
	for _, test := range []struct {
		group     string
		partition int32
		standing  Standing
		at        kafka.Offset // 0: none
	}{
		{"early", 1, StandsBefore, 0}, {"late", 0, StandsPastEnd, 0}, {"busy", 0, StandsOccupied, 0}, {"ahead", 0, StandsBack, 20},
		{"other", 0, "", 0}, {"mirror", 0, "", 0},
	} {
		if got := m.standing(test.group, test.partition); got != test.standing {
			t.Errorf("group %s: %q, want %q", test.group, got, test.standing)
		}
		if got := w.groupAt(w.target, test.group)[test.partition]; got != test.at {
			t.Errorf("group %s was brought to %d, want %d", test.group, got, test.at)
		}
	}
	member.Close()
	w.until("a group whose consumers have left the target is brought over", func() bool { return w.groupAt(w.target, "busy")[0] == 6 })
	w.commitGroup(w.source, "idle", map[int32]kafka.Offset{0: 30})
	w.until("the group moves on", func() bool { return w.groupAt(w.target, "idle")[0] == 31 })
	for _, group := range []string{"late", "early"} {
		if told := w.told("group " + group); len(told) != 1 || !strings.Contains(told[0], string(m.standing(group, int32(slices.Index([]string{"late", "early"}, group))))) {
			t.Errorf("told of %s: %q, want once, with the reason", group, told)
		}
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

func TestStateIsReadByOthers(t *testing.T) {
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
	state, err := ReadState(t.Context(), m.config.Target, "")
	if err != nil {
		t.Fatal(err)
	}
	id := MirrorID{"mirror", "source"}
	if got := state.Mirrors(); !slices.Equal(got, []MirrorID{id}) {
		t.Fatalf("mirrors %v, want %v", got, id)
	}
	committed := []client.Committed{{TopicPartition: kafka.TopicPartition{Topic: "a"}, Offset: 7}, {TopicPartition: kafka.TopicPartition{Topic: "b"}, Offset: 7}}
	for _, test := range []struct {
		back bool
		to   *kfake.Cluster
		want kafka.Offset
	}{{false, w.target, 8}, {true, w.source, 6}} {
		got, err := state.Translate(t.Context(), id, test.back, committed, client.NewAdmin(w.kgo(test.to)))
		if err != nil || len(got) != 2 || got[0].To != test.want || got[0].Standing != StandsExactly || got[1].Standing != StandsNowhere {
			t.Errorf("back %v: %v, %v, want %d exactly, and b not mirrored", test.back, got, err, test.want)
		}
	}
}
