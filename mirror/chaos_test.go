package mirror_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/mirror/offsetmap"
	"schloss/node"
)

// With one of these this test binary is a process of its own that can be killed:
// a broker with that server.properties, or a mirror with that folder.
const (
	brokerChild = "SCHLOSS_TEST_BROKER"
	mirrorChild = "SCHLOSS_TEST_MIRROR"
)

// What the chaos test takes from its environment.
const (
	chaosRounds = "SCHLOSS_CHAOS_ROUNDS" // how many blows
	chaosSeed   = "SCHLOSS_CHAOS_SEED"   // of the blows; else two runs: a fixed one, and one that is printed
	chaosTarget = "SCHLOSS_CHAOS_TARGET" // ADDRESS,PROXY of a cluster that serves transactions and advertises PROXY
)

func TestMain(m *testing.M) {
	if path := os.Getenv(brokerChild); path != "" {
		os.Exit(childEnd(runBroker(path)))
	}
	if dir := os.Getenv(mirrorChild); dir != "" {
		os.Exit(childEnd(runMirror(dir)))
	}
	os.Exit(m.Run())
}

func childEnd(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runBroker(path string) error {
	p, err := config.ReadFile(path)
	if err != nil {
		return err
	}
	return node.Run(context.Background(), node.Config{Properties: p, Stdout: os.Stdout, Stderr: os.Stderr})
}

func runMirror(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	promise, err := os.ReadFile(filepath.Join(dir, "promise"))
	if err != nil {
		return err
	}
	delivery, partitioning, _ := strings.Cut(string(promise), " ")
	read := func(table *config.Table, name string) (*config.Values, *client.Client, error) {
		p, err := config.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, nil, err
		}
		v, _, err := table.Read(p)
		if err != nil {
			return nil, nil, err
		}
		for ctx.Err() == nil { // the brokers may be down
			var c *client.Client
			if c, err = client.Open(ctx, client.Config{Values: v}); err == nil {
				return v, c, nil
			}
		}
		return nil, nil, err
	}
	cv, source, err := read(config.Consumer, "consumer.properties")
	if err != nil {
		return err
	}
	pv, target, err := read(config.Producer, "producer.properties")
	if err != nil {
		return err
	}
	m, err := mirror.New(mirror.Config{Source: source, Consumer: cv, Target: target, Producer: pv, Include: "chaos", Streams: 2,
		CommitInterval: 200 * time.Millisecond, Delivery: mirror.Delivery(delivery), Partitioning: mirror.Partitioning(partitioning), Notice: func(s string) { fmt.Fprintln(os.Stderr, s) }})
	if err != nil {
		return err
	}
	return m.Run(ctx)
}

// process is a child that is killed and started again.
type process struct {
	t       *testing.T
	env     string
	awaited string // what it says when it is ready; "": nothing
	log     *testkit.Output
	cmd     *exec.Cmd
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), p.env)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if p.awaited != "" {
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, p.awaited) {
			p.t.Fatalf("the child says %q, %v\n%s", line, err, p.log)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
}

// kill ends it with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says that it was killed
}

