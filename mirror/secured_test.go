package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/security/acl"
)

// castle is a broker with mutual TLS and access rules that can be restarted.
type castle struct {
	*testkit.Broker
	t       *testing.T
	options testkit.Options
}

func newCastle(t *testing.T, certs *testkit.Certs, acls ...acl.Binding) *castle {
	t.Helper()
	c := &castle{t: t, options: testkit.Options{TLS: true, Authorizer: true, Certs: certs, ACLs: acls}}
	c.start()
	// From now on it is the same broker at the same address.
	c.options.ACLs, c.options.Data = nil, c.Data
	c.options.Properties = map[string]string{"listeners": "SSL://" + c.Addr}
	return c
}

func (c *castle) start() {
	c.t.Helper()
	c.Broker = testkit.Start(c.t, c.options)
}

// values reads the property file of a client of the castle.
func (c *castle) values(table *config.Table, name, more string) *config.Values {
	c.t.Helper()
	file, err := config.ReadFile(c.Client(c.t, name))
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(more) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		file.Set(key, value)
	}
	v, _, err := table.Read(file)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *castle) open(v *config.Values) *client.Client {
	c.t.Helper()
	cl, err := client.Open(c.t.Context(), client.Config{Values: v})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	return cl
}

func (c *castle) produce(topic string, from, to int) {
	c.t.Helper()
	cl, err := c.open(c.values(config.Producer, "client", "")).Kgo(kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerBatchMaxBytes(4000))
	if err != nil {
		c.t.Fatal(err)
	}
	defer cl.Close()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte("k"), Value: fmt.Appendf(nil, "%06d", i)})
	}
	if err := cl.ProduceSync(c.t.Context(), records...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

// holds waits until the topic's records are those numbered 0..n-1, each once.
func (c *castle) holds(topic string, n int, told func() string) {
	c.t.Helper()
	cl, err := c.open(c.values(config.Consumer, "client", "")).Kgo(kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(100*time.Millisecond))
	if err != nil {
		c.t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	last := make(map[int32]string)
	var got []string
	for len(got) < n && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if value := string(r.Value); value <= last[r.Partition] {
				c.t.Errorf("%s-%d: %s comes after %s", topic, r.Partition, value, last[r.Partition])
			} else {
				last[r.Partition] = value
			}
			got = append(got, string(r.Value))
		})
	}
	slices.Sort(got)
	if distinct := len(slices.Compact(slices.Clone(got))); len(got) != n || distinct != n {
		c.t.Fatalf("topic %s: got %d records, %d of them distinct, want %d\n%s", topic, len(got), distinct, n, told())
	}
}

func allow(principal string, op kafka.Operation, on kafka.ResourceType, name string) acl.Binding {
	return acl.Binding{ResourceType: on, Name: name, Pattern: kafka.Literal, Principal: principal, Host: "*", Operation: op, Permission: kafka.Allow}
}

