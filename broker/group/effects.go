package group

import (
	"time"

	"schloss/kafka"
)

// Effects is what the caller of a verb has to do, in the order of the fields
// and outside of every lock that a reply may need.
type Effects struct {
	// Writes are to be appended to the coordinator's partition in this order,
	// each as one batch. Each is answered by one call of Written.
	Writes []Write
	// Replies are to be called once each. None of them waits for Writes.
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

// Written tells how the append of a Write ended: code is NoError once its
// records, of which the first got the offset base, are durable. Any other code
// undoes the change and is answered as Kafka does for that failure.
func (c *Coordinator) Written(now time.Time, id WriteID, base kafka.Offset, code kafka.ErrorCode) Effects {
	return Effects{}
}
