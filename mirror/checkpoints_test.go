package mirror

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
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
)

// readCheckpoint reads what Kafka's Checkpoint.deserializeRecord reads, by its
// schemas.
func readCheckpoint(t *testing.T, key, value []byte) (c checkpoint) {
	t.Helper()
	var err error
	text := func(r io.Reader) string {
		var n int16
		err = errors.Join(err, binary.Read(r, binary.BigEndian, &n))
		b := make([]byte, max(n, 0))
		_, full := io.ReadFull(r, b)
		err = errors.Join(err, full)
		return string(b)
	}
	k, v := bytes.NewReader(key), bytes.NewReader(value)
	c.group, c.Topic = text(k), text(k)
	err = errors.Join(err, binary.Read(k, binary.BigEndian, &c.Partition))
	var version int16
	for _, field := range []any{&version, &c.upstream, &c.offset} {
		err = errors.Join(err, binary.Read(v, binary.BigEndian, field))
	}
	c.metadata = text(v)
	if err != nil || version != 0 || k.Len() > 0 || v.Len() > 0 {
		t.Fatalf("%x %x is no checkpoint: %v", key, value, err)
	}
	return c
}

// checkpoints are those that the target has of a group's partition, in order.
func (w *world) checkpoints(topic, group string, partition int32) (all []checkpoint) {
	w.t.Helper()
	info := w.target.PartitionInfo(topic, 0)
	if info == nil || info.HighWatermark == 0 {
		return nil
	}
	cl := w.kgo(w.target, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}), kgo.FetchMaxWait(20*time.Millisecond))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	for at := int64(0); at < info.HighWatermark && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if c := readCheckpoint(w.t, r.Key, r.Value); c.group == group && c.Partition == partition {
				all = append(all, c)
			}
		})
	}
	return all
}

