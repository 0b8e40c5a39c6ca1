// Command bench measures schloss beside Apache Kafka 3.9.1 and MirrorMaker 1
// in one run on one machine, and prints a Markdown table: start-up time, idle
// memory, wall time of kafka-topics --list, and CPU seconds per GB of record
// data for produce, fetch and mirror. Figures are of the measured process
// alone; the load comes from this process.
//
//	go run ./bench            2 GB for the brokers, 1 GB for the mirrors
//	go run ./bench -gb 1      less
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"schloss/internal/peers"
)

func main() {
	gb := flag.Float64("gb", 2, "record data in GB (10^9 bytes) for each broker figure; the mirrors copy half of it")
	bin := flag.String("bin", "bin", "folder of the built binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *gb); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, gb float64) error {
	if err := peers.Check(); err != nil {
		return err
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "schloss-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{bin: bin, dir: dir, records: int(gb * 1e9 / recordSize)}
	fmt.Printf("%d records of %d bytes, %d partitions, acks=all; %s\n\n", b.records, recordSize, partitions, time.Now().UTC().Format(time.DateOnly))
	fmt.Println("| what | schloss | Apache Kafka 3.9.1 | ratio |")
	fmt.Println("|---|---|---|---|")
	if err := b.certificates(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.brokers, b.mirrors} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bench holds what the steps share.
type bench struct {
	bin, dir string
	records  int
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
	if f.list, err = median(9, func() error { return s.listTopics(ctx) }); err != nil {
		return f, fmt.Errorf("list topics: %w", err)
	}
	secure, err := b.clientTLS()
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

func median(n int, do func() error) (time.Duration, error) {
	var took []time.Duration
	for range n {
		start := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[n/2], nil
}
