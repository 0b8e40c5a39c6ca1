package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"schloss/client"
	"schloss/internal/peers"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// latency measures how much later a batch is to be had from the target than
// from the source, while batches of 128 KB come evenly at half the rate that the
// mirror makes of them without a pause.
func (p *mirrorBench) latency(ctx context.Context) error {
	const topic = "latency"
	if p.common == 0 && p.rate == 0 { // that row is not asked for
		if err := p.refill(ctx, matrix()[1].data, 0); err != nil {
			return err
		}
		c, err := p.measure(ctx, ours, matrixRow{name: topic, data: matrix()[1].data}, 0)
		if err != nil {
			return err
		}
		p.common = c.rate
	}
	for _, b := range []*peers.Broker{p.source, p.target} {
		if err := createTopic(ctx, b.Plaintext, topic, partitions); err != nil {
			return err
		}
	}
	if err := createTopic(ctx, p.target.Plaintext, probed, 1); err != nil {
		return err
	}
	c := copying{dir: filepath.Join(p.dir, "latency-run"), topic: topic, group: topic, from: p.source.Plaintext, to: p.target.Plaintext, watch: p.target.Plaintext}
	process, err := p.start(ours, c)
	if err != nil {
		return err
	}
	defer process.Stop(20 * time.Second)
	rate, load := p.rate, "this load"
	if rate == 0 {
		rate, load = p.common/2, "half load"
	}
	bytes := min(10*rate, 1000) * 1e6
	meanwhile, stop := context.WithCancel(ctx)
	defer stop()
	type answers struct {
		took []time.Duration
		err  error
	}
	probing := make(chan answers, 1)
	go func() {
		took, err := probe(ctx, meanwhile, p.target.Plaintext)
		probing <- answers{took, err}
	}()
	late, noise, err := p.lateness(ctx, topic, rate*1e6, int(bytes))
	stop()
	alone := <-probing
	if err = errors.Join(err, alone.err); err != nil {
		return fmt.Errorf("row latency: %w", err)
	}
	fmt.Printf("\nAdded latency at %s (%.0f MB/s, %d batches of 128 KB, 8 partitions, plaintext): %s. Two consumers of the source differ by: %s. A producer that sends one such batch at a time to the target waits for its answer: %s.\n",
		load, rate, len(late), quantiles(late), quantiles(noise), quantiles(alone.took))
	return nil
}

// probed is the topic of probe.
const probed = "probed"

// probe sends a batch, waits until it is acknowledged and a little longer, and
// so on: what it waits for any mirror waits for too.
func probe(ctx, meanwhile context.Context, addr string) (took []time.Duration, err error) {
	batches, err := shape{128 << 10, batch.None, 1}.batches()
	if err != nil {
		return nil, err
	}
	producer, err := newRawProducer(ctx, addr, probed)
	if err != nil {
		return nil, err
	}
	defer producer.conn.Close()
	for meanwhile.Err() == nil {
		begun := time.Now()
		if err := producer.send(ctx, 0, batches[0]); err != nil {
			return nil, err
		}
		if err := producer.wait(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun))
		time.Sleep(20 * time.Millisecond)
	}
	return took, nil
}

func quantiles(d []time.Duration) string {
	slices.Sort(d)
	at := func(q float64) float64 { return d[int(q*float64(len(d)-1))].Seconds() * 1e3 }
	return fmt.Sprintf("median %.1f ms, p99 %.1f ms", at(0.5), at(0.99))
}

// lateness sends at a rate and gives for each batch how much later the target
// has it, and for comparison by how much two consumers of the source differ. The
// first tenth finds the mirror about to begin and does not count.
func (p *mirrorBench) lateness(ctx context.Context, topic string, rate float64, bytes int) (late, noise []time.Duration, err error) {
	batches, err := shape{128 << 10, batch.None, partitions}.batches()
	if err != nil {
		return nil, nil, err
	}
	n := max(100, bytes/len(batches[0]))
	type sight struct {
		seen map[batchID]time.Time
		err  error
	}
	var sights [3]chan sight
	for i, addr := range []string{p.source.Plaintext, p.target.Plaintext, p.source.Plaintext} {
		sights[i] = make(chan sight, 1)
		go func() {
			seen, err := watch(ctx, addr, topic, n)
			sights[i] <- sight{seen, err}
		}()
	}
	producer, err := newRawProducer(ctx, p.source.Plaintext, topic)
	if err != nil {
		return nil, nil, err
	}
	defer producer.conn.Close()
	begun := time.Now()
	for i := range n {
		time.Sleep(time.Until(begun.Add(time.Duration(float64(i*len(batches[0])) / rate * 1e9))))
		if err := producer.send(ctx, int32(i%partitions), batches[i%len(batches)]); err != nil {
			return nil, nil, err
		}
	}
	if err := producer.wait(); err != nil {
		return nil, nil, err
	}
	atSource, atTarget, again := <-sights[0], <-sights[1], <-sights[2]
	if err := errors.Join(atSource.err, atTarget.err, again.err); err != nil {
		return nil, nil, fmt.Errorf("watch: %w", err)
	}
	for id, then := range atSource.seen {
		if int64(id.last) <= int64(n/10/partitions)*int64(batches[0].Count()) {
			continue
		}
		now, ok := atTarget.seen[id]
		if !ok {
			return nil, nil, fmt.Errorf("the target has no batch that ends at %v", id)
		}
		late = append(late, now.Sub(then))
		noise = append(noise, again.seen[id].Sub(then).Abs())
	}
	return late, noise, nil
}

// batchID is a batch in a topic that is copied from its first record on, so that
// source and target count alike.
type batchID struct {
	partition int32
	last      kafka.Offset
}

// watch fetches a topic until so many batches have come, and notes when each did.
func watch(ctx context.Context, addr, topic string, batches int) (map[batchID]time.Time, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := client.NewConn(nc)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	seen := make(map[batchID]time.Time)
	var next [partitions]kafka.Offset
	var resp wire.FetchResponse
	var memory []byte
	for len(seen) < batches {
		req := wire.FetchRequest{ReplicaID: -1, MaxWaitMillis: 100, MinBytes: 1, MaxBytes: 4 << 20, SessionEpoch: -1, Topics: []wire.FetchTopic{{Name: topic}}}
		for i, offset := range next {
			req.Topics[0].Partitions = append(req.Topics[0].Partitions, wire.FetchPartition{
				Index: int32(i), LeaderEpoch: kafka.NoEpoch, Offset: offset, LastFetchedEpoch: kafka.NoEpoch, LogStart: -1, MaxBytes: 1 << 20})
		}
		if memory, err = conn.Fetch(ctx, &req, &resp, memory); err != nil {
			return nil, fmt.Errorf("after %d of %d batches: %w", len(seen), batches, err)
		}
		now := time.Now()
		for _, t := range resp.Topics {
			for _, part := range t.Partitions {
				if err := part.Error.Err(); err != nil {
					return nil, err
				}
				for rest := part.Records; len(rest) > 0; {
					var b batch.Batch
					if b, rest, err = batch.Split(rest); err != nil {
						break // the response ends within it
					}
					seen[batchID{part.Index, b.LastOffset()}] = now
					next[part.Index] = b.NextOffset()
				}
			}
		}
	}
	return seen, nil
}
