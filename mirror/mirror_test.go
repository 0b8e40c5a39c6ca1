package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// world is a source, a target, and what a mirror between them is told.
type world struct {
	t              *testing.T
	source, target *kfake.Cluster

	mu      sync.Mutex
	notices []string
}

func newWorld(t *testing.T, source, target []kfake.Opt) *world {
	t.Helper()
	w := &world{t: t}
	for i, opts := range [][]kfake.Opt{source, target} {
		c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.ClusterID([]string{"source", "target"}[i])}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		*[]**kfake.Cluster{&w.source, &w.target}[i] = c
	}
	return w
}

// started is a mirror that runs.
type started struct {
	*Mirror
	stop func() error // ends it and returns what Run returned
}

func (w *world) start(change func(*Config), consumer, producer string) *started {
	t := w.t
	t.Helper()
	cv := values(t, config.Consumer, "group.id=mirror\nmetadata.max.age.ms=200\nretry.backoff.ms=10\nfetch.max.wait.ms=50\nsession.timeout.ms=6000\nheartbeat.interval.ms=100\n"+consumer)
	pv := values(t, config.Producer, "metadata.max.age.ms=200\nretry.backoff.ms=10\n"+producer)
	open := func(c *kfake.Cluster, v *config.Values) *client.Client {
		cl, err := client.Open(t.Context(), client.Config{Values: v, Bootstrap: c.ListenAddrs()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	c := Config{
		Source: open(w.source, cv), Consumer: cv, Target: open(w.target, pv), Producer: pv,
		Streams: 2, Include: ".*", CommitInterval: 50 * time.Millisecond, AbortOnSendFailure: true,
		Notice: func(s string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notices = append(w.notices, s)
		},
	}
	if change != nil {
		change(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	// Whatever is read from a buffer that was given back is not a batch.
	m.pool.poison = func(b []byte) {
		for i := range b {
			b[i] = 0xdd
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := m.Run(ctx)
		if err != nil {
			c.Notice(fmt.Sprintf("ended: %v", err))
		}
		ended <- err
	}()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	return &started{m, stop}
}

func values(t *testing.T, table *config.Table, text string) *config.Values {
	t.Helper()
	p, err := config.Parse("test.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := table.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// produce writes numbered records from..to-1 to every partition.
func (w *world) produce(topic string, partitions int32, from, to int, opts ...kgo.Opt) {
	w.t.Helper()
	cl := w.kgo(w.source, append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(2000))...)
	var records []*kgo.Record
	for i := from; i < to; i++ {
		for p := range partitions {
			records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%d/%d", p, i),
				Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}}, Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))})
		}
	}
	if err := cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) kgo(c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.ListenAddrs()...))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	return cl
}

// until waits for a condition, at most ten seconds.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("not in time: %s; told:\n%s", what, strings.Join(w.notices, "\n"))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// targetHas waits until the target's partitions hold exactly the numbered
// records 0..n-1, in order, whole.
func (w *world) targetHas(topic string, partitions int32, n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s has %d records a partition on the target", topic, n), func() bool {
		for p := range partitions {
			info := w.target.PartitionInfo(topic, p)
			if info == nil || info.HighWatermark < int64(n) {
				return false
			}
		}
		return true
	})
	want := make(map[int32][]string)
	for p := range partitions {
		for i := range n {
			want[p] = append(want[p], fmt.Sprintf("%d/%d", p, i))
		}
	}
	got := w.read(w.target, topic, partitions, n)
	for p := range partitions {
		if !slices.Equal(got[p], want[p]) {
			w.t.Errorf("%s-%d: got %d records %.300v, want %d", topic, p, len(got[p]), got[p], n)
		}
	}
}

func (w *world) read(c *kfake.Cluster, topic string, partitions int32, n int) map[int32][]string {
	cl := w.kgo(c, kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(20*time.Millisecond))
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	got := make(map[int32][]string)
	for count := 0; count < n*int(partitions); {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			break
		}
		fetches.EachRecord(func(r *kgo.Record) {
			count++
			got[r.Partition] = append(got[r.Partition], string(r.Value))
			if len(r.Headers) != 1 || r.Timestamp.UnixMilli() < 1_700_000_000_000 {
				w.t.Errorf("header or timestamp lost: %+v", r)
			}
		})
	}
	return got
}

