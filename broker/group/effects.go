package group

import (
	"time"

	"schloss/kafka"
)

// Effects is what the caller of a verb has to do.
type Effects struct {
	// Writes are to be appended to the coordinator's partition in this order,
	// each as one batch. Each is answered by one call of Written.
	Writes []Write
	// Replies are to be called once each, outside of the coordinator's lock.
	// None of them waits for Writes.
	Replies []func()
}

// WriteID names a Write until Written has been called for it.
type WriteID uint64

// Write is one batch of records for __consumer_offsets. It is appended whole
// or not at all.
type Write struct {
	ID      WriteID
	Records []Record
}

// Record is one record of __consumer_offsets; a nil Value is a tombstone.
type Record struct {
	Key, Value []byte
}

// write is a Write under way: done takes effect in the order of the appends,
// so a write that ended before its predecessors waits for them.
type write struct {
	id    WriteID
	group *group
	count int // records
	done  func(base kafka.Offset, code kafka.ErrorCode)

	ended bool
	base  kafka.Offset
	code  kafka.ErrorCode
}

// begin starts a verb: everything until end happens at now.
func (c *Coordinator) begin(now time.Time) { c.now = now }

// end gives the effects of the verb under way.
func (c *Coordinator) end() Effects {
	fx := c.fx
	c.fx = Effects{}
	return fx
}

func (c *Coordinator) reply(f func()) { c.fx.Replies = append(c.fx.Replies, f) }

// write asks for records about a group to be appended. done is called with the
// offset of the first one and NoError once they are durable, or with the
// append's failure.
func (c *Coordinator) write(g *group, records []Record, done func(base kafka.Offset, code kafka.ErrorCode)) {
	c.lastWrite++
	g.writes++
	c.writes = append(c.writes, &write{id: c.lastWrite, group: g, count: len(records), done: done})
	c.fx.Writes = append(c.fx.Writes, Write{ID: c.lastWrite, Records: records})
}

// Written tells how the append of a Write ended: code is NoError once its
// records, of which the first got the offset base, are durable. Any other code
// undoes the change and is answered as Kafka does for that failure.
func (c *Coordinator) Written(now time.Time, id WriteID, base kafka.Offset, code kafka.ErrorCode) Effects {
	c.begin(now)
	for _, w := range c.writes {
		if w.id == id {
			w.ended, w.base, w.code = true, base, code
		}
	}
	for len(c.writes) > 0 && c.writes[0].ended {
		w := c.writes[0]
		c.writes = c.writes[1:]
		c.finish(w)
	}
	return c.end()
}

func (c *Coordinator) finish(w *write) {
	w.group.writes--
	if w.code == kafka.NoError {
		c.applied = max(c.applied, w.base+kafka.Offset(w.count))
	}
	w.done(w.base, w.code)
	c.settle(w.group)
}

// answerFor is what a client is told of a failed append (Kafka:
// GroupMetadataManager.appendGroupMetadataErrorToResponseError). tooLarge is
// the answer where the client's own data was too much.
func answerFor(code, tooLarge kafka.ErrorCode) kafka.ErrorCode {
	switch code {
	case kafka.ErrUnknownTopicOrPartition, kafka.ErrRequestTimedOut:
		return kafka.ErrCoordinatorNotAvailable
	case kafka.ErrNotLeaderOrFollower, kafka.ErrKafkaStorageError:
		return kafka.ErrNotCoordinator
	case kafka.ErrMessageTooLarge, kafka.ErrRecordListTooLarge, kafka.ErrInvalidFetchSize:
		return tooLarge
	}
	return code
}
