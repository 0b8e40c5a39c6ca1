// Command bench measures schloss beside Apache Kafka 3.9.1, in one run on one
// machine, and prints Markdown tables. CPU time is of the measured process
// alone; the load comes from this process and its helpers.
//
//	go run ./bench                  the broker: start-up, memory, kafka-topics, produce and fetch
//	go run ./bench mirror           the mirror beside MirrorMaker 1 and 2 and a plain socket copy
//	go run ./bench mirror -rows a,b
//
// Two more words are for the processes that it starts: copy, the plain socket
// copy, and line, a long line between two of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"schloss/internal/peers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	word, args := "broker", os.Args[1:]
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		word, args = args[0], args[1:]
	}
	subjects := map[string]func(context.Context, []string) error{"broker": broker, "mirror": mirrors, "copy": copySockets, "line": line}
	do := subjects[word]
	if do == nil {
		fmt.Fprintf(os.Stderr, "error: nothing to measure is called %q\n", word)
		os.Exit(2)
	}
	if err := do(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// broker measures our broker beside Kafka's.
func broker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("broker", flag.ExitOnError)
	gb := flags.Float64("gb", 2, "record data in GB (10^9 bytes) for each figure")
	bin := flags.String("bin", "bin", "folder of the built binary")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(ctx, *bin)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.records = int(*gb * 1e9 / recordSize)
	fmt.Printf("%d records of %d bytes, %d partitions, acks=all; %s\n\n", b.records, recordSize, partitions, time.Now().UTC().Format(time.DateOnly))
	fmt.Println("| what | schloss | Apache Kafka 3.9.1 | ratio |")
	fmt.Println("|---|---|---|---|")
	return b.brokers(ctx)
}

// bench holds what the steps share.
type bench struct {
	bin, dir string
	records  int
}

// newBench makes a folder for the run, with certificates; it is the caller's
// to remove.
func newBench(ctx context.Context, bin string) (b bench, err error) {
	if err = peers.Check(); err != nil {
		return b, err
	}
	if b.bin, err = filepath.Abs(bin); err != nil {
		return b, err
	}
	if b.dir, err = os.MkdirTemp("", "schloss-bench-"); err != nil {
		return b, err
	}
	if err = b.certificates(ctx); err != nil {
		os.RemoveAll(b.dir)
	}
	return b, err
}

// row prints one line of the table.
func row(what, unit string, ours, theirs float64) {
	fmt.Printf("| %s | %.2f %s | %.2f %s | %.2f |\n", what, ours, unit, theirs, unit, ours/theirs)
}

// figures are what one broker measured.
type figures struct {
	start, list          time.Duration
	idleMB               float64
	produce, fetch       load // plaintext
	produceTLS, fetchTLS load
}

// load is the cost of moving the records once.
type load struct{ cpuPerGB, mbPerSecond float64 }

func (b bench) brokers(ctx context.Context) error {
	ours, err := b.measure(ctx, b.startSchloss)
	if err != nil {
		return fmt.Errorf("measure schloss: %w", err)
	}
	theirs, err := b.measure(ctx, b.startKafka)
	if err != nil {
		return fmt.Errorf("measure Kafka: %w", err)
	}
	row("start-up until the port answers", "s", ours.start.Seconds(), theirs.start.Seconds())
	row("idle memory", "MB", ours.idleMB, theirs.idleMB)
	row("kafka-topics --list, wall, median of 9", "s", ours.list.Seconds(), theirs.list.Seconds())
	for _, r := range []struct {
		what         string
		ours, theirs load
	}{
		{"produce, plaintext", ours.produce, theirs.produce},
		{"fetch, plaintext", ours.fetch, theirs.fetch},
		{"produce, mutual TLS", ours.produceTLS, theirs.produceTLS},
		{"fetch, mutual TLS", ours.fetchTLS, theirs.fetchTLS},
	} {
		row(r.what+", broker CPU", "s/GB", r.ours.cpuPerGB, r.theirs.cpuPerGB)
		row(r.what+", rate", "MB/s", r.ours.mbPerSecond, r.theirs.mbPerSecond)
	}
	return nil
}

// server is a started broker of either kind.
type server struct {
	process        peers.Process
	plaintext, ssl string
	started        time.Duration
	listTopics     func(context.Context) error
	stop           func() error
}

// measure takes all figures of one broker. A first pass over a tenth of the
// data warms caches and Java's compiler and is not counted.
func (b bench) measure(ctx context.Context, start func(context.Context) (*server, error)) (f figures, err error) {
	s, err := start(ctx)
	if err != nil {
		return f, err
	}
	defer func() {
		if e := s.stop(); err == nil {
			err = e
		}
	}()
	f.start = s.started
	time.Sleep(2 * time.Second) // let start-up work end before memory is called idle
	u, err := peers.UsageOf(s.process.PID())
	if err != nil {
		return f, err
	}
	f.idleMB = float64(u.RSS) / 1e6
	if f.list, err = timed(9, func() error { return s.listTopics(ctx) }); err != nil {
		return f, fmt.Errorf("list topics: %w", err)
	}
	secure, err := clientTLS(b.stores())
	if err != nil {
		return f, err
	}
	plain := loader{addr: s.plaintext, pid: s.process.PID()}
	tls := loader{addr: s.ssl, pid: s.process.PID(), secure: secure}
	for _, l := range []loader{plain, tls} {
		if _, err := l.produce(ctx, "warm", b.records/10); err != nil {
			return f, err
		}
		if _, err := l.fetch(ctx, "warm", b.records/10); err != nil {
			return f, err
		}
	}
	steps := []struct {
		to    *load
		topic string
		do    func(context.Context, string, int) (load, error)
	}{
		{&f.produce, "plain", plain.produce}, {&f.fetch, "plain", plain.fetch},
		{&f.produceTLS, "tls", tls.produce}, {&f.fetchTLS, "tls", tls.fetch},
	}
	for _, step := range steps {
		if *step.to, err = step.do(ctx, step.topic, b.records); err != nil {
			return f, err
		}
	}
	return f, nil
}

// timed is how long it takes, the median of n times.
func timed(n int, do func() error) (time.Duration, error) {
	var took []time.Duration
	for range n {
		start := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	return median(took), nil
}