func TestCheckpointsOfGroups(t *testing.T) {
	const topic = "west.checkpoints.internal"
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
	w.commitGroup(w.source, "further", map[int32]kafka.Offset{0: 5})
	w.commitGroup(w.target, "further", map[int32]kafka.Offset{0: 20})
	member := w.kgo(w.target, kgo.ConsumerGroup("busy"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit())
	member.PollFetches(t.Context())

	m := w.start(func(c *Config) {
		c.SyncGroups, c.SyncGroupsInterval, c.EmitCheckpoints = ".*", 50*time.Millisecond, "west"
	}, earliest, "")
	w.until("all is copied and every group is seen", func() bool {
		return m.Snapshot().Records == 50 && m.standing("idle", 0) == StandsExactly && m.standing("idle", 1) == StandsExactly && m.standing("busy", 0) == StandsOccupied
	})
	want := func(group string, partition int32, upstream, offset kafka.Offset) {
		t.Helper()
		one := checkpoint{group, kafka.TopicPartition{Topic: "a", Partition: partition}, upstream, offset, "of " + group}
		w.until("the checkpoint of "+group, func() bool {
			all := w.checkpoints(topic, group, partition)
			return len(all) > 0 && all[len(all)-1] == one
		})
	}
	want("idle", 0, 12, 13)
	want("idle", 1, 20, 10)
	want("busy", 0, 5, 6)
	want("further", 0, 5, 6)
	for group, partition := range map[string]int32{"late": 0, "early": 1, "mirror": 0} {
		if all := w.checkpoints(topic, group, partition); len(all) > 0 {
			t.Errorf("%s has checkpoints: %v", group, all)
		}
	}
	before := w.checkpoints(topic, "idle", 0)
	w.commitGroup(w.source, "idle", map[int32]kafka.Offset{0: 30})
	want("idle", 0, 30, 31)
	if after := w.checkpoints(topic, "idle", 0); len(after) != len(before)+1 {
		t.Errorf("got %v behind %v, want one more, when it changed", after, before)
	}
	info := w.target.TopicInfo(topic)
	if policy := info.Configs["cleanup.policy"]; policy == nil || *policy != "compact" || len(w.target.PartitionInfos(topic)) != 1 {
		t.Errorf("created as %+v with %d partitions, want it compacted, with one", info, len(w.target.PartitionInfos(topic)))
	}
	all, err := client.NewAdmin(w.kgo(w.target)).CommittedOffsets(t.Context(), "idle")
	if err != nil || len(all) != 2 || all[0].Metadata != "of idle" {
		t.Errorf("the target's group has %+v (%v), want its metadata too", all, err)
	}
	member.Close()
	w.until("the metrics of groups", func() bool {
		got := scrape(t, m.Mirror)
		labels := `{source="source",target="target",group="idle",topic="a",partition="0"}`
		_, known := got[`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms`+labels]
		_, avg := got[`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms_avg`+labels]
		_, placeless := got[`schloss_mirror_group_behind_records{group="late",topic="a",partition="0"}`]
		behind, placed := got[`schloss_mirror_group_behind_records{group="idle",topic="a",partition="0"}`]
		age, synced := got[`schloss_mirror_group_sync_age_seconds{flow="mirror",group="busy"}`]
		return known && avg && placed && behind == 0 && !placeless && synced && age < 60
	})
}

func TestCheckpointsThatMayNotBeWritten(t *testing.T) {
	const topic = "west.checkpoints.internal"
	for _, test := range []struct {
		name  string
		key   kmsg.Key
		fault *kerr.Error
	}{
		{"no right to create the topic", kmsg.CreateTopics, kerr.TopicAuthorizationFailed},
		{"no right to write", kmsg.Produce, kerr.TopicAuthorizationFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
			w.produce("a", 1, 0, 30)
			w.commitGroup(w.source, "idle", map[int32]kafka.Offset{0: 12})
			fault := w.target.Fault(kfake.Fault{Keys: []kmsg.Key{test.key}, Topic: topic, Err: test.fault, Count: -1})
			m := w.start(func(c *Config) {
				c.SyncGroups, c.SyncGroupsInterval, c.EmitCheckpoints = ".*", 20*time.Millisecond, "west"
			}, earliest, "")
			w.until("the group is brought over all the same", func() bool { return w.groupAt(w.target, "idle")[0] == 12 })
			refused := fault.Hits()
			w.until("it is tried again", func() bool { return fault.Hits() > refused+1 })
			if told := w.told("write checkpoints to " + topic); len(told) != 1 || !strings.Contains(told[0], "denied") {
				t.Errorf("told %q, want once, that it is denied", told)
			}
			fault.Remove()
			w.until("the checkpoint is written", func() bool { return len(w.checkpoints(topic, "idle", 0)) == 1 && len(w.told(topic+" again")) == 1 })
			if err := m.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhichCheckpointsAreWritten writes one group's again and again.
func TestWhichCheckpointsAreWritten(t *testing.T) {
	w := newWorld(t, nil, nil)
	target, err := client.Open(t.Context(), client.Config{Values: values(t, config.Producer, ""), Bootstrap: w.target.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	c := newCheckpoints(&Mirror{config: Config{Target: target}}, "west")
	defer c.close()
	first, second := new(partition), new(partition)
	at := func(standing Standing, from, to kafka.Offset, of *partition) []SyncedOffset {
		return []SyncedOffset{{Translated: Translated{kafka.TopicPartition{Topic: "a"}, from, to, standing}, of: of}}
	}
	for _, step := range []struct {
		name   string
		found  []SyncedOffset
		writes bool
	}{
		{"a first one", at(StandsExactly, 5, 6, first), true},
		{"the same", at(StandsExactly, 5, 6, first), false},
		{"it moves on", at(StandsExactly, 7, 8, first), true},
		{"it has no place", at(StandsPastEnd, 70, kafka.NoOffset, first), false},
		{"a place from which records are read again", at(StandsEarly, 7, 3, first), true},
		{"a group that is ahead of the mirror", at(StandsAhead, 9, 8, first), true},
		{"the target has deleted what is there: a later one would pass over the rest", at(StandsExpired, 4, 6, first), false},
		{"the target has lost its end", at(StandsAtEnd, 9, 7, first), false},
		{"it goes back", at(StandsExactly, 5, 6, first), true},
		{"the same, but the partition was another mirror's meanwhile", at(StandsExactly, 5, 6, second), true},
		{"nothing is found of it", nil, false},
		{"the same again, of which the round before knew nothing", at(StandsExactly, 5, 6, second), true},
	} {
		c.begin(t.Context(), client.NewAdmin(target))
		if got := c.write(t.Context(), "g", step.found); (len(got) > 0) != step.writes || c.down {
			t.Errorf("%s: wrote %v (down: %v), want %v", step.name, got, c.down, step.writes)
		}
		c.end()
	}
}

// TestCheckpointBytes has what recordKey and recordValue of Kafka 3.9.1's own
// Checkpoint give.
func TestCheckpointBytes(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		of               checkpoint
	}{
		{"no metadata", "000762696c6c696e6700066f726465727300000003", "0000000000000000041200000000000003e80000",
			checkpoint{"billing", kafka.TopicPartition{Topic: "orders", Partition: 3}, 1042, 1000, ""}},
		{"umlauts, the largest numbers", "00074772c3bcc39f650001617fffffff", "000000000100000000007fffffffffffffff00056dc3a4727a",
			checkpoint{"Grüße", kafka.TopicPartition{Topic: "a", Partition: math.MaxInt32}, 1 << 40, math.MaxInt64, "märz"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, value := hex.EncodeToString(test.of.key()), hex.EncodeToString(test.of.value())
			if key != test.key || value != test.value {
				t.Errorf("got %s %s, want %s %s", key, value, test.key, test.value)
			}
		})
	}
}

func TestCheckpointOfMetadataThatIsTooLong(t *testing.T) {
	for n, want := range map[int]int{math.MaxInt16: math.MaxInt16, math.MaxInt16 + 1: 0} {
		c := checkpoint{"g", kafka.TopicPartition{Topic: "a"}, 1, 2, strings.Repeat("m", n)}
		if got := readCheckpoint(t, c.key(), c.value()); len(got.metadata) != want || got.offset != 2 {
			t.Errorf("%d bytes of metadata became %d, want %d", n, len(got.metadata), want)
		}
	}
}

// TestWindowsOfGroups sees that a group which moves with each round always
// shows.
func TestWindowsOfGroups(t *testing.T) {
	g := &groupSync{every: time.Minute, trips: make(map[groupPartition]*latency)}
	tp := kafka.TopicPartition{Topic: "a"}
	key := groupPartition{"g", tp}
	at := time.UnixMilli(1_700_000_000_000)
	var shown []int64
	for round := range 5 {
		now := at.Add(time.Duration(round) * time.Minute)
		g.arrived("g", []kafka.TopicPartition{tp}, now.Add(-time.Duration(round+1)*time.Millisecond), now)
		shown = append(shown, g.recent(now.Add(time.Minute - 1))[key].Last)
	}
	if want := []int64{1, 2, 3, 4, 5}; !slices.Equal(shown, want) {
		t.Errorf("showed %v, want %v", shown, want)
	}
	if got := g.recent(at.Add(time.Hour)); len(got) != 0 || len(g.trips) != 0 {
		t.Errorf("an hour later: %v, want nothing", got)
	}
}
