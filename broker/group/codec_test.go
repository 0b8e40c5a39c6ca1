package group

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// kafkaRecords is a segment of __consumer_offsets that a Kafka 3.9.1 broker
// wrote: consumers came and went, one with group.instance.id, offsets were
// reset and deleted, a group was deleted.
func kafkaRecords(t testing.TB) []Record {
	t.Helper()
	segment, err := os.ReadFile("testdata/kafka-3.9.1.log")
	if err != nil {
		t.Fatal(err)
	}
	var out []Record
	for len(segment) > 0 {
		var b batch.Batch
		if b, segment, err = batch.Split(segment); err != nil {
			t.Fatal(err)
		}
		records, err := b.Records(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if int(r.Offset) != len(out) {
				t.Fatalf("record %d has offset %d", len(out), r.Offset)
			}
			out = append(out, Record{Key: r.Key, Value: r.Value})
		}
	}
	return out
}

// TestKafkasBytes reads what Kafka wrote and writes the same bytes.
func TestKafkasBytes(t *testing.T) {
	for offset, r := range kafkaRecords(t) {
		k, err := decodeKey(r.Key)
		if err != nil {
			t.Fatalf("offset %d: %v", offset, err)
		}
		key, value := encodeGroupKey(k.group), []byte(nil)
		if k.kind == groupKeyV2 {
			if r.Value != nil {
				v, err := decodeGroupValue(r.Value)
				if err != nil {
					t.Fatalf("offset %d: %v", offset, err)
				}
				value = v.encode()
			}
		} else {
			key = encodeOffsetKey(k.group, k.partition)
			if r.Value != nil {
				v, err := decodeOffsetValue(r.Value)
				if err != nil {
					t.Fatalf("offset %d: %v", offset, err)
				}
				value = v.encode()
			}
		}
		if !bytes.Equal(key, r.Key) || !bytes.Equal(value, r.Value) {
			t.Errorf("offset %d: got %x = %x, want %x = %x", offset, key, value, r.Key, r.Value)
		}
	}
}

// dumped is one line of what kafka-dump-log --offsets-decoder printed of that
// segment, where groups and offsets have different fields.
type dumped struct {
	Type string
	Data struct {
		Group, Topic, ProtocolType, Protocol, Leader, Metadata string
		Partition, Generation, LeaderEpoch                     int32
		Offset, CommitTimestamp, CurrentStateTimestamp         int64
		Members                                                []struct {
			MemberID         string `json:"memberId"`
			GroupInstanceID  string `json:"groupInstanceId"`
			ClientID         string `json:"clientId"`
			ClientHost       string
			RebalanceTimeout int32
			SessionTimeout   int32
			Subscription     struct{ Topics []string }
		}
	}
}

func TestKafkasFields(t *testing.T) {
	f, err := os.Open("testdata/kafka-3.9.1.dump")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for offset, r := range kafkaRecords(t) {
		if !lines.Scan() {
			t.Fatalf("the dump ends at offset %d: %v", offset, lines.Err())
		}
		columns := strings.Split(lines.Text(), "\t")
		var key, value dumped
		if err := json.Unmarshal([]byte(columns[1]), &key); err != nil {
			t.Fatal(err)
		}
		k, err := decodeKey(r.Key)
		want := kafka.TopicPartition{Topic: key.Data.Topic, Partition: key.Data.Partition}
		if err != nil || k.group != key.Data.Group || k.partition != want {
			t.Errorf("offset %d: got %+v, %v, want %+v", offset, k, err, key.Data)
		}
		if columns[2] == "<DELETE>" {
			if r.Value != nil {
				t.Errorf("offset %d: got a value, want a tombstone", offset)
			}
			continue
		}
		if err := json.Unmarshal([]byte(columns[2]), &value); err != nil {
			t.Fatal(err)
		}
		if k.kind == groupKeyV2 {
			compareGroup(t, offset, r.Value, value)
			continue
		}
		v, err := decodeOffsetValue(r.Value)
		d := value.Data
		wantValue := offsetValue{offset: kafka.Offset(d.Offset), epoch: kafka.Epoch(d.LeaderEpoch), metadata: d.Metadata, commit: d.CommitTimestamp, expire: noTime}
		if err != nil || v != wantValue {
			t.Errorf("offset %d: got %+v, %v, want %+v", offset, v, err, wantValue)
		}
	}
}

