package mirror_test

import (
	"context"

	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/mirror"
)

// What the chaos test takes from its environment.
const (
	chaosRounds = "SCHLOSS_CHAOS_ROUNDS" // how many blows
	chaosSeed   = "SCHLOSS_CHAOS_SEED"   // of the blows; else two runs: a fixed one, and one that is printed
	chaosKafka  = "SCHLOSS_CHAOS_KAFKA"  // SOURCE,TARGET: releases of real Kafka that are to be both sides
)

// chaos is one run: a source, a target, a mirror between them, a load, and blows.
type chaos struct {
	t              *testing.T
	delivery       mirror.Delivery
	partitioning   mirror.Partitioning
	rand           *rand.Rand
	mirror         *process
	source, target string // addresses
	transactions   bool   // the source serves them
	successors     int    // mirrors that were started beside another one
	proxies        []*proxy
	blows          []blow
	struck         map[string]int
}

// blow is something that goes wrong.
type blow struct {
	name   string
	strike func()
}

const (
	chaosPartitions = 3
	chaosKeys       = 4 * chaosPartitions // each of one partition
)

// transactionMillis is how long the mirror's transactions may take.
const transactionMillis = 4000

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
	c := &chaos{t: t, delivery: d, partitioning: by, rand: rand.New(rand.NewPCG(seed, 7)), struck: make(map[string]int)}
	if releases := os.Getenv(chaosKafka); releases != "" {
		both := kafkasBehind(t, strings.Split(releases, ",")...)
		c.source, c.target = c.side("source", both[0]), c.side("target", both[1])
		c.transactions = true
	} else {
		c.source = c.side("source", brokerBehind(t))
		if d == mirror.ExactlyOnce { // our own broker serves no transactions
			c.target = c.fake()
		} else {
			c.target = c.side("target", brokerBehind(t))
		}
	}
	dir := t.TempDir()
	consumer := map[string]string{
		"bootstrap.servers": c.source, "group.id": fmt.Sprintf("chaos-%d", seed), "group.instance.id": "chaos", "auto.offset.reset": "earliest",
		"metadata.max.age.ms": "500", "retry.backoff.ms": "10", "fetch.max.wait.ms": "50"}
	if c.transactions {
		consumer["isolation.level"] = "read_committed"
	}
	testkit.WriteProperties(t, filepath.Join(dir, "consumer.properties"), consumer)
	testkit.WriteProperties(t, filepath.Join(dir, "producer.properties"), map[string]string{
		"bootstrap.servers": c.target, "metadata.max.age.ms": "500", "retry.backoff.ms": "10", "transaction.timeout.ms": strconv.Itoa(transactionMillis)})
	if err := os.WriteFile(filepath.Join(dir, "promise"), []byte(string(d)+" "+string(by)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mirror = &process{t: t, env: mirrorChild + "=" + dir, log: &testkit.Output{}}
	c.may(8, "kill the mirror", func() { c.mirror.kill(); c.mirror.start() })
	c.may(2, "end the mirror in order", func() { c.end(); c.mirror.start() })
	c.may(2, "freeze the mirror", c.freeze)
	if d == mirror.ExactlyOnce && c.transactions {
		c.may(1, "suspend the mirror until its transaction is given up", c.suspend)
	}
	return c
}

// may adds a blow that is so often drawn.
func (c *chaos) may(weight int, name string, strike func()) {
	c.blows = append(c.blows, slices.Repeat([]blow{{name, strike}}, weight)...)
}

// side takes a broker as source or target and returns its address.
func (c *chaos) side(name string, b victim) string {
	c.may(b.weight, "kill the "+name, func() { b.kill(); b.start() })
	c.may(1, "kill the "+name+", then the mirror", func() { b.kill(); c.mirror.kill(); c.mirror.start(); b.start() })
	c.may(3, "cut the "+name, b.front.cut)
	c.may(3, "kill the mirror while all for the "+name+" is late", func() {
		b.front.hold(time.Duration(c.rand.IntN(800)) * time.Millisecond)
		time.Sleep(30 * time.Millisecond) // something is said
		c.mirror.kill()
		c.mirror.start()
	})
	c.may(3, "slow the "+name, func() { b.front.slow.Store(int64(c.rand.IntN(20)) * int64(time.Millisecond)) })
	c.proxies = append(c.proxies, b.front)
	return b.front.addr()
}

// fake is a target in this process, which fails requests instead of dying.
func (c *chaos) fake() string {
	fake, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.ClusterID("target"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(fake.Close)
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.EndTxn, kmsg.AddPartitionsToTxn, kmsg.InitProducerID} {
		c.may(1, "cut at "+key.Name(), func() {
			fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, io.ErrUnexpectedEOF, true })
		})
	}
	return fake.ListenAddrs()[0]
}

