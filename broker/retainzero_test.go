package broker

import (
	"testing"
	"time"

	"schloss/kafka/batch"
	"schloss/store"
)

// TestNoRetentionIsNotTheDefault sets what stands for "keep nothing", with
// which topics are emptied.
func TestNoRetentionIsNotTheDefault(t *testing.T) {
	for _, name := range []string{"retention.ms", "retention.bytes"} {
		t.Run(name, func(t *testing.T) {
			b := onDisk(t, newDisk(t))
			b.changing.Lock()
			err := b.createTopic(store.Topic{Name: "t", ID: b.newID(), Partitions: 1, Configs: map[string]string{"segment.bytes": "14"}})
			b.changing.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			r := b.topics.named("t").replica(0)
			for range 3 {
				builder := batch.NewBuilder(batch.None)
				builder.Add(batch.Record{Value: []byte("v"), Timestamp: b.now().Add(-time.Minute).UnixMilli()})
				one, err := builder.Build()
				if err != nil {
					t.Fatal(err)
				}
				at, err := r.append(one, 1, b.now())
				if err != nil {
					t.Fatal(err)
				}
				durable := make(chan error, 1)
				r.awaitDurable(at.end, len(one), func(err error) { durable <- err })
				if err := <-durable; err != nil {
					t.Fatal(err)
				}
			}
			b.retain(r)
			if got := r.log.Start(); got != 0 {
				t.Fatalf("before the change the log starts at %d", got)
			}
			meta := *b.meta.Image().Topics["t"]
			meta.Configs = map[string]string{name: "0"}
			b.reconfigure(&meta)
			b.retain(r)
			if got := r.log.Start(); got < 2 {
				t.Errorf("with %s=0 the log starts at %d, want at least 2", name, got)
			}
		})
	}
}
