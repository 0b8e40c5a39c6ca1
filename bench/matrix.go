package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"schloss/internal/peers"
	"schloss/kafka/batch"
)

// matrixRow is one row of the mirror's table.
type matrixRow struct {
	name   string
	data   shape
	secure bool
	side   string        // whose listener is at the end of a line: "source", "target"
	trip   time.Duration // of that line
	others []string      // the mirrors that run on it too
}

// matrix are the rows; those of one shape follow each other and share its data.
func matrix() []matrixRow {
	const k = 1 << 10
	eight := func(size int, codec batch.Codec) shape { return shape{size, codec, partitions} }
	common := eight(128*k, batch.None)
	return []matrixRow{
		{name: "16k", data: eight(16*k, batch.None), others: []string{mm1}},
		{name: "128k", data: common, others: []string{mm1, mm2}},
		{name: "128k-tls", data: common, secure: true, others: []string{mm1, mm2}},
		{name: "line-0", data: common, side: "source"},
		{name: "source-50", data: common, side: "source", trip: 50 * time.Millisecond},
		{name: "source-150", data: common, side: "source", trip: 150 * time.Millisecond},
		{name: "target-0", data: common, side: "target"},
		{name: "target-150", data: common, side: "target", trip: 150 * time.Millisecond},
		{name: "1m", data: eight(1000*k, batch.None)},
		{name: "1m-tls", data: eight(1000*k, batch.None), secure: true},
		{name: "lz4", data: eight(128*k, batch.LZ4), others: []string{mm1}},
		{name: "zstd", data: eight(128*k, batch.Zstd), others: []string{mm1, mm2}},
		{name: "gzip", data: eight(128*k, batch.Gzip), others: []string{mm1}},
		{name: "1-partition", data: shape{128 * k, batch.None, 1}},
		{name: "1000-partitions", data: shape{128 * k, batch.None, 1000}},
	}
}

// mirrors measures the mirror beside the others, row by row.
func mirrors(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mirror", flag.ExitOnError)
	gb := flags.Float64("gb", 1, "record data in GB (10^9 bytes) for each copy")
	bin := flags.String("bin", "bin", "folder of the built binary")
	only := flags.String("rows", "", "names of rows, separated by commas; all without")
	alone := flags.Bool("alone", false, "without MirrorMaker 1 and 2")
	rate := flags.Float64("rate", 0, "MB/s of the latency row; 0: half of what schloss makes of row 128k")
	times := flags.Int("times", 1, "copies by schloss, and plain ones, for each figure: it is the median")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rows, delay, err := chooseRows(*only)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, *bin)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	source, target, err := b.pair(ctx)
	if err != nil {
		return err
	}
	defer source.Stop()
	defer target.Stop()
	p := mirrorBench{bench: b, source: source, target: target, gb: *gb, alone: *alone, times: max(1, *times), rate: *rate}
	p.head()
	for i, r := range rows {
		if i == 0 || rows[i-1].data != r.data {
			if err := p.refill(ctx, r.data, i); err != nil {
				return err
			}
		}
		if err := p.row(ctx, r); err != nil {
			return fmt.Errorf("row %s: %w", r.name, err)
		}
	}
	if delay {
		return p.latency(ctx)
	}
	return nil
}

// latencyRow is the row that measures time in place of cost.
const latencyRow = "latency"

func chooseRows(only string) (rows []matrixRow, latency bool, err error) {
	rows = matrix()
	if only == "" {
		return rows, true, nil
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if name != latencyRow && !slices.ContainsFunc(rows, func(r matrixRow) bool { return r.name == name }) {
			return nil, false, fmt.Errorf("there is no row %q", name)
		}
	}
	rows = slices.DeleteFunc(rows, func(r matrixRow) bool { return !slices.Contains(wanted, r.name) })
	return rows, slices.Contains(wanted, latencyRow), nil
}

// mirrorBench is a pair of Kafka brokers and the topic that lies in the first.
type mirrorBench struct {
	bench
	source, target *peers.Broker
	gb             float64
	alone          bool
	times          int
	rate           float64 // MB/s of the latency row; 0: half of common
	topic          string
	data           written
	common         float64 // MB/s of row 128k, for half of it
}

// pair starts the brokers. What is deleted is to be off the disk at once.
func (b bench) pair(ctx context.Context) (source, target *peers.Broker, err error) {
	start := func(name string) (*peers.Broker, error) {
		return peers.StartBroker(ctx, peers.BrokerConfig{Version: peers.Last3, Dir: filepath.Join(b.dir, name), Stores: b.stores(), Far: true,
			Settings: map[string]string{"log.segment.delete.delay.ms": "1000", "log.retention.bytes": "2000000000"}})
	}
	if source, err = start("source"); err != nil {
		return nil, nil, err
	}
	if target, err = start("target"); err != nil {
		source.Stop()
	}
	return source, target, err
}

