package group

import (
	"maps"
	"time"

	"schloss/kafka"
)

// Delete removes an empty group with its offsets (DeleteGroups); the reply
// comes once the tombstones are durable. Until then the group is Dead.
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

// ForgetTopic removes every committed offset of a topic that was deleted.
func (c *Coordinator) ForgetTopic(now time.Time, topic string) Effects {
	c.begin(now)
	for _, id := range sortedKeys(c.groups) {
		g := c.groups[id]
		gone := g.everCommitted()
		maps.DeleteFunc(gone, func(tp kafka.TopicPartition, _ struct{}) bool { return tp.Topic != topic })
		c.tombstone(g, sortedPartitions(gone))
	}
	return c.end()
}

// bury removes an empty group: it is Dead until its tombstones are durable,
// then forgotten. Where they cannot be written it is Empty again.
func (c *Coordinator) bury(g *group, done func(kafka.ErrorCode)) {
	writes := g.writes
	g.state = Dead
	outcome := kafka.NoError
	note := func(code kafka.ErrorCode) {
		if code != kafka.NoError {
			outcome = code
		}
	}
	for _, records := range batches(offsetTombstones(g.id, sortedPartitions(g.everCommitted()))) {
		c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
			note(code)
			if code == kafka.NoError {
				g.dropOffsets(records)
			}
		})
	}
	last := func(base kafka.Offset, code kafka.ErrorCode) {
		note(code)
		g.state = Empty
		switch {
		case outcome == kafka.NoError:
			c.forget(g)
		case code == kafka.NoError:
			g.record = kafka.NoOffset // gone, although its offsets stay
		}
		done(outcome)
	}
	if g.record == kafka.NoOffset && writes == 0 && len(g.offsets) == 0 {
		last(kafka.NoOffset, kafka.NoError) // the log knows nothing of it
		return
	}
	// The last tombstone may be of a record that was never written; it is the
	// one whose end says that all are durable.
	c.write(g, []Record{{Key: encodeGroupKey(g.id)}}, last)
}

// tombstone removes committed offsets; nobody waits for it.
func (c *Coordinator) tombstone(g *group, partitions []kafka.TopicPartition) {
	for _, records := range batches(offsetTombstones(g.id, partitions)) {
		c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
			if code == kafka.NoError {
				g.dropOffsets(records)
			}
		})
	}
}

// dropOffsets forgets the offsets of tombstones that are durable. Because
// writes take effect in the order of the log, what it finds is older.
func (g *group) dropOffsets(tombstones []Record) {
	for _, r := range tombstones {
		if k, err := decodeKey(r.Key); err == nil {
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
