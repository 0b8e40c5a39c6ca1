package mirror_test

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/mirror/rebuild"
)

// chaosDealt is how many partitions the target has where keys choose them.
const chaosDealt = 2

func (c *chaos) createTarget(ctx context.Context) {
	c.t.Helper()
	if err := client.NewAdmin(c.kgo(c.target)).CreateTopic(ctx, client.NewTopic{Name: "chaos", Partitions: chaosDealt, ReplicationFactor: 1}); err != nil {
		c.t.Fatal(err)
	}
}

// readDealt reads the target once every record of the source that is wanted is
// there.
func (c *chaos) readDealt(ctx context.Context, want [][]*kgo.Record) [][]*kgo.Record {
	c.t.Helper()
	missing := make(map[string]bool)
	for _, records := range want {
		for _, r := range records {
			missing[string(r.Value)] = true
		}
	}
	cl := c.kgo(c.target, kgo.ConsumeTopics("chaos"), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMaxAge(time.Second))
	defer cl.Close()
	got := make([][]*kgo.Record, chaosDealt)
	for len(missing) > 0 {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			delete(missing, string(r.Value))
			got[r.Partition] = append(got[r.Partition], r)
		})
		if ctx.Err() != nil {
			c.t.Fatalf("%d records are missing on the target; the mirror has told:\n%s", len(missing), c.mirror.log)
		}
	}
	return got
}

// checkDealt compares both sides: each record is where its key belongs, and the
// records of a key come in order.
func (c *chaos) checkDealt(want, got [][]*kgo.Record) {
	order := make(map[string][]string) // values, by key
	for _, records := range want {
		for _, r := range records {
			order[string(r.Key)] = append(order[string(r.Key)], string(r.Value))
		}
	}
	seen, total := make(map[string]bool), 0
	for p, records := range got {
		for _, r := range records {
			key, value := string(r.Key), string(r.Value)
			if right := rebuild.PartitionForKey(r.Key, chaosDealt); right != int32(p) {
				c.t.Fatalf("record %q with key %q is in partition %d, want %d", value, key, p, right)
			}
			switch {
			case len(order[key]) > 0 && value == order[key][0]:
				order[key] = order[key][1:]
			case !seen[value]:
				c.t.Fatalf("record %q of key %q comes before %.100q", value, key, order[key])
			}
			seen[value] = true
		}
		total += len(records)
	}
	c.t.Logf("%d records of the source, %d of the target", len(seen), total)
}