// proxy stands before a broker, cuts its connections and slows them down.
type proxy struct {
	listener net.Listener
	to       atomic.Value // string
	slow     atomic.Int64 // nanoseconds for each read

	mu    sync.Mutex // guards conns
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, at string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, conns: make(map[net.Conn]bool)}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve(c net.Conn) {
	to, _ := p.to.Load().(string)
	b, err := net.Dial("tcp", to)
	if err != nil {
		c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[b] = true, true
	p.mu.Unlock()
	go p.pump(c, b)
	p.pump(b, c)
}

func (p *proxy) pump(from, to net.Conn) {
	defer p.drop(from, to)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		time.Sleep(time.Duration(p.slow.Load()))
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		c.Close()
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// freePort finds a port that a broker can have again after it was killed.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// brokerBehind runs a broker in a process of its own behind a proxy.
func brokerBehind(t *testing.T) (*process, *proxy) {
	dir, at := t.TempDir(), freePort(t)
	front := newProxy(t, "127.0.0.1:0")
	front.to.Store(at)
	path := filepath.Join(dir, "server.properties")
	testkit.WriteProperties(t, path, map[string]string{
		"listeners": "PLAINTEXT://" + at, "advertised.listeners": "PLAINTEXT://" + front.addr(), "log.dirs": filepath.Join(dir, "data"),
		"offsets.topic.num.partitions": "2", "group.initial.rebalance.delay.ms": "0", "num.partitions": "3",
	})
	b := &process{t: t, env: brokerChild + "=" + path, awaited: "ready", log: &testkit.Output{}}
	b.start()
	t.Cleanup(func() { b.kill() })
	return b, front
}

// chaos is one run: a source, a target, a mirror between them, and blows.
type chaos struct {
	t              *testing.T
	delivery       mirror.Delivery
	partitioning   mirror.Partitioning
	rand           *rand.Rand
	mirror         *process
	source, target string // addresses
	blows          []func()
	heal           func()
}

const (
	chaosPartitions = 3
	chaosKeys       = 4 * chaosPartitions // each of one partition
)

// TestChaos lets all that can die die at random moments, and then compares every
// record of both sides.
func TestChaos(t *testing.T) {
	for _, promise := range []struct {
		delivery mirror.Delivery
		by       mirror.Partitioning
	}{
		{mirror.AtLeastOnce, mirror.SamePartition}, {mirror.AtLeastOnce, mirror.KeyHash},
		{mirror.EffectivelyOnce, mirror.SamePartition}, {mirror.ExactlyOnce, mirror.SamePartition},
	} {
		for _, seed := range seeds(t) {
			t.Run(fmt.Sprintf("%s/%s/%d", promise.delivery, promise.by, seed), func(t *testing.T) {
				t.Parallel()
				c := newChaos(t, promise.delivery, promise.by, seed)
				c.run(rounds(t))
			})
		}
	}
}

func seeds(t *testing.T) []uint64 {
	if text := os.Getenv(chaosSeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	return []uint64{1, rand.Uint64() >> 32}
}

func rounds(t *testing.T) int {
	text := os.Getenv(chaosRounds)
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newChaos(t *testing.T, d mirror.Delivery, by mirror.Partitioning, seed uint64) *chaos {
	c := &chaos{t: t, delivery: d, partitioning: by, rand: rand.New(rand.NewPCG(seed, 7))}
	source, sourceProxy := brokerBehind(t)
	c.source = sourceProxy.addr()
	proxies := []*proxy{sourceProxy}
	again := func(p *process) func() { return func() { p.kill(); p.start() } }
	c.blows = []func(){again(source), sourceProxy.cut}
	switch target := os.Getenv(chaosTarget); {
	case d != mirror.ExactlyOnce:
		b, front := brokerBehind(t)
		c.target = front.addr()
		proxies = append(proxies, front)
		c.blows = append(c.blows, again(b), front.cut)
	case target != "":
		addr, at, _ := strings.Cut(target, ",")
		front := newProxy(t, at)
		front.to.Store(addr)
		c.target = front.addr()
		proxies = append(proxies, front)
		c.blows = append(c.blows, front.cut)
	default: // our own broker serves no transactions
		fake, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.ClusterID("target"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		c.target = fake.ListenAddrs()[0]
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.EndTxn, kmsg.AddPartitionsToTxn} {
			c.blows = append(c.blows, func() {
				fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, io.ErrUnexpectedEOF, true })
			})
		}
	}
	for _, p := range proxies {
		c.blows = append(c.blows, func() { p.slow.Store(int64(c.rand.IntN(20)) * int64(time.Millisecond)) })
	}
	c.heal = func() {
		for _, p := range proxies {
			p.slow.Store(0)
		}
	}
	dir := t.TempDir()
	testkit.WriteProperties(t, filepath.Join(dir, "consumer.properties"), map[string]string{
		"bootstrap.servers": c.source, "group.id": fmt.Sprintf("chaos-%d", seed), "group.instance.id": "chaos", "auto.offset.reset": "earliest",
		"metadata.max.age.ms": "500", "retry.backoff.ms": "10", "fetch.max.wait.ms": "50"})
	testkit.WriteProperties(t, filepath.Join(dir, "producer.properties"), map[string]string{
		"bootstrap.servers": c.target, "metadata.max.age.ms": "500", "retry.backoff.ms": "10"})
	if err := os.WriteFile(filepath.Join(dir, "promise"), []byte(string(d)+" "+string(by)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mirror = &process{t: t, env: mirrorChild + "=" + dir, log: &testkit.Output{}}
	mirrorAgain := again(c.mirror)
	c.blows = append(c.blows, mirrorAgain, mirrorAgain) // it is what is tested
	return c
}

func (c *chaos) kgo(addr string, opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr), kgo.MetadataMinAge(50*time.Millisecond))...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	return cl
}

func (c *chaos) run(rounds int) {
	t := c.t
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(rounds)*3*time.Second)
	defer cancel()
	producer := c.kgo(c.source, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4000), kgo.AllowAutoTopicCreation(), kgo.AlwaysRetryEOF())
	produced := 0
	produce := func(n int) {
		var records []*kgo.Record
		for range n {
			records = append(records, &kgo.Record{Topic: "chaos", Partition: int32(produced % chaosPartitions), Key: fmt.Appendf(nil, "key %d", produced%chaosKeys), Value: fmt.Appendf(nil, "%d", produced)})
			produced++
		}
		// What a producer gives up may be there or not: the source says.
		if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil && ctx.Err() != nil {
			t.Fatalf("produce: %v", err)
		}
	}
	if c.partitioning == mirror.KeyHash {
		c.createTarget(ctx)
	}
	produce(100)
	c.mirror.start()
	defer c.mirror.kill()
	for range rounds {
		produce(c.rand.IntN(300))
		time.Sleep(time.Duration(c.rand.IntN(300)) * time.Millisecond)
		c.blows[c.rand.IntN(len(c.blows))]()
	}
	c.heal()
	produce(10)
	want := make([][]*kgo.Record, chaosPartitions)
	for p := range want {
		want[p] = c.read(ctx, c.source, int32(p), "")
	}
	var got [][]*kgo.Record
	if c.partitioning == mirror.KeyHash {
		got = c.readDealt(ctx, want)
	} else {
		for p := range want {
			got = append(got, c.read(ctx, c.target, int32(p), string(want[p][len(want[p])-1].Value)))
		}
	}
	if err := c.mirror.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.mirror.cmd.Wait(); err != nil {
		t.Errorf("the mirror ended with %v", err)
	}
	if c.partitioning == mirror.KeyHash {
		c.checkDealt(want, got)
	} else {
		c.check(ctx, want, got)
	}
	if t.Failed() {
		t.Logf("the mirror has told:\n%s", c.mirror.log)
	}
}

