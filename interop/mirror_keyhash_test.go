//go:build interop

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/peers"
)

// TestMirrorAndProducersAgree copies keys from Kafka 3.9.1 to 4.3.1, onto another
// number of partitions: a Java producer of the target puts the same keys beside
// them, also when the target has grown.
func TestMirrorAndProducersAgree(t *testing.T) {
	source := realBroker(t, peers.BrokerConfig{Version: peers.Last3})
	target := realBroker(t, peers.BrokerConfig{Version: peers.Newest})
	from, to := newCluster(t, source.Plaintext), newCluster(t, target.Plaintext)
	from.create("orders", 5)
	to.create("orders", 2)
	f := newFolder(t)
	f.edit("config/consumer.properties", "localhost:9093", source.Plaintext)
	f.edit("config/producer.properties", "localhost:9193", target.Plaintext)
	mirror := f.spawn(courseMirror + " --partitioning key-hash")

	const keys = 60
	turns, total := 0, 0
	// turn sends every key once through the mirror, and once by Java to the target.
	turn := func() {
		t.Helper()
		var records []*kgo.Record
		var lines strings.Builder
		for i := range keys {
			key := fmt.Sprintf("key-%d", i)
			records = append(records, &kgo.Record{Topic: "orders", Partition: int32(i % 5), Key: []byte(key), Value: fmt.Appendf(nil, "mirror-%d", turns)})
			fmt.Fprintf(&lines, "%s:java-%d\n", key, turns)
		}
		if err := from.kgo.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if r := f.java(peers.Last3, lines.String(), "console-producer", "--bootstrap-server", target.Plaintext, "--topic", "orders",
			"--property", "parse.key=true", "--property", "key.separator=:"); r.code != 0 {
			t.Fatal(r.all())
		}
		turns, total = turns+1, total+2*keys
	}
	// where says in which partition each key has the records of a turn.
	where := func(turn int) map[string]map[string]bool {
		t.Helper()
		places := make(map[string]map[string]bool)
		eventually(t, time.Minute, func() error {
			all, err := to.read("orders")
			if err == nil && len(all) != total {
				err = fmt.Errorf("orders holds %d records on the target, want %d", len(all), total)
			}
			for _, r := range all {
				if p := strings.Fields(r); strings.HasSuffix(p[2], fmt.Sprint("-", turn)) {
					if places[p[1]] == nil {
						places[p[1]] = make(map[string]bool)
					}
					places[p[1]][p[0]] = true
				}
			}
			return err
		})
		return places
	}
	agree := func(turn int) {
		t.Helper()
		places := where(turn)
		if len(places) != keys {
			t.Errorf("turn %d: %d keys came, want %d", turn, len(places), keys)
		}
		for key, partitions := range places {
			if len(partitions) != 1 {
				t.Errorf("turn %d: %s is in partitions %v, want one", turn, key, partitions)
			}
		}
	}
	turn()
	agree(0)
	if r := f.sh("bin/kafka-topics.sh --bootstrap-server " + target.Plaintext + " --alter --topic orders --partitions 7"); r.code != 0 {
		t.Fatal(r.all())
	}
	eventually(t, 30*time.Second, func() error {
		if !strings.Contains(mirror.log.String(), "topic orders has 7 partitions on the target now") {
			return fmt.Errorf("the mirror has told:\n%s", mirror.log)
		}
		return nil
	})
	turn()
	agree(1)
	if code := mirror.end(20 * time.Second); code != 0 {
		t.Errorf("exit %d after SIGTERM, want 0", code)
	}
}
