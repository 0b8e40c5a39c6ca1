package group

import (
	"maps"
	"time"

	"schloss/kafka"
)

// Delete removes an empty group with its offsets (DeleteGroups); the reply
// comes once the tombstones are durable. Until then the group is Dead.
//
// Differs from Kafka: there a group is gone before its tombstones are written,
// and comes back with the next restart if they were not.
func (c *Coordinator) Delete(now time.Time, group string, reply func(kafka.ErrorCode)) Effects {
	c.begin(now)
	g := c.groups[group]
	code := c.check(group)
	switch {
	case code != kafka.NoError:
	case g == nil || g.state == Dead:
		code = kafka.ErrGroupIDNotFound
	case g.state != Empty:
		code = kafka.ErrNonEmptyGroup
	}
	if code != kafka.NoError {
		c.reply(func() { reply(code) })
		return c.end()
	}
	c.bury(g, func(code kafka.ErrorCode) {
		c.reply(func() { reply(answerFor(code, kafka.ErrUnknownServerError)) })
	})
	return c.end()
}

// ForgetTopics removes every committed offset of topics that are gone.
func (c *Coordinator) ForgetTopics(now time.Time, gone func(topic string) bool) Effects {
	c.begin(now)
	for _, id := range sortedKeys(c.groups) {
		g := c.groups[id]
		dead := g.everCommitted()
		maps.DeleteFunc(dead, func(tp kafka.TopicPartition, _ struct{}) bool { return !gone(tp.Topic) })
		c.tombstone(g, sortedPartitions(dead))
	}
	return c.end()
}

// bury removes an empty group: it is Dead until its tombstones are durable,
// then forgotten. Where they cannot be written it is Empty again.
func (c *Coordinator) bury(g *group, done func(kafka.ErrorCode)) {
	tombstones := offsetTombstones(g.id, sortedPartitions(g.everCommitted()))
	if g.record != kafka.NoOffset || g.writes > 0 {
		tombstones = append(tombstones, Record{Key: encodeGroupKey(g.id)})
	}
	if len(tombstones) == 0 { // the log knows nothing of it
		c.forget(g)
		done(kafka.NoError)
		return
	}
	g.state = Dead
	c.entomb(g, tombstones, func(code kafka.ErrorCode) {
		g.state = Empty
		if code == kafka.NoError {
			c.forget(g)
		}
		done(code)
	})
}

// tombstone removes committed offsets; nobody waits for it.
func (c *Coordinator) tombstone(g *group, partitions []kafka.TopicPartition) {
	c.entomb(g, offsetTombstones(g.id, partitions), func(kafka.ErrorCode) {})
}

// drop forgets what durable tombstones say. Because writes take effect in the
// order of the log, what it finds is older.
func (g *group) drop(tombstones []Record) {
	for _, r := range tombstones {
		switch k, err := decodeKey(r.Key); {
		case err != nil:
		case k.kind == groupKeyV2:
			g.record = kafka.NoOffset
		default:
			delete(g.offsets, k.partition)
		}
	}
}

// everCommitted is every partition that has a commit, or will have one when
// the writes under way have ended.
func (g *group) everCommitted() map[kafka.TopicPartition]struct{} {
	all := make(map[kafka.TopicPartition]struct{}, len(g.offsets)+len(g.committing))
	for tp := range g.offsets {
		all[tp] = struct{}{}
	}
	for tp := range g.committing {
		all[tp] = struct{}{}
	}
	return all
}

func offsetTombstones(group string, partitions []kafka.TopicPartition) []Record {
	out := make([]Record, len(partitions))
	for i, tp := range partitions {
		out[i].Key = encodeOffsetKey(group, tp)
	}
	return out
}

// maxTombstoneBytes bounds one batch of tombstones well below the least
// sensible max.message.bytes of __consumer_offsets.
const maxTombstoneBytes = 256 << 10

// batches cuts tombstones into batches.
func batches(tombstones []Record) [][]Record {
	var out [][]Record
	size := 0
	for i, r := range tombstones {
		if i == 0 || size+len(r.Key) > maxTombstoneBytes {
			out, size = append(out, nil), 0
		}
		size += len(r.Key)
		out[len(out)-1] = append(out[len(out)-1], r)
	}
	return out
}
