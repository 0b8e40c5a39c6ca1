package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
)

// patience bounds what a test waits for: far more than it takes.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, b *testkit.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr), kgo.AllowAutoTopicCreation(), kgo.RetryTimeout(patience)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func produce(t *testing.T, c *kgo.Client, topic string, values ...string) {
	t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Value: []byte(v)}
	}
	if err := c.ProduceSync(within(t), records...).FirstErr(); err != nil {
		t.Fatalf("produce to %s: %v", topic, err)
	}
}

// consume polls until n records have come and returns their values.
func consume(t *testing.T, c *kgo.Client, n int) []string {
	t.Helper()
	ctx := within(t)
	var values []string
	for len(values) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(values), n, err)
		}
		fetches.EachError(func(topic string, p int32, err error) { t.Fatalf("fetch %s-%d: %v", topic, p, err) })
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func numbered(prefix string, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return values
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %d records %.200q, want %d %.200q", len(got), got, len(want), want)
	}
}

func TestProduceAndConsume(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	for _, tt := range []struct {
		name string
		opts []kgo.Opt
	}{
		{"idempotent, acks all", nil},
		{"acks one", []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())}},
		{"acks none", []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.NoAck())}},
		{"gzip", []kgo.Opt{kgo.ProducerBatchCompression(kgo.GzipCompression())}},
		{"snappy", []kgo.Opt{kgo.ProducerBatchCompression(kgo.SnappyCompression())}},
		{"lz4", []kgo.Opt{kgo.ProducerBatchCompression(kgo.Lz4Compression())}},
		{"zstd", []kgo.Opt{kgo.ProducerBatchCompression(kgo.ZstdCompression())}},
		{"small batches", []kgo.Opt{kgo.ProducerBatchMaxBytes(512), kgo.MaxBufferedRecords(50)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			topic := strings.NewReplacer(" ", "-", ",", "").Replace(tt.name)
			want := numbered("v", 500)
			produce(t, connect(t, b, tt.opts...), topic, want...)
			same(t, consume(t, connect(t, b, kgo.ConsumeTopics(topic)), 500), want)
		})
	}
}

func TestThePageCacheIsEnoughWhereASettingSaysSo(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"flush.before.ack": "false"}})
	want := numbered("v", 500)
	produce(t, connect(t, b), "cached", want...)
	same(t, consume(t, connect(t, b, kgo.ConsumeTopics("cached")), 500), want)
	b.Stop(t)
	b = testkit.Start(t, testkit.Options{Data: b.Data})
	same(t, consume(t, connect(t, b, kgo.ConsumeTopics("cached")), 500), want)
}

func TestAConsumerThatWaitsIsWokenByARecord(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	p := connect(t, b)
	produce(t, p, "waited", "first")
	// A max wait longer than the test's patience: only the record can end it.
	c := connect(t, b, kgo.ConsumeTopics("waited"), kgo.FetchMaxWait(2*patience))
	same(t, consume(t, c, 1), []string{"first"})
	time.AfterFunc(50*time.Millisecond, func() { p.Produce(context.Background(), &kgo.Record{Topic: "waited", Value: []byte("second")}, nil) })
	same(t, consume(t, c, 1), []string{"second"})
}

func TestMinBytesHoldsAnAnswerBack(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	p := connect(t, b)
	produce(t, p, "min", "x")
	c := connect(t, b, kgo.ConsumeTopics("min"), kgo.FetchMinBytes(1<<20), kgo.FetchMaxWait(300*time.Millisecond))
	began := time.Now()
	same(t, consume(t, c, 1), []string{"x"})
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("answered after %v with less than min.bytes, want max.wait to pass", took)
	}
}

