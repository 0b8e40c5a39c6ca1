package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// shape is how the records of a topic lie in it.
type shape struct {
	batchSize  int // bytes as they travel, as batch.size of a producer that has enough to send
	codec      batch.Codec
	partitions int32
}

// distinct is how many different batches a topic is made of; they follow each
// other again and again. Nobody compresses across batches.
const distinct = 16

// batches makes batches of records of random words. They have no producer, so
// that they can be sent as often as one likes.
func (s shape) batches() ([]batch.Batch, error) {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4096)
	for i := range words {
		letters := make([]byte, 3+random.IntN(9))
		for j := range letters {
			letters[j] = byte('a' + random.IntN(26))
		}
		words[i] = string(letters)
	}
	value := func() []byte {
		var text strings.Builder
		for text.Len() < recordSize {
			text.WriteString(words[random.IntN(len(words))])
			text.WriteByte(' ')
		}
		return []byte(text.String()[:recordSize])
	}
	build := func(records int) (batch.Batch, error) {
		b := batch.NewBuilder(s.codec)
		now := time.Now().UnixMilli()
		for i := range records {
			b.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: now, Value: value()})
		}
		return b.Build()
	}
	const overhead = 12 // of a record of this size, at most
	sample := s.batchSize / (recordSize + overhead)
	tried, err := build(sample)
	if err != nil {
		return nil, err
	}
	records := int(float64(sample) * min(8, float64(s.batchSize)/float64(len(tried))))
	out := make([]batch.Batch, distinct)
	for i := range out {
		if out[i], err = build(records); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// written is what a topic was filled with.
type written struct {
	records int64
	stored  int64 // bytes as batches
}

// GB is the record data, uncompressed, in 10^9 bytes.
func (w written) GB() float64 { return float64(w.records) * recordSize / 1e9 }

// fill creates the topic and writes so many GB of records into it, evenly over
// its partitions, as whole batches.
func fill(ctx context.Context, addr, topic string, s shape, gb float64) (w written, err error) {
	if err := createTopic(ctx, addr, topic, s.partitions); err != nil {
		return w, err
	}
	batches, err := s.batches()
	if err != nil {
		return w, err
	}
	p, err := newRawProducer(ctx, addr, topic)
	if err != nil {
		return w, err
	}
	defer p.conn.Close()
	for i := 0; w.GB() < gb; i++ {
		b := batches[i%len(batches)]
		if err := p.send(ctx, int32(i)%s.partitions, b); err != nil {
			return w, err
		}
		w.records += int64(b.Count())
		w.stored += int64(len(b))
	}
	return w, p.wait()
}

// rawProducer sends batches that are made already.
type rawProducer struct {
	conn   *client.Conn
	topic  string
	slots  chan struct{} // one for each request under way
	flying sync.WaitGroup

	mu  sync.Mutex // guards err
	err error      // the first
}

func newRawProducer(ctx context.Context, addr, topic string) (*rawProducer, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &rawProducer{conn: client.NewConn(nc), topic: topic, slots: make(chan struct{}, 8)}, nil
}

func (p *rawProducer) send(ctx context.Context, partition int32, b batch.Batch) error {
	p.slots <- struct{}{}
	req := &wire.ProduceRequest{Acks: -1, TimeoutMillis: 30_000, Topics: []wire.ProduceTopic{
		{Name: p.topic, Partitions: []wire.ProducePartition{{Index: partition, Records: b}}}}}
	p.flying.Add(1)
	err := p.conn.Produce(ctx, req, func(resp *wire.ProduceResponse, err error) {
		if err == nil {
			err = resp.Topics[0].Partitions[0].Error.Err()
		}
		p.note(err)
		<-p.slots
		p.flying.Done()
	})
	if err != nil {
		p.flying.Done()
		return err
	}
	return p.failed()
}

func (p *rawProducer) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, err)
}

func (p *rawProducer) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// wait waits for all answers.
func (p *rawProducer) wait() error {
	p.flying.Wait()
	return p.failed()
}

func withAdmin(addr string, do func(*kadm.Client) error) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer c.Close()
	return do(kadm.NewClient(c))
}

// createTopic creates a topic and waits until all of it is led.
func createTopic(ctx context.Context, addr, topic string, partitions int32) error {
	return withAdmin(addr, func(a *kadm.Client) error {
		if _, err := a.CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
			return fmt.Errorf("create %s: %w", topic, err)
		}
		for ctx.Err() == nil {
			ends, err := a.ListEndOffsets(ctx, topic)
			if err == nil && ends.Error() == nil && len(ends[topic]) == int(partitions) {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
		return ctx.Err()
	})
}

func deleteTopic(ctx context.Context, addr, topic string) error {
	return withAdmin(addr, func(a *kadm.Client) error {
		if _, err := a.DeleteTopic(ctx, topic); err != nil {
			return fmt.Errorf("delete %s: %w", topic, err)
		}
		return nil
	})
}