// freeze stops the mirror where it is, lets another one take its place, and has
// it go on beside that, unknowing, before it dies.
func (c *chaos) freeze() {
	frozen := c.mirror
	frozen.freeze()
	c.successors++
	c.mirror = &process{t: c.t, env: frozen.env, log: frozen.log}
	c.mirror.start()
	c.pause(600)
	frozen.thaw()
	c.pause([]int{300, 300, 600, 4000}[c.rand.IntN(4)])
	frozen.kill()
}

// suspend has the mirror stand still for longer than a transaction may take, and
// leaves it the time to become the writer anew.
func (c *chaos) suspend() {
	c.mirror.freeze()
	time.Sleep(transactionMillis*time.Millisecond + 1500*time.Millisecond)
	c.mirror.thaw()
	time.Sleep(3 * time.Second)
}

// end ends the mirror with SIGTERM.
func (c *chaos) end() {
	c.revive()
	if err := c.mirror.end(); err != nil && !c.yielded() {
		c.t.Errorf("the mirror ended with %v", err)
	}
}

// yielded says whether the mirror has ended because it saw another one, which it
// may where there was one.
func (c *chaos) yielded() bool {
	return c.delivery == mirror.ExactlyOnce && c.successors > 0 && c.mirror.err != nil && strings.Contains(c.mirror.log.String(), "another mirror of group")
}

// revive starts a mirror that has yielded.
func (c *chaos) revive() {
	select {
	case <-c.mirror.done:
	default:
		return
	}
	if !c.yielded() {
		c.t.Fatalf("the mirror has ended: %v; it has told:\n%s", c.mirror.err, c.mirror.log)
	}
	c.struck["(started again after it had yielded)"]++
	c.mirror.start()
}

func (c *chaos) pause(millis int) {
	time.Sleep(time.Duration(c.rand.IntN(millis)) * time.Millisecond)
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(rounds)*4*time.Second)
	defer cancel()
	if c.partitioning == mirror.KeyHash {
		c.createTarget(ctx)
	}
	load := newLoad(c)
	load.begin(ctx)
	c.mirror.start()
	defer func() { c.mirror.kill() }()
	began := time.Now()
	for range rounds {
		c.pause(300)
		c.revive()
		b := c.blows[c.rand.IntN(len(c.blows))]
		b.strike()
		c.struck[b.name]++
		if ctx.Err() != nil {
			t.Fatalf("not in time; the mirror has told:\n%s", c.mirror.log)
		}
	}
	for _, p := range c.proxies {
		p.slow.Store(0)
	}
	load.end(ctx)
	if n := int(load.hung.Load()); n > 0 {
		c.struck["(partitions of the source in which Kafka left a transaction open)"] = n
	}
	want, got := c.readBoth(ctx)
	c.end()
	t.Logf("%d blows in %v; %d transactions were undone:", rounds, time.Since(began).Round(time.Second), strings.Count(c.mirror.log.String(), "a transaction was undone"))
	for _, name := range slices.Sorted(maps.Keys(c.struck)) {
		t.Logf("%5d %s", c.struck[name], name)
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

// readBoth reads both sides, the target until it has all of the source.
func (c *chaos) readBoth(ctx context.Context) (want, got [][]*kgo.Record) {
	for p := range int32(chaosPartitions) {
		want = append(want, c.read(ctx, c.source, p, ""))
	}
	if c.partitioning == mirror.KeyHash {
		return want, c.readDealt(ctx, want)
	}
	for p := range int32(chaosPartitions) {
		got = append(got, c.read(ctx, c.target, p, string(want[p][len(want[p])-1].Value)))
	}
	return want, got
}