func TestGroupsShareRebalanceAndCommit(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"num.partitions": "4", "group.min.session.timeout.ms": "100"}})
	p := connect(t, b, kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	produce(t, p, "shared", numbered("a", 40)...)
	member := func() *kgo.Client {
		return connect(t, b, kgo.ConsumerGroup("team"), kgo.ConsumeTopics("shared"), kgo.HeartbeatInterval(50*time.Millisecond),
			kgo.SessionTimeout(6*time.Second), kgo.DisableAutoCommit())
	}
	first := member()
	consume(t, first, 40)
	if err := first.CommitUncommittedOffsets(within(t)); err != nil {
		t.Fatal(err)
	}
	second := member()
	var mu sync.Mutex
	seen := make(map[string]int)
	ctx, cancel := context.WithCancel(context.Background())
	var polls sync.WaitGroup
	for i, c := range []*kgo.Client{first, second} {
		polls.Go(func() {
			for ctx.Err() == nil {
				c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
					mu.Lock()
					defer mu.Unlock()
					seen[fmt.Sprint(i)]++
					seen[string(r.Value)]++
				})
			}
		})
	}
	deadline := time.Now().Add(patience)
	for n := 0; time.Now().Before(deadline); n++ {
		produce(t, p, "shared", numbered(fmt.Sprintf("b%d-", n), 8)...)
		mu.Lock()
		both := seen["0"] > 0 && seen["1"] > 0
		mu.Unlock()
		if both {
			break
		}
	}
	cancel()
	polls.Wait()
	if seen["0"] == 0 || seen["1"] == 0 {
		t.Fatalf("members got %d and %d records, want both to get some", seen["0"], seen["1"])
	}
	for v, n := range seen {
		if strings.HasPrefix(v, "a") {
			t.Errorf("record %s was committed and came again %d times", v, n)
		}
	}
	adm := kadm.NewClient(p)
	described, err := adm.DescribeGroups(within(t), "team")
	if err != nil {
		t.Fatal(err)
	}
	if g := described["team"]; g.State != "Stable" || len(g.Members) != 2 {
		t.Errorf("group is %s with %d members, want Stable with 2", g.State, len(g.Members))
	}
}

func TestWhatWasAcknowledgedSurvives(t *testing.T) {
	for _, tt := range []struct {
		name    string
		restart func(*testing.T, *testkit.Broker) string // the data directory to go on with
	}{
		{"a clean stop", func(t *testing.T, b *testkit.Broker) string { b.Stop(t); return b.Data }},
		{"a kill", func(t *testing.T, b *testkit.Broker) string { return b.KilledCopy(t) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := testkit.Start(t, testkit.Options{})
			c := connect(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("kept"), kgo.DisableAutoCommit())
			produce(t, c, "kept", numbered("v", 100)...)
			consume(t, c, 100)
			if err := c.CommitUncommittedOffsets(within(t)); err != nil {
				t.Fatal(err)
			}
			c.Close()
			b = testkit.Start(t, testkit.Options{Data: tt.restart(t, b)})
			p := connect(t, b)
			produce(t, p, "kept", "after")
			same(t, consume(t, connect(t, b, kgo.ConsumeTopics("kept")), 101), append(numbered("v", 100), "after"))
			same(t, consume(t, connect(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("kept")), 1), []string{"after"})
		})
	}
}

func TestManyConnectionsAtOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"num.partitions": "3"}})
	const clients, records = 30, 50
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.AllowAutoTopicCreation())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for j := range records {
				c.Produce(context.Background(), &kgo.Record{Topic: "crowd", Value: fmt.Appendf(nil, "%d-%d", i, j)}, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := c.Flush(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := consume(t, connect(t, b, kgo.ConsumeTopics("crowd")), clients*records)
	distinct := make(map[string]bool)
	for _, v := range got {
		distinct[v] = true
	}
	if len(got) != clients*records || len(distinct) != len(got) {
		t.Errorf("got %d records, %d distinct, want %d once each", len(got), len(distinct), clients*records)
	}
}

func TestTransactionsFailAtOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := connect(t, b, kgo.TransactionalID("tx"))
	began := time.Now()
	err := c.BeginTransaction()
	if !errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %v, want TRANSACTIONAL_ID_AUTHORIZATION_FAILED at once", err, time.Since(began))
	}
	_, err = kmsg.NewPtrInitProducerIDRequest().RequestWith(within(t), connect(t, b))
	if err != nil {
		t.Errorf("without a transactional id: %v", err)
	}
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = kmsg.StringPtr("tx")
	conn := rawConnect(t, b)
	resp := conn.ask(t, req, 4).(*kmsg.InitProducerIDResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != kerr.TransactionalIDAuthorizationFailed {
		t.Errorf("InitProducerId with a transactional id: %v", err)
	}
}
