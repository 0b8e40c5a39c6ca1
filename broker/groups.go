package broker

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"schloss/broker/group"
	"schloss/kafka"
	"schloss/store"
)

// groups are the group coordinators of this broker, one shard for each
// partition of __consumer_offsets.
type groups struct {
	b *Broker

	mu     sync.RWMutex // guards shards
	shards []*shard     // nil until the topic exists
}

// open makes a shard of every partition of __consumer_offsets, if there is
// such a topic yet. They are still to be loaded.
func (g *groups) open() []*shard {
	t := g.b.topics.named(kafka.ConsumerOffsetsTopic)
	if t == nil {
		return nil
	}
	shards := make([]*shard, len(t.replicas()))
	for i, r := range t.replicas() {
		cfg := g.b.set.groups
		cfg.NewUUID = g.b.newUUID
		shards[i] = newShard(g.b, r, cfg)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shards = shards
	return shards
}

// load opens the shards of an earlier life and reads them beside the requests,
// which are told to come again until then.
func (g *groups) load() {
	shards := g.open()
	g.b.loops.Go(func() {
		for _, s := range shards {
			if g.b.stopped.Err() != nil {
				return
			}
			s.load()
		}
	})
}

// ensure makes __consumer_offsets, when the first group shows up.
func (g *groups) ensure() error {
	if g.count() > 0 {
		return nil
	}
	b := g.b
	b.changing.Lock()
	defer b.changing.Unlock()
	if g.count() > 0 {
		return nil
	}
	t := store.Topic{Name: kafka.ConsumerOffsetsTopic, ID: b.newID(), Partitions: b.set.offsetsPartitions, Configs: map[string]string{
		"cleanup.policy": "compact",
		"segment.bytes":  fmt.Sprint(b.set.offsetsSegment),
	}}
	if err := b.createTopic(t); err != nil {
		return err
	}
	for _, s := range g.open() {
		s.load() // empty: there is nothing to wait for
	}
	return nil
}

func (g *groups) count() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.shards)
}

// shard is the one that coordinates a group, or why none can.
func (g *groups) shard(name string) (*shard, error) {
	if err := g.ensure(); err != nil {
		g.b.log.Error("create "+kafka.ConsumerOffsetsTopic, "error", err)
		return nil, kafka.ErrCoordinatorNotAvailable
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	s := g.shards[group.PartitionFor(name, int32(len(g.shards)))]
	if _, err := s.replica.lead(); err != nil {
		if codeOf(err) == kafka.ErrNotLeaderOrFollower {
			return nil, kafka.ErrNotCoordinator
		}
		return nil, kafka.ErrCoordinatorNotAvailable
	}
	return s, nil
}

func (g *groups) all() []*shard {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.shards
}

func (g *groups) forgetTopic(name string) {
	for _, s := range g.all() {
		s.forgetTopic(name)
	}
}

// close stops the timers and gives up every waiting member.
func (g *groups) close() {
	for _, s := range g.all() {
		s.close()
	}
}

// newUUID is a random UUID as text, which member ids end in.
func (b *Broker) newUUID() string {
	id := b.newID()
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// rewriteLoop shortens shards that have grown, one at a time.
func (b *Broker) rewriteLoop() {
	every(b.stopped, rewriteCheck, func() {
		for _, s := range b.groups.all() {
			if b.stopped.Err() != nil {
				return
			}
			if err := s.rewriteIfGrown(); err != nil {
				b.log.Error("rewrite group partition", "partition", s.replica.tp.String(), "error", err)
			}
		}
	})
}

// every calls do each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}