func (w *world) committed(topic string, partition int32) kafka.Offset {
	all, err := client.NewAdmin(w.kgo(w.source)).CommittedOffsets(w.t.Context(), "mirror")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range all {
		if c.Topic == topic && c.Partition == partition {
			return c.Offset
		}
	}
	return -1
}

const earliest = "auto.offset.reset=earliest\n"

func TestMirrorCopies(t *testing.T) {
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		w := newWorld(t, []kfake.Opt{kfake.SeedTopics(3, "a")}, nil)
		w.produce("a", 3, 0, 200, kgo.ProducerBatchCompression(codec))
		m := w.start(nil, earliest, "")
		w.targetHas("a", 3, 200)
		w.produce("a", 3, 200, 300, kgo.ProducerBatchCompression(codec))
		w.targetHas("a", 3, 300)
		if err := m.stop(); err != nil {
			t.Errorf("ended with %v", err)
		}
		for p := range int32(3) {
			if got := w.committed("a", p); got != 300 {
				t.Errorf("committed %d, want 300", got)
			}
		}
		if got := m.Snapshot(); got.Records != 900 || got.Bytes == 0 {
			t.Errorf("counted %d records, %d bytes, want 900", got.Records, got.Bytes)
		}
	}
}

func TestMirrorGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "a")}, nil)
	w.produce("a", 2, 0, 50)
	m := w.start(nil, earliest, "")
	w.targetHas("a", 2, 50)
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	w.produce("a", 2, 50, 80)
	w.start(nil, "", "") // by now latest does not matter
	w.targetHas("a", 2, 80)
}

func TestMirrorFindsNewTopics(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "old")}, nil)
	w.produce("old", 1, 0, 10)
	w.start(func(c *Config) { c.Include = "old,new.*" }, "", "")
	w.until("the old topic's start is committed", func() bool { return w.committed("old", 0) == 10 })
	for name, partitions := range map[string]int32{"new-1": 3, "other": 1} {
		if err := w.source.CreateTopic(name, partitions, nil); err != nil {
			t.Fatal(err)
		}
		w.produce(name, partitions, 0, 20)
	}
	w.targetHas("new-1", 3, 20) // from its beginning, with as many partitions
	if n := len(w.target.PartitionInfos("new-1")); n != 3 {
		t.Errorf("created with %d partitions, want 3", n)
	}
	if w.target.TopicInfo("other") != nil {
		t.Error("a topic was mirrored that the pattern does not select")
	}
	if info := w.target.PartitionInfo("old", 0); info == nil || info.HighWatermark != 0 {
		t.Errorf("old records were copied though auto.offset.reset is latest: %+v", info)
	}
}

func TestMirrorSurvives(t *testing.T) {
	everywhere := func(w *world) {
		for _, c := range []*kfake.Cluster{w.source, w.target} {
			c.ShufflePartitionLeaders()
		}
	}
	for _, test := range []struct {
		name    string
		trouble func(w *world)
	}{
		{"leaders that move", everywhere},
		{"produce errors that pass", func(w *world) {
			for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.UnknownTopicOrPartition} {
				w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: 2})
			}
		}},
		{"fetch errors that pass", func(w *world) {
			for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError} {
				w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: err, Count: 2})
			}
		}},
		{"a target that forgets the producer", func(w *world) {
			w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownProducerID, Count: 1})
		}},
		{"connections that break", func(w *world) {
			cut := func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true }
			w.source.ControlKey(int16(kmsg.Fetch), cut)
			w.target.ControlKey(int16(kmsg.Produce), cut)
		}},
		{"a member that is thrown out", func(w *world) {
			w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1})
		}},
		{"a rebalance", func(w *world) {
			w.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: 1})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(3, "a")}, []kfake.Opt{kfake.SeedTopics(3, "a")})
			w.produce("a", 3, 0, 100)
			w.start(nil, earliest, "")
			w.targetHas("a", 3, 100)
			test.trouble(w)
			w.produce("a", 3, 100, 400)
			test.trouble(w)
			w.produce("a", 3, 400, 500)
			w.targetHas("a", 3, 500) // each once, in order
		})
	}
}