// refill puts other data into the source, in place of what was there.
func (p *mirrorBench) refill(ctx context.Context, s shape, n int) (err error) {
	if p.topic != "" {
		if err := deleteTopic(ctx, p.source.Plaintext, p.topic); err != nil {
			return err
		}
	}
	p.topic = fmt.Sprintf("data-%d", n)
	p.data, err = fill(ctx, p.source.Plaintext, p.topic, s, p.gb)
	return err
}

func (p *mirrorBench) head() {
	fmt.Printf("%.1f GB of records of %d bytes for each copy, num.streams and tasks.max %s; %s\n\n", p.gb, recordSize, streams, time.Now().UTC().Format(time.DateOnly))
	fmt.Println("| row | batches | codec | security | partitions | added round trip | MB/s | peak MB | CPU s/GB: schloss | copy | ratio | MM1 | MM1 / schloss | MM2 | MM2 / schloss |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
}

// row measures one row and prints it.
func (p *mirrorBench) row(ctx context.Context, r matrixRow) error {
	var floors []time.Duration
	var copies []cost
	for i := range p.times { // by turns: a machine's speed changes
		floor, err := p.floor(ctx, p.data.stored, r)
		if err != nil {
			return err
		}
		c, err := p.measure(ctx, ours, r, i)
		if err != nil {
			return fmt.Errorf("%s: %w", ours, err)
		}
		floors, copies = append(floors, floor), append(copies, c)
	}
	floor, got := median(floors), map[string]cost{ours: medians(copies)}
	for _, kind := range r.others {
		if p.alone {
			continue
		}
		var err error
		if got[kind], err = p.measure(ctx, kind, r, 0); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	if r.name == "128k" {
		p.common = got[ours].rate
	}
	codec := r.data.codec.String()
	if stored := float64(p.data.stored) / 1e9; r.data.codec != batch.None {
		codec += fmt.Sprintf(" %.1f:1", p.data.GB()/stored)
	}
	security, trip := "plaintext", "-"
	if r.secure {
		security = "mTLS"
	}
	if r.side != "" {
		trip = fmt.Sprintf("%d ms to the %s", r.trip.Milliseconds(), r.side)
	}
	mine, least := got[ours].perGB(p.data), floor.Seconds()/p.data.GB()
	fmt.Printf("| %s | %d KB | %s | %s | %d | %s | %.0f | %.0f | %.2f | %.2f | %.2f |", r.name, r.data.batchSize>>10, codec, security, r.data.partitions, trip,
		got[ours].rate, float64(got[ours].peak)/1e6, mine, least, mine/least)
	for _, kind := range []string{mm1, mm2} {
		if c, ok := got[kind]; ok {
			fmt.Printf(" %.1f | %.0f |", c.perGB(p.data), c.perGB(p.data)/mine)
		} else {
			fmt.Print(" | |")
		}
	}
	fmt.Println()
	return nil
}

// median is the middle one, or the lower of two.
func median[T cmp.Ordered](of []T) T {
	return slices.Sorted(slices.Values(of))[(len(of)-1)/2]
}

// medians are those of each figure; the peak is the largest.
func medians(of []cost) (m cost) {
	var cpu []time.Duration
	var rate []float64
	for _, c := range of {
		cpu, rate, m.peak = append(cpu, c.cpu), append(rate, c.rate), max(m.peak, c.peak)
	}
	m.cpu, m.rate = median(cpu), median(rate)
	return m
}

// measure runs one mirror on a row for the n-th time, and leaves nothing of it
// in the target.
func (p *mirrorBench) measure(ctx context.Context, kind string, r matrixRow, n int) (cost, error) {
	c := copying{
		dir: filepath.Join(p.dir, fmt.Sprintf("%s-%s-%d", kind, r.name, n)), topic: p.topic,
		from: p.source.Plaintext, to: p.target.Plaintext, watch: p.target.Plaintext,
		secure: r.secure, codec: r.data.codec.String(), data: p.data, partitions: r.data.partitions,
		group: fmt.Sprintf("%s-%s-%d", kind, r.name, n),
	}
	if r.secure {
		c.from, c.to = p.source.SSL, p.target.SSL
	}
	if r.side != "" {
		end, addr := p.source, &c.from
		if r.side == "target" {
			end, addr = p.target, &c.to
		}
		far, err := startLine(end.Far, end.FarEnd, r.trip)
		if err != nil {
			return cost{}, err
		}
		defer far.Stop(5 * time.Second)
		*addr = end.Far
	}
	used, err := p.run(ctx, kind, c)
	if err != nil {
		return used, err
	}
	return used, deleteTopic(ctx, c.watch, c.topic)
}