// TestRightsOfGroupsAndCheckpoints mirrors with the rights that docs/mirror.md
// lists, and none more.
func TestRightsOfGroupsAndCheckpoints(t *testing.T) {
	const checkpoints = "west.checkpoints.internal"
	certs := testkit.NewCerts(t)
	reader, writer := certs.Issue(t, "mirror-reader"), certs.Issue(t, "mirror-writer")
	source := newCastle(t, certs,
		allow(reader, kafka.Read, kafka.Topic, "a"),
		allow(reader, kafka.Read, kafka.Group, "copy"),
		allow(reader, kafka.Describe, kafka.Group, "billing"))
	target := newCastle(t, certs,
		allow(writer, kafka.Create, kafka.Topic, "a"),
		allow(writer, kafka.Write, kafka.Topic, "a"),
		allow(writer, kafka.Create, kafka.Topic, mirror.StateTopic),
		allow(writer, kafka.Read, kafka.Topic, mirror.StateTopic),
		allow(writer, kafka.Write, kafka.Topic, mirror.StateTopic),
		allow(writer, kafka.Read, kafka.Group, "billing"),
		allow(writer, kafka.Read, kafka.Topic, "a"),
		allow(writer, kafka.Create, kafka.Topic, checkpoints),
		allow(writer, kafka.Write, kafka.Topic, checkpoints))
	source.produce("a", 0, 100)
	at := client.Committed{TopicPartition: kafka.TopicPartition{Topic: "a"}, Offset: 7, Epoch: kafka.NoEpoch}
	done, err := client.NewAdmin(source.open(source.values(config.Admin, "client", ""))).CommitGroupOffsets(t.Context(), "billing", []client.Committed{at})
	if err != nil || done[0].Err != nil {
		t.Fatal(err, done)
	}
	cv := source.values(config.Consumer, "mirror-reader", "group.id=copy\nauto.offset.reset=earliest\nmetadata.max.age.ms=200")
	pv := target.values(config.Producer, "mirror-writer", "metadata.max.age.ms=200")
	var told []string
	m, err := mirror.New(mirror.Config{Source: source.open(cv), Consumer: cv, Target: target.open(pv), Producer: pv, Include: "a",
		SyncGroups: "billing", SyncGroupsInterval: 50 * time.Millisecond, EmitCheckpoints: "west", AbortOnSendFailure: true,
		Notice: func(s string) { told = append(told, s) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	consumer, err := target.open(target.values(config.Consumer, "client", "")).Kgo(kgo.ConsumeTopics(checkpoints), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	patience, give := context.WithTimeout(t.Context(), 20*time.Second)
	defer give()
	found := false
	for !found && patience.Err() == nil {
		consumer.PollFetches(patience).EachRecord(func(r *kgo.Record) { found = found || strings.Contains(string(r.Key), "billing") })
	}
	admin := client.NewAdmin(target.open(target.values(config.Admin, "client", "")))
	var moved []client.Committed
	for len(moved) == 0 && err == nil && patience.Err() == nil { // the group is moved after the checkpoint
		moved, err = admin.CommittedOffsets(patience, "billing")
	}
	if err != nil || len(moved) != 1 || moved[0].Offset != 7 {
		t.Errorf("the group stands at %+v (%v), want 7", moved, err)
	}
	cancel()
	if err := <-ended; err != nil || !found || strings.Contains(strings.Join(told, "\n"), "denied") {
		t.Errorf("a checkpoint: %v; ended with %v, told:\n%s", found, err, strings.Join(told, "\n"))
	}
}

// The mirror between two secured brokers of ours, with principals that may do
// just what it takes: through restarts of either side, new topics, its own end
// and its return, every record arrives once and in order.
func TestMirrorBetweenSecuredBrokers(t *testing.T) {
	certs := testkit.NewCerts(t)
	reader, writer := certs.Issue(t, "mirror-reader"), certs.Issue(t, "mirror-writer")
	source := newCastle(t, certs,
		allow(reader, kafka.Read, kafka.Topic, "*"),
		allow(reader, kafka.Read, kafka.Group, "copy"))
	target := newCastle(t, certs,
		allow(writer, kafka.Create, kafka.Topic, "*"),
		allow(writer, kafka.Write, kafka.Topic, "*"))
	var mu sync.Mutex
	var notices []string
	told := func() string { mu.Lock(); defer mu.Unlock(); return strings.Join(notices, "\n") }
	run := func() (stop func()) {
		t.Helper()
		cv := source.values(config.Consumer, "mirror-reader", "group.id=copy\nauto.offset.reset=earliest\nmetadata.max.age.ms=200\nretry.backoff.ms=20\nfetch.max.wait.ms=50")
		pv := target.values(config.Producer, "mirror-writer", "metadata.max.age.ms=200\nretry.backoff.ms=20")
		from, to := source.open(cv), target.open(pv)
		m, err := mirror.New(mirror.Config{Source: from, Consumer: cv, Target: to, Producer: pv, Streams: 2, Include: ".*", AbortOnSendFailure: true,
			Notice: func(s string) { mu.Lock(); defer mu.Unlock(); notices = append(notices, s) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		stop = sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the mirror ended with %v\n%s", err, told())
			}
			from.Close()
			to.Close()
		})
		t.Cleanup(stop)
		return stop
	}
	source.produce("a", 0, 1000)
	stop := run()
	target.holds("a", 1000, told)

	target.Stop(t)
	source.produce("a", 1000, 2000)
	target.start()
	target.holds("a", 2000, told)

	source.Stop(t)
	source.start()
	source.produce("a", 2000, 3000)
	source.produce("b", 0, 500)
	target.holds("a", 3000, told)
	target.holds("b", 500, told)

	stop()
	source.produce("a", 3000, 4000)
	source.produce("c", 0, 500)
	run()
	target.holds("a", 4000, told)
	target.holds("c", 500, told)
	target.holds("b", 500, told)
}