func compareGroup(t *testing.T, offset int, value []byte, want dumped) {
	v, err := decodeGroupValue(value)
	d := want.Data
	if err != nil || v.protocolType != d.ProtocolType || v.generation != d.Generation || v.protocol != d.Protocol ||
		v.leader != d.Leader || v.since != d.CurrentStateTimestamp || len(v.members) != len(d.Members) {
		t.Fatalf("offset %d: got %+v, %v, want %+v", offset, v, err, d)
	}
	for i, m := range v.members {
		w := d.Members[i]
		if m.id != w.MemberID || m.instanceID != w.GroupInstanceID || m.clientID != w.ClientID || m.clientHost != w.ClientHost ||
			m.rebalance != w.RebalanceTimeout || m.session != w.SessionTimeout {
			t.Errorf("offset %d: got member %+v, want %+v", offset, m, w)
		}
		topics, err := topicsOf(m.subscription)
		if err != nil || !slices.Equal(topics, w.Subscription.Topics) {
			t.Errorf("offset %d: got topics %q, %v, want %q", offset, topics, err, w.Subscription.Topics)
		}
	}
}

// TestLoadKafkasLog takes over where Kafka stopped.
func TestLoadKafkasLog(t *testing.T) {
	h := newHarness(t)
	for o, r := range kafkaRecords(t) {
		h.log[kafka.Offset(o)] = r
		h.end++
	}
	h.start()
	if got, want := h.c.List(), []Listing{{Group: "golden-static", ProtocolType: "consumer", State: Stable}}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	offsets := h.c.AllCommittedOffsets("golden-static")
	if len(offsets) != 2 || offsets[0].Offset != 20 || offsets[1].Offset != 0 {
		t.Errorf("got %+v, want 20 and 0", offsets)
	}
	d := h.c.Describe("golden-static")
	if len(d.Members) != 1 || d.Members[0].InstanceID != "instance-1" || d.Protocol != "range" {
		t.Errorf("got %+v", d)
	}
	var live []kafka.Offset
	for o := range h.end {
		if h.c.IsLive(h.log[o].Key, o) {
			live = append(live, o)
		}
	}
	if want := []kafka.Offset{6, 19, 20}; !slices.Equal(live, want) {
		t.Errorf("live: got %v, want %v", live, want)
	}
}