func TestMirrorRefusesToCopyAClusterOntoItself(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
	w.target = w.source
	w.produce("a", 1, 0, 10)
	m := w.start(nil, earliest, "")
	w.until("the mirror ends", func() bool { return len(w.told("ended")) > 0 })
	var same *SameClusterError
	if err := m.stop(); !errors.As(err, &same) || same.ID != "source" {
		t.Errorf("got %v, want a SameClusterError of cluster source", err)
	}
	w.targetHas("a", 1, 10) // and no copy of them
}

func TestMirrorStopsAtARefusal(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 100)
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.PolicyViolation, Count: -1})
	m := w.start(nil, earliest, "")
	w.until("the mirror ends", func() bool {
		return m.Snapshot().Halted() == 1 || len(m.Snapshot().Partitions) == 0 && len(w.told("halted")) > 0
	})
	var se *SendError
	if err := m.stop(); !errors.As(err, &se) || se.Topic != "a" || !errors.Is(err, kafka.ErrPolicyViolation) {
		t.Errorf("got %v, want a SendError with POLICY_VIOLATION", err)
	}
	if got := w.committed("a", 0); got > 0 {
		t.Errorf("committed %d though nothing was acknowledged", got)
	}
}

func (w *world) told(part string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notices {
		if strings.Contains(n, part) {
			out = append(out, n)
		}
	}
	return out
}

func TestMirrorLosesNothingByARefusalThatPasses(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a")})
	w.produce("a", 1, 0, 300)
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: 1})
	m := w.start(func(c *Config) { c.AbortOnSendFailure = false }, earliest, "")
	w.until("all is copied", func() bool { return m.Snapshot().Records == 300 })
	if err := m.stop(); err != nil || m.Snapshot().Dropped != 0 {
		t.Errorf("ended with %v, %d records left out", err, m.Snapshot().Dropped)
	}
	if got := w.committed("a", 0); got != 300 {
		t.Errorf("committed %d, want 300", got)
	}
}

func TestMirrorHaltsOnePartition(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a", "b")}, nil)
	w.produce("a", 1, 0, 10)
	w.produce("b", 1, 0, 10)
	w.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "a", Err: kerr.TopicAuthorizationFailed, Count: -1})
	m := w.start(nil, earliest, "")
	w.targetHas("b", 1, 10)
	w.until("the other one halts", func() bool { return m.Snapshot().Halted() == 1 })
	for _, p := range m.Snapshot().Partitions {
		var denied *client.DeniedError
		if p.Topic == "a" && (p.Halt == nil || p.Halt.Reason != TopicNotCreated || !errors.As(p.Halt, &denied) || denied.Operation != kafka.Create) {
			t.Errorf("a: got %+v, want a halt because Create is denied", p.Halt)
		}
	}
	if err := m.stop(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestMirrorHaltsWhenTheSourceHasLostRecords(t *testing.T) {
	for _, test := range []struct {
		name     string
		consumer string
		policy   func(*Config)
		gone     func(w *world)
		halt     HaltReason
		at       kafka.Offset
	}{
		{"retention was faster", "", nil, func(w *world) { w.source.DeleteRecords("a", 0, 30) }, OffsetGone, 20},
		{"retention was faster and the file allows that", earliest, nil, func(w *world) { w.source.DeleteRecords("a", 0, 30) }, "", 0},
		{"retention was faster and the policy forbids what the file allows", earliest, func(c *Config) { c.OnRetention = HaltThere },
			func(w *world) { w.source.DeleteRecords("a", 0, 30) }, OffsetGone, 20},
		{"retention was faster and the policy allows that", "", func(c *Config) { c.OnRetention = GoOn },
			func(w *world) { w.source.DeleteRecords("a", 0, 30) }, "", 0},
		{"the group stands behind the end", earliest, nil, func(w *world) { w.commit("a", 0, 70) }, SourceTruncated, 70},
		{"the group stands behind the end and that is to be passed over", "", func(c *Config) { c.OnTruncated = GoOn },
			func(w *world) { w.commit("a", 0, 70) }, "", 0},
		{"the topic is another one", earliest, nil, func(w *world) {
			w.source.DeleteTopic("a")
			w.source.CreateTopic("a", 1, nil)
			w.commit("a", 0, 20)
		}, TopicRecreated, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
			w.produce("a", 1, 0, 20)
			m := w.start(nil, earliest, "")
			w.targetHas("a", 1, 20)
			m.stop()
			w.produce("a", 1, 20, 50)
			test.gone(w)
			m = w.start(test.policy, test.consumer, "")
			if test.halt == "" {
				w.until("it goes on", func() bool { return w.committed("a", 0) == 50 && len(w.told("going on at")) == 1 })
				return
			}
			w.until("it halts", func() bool { return m.Snapshot().Halted() == 1 })
			if h := m.Snapshot().Partitions[0].Halt; h.Reason != test.halt || h.Offset != test.at {
				t.Errorf("got %v, want %s at %d", h, test.halt, test.at)
			}
		})
	}
}

