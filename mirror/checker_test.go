package mirror_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/mirror/offsetmap"
)

// read reads the committed records of a partition up to the one whose value is
// last, or up to its end.
func (c *chaos) read(ctx context.Context, addr string, partition int32, last string) (out []*kgo.Record) {
	c.t.Helper()
	cl := c.kgo(addr, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"chaos": {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMaxAge(time.Second))
	defer cl.Close()
	end := int64(-1)
	for last == "" && end < 0 {
		listed, err := client.NewAdmin(cl).ListOffsets(ctx, int64(kafka.LatestOffset), []kafka.TopicPartition{{Topic: "chaos", Partition: partition}})
		if err == nil && listed[0].Err == nil {
			end = int64(listed[0].Offset)
		}
		if ctx.Err() != nil {
			c.t.Fatal(err)
		}
	}
	at := int64(-1)
	for {
		done := false
		c.revive()
		polling, stop := context.WithTimeout(ctx, time.Second)
		fetches := cl.PollFetches(polling)
		stop()
		fetches.EachRecord(func(r *kgo.Record) {
			if at = r.Offset; !r.Attrs.IsControl() {
				out = append(out, r)
			}
			done = done || last != "" && string(r.Value) == last || end >= 0 && r.Offset >= end-1
		})
		if done {
			return out
		}
		if ctx.Err() != nil {
			c.t.Fatalf("partition %d of %s has only %d records up to offset %d, want up to %q, or %d; the mirror has told:\n%s", partition, addr, len(out), at, last, end-1, c.mirror.log)
		}
	}
}

// exactSegments is up to how many segments a map is exact: older ones are made
// one. With at-least-once it never need be.
var exactSegments = map[mirror.Delivery]int{mirror.EffectivelyOnce: 4096, mirror.ExactlyOnce: 1024}

// check compares both sides: no loss, order kept, the map right for each record,
// and but for at-least-once no duplicate.
func (c *chaos) check(ctx context.Context, want, got [][]*kgo.Record) {
	t := c.t
	values, _, err := config.Producer.Read(mustParse(t, "bootstrap.servers="+c.target))
	if err != nil {
		t.Fatal(err)
	}
	target, err := client.Open(ctx, client.Config{Values: values})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	state, err := mirror.ReadState(ctx, target, "")
	if err != nil {
		t.Fatal(err)
	}
	maps := state.Maps()
	for p := range want {
		places := c.compare(p, want[p], got[p])
		offsets := maps[kafka.TopicPartition{Topic: "chaos", Partition: int32(p)}]
		exact := offsets.Len() < exactSegments[c.delivery]
		for _, r := range want[p] {
			at, precision := offsets.ToTarget(kafka.Offset(r.Offset))
			right := false
			for _, place := range places[string(r.Value)] {
				right = right || at == place || precision == offsetmap.Early && at <= place
			}
			if !right || precision != offsetmap.Exact && exact {
				t.Fatalf("partition %d: offset %d is said to be at %d, %v, and is at %v", p, r.Offset, at, precision, places[string(r.Value)])
			}
		}
		t.Logf("partition %d: %d records of the source, %d of the target, %d segments", p, len(want[p]), len(got[p]), offsets.Len())
	}
}

// compare says where the records of a partition are, by their values.
func (c *chaos) compare(p int, want, got []*kgo.Record) map[string][]kafka.Offset {
	places := make(map[string][]kafka.Offset)
	next := 0
	for _, r := range got {
		value := string(r.Value)
		if n := len(places[value]); n > 0 && c.delivery != mirror.AtLeastOnce {
			c.t.Fatalf("partition %d: record %q is doubled, at offsets %d and %d", p, value, places[value][0], r.Offset)
		}
		places[value] = append(places[value], kafka.Offset(r.Offset))
		switch {
		case next < len(want) && value == string(want[next].Value):
			next++
		case len(places[value]) == 1:
			after := "the last one"
			if next < len(want) {
				after = string(want[next].Value)
			}
			c.t.Fatalf("partition %d: record %q comes before %q", p, value, after)
		}
	}
	if next != len(want) {
		c.t.Fatalf("partition %d: %d of %d records are there", p, next, len(want))
	}
	return places
}

func mustParse(t *testing.T, text string) *config.Properties {
	t.Helper()
	p, err := config.Parse("chaos.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
