package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/peers"
)

const (
	recordSize = 1000 // bytes of value
	partitions = 8
)

// loader moves records to and from one broker and takes its CPU time.
type loader struct {
	addr   string
	pid    int
	secure *tls.Config
}

func (l loader) client(opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append(opts, kgo.SeedBrokers(l.addr))
	if l.secure != nil {
		opts = append(opts, kgo.DialTLSConfig(l.secure))
	}
	return kgo.NewClient(opts...)
}

// timed runs do and gives the cost to the measured process.
func (l loader) timed(records int, do func() error) (load, error) {
	before, err := peers.UsageOf(l.pid)
	if err != nil {
		return load{}, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return load{}, err
	}
	took := time.Since(start)
	after, err := peers.UsageOf(l.pid)
	if err != nil {
		return load{}, err
	}
	bytes := float64(records) * recordSize
	return load{cpuPerGB: (after.CPU - before.CPU).Seconds() / bytes * 1e9, mbPerSecond: bytes / 1e6 / took.Seconds()}, nil
}

func (l loader) produce(ctx context.Context, topic string, records int) (load, error) {
	c, err := l.client(kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(128<<10), kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return load{}, err
	}
	defer c.Close()
	r, err := kadm.NewClient(c).CreateTopic(ctx, partitions, 1, nil, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return load{}, fmt.Errorf("create %s: %w %s", topic, err, r.ErrMessage)
	}
	value := make([]byte, recordSize)
	if _, err := rand.Read(value); err != nil {
		return load{}, err
	}
	return l.timed(records, func() error {
		var first error
		var once sync.Once
		for range records {
			c.Produce(ctx, kgo.SliceRecord(value), func(_ *kgo.Record, err error) {
				if err != nil {
					once.Do(func() { first = err })
				}
			})
		}
		if err := c.Flush(ctx); err != nil {
			return err
		}
		return first
	})
}

func (l loader) fetch(ctx context.Context, topic string, records int) (load, error) {
	c, err := l.client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(2<<20))
	if err != nil {
		return load{}, err
	}
	defer c.Close()
	return l.timed(records, func() error {
		for seen := 0; seen < records; {
			fetches := c.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				return err
			}
			seen += fetches.NumRecords()
		}
		return nil
	})
}

// ends is the sum of the end offsets of a topic.
func (l loader) ends(ctx context.Context, topic string) (int64, error) {
	c, err := l.client()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	listed, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	var sum int64
	listed.Each(func(o kadm.ListedOffset) { sum += max(o.Offset, 0) })
	return sum, nil
}
