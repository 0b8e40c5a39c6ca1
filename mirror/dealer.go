package mirror

import (
	"context"
	"maps"
	"slices"
	"sync"

	"schloss/kafka"
)

// dealer is the Appender of a partition whose records go to several. It has one
// of its own for each of them, with its own producer: neither the order of this
// partition's batches nor the sequence of another's is to be disturbed.
type dealer struct {
	target Target
	stream int
	topic  string

	mu     sync.Mutex         // guards what follows
	to     map[int32]Appender // by partition of the target, opened when it is first written to
	closed bool
}

// Append deals the copies. Copies for one partition stay in order; Done of others
// may come earlier than of those before them.
func (d *dealer) Append(copies []Copy) {
	dealt := make(map[Appender][]Copy)
	d.mu.Lock()
	for _, c := range copies {
		p := c.Partition()
		if d.to[p] == nil && !d.closed {
			d.to[p] = d.target.Open(d.stream, kafka.TopicPartition{Topic: d.topic, Partition: p})
		}
		dealt[d.to[p]] = append(dealt[d.to[p]], c)
	}
	d.mu.Unlock()
	for to, some := range dealt {
		if to != nil {
			to.Append(some)
			continue
		}
		for _, c := range some {
			c.Done(kafka.NoOffset, errAppenderClosed)
		}
	}
}

// Close closes all of them at once: while one waits for its answers none may send
// more.
func (d *dealer) Close(ctx context.Context) {
	d.mu.Lock()
	d.closed = true
	opened := slices.Collect(maps.Values(d.to))
	d.mu.Unlock()
	var all sync.WaitGroup
	for _, a := range opened {
		all.Go(func() { a.Close(ctx) })
	}
	all.Wait()
}
