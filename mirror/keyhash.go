package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"schloss/client"
	"schloss/kafka"
)

// Partitioning is to which partition of the target a record goes.
type Partitioning string

// The partitionings.
const (
	// SamePartition keeps the source's partition.
	SamePartition Partitioning = "same"
	// KeyHash is that of Kafka's producers, and so of MirrorMaker 1: by the key,
	// over as many partitions as the target's topic has now. Records without a key
	// go by the number of their partition, so that they stay in order.
	KeyHash Partitioning = "key-hash"
)

// checkPartitioning refuses what cannot be had together. What the stronger
// deliveries know of the target, and where a group goes on, is said by the offset
// map of each partition; where records of one partition go to many, and those of
// many to one, there is none.
func checkPartitioning(c Config) error {
	switch c.Partitioning {
	case "", SamePartition:
		return nil
	case KeyHash:
	default:
		return &client.SettingError{Key: "partitioning", Value: string(c.Partitioning), Problem: "want same or key-hash"}
	}
	switch {
	case c.Delivery != "" && c.Delivery != AtLeastOnce:
		return &client.SettingError{Key: "partitioning", Value: string(c.Partitioning), Problem: "it copies at-least-once, not " + string(c.Delivery)}
	case c.SyncGroups != "":
		return &client.SettingError{Key: "partitioning", Value: string(c.Partitioning), Problem: "it keeps no offset maps, by which groups are brought over"}
	}
	return nil
}

// byKey is at-least-once, to partitions that the keys choose.
type byKey struct{ atLeastOnce }

// own has the journal forget the map of an earlier mirror that kept partitions:
// the position moves on without it now, and it would pass for one that reaches
// there.
func (b *byKey) own(ctx context.Context, claims []*claim) error {
	journal := b.m.journal
	if journal == nil {
		return nil
	}
	state := make(map[kafka.TopicPartition]entry)
	for _, c := range claims {
		if before, ok := journal.entry(c.p.tp); ok && !before.byKey {
			e := c.at.entry(c.p.id)
			e.byKey = true
			state[c.p.tp] = e
		}
	}
	if len(state) == 0 {
		return nil
	}
	return journal.write(ctx, state)
}

func (b *byKey) open(stream int, c *claim) Appender {
	return &dealer{target: b.m.target, stream: stream, topic: c.p.tp.Topic, to: make(map[int32]Appender)}
}

// recount has records dealt by the number of partitions that the target's topics
// have now, as Kafka's producers do: what is under way goes where it went. Where
// partitions are gone, the topic is another one, and what was for them is read
// again.
func (m *Mirror) recount() {
	told := make(map[string]string)
	for _, s := range m.streams {
		var gone []*partition
		s.mu.Lock()
		for _, p := range s.partitions {
			before := p.partitions
			if before == 0 { // nothing is dealt, or it is halted before anything was
				continue
			}
			now := m.target.Partitions(p.tp.Topic)
			if now == 0 || before == now {
				continue
			}
			told[p.tp.Topic] = fmt.Sprintf("topic %s has %d partitions on the target now, %d before: from here on keys go by that", p.tp.Topic, now, before)
			if p.partitions = now; now < before && p.halt == nil {
				p.ahead = ahead{}
				gone = append(gone, p)
			}
		}
		s.mu.Unlock()
		for _, p := range gone {
			s.redo(p)
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(told)) {
		m.notice(told[topic])
	}
}