// read reads the committed records of a partition up to the one whose value is
// last, or up to its end.
func (c *chaos) read(ctx context.Context, addr string, partition int32, last string) (out []*kgo.Record) {
	c.t.Helper()
	cl := c.kgo(addr, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"chaos": {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond), kgo.MetadataMaxAge(time.Second))
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
	for {
		done := false
		fetches := cl.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) {
			out = append(out, r)
			done = done || last != "" && string(r.Value) == last || end >= 0 && r.Offset >= end-1
		})
		if done {
			return out
		}
		if ctx.Err() != nil {
			c.t.Fatalf("partition %d of %s has only %d records, want up to %q; the mirror has told:\n%s", partition, addr, len(out), last, c.mirror.log)
		}
	}
}

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
		places := make(map[string][]kafka.Offset)
		next := 0
		for _, r := range got[p] {
			value := string(r.Value)
			if n := len(places[value]); n > 0 && c.delivery != mirror.AtLeastOnce {
				t.Fatalf("partition %d: record %q is doubled, at offsets %d and %d", p, value, places[value][0], r.Offset)
			}
			places[value] = append(places[value], kafka.Offset(r.Offset))
			switch {
			case next < len(want[p]) && value == string(want[p][next].Value):
				next++
			case len(places[value]) == 1:
				t.Fatalf("partition %d: record %q comes before %q", p, value, want[p][next].Value)
			}
		}
		if next != len(want[p]) {
			t.Fatalf("partition %d: %d of %d records are there", p, next, len(want[p]))
		}
		offsets := maps[kafka.TopicPartition{Topic: "chaos", Partition: int32(p)}]
		for _, r := range want[p] {
			at, precision := offsets.ToTarget(kafka.Offset(r.Offset))
			right := false
			for _, place := range places[string(r.Value)] {
				right = right || at == place || precision == offsetmap.Early && at <= place
			}
			if !right || precision != offsetmap.Exact && (c.delivery != mirror.AtLeastOnce) {
				t.Fatalf("partition %d: offset %d is said to be at %d, %v, and is at %v", p, r.Offset, at, precision, places[string(r.Value)])
			}
		}
		t.Logf("partition %d: %d records of the source, %d of the target, %d segments", p, len(want[p]), len(got[p]), offsets.Len())
	}
}

func mustParse(t *testing.T, text string) *config.Properties {
	t.Helper()
	p, err := config.Parse("chaos.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