func (w *world) commit(topic string, partition int32, offset int64) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = "mirror", -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	ct := kmsg.NewOffsetCommitRequestTopic()
	ct.Topic, ct.TopicID, ct.Partitions = topic, w.source.TopicInfo(topic).TopicID, append(ct.Partitions, p)
	req.Topics = append(req.Topics, ct)
	resp, err := req.RequestWith(w.t.Context(), w.kgo(w.source))
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		w.t.Fatal(err, resp)
	}
}

func TestTwoMirrorsShareTheWork(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(4, "a")}, nil)
	w.produce("a", 4, 0, 50)
	first := w.start(nil, earliest, "")
	w.targetHas("a", 4, 50)
	second := w.start(nil, earliest, "")
	w.until("each has two partitions", func() bool {
		return len(first.Snapshot().Partitions) == 2 && len(second.Snapshot().Partitions) == 2
	})
	w.produce("a", 4, 50, 150)
	w.targetHas("a", 4, 150) // nothing twice: what was given back was committed before
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	w.produce("a", 4, 150, 200)
	w.targetHas("a", 4, 200)
}

func TestMirrorReadsCommitted(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
	cl := w.kgo(w.source, kgo.TransactionalID("x"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	at := 0
	for i, commit := range []bool{true, false, true, false} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			value := fmt.Sprintf("0/%d", at)
			if !commit {
				value = "aborted"
			} else {
				at++
			}
			r := &kgo.Record{Topic: "a", Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "h"}}, Timestamp: time.UnixMilli(1_700_000_000_000)}
			if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(i, err)
		}
	}
	w.start(nil, earliest+"isolation.level=read_committed\n", "")
	w.targetHas("a", 1, 20)
	w.until("the position passes the last marker", func() bool { return w.committed("a", 0) == 44 })
}

func TestNewRefuses(t *testing.T) {
	consumer := "bootstrap.servers=localhost:1\n"
	for _, test := range []struct {
		name, consumer, producer, include, key string
	}{
		{"no group", "", "", ".*", "group.id"},
		{"no acknowledgement", "group.id=g\n", "acks=0\n", ".*", "acks"},
		{"a contradiction", "group.id=g\n", "acks=1\nenable.idempotence=true\n", ".*", "acks"},
		{"a bad pattern", "group.id=g\n", "", "a(", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Consumer: values(t, config.Consumer, consumer+test.consumer), Producer: values(t, config.Producer, test.producer), Include: test.include})
			var se *client.SettingError
			var pe *PatternError
			if test.key != "" && (!errors.As(err, &se) || se.Key != test.key) || test.key == "" && !errors.As(err, &pe) {
				t.Errorf("got %v", err)
			}
		})
	}
}
