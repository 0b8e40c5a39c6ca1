package mirror_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"schloss/client"
	"schloss/internal/peers"
	"schloss/internal/testkit"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/node"
)

// With one of these this test binary is a process of its own that can be killed:
// a broker with that server.properties, or a mirror with that folder.
const (
	brokerChild = "SCHLOSS_TEST_BROKER"
	mirrorChild = "SCHLOSS_TEST_MIRROR"
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
		return nil, nil, cmp.Or(err, ctx.Err())
	}
	cv, source, err := read(config.Consumer, "consumer.properties")
	if err != nil {
		return unless(ctx, err)
	}
	pv, target, err := read(config.Producer, "producer.properties")
	if err != nil {
		return unless(ctx, err)
	}
	m, err := mirror.New(mirror.Config{Source: source, Consumer: cv, Target: target, Producer: pv, Include: "chaos", Streams: 2,
		CommitInterval: 200 * time.Millisecond, Delivery: mirror.Delivery(delivery), Partitioning: mirror.Partitioning(partitioning), Notice: func(s string) { fmt.Fprintln(os.Stderr, s) }})
	if err != nil {
		return err
	}
	return m.Run(ctx)
}

// unless is an error that is none once the context has ended.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// process is a child that is killed and started again.
type process struct {
	t       *testing.T
	env     string
	awaited string // what it says when it is ready; "": nothing
	log     *testkit.Output
	cmd     *exec.Cmd
	done    chan struct{} // closed when it has ended, with err
	err     error
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
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		_, _ = io.Copy(io.Discard, out)
		p.err = cmd.Wait()
		close(done)
	}()
}

// kill ends it with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// end ends it with SIGTERM and returns what it ended with, nil where it had not
// begun yet.
func (p *process) end() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	var exit *exec.ExitError
	if errors.As(p.err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return nil
	}
	return p.err
}

// freeze has it stand still, as a machine that is suspended.
func (p *process) freeze() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

// thaw has it go on.
func (p *process) thaw() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// victim is a broker behind a proxy.
type victim struct {
	front       *proxy
	weight      int // how often it is killed
	kill, start func()
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

// brokerBehind runs our broker in a process of its own.
func brokerBehind(t *testing.T) victim {
	dir, at := t.TempDir(), freePort(t)
	front := newProxy(t, "127.0.0.1:0")
	front.to.Store(at)
	path := filepath.Join(dir, "server.properties")
	testkit.WriteProperties(t, path, map[string]string{
		"listeners": "PLAINTEXT://" + at, "advertised.listeners": "PLAINTEXT://" + front.addr(), "log.dirs": filepath.Join(dir, "data"),
		"offsets.topic.num.partitions": "2", "group.initial.rebalance.delay.ms": "0", "num.partitions": strconv.Itoa(chaosPartitions),
	})
	b := &process{t: t, env: brokerChild + "=" + path, awaited: "ready", log: &testkit.Output{}}
	b.start()
	t.Cleanup(func() { b.kill() })
	return victim{front, 3, b.kill, b.start}
}

// kafkasBehind runs releases of real Kafka. They take seconds to come back.
func kafkasBehind(t *testing.T, releases ...string) []victim {
	brokers, errs := make([]*peers.Broker, len(releases)), make([]error, len(releases))
	var all sync.WaitGroup
	for i, release := range releases {
		cfg := peers.BrokerConfig{Version: release, Dir: filepath.Join(t.TempDir(), "kafka"), Far: true, Settings: map[string]string{
			"num.partitions": strconv.Itoa(chaosPartitions), "transaction.state.log.num.partitions": "2",
			"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}}
		all.Go(func() { brokers[i], errs[i] = peers.StartBroker(t.Context(), cfg) })
	}
	all.Wait()
	var victims []victim
	for i, b := range brokers {
		if errs[i] != nil {
			t.Error(errs[i])
			continue
		}
		victims = append(victims, kafkaBehind(t, b))
	}
	if t.Failed() {
		t.FailNow()
	}
	return victims
}

func kafkaBehind(t *testing.T, b *peers.Broker) victim {
	front := newProxy(t, b.Far)
	front.to.Store(b.FarEnd)
	v := victim{front, 1, func() {
		_ = b.Process.Signal(syscall.SIGKILL)
		<-b.Process.Done()
	}, func() {
		if err := b.Start(context.Background()); err != nil {
			t.Error(err)
		}
	}}
	t.Cleanup(v.kill)
	return v
}