func TestDecodeOldAndNewVersions(t *testing.T) {
	offset := offsetValue{offset: 5, epoch: -1, metadata: "m", commit: 7, expire: noTime}
	withExpiry, withEpoch := offset, offset
	withExpiry.expire, withEpoch.epoch = 9, 3
	offsets := []struct {
		name string
		in   string
		want offsetValue
	}{
		{"version 0", "\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x01m" + "\x00\x00\x00\x00\x00\x00\x00\x07", offset},
		{"version 1 has an expiry time", "\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x01m" + "\x00\x00\x00\x00\x00\x00\x00\x07" + "\x00\x00\x00\x00\x00\x00\x00\x09", withExpiry},
		{"version 2 has none", "\x00\x02" + "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x01m" + "\x00\x00\x00\x00\x00\x00\x00\x07", offset},
		{"version 3 has an epoch", "\x00\x03" + "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x00\x00\x03" + "\x00\x01m" + "\x00\x00\x00\x00\x00\x00\x00\x07", withEpoch},
		{"version 4 is flexible", "\x00\x04" + "\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x00\x00\x03" + "\x02m" + "\x00\x00\x00\x00\x00\x00\x00\x07" + "\x01\x00\x100123456789abcdef", withEpoch},
	}
	for _, c := range offsets {
		if got, err := decodeOffsetValue([]byte(c.in)); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	head := func(version byte) string {
		return string([]byte{0, version}) + "\x00\x01t" + "\x00\x00\x00\x02" + "\x00\x01p" + "\xff\xff"
	}
	const since = "\x00\x00\x00\x00\x00\x00\x00\x08"
	member := func(instance, rebalance string) string {
		return "\x00\x00\x00\x01" + "\x00\x01i" + instance + "\x00\x01c" + "\x00\x01h" + rebalance + "\x00\x00\x00\x06" + "\x00\x00\x00\x01s" + "\x00\x00\x00\x01a"
	}
	group := func(since int64, instance string, rebalance int32) groupValue {
		return groupValue{protocolType: "t", generation: 2, protocol: "p", since: since, members: []memberValue{{
			id: "i", instanceID: instance, clientID: "c", clientHost: "h", rebalance: rebalance, session: 6, subscription: []byte("s"), assignment: []byte("a")}}}
	}
	groups := []struct {
		name string
		in   string
		want groupValue
	}{
		{"version 0 has one timeout", head(0) + member("", ""), group(noTime, "", 6)},
		{"version 1 has two", head(1) + member("", "\x00\x00\x00\x09"), group(noTime, "", 9)},
		{"version 2 has a time", head(2) + since + member("", "\x00\x00\x00\x09"), group(8, "", 9)},
		{"version 3 has instance ids", head(3) + since + member("\x00\x01n", "\x00\x00\x00\x09"), group(8, "n", 9)},
		{"version 4 is flexible", "\x00\x04" + "\x02t" + "\x00\x00\x00\x02" + "\x02p" + "\x00" + since +
			"\x02" + "\x02i" + "\x02n" + "\x02c" + "\x02h" + "\x00\x00\x00\x09" + "\x00\x00\x00\x06" + "\x02s" + "\x02a" + "\x00" + "\x00", group(8, "n", 9)},
	}
	for _, c := range groups {
		if got, err := decodeGroupValue([]byte(c.in)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

func TestLoadRefusesAndSkips(t *testing.T) {
	good := encodeOffsetKey("g", kafka.TopicPartition{Topic: "t"})
	cases := []struct {
		name    string
		record  Record
		wantErr bool
	}{
		{"no key", Record{}, true},
		{"a key cut short", Record{Key: good[:len(good)-1]}, true},
		{"a value cut short", Record{Key: good, Value: []byte{0, 3, 0}}, true},
		{"an unknown version", Record{Key: good, Value: []byte{0, 9}}, true},
		{"a group that claims more members than there are", Record{Key: encodeGroupKey("g"), Value: []byte("\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\x7f\xff\xff\xff")}, true},
		{"a tombstone of what is not there", Record{Key: good}, false},
		{"a key of a newer kind", Record{Key: []byte{0, 3, 1, 2, 3}, Value: []byte("x")}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			co := New(Defaults(nil))
			if err := co.Load(0, c.record); (err != nil) != c.wantErr {
				t.Errorf("got %v, want an error: %v", err, c.wantErr)
			}
			if len(co.groups) != 0 {
				t.Errorf("got groups %v, want none", co.groups)
			}
		})
	}
}

func TestPartitionFor(t *testing.T) {
	cases := []struct { // hash codes as Java prints them
		group string
		n     int32
		want  int32
	}{
		{"", 50, 0},
		{"a", 50, 97 % 50},
		{"console-consumer-1", 50, 35782224 % 50},
		{"polygenelubricants", 50, 0}, // the smallest int
		{"Zoë", 7, 90166 % 7},
		{"😀", 1 << 30, 1772899},
	}
	for _, c := range cases {
		if got := PartitionFor(c.group, c.n); got != c.want {
			t.Errorf("%q of %d: got %d, want %d", c.group, c.n, got, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, r := range kafkaRecords(f) {
		f.Add(r.Key, r.Value)
	}
	f.Add([]byte("\x00\x02\x00\x01g"), []byte("\x00\x04\x02t\x00\x00\x00\x02\x02p\x00\x00\x00\x00\x00\x00\x00\x00\x08\x01\x01\x05\x01x"))
	f.Add([]byte("\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x00"), []byte("\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x03\x02m\x00\x00\x00\x00\x00\x00\x00\x07\x00"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		h := newHarness(t)
		c := New(h.cfg)
		if err := c.Load(0, Record{Key: key, Value: value}); err != nil {
			return
		}
		h.c = c
		h.run(c.Start(h.now))
		c.IsLive(key, 0)
		for _, l := range c.List() {
			c.Describe(l.Group)
			g := c.groups[l.Group]
			if g.record == kafka.NoOffset {
				continue
			}
			for _, r := range g.metadataRecord(func(m *member) []byte { return m.assignment }) {
				if _, err := decodeGroupValue(r.Value); err != nil {
					t.Fatalf("our own record: %v", err)
				}
			}
		}
	})
}

func FuzzTopicsOf(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x00\x06tables\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		topics, err := topicsOf(in)
		size := 0
		for _, topic := range topics {
			size += 2 + len(topic)
		}
		if err == nil && size > len(in) {
			t.Fatalf("%d bytes of topics from %d", size, len(in))
		}
	})
}
