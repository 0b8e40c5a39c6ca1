package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/testkit"
	"schloss/kafka/config"
	"schloss/node"
)

// childConfig, when it is set, makes this test binary a broker with that
// server.properties: a process of its own, which can be killed.
const childConfig = "SCHLOSS_TEST_BROKER"

func TestMain(m *testing.M) {
	path := os.Getenv(childConfig)
	if path == "" {
		os.Exit(m.Run())
	}
	p, err := config.ReadFile(path)
	if err == nil {
		err = node.Run(context.Background(), node.Config{Properties: p, Stdout: os.Stdout, Stderr: os.Stderr})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// burn starts a broker in a process of its own; the function it returns kills
// it with SIGKILL.
func burn(t *testing.T, properties string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+properties)
	log := &testkit.Output{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready") {
		kill()
		t.Fatalf("broker says %q, %v\n%s", line, err, log)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return kill
}

// drill is what clients were promised while the broker burned.
type drill struct {
	mu        sync.Mutex
	acked     [drillPartitions]map[int64]int // offset to number
	count     int
	committed int64
	failed    error
}

const (
	drillKills      = 20
	drillPartitions = 2
	drillAcks       = 40 // between two kills
)

// onFixedPort writes the settings of a broker that can be started again where
// it was.
func onFixedPort(t *testing.T, settings map[string]string) (path, addr string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path = filepath.Join(dir, "server.properties")
	settings["listeners"], settings["log.dirs"] = "PLAINTEXT://"+addr, filepath.Join(dir, "data")
	testkit.WriteProperties(t, path, settings)
	return path, addr
}

// TestFireDrill kills a broker again and again under a producer and a group.
// What was acknowledged is there afterwards, everything is there once, and in
// its order; what a group committed stays committed.
func TestFireDrill(t *testing.T) {
	path, addr := onFixedPort(t, map[string]string{"num.partitions": strconv.Itoa(drillPartitions),
		"offsets.topic.num.partitions": "2", "log.segment.bytes": "20000", "group.initial.rebalance.delay.ms": "0",
	})
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	kill := burn(t, path)
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }), kgo.RetryTimeout(time.Minute), kgo.MaxBufferedRecords(100),
		kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &drill{committed: -1}
	for i := range d.acked {
		d.acked[i] = make(map[int64]int)
	}
	load, end := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { d.produce(load, c) })
	running.Go(func() { d.commit(load, kadm.NewClient(c)) })
	for range drillKills {
		d.awaitAcks(ctx, t)
		kill()
		kill = burn(t, path)
	}
	end()
	running.Wait()
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	kill()
	burn(t, path)
	d.check(ctx, t, addr)
}

// produce sends ascending numbers until ctx ends.
func (d *drill) produce(ctx context.Context, c *kgo.Client) {
	for n := 0; ctx.Err() == nil; n++ {
		p := n % drillPartitions
		c.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: "t", Partition: int32(p), Value: []byte(strconv.Itoa(n))}, func(r *kgo.Record, err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if err != nil {
				d.failed = errors.Join(d.failed, err)
				return
			}
			d.acked[p][r.Offset] = n
			d.count++
		})
	}
}

// commit moves a group on until ctx ends.
func (d *drill) commit(ctx context.Context, a *kadm.Client) {
	for at := int64(0); ctx.Err() == nil; {
		var o kadm.Offsets
		o.AddOffset("t", 0, at, -1)
		if err := a.CommitAllOffsets(ctx, "g", o); err != nil {
			continue // the broker burns
		}
		d.mu.Lock()
		d.committed = at
		d.mu.Unlock()
		at++
	}
}

func (d *drill) awaitAcks(ctx context.Context, t *testing.T) {
	t.Helper()
	d.mu.Lock()
	want := d.count + drillAcks
	d.mu.Unlock()
	for {
		d.mu.Lock()
		count, failed := d.count, d.failed
		d.mu.Unlock()
		switch {
		case failed != nil:
			t.Fatalf("produce: %v", failed)
		case count >= want:
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d of %d acknowledgements came", count, want)
		}
	}
}

func (d *drill) check(ctx context.Context, t *testing.T, addr string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		t.Fatalf("produce: %v", d.failed)
	}
	a := kadm.NewClient(c)
	got, err := a.FetchOffsets(ctx, "g")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := got.Lookup("t", 0); !ok || at.At < d.committed {
		t.Errorf("the group is at %d, it committed %d", at.At, d.committed)
	}
	var next [drillPartitions]int
	for p := range next {
		next[p] = p
	}
	for found := 0; found < d.count; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", found, d.count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			found++
			n, err := strconv.Atoi(string(r.Value))
			if err != nil || n != next[r.Partition] {
				t.Fatalf("partition %d holds %q at offset %d, want %d", r.Partition, r.Value, r.Offset, next[r.Partition])
			}
			next[r.Partition] += drillPartitions
			if was, ok := d.acked[r.Partition][r.Offset]; !ok || was != n {
				t.Errorf("partition %d: %d is at offset %d, where %d was acknowledged (%v)", r.Partition, n, r.Offset, was, ok)
			}
		})
	}
	t.Logf("%d records and %d commits were acknowledged through %d kills", d.count, d.committed+1, drillKills)
}
