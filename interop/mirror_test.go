//go:build interop

package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/peers"
)

// TestMirrorBetweenRealClusters copies Kafka 3.9.1 to Kafka 4.3.1 with the
// course's command and checks every record, across restarts of either side and
// of the mirror.
func TestMirrorBetweenRealClusters(t *testing.T) {
	ctx := context.Background()
	source := realBroker(t, peers.BrokerConfig{Version: peers.Last3, Settings: map[string]string{"auto.create.topics.enable": "false"}})
	target := realBroker(t, peers.BrokerConfig{Version: peers.Newest, Settings: map[string]string{"auto.create.topics.enable": "false"}})
	f := newFolder(t)
	f.edit("config/consumer.properties", "localhost:9093", source.Plaintext)
	f.edit("config/producer.properties", "localhost:9193", target.Plaintext)

	from := newCluster(t, source.Plaintext)
	to := newCluster(t, target.Plaintext)
	from.create("orders", 3)
	want := from.produce("orders", 0, 6000)
	mirror := f.spawn(courseMirror)

	t.Run("missing topics are created with the source's partitions", func(t *testing.T) {
		eventually(t, 30*time.Second, func() error { return to.holds("orders", 3, want) })
	})
	t.Run("a new topic is found within seconds and read from its beginning", func(t *testing.T) {
		from.create("late", 2)
		fresh := from.produce("late", 0, 500)
		eventually(t, 20*time.Second, func() error { return to.holds("late", 2, fresh) })
	})
	t.Run("a restart of the target is survived", func(t *testing.T) {
		if err := target.Stop(); err != nil {
			t.Fatal(err)
		}
		want = append(want, from.produce("orders", 6000, 1000)...)
		if err := target.Start(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, func() error { return to.holds("orders", 3, want) })
	})
	t.Run("a restart of the source is survived", func(t *testing.T) {
		if err := source.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := source.Start(ctx); err != nil {
			t.Fatal(err)
		}
		want = append(want, from.produce("orders", 7000, 1000)...)
		eventually(t, time.Minute, func() error { return to.holds("orders", 3, want) })
	})
	t.Run("SIGTERM ends cleanly and the next start goes on", func(t *testing.T) {
		if code := mirror.end(20 * time.Second); code != 0 {
			t.Errorf("exit %d after SIGTERM, want 0", code)
		}
		want = append(want, from.produce("orders", 8000, 1000)...)
		mirror = f.spawn(courseMirror)
		eventually(t, 30*time.Second, func() error { return to.holds("orders", 3, want) })
	})
	t.Run("kill -9 loses nothing", func(t *testing.T) {
		more := from.produce("orders", 9000, 4000)
		if err := mirror.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-mirror.Done()
		want = append(want, more...)
		mirror = f.spawn(courseMirror)
		// The killed mirror may have sent what it had not committed: at least once.
		eventually(t, time.Minute, func() error { return to.holdsAtLeast("orders", want) })
	})
	t.Run("the position is in the source's consumer group", func(t *testing.T) {
		mirror.end(20 * time.Second)
		r := f.java(peers.Last3, "", "consumer-groups", "--bootstrap-server", source.Plaintext, "--describe", "--group", "mirror")
		wants(t, r.stdout, "mirror", "orders", "late")
	})
}

func realBroker(t *testing.T, cfg peers.BrokerConfig) *peers.Broker {
	t.Helper()
	cfg.Dir = filepath.Join(t.TempDir(), "kafka-"+cfg.Version)
	b, err := peers.StartBroker(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Errorf("stop Kafka %s: %v", cfg.Version, err)
		}
	})
	return b
}

// cluster produces to and reads from a cluster as a franz-go client.
type cluster struct {
	t    *testing.T
	addr string
	opts []kgo.Opt
	kgo  *kgo.Client
}

func newCluster(t *testing.T, addr string, opts ...kgo.Opt) cluster {
	t.Helper()
	opts = append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)
	c, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cluster{t, addr, opts, c}
}

func (c cluster) create(topic string, partitions int32) {
	c.t.Helper()
	r, err := kadm.NewClient(c.kgo).CreateTopic(context.Background(), partitions, 1, nil, topic)
	if err != nil || r.Err != nil {
		c.t.Fatalf("create %s: %v %v", topic, err, r.Err)
	}
}

// produce writes n records with keys, values and headers, numbered from start,
// over three partitions or as many as there are, and returns what each is.
func (c cluster) produce(topic string, start, n int) []string {
	c.t.Helper()
	partitions := int32(3)
	if topic == "late" {
		partitions = 2
	}
	var records []*kgo.Record
	var want []string
	for i := start; i < start+n; i++ {
		r := &kgo.Record{Topic: topic, Partition: int32(i) % partitions, Key: []byte(fmt.Sprintf("key-%d", i)),
			Value: []byte(fmt.Sprintf("value-%d", i)), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte{byte(i)}}}}
		records = append(records, r)
		want = append(want, describe(r))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.kgo.ProduceSync(ctx, records...).FirstErr(); err != nil {
		c.t.Fatalf("produce to %s: %v", topic, err)
	}
	return want
}

func describe(r *kgo.Record) string {
	return fmt.Sprintf("%d %s %s %v", r.Partition, r.Key, r.Value, r.Headers)
}

// read reads a topic from beginning to end.
func (c cluster) read(topic string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(c.kgo).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	consumer, err := kgo.NewClient(append(c.opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var got []string
	for int64(len(got)) < total && ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, describe(r)) })
	}
	return got, ctx.Err()
}

// holds says what differs between the topic and the wanted records, per
// partition in order.
func (c cluster) holds(topic string, partitions int32, want []string) error {
	details, err := kadm.NewClient(c.kgo).ListTopics(context.Background(), topic)
	if err != nil {
		return err
	}
	if n := len(details[topic].Partitions); n != int(partitions) {
		return fmt.Errorf("%s has %d partitions, want %d", topic, n, partitions)
	}
	got, err := c.read(topic)
	if err != nil {
		return err
	}
	return sameByPartition(got, want)
}

func sameByPartition(got, want []string) error {
	g, w := byPartition(got), byPartition(want)
	for p, records := range w {
		if len(g[p]) != len(records) {
			return fmt.Errorf("partition %s holds %d records, want %d", p, len(g[p]), len(records))
		}
		for i := range records {
			if g[p][i] != records[i] {
				return fmt.Errorf("partition %s record %d is %q, want %q", p, i, g[p][i], records[i])
			}
		}
	}
	return nil
}

func byPartition(records []string) map[string][]string {
	m := map[string][]string{}
	for _, r := range records {
		p, _, _ := strings.Cut(r, " ")
		m[p] = append(m[p], r)
	}
	return m
}

func (c cluster) holdsAtLeast(topic string, want []string) error {
	got, err := c.read(topic)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, r := range got {
		seen[r] = true
	}
	for _, r := range want {
		if !seen[r] {
			return fmt.Errorf("%s lacks %q; it holds %d records", topic, r, len(got))
		}
	}
	return nil
}
