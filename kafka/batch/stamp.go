package batch

import (
	"encoding/binary"

	"schloss/kafka"
)

// StampAppend sets what the leader gives a batch when it appends it. Both
// fields are outside the CRC.
func (b Batch) StampAppend(base kafka.Offset, epoch kafka.Epoch) {
	binary.BigEndian.PutUint64(b[baseOffsetAt:], uint64(base))
	binary.BigEndian.PutUint32(b[leaderEpochAt:], uint32(epoch))
}

// StampLogAppendTime gives all records the broker's time, in milliseconds.
func (b Batch) StampLogAppendTime(ms int64) {
	old := b.headerSum()
	b.put16(attributesAt, int16(b.Attributes()|LogAppendTimeBit))
	b.put64(maxTimestampAt, ms)
	b.patchCRC(old)
}

// StampMaxTimestamp corrects the max timestamp of a batch whose records keep
// their own timestamps. Kafka does that when a producer told a wrong one.
func (b Batch) StampMaxTimestamp(ms int64) {
	old := b.headerSum()
	b.put64(maxTimestampAt, ms)
	b.patchCRC(old)
}

// Rewrite is what a mirror changes in a batch that it passes on as bytes.
type Rewrite struct {
	Attributes    Attributes // all but the codec, which stays as it is
	ProducerID    kafka.ProducerID
	ProducerEpoch int16
	BaseSequence  int32
}

// Rewrite makes the batch one that a producer may send: base offset 0, no
// leader epoch, and what r says. The CRC is patched from the change alone:
// bytes that were damaged before are still told by it afterwards.
func (b Batch) Rewrite(r Rewrite) {
	b.StampAppend(0, kafka.NoEpoch)
	old := b.headerSum()
	b.put16(attributesAt, int16(r.Attributes&^codecMask|b.Attributes()&codecMask))
	b.put64(producerIDAt, int64(r.ProducerID))
	b.put16(producerEpochAt, r.ProducerEpoch)
	b.put32(baseSequenceAt, r.BaseSequence)
	b.patchCRC(old)
}

func (b Batch) put16(at int, v int16) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
func (b Batch) put32(at int, v int32) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
func (b Batch) put64(at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
