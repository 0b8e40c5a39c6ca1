package batch

import (
	"encoding/binary"

	"schloss/kafka"
)

// HeaderSize is the length of a v2 batch that holds no record.
const HeaderSize = 61

// Positions of the header's fields (docs/format/record-batch.md). The CRC
// covers everything from the attributes on, so what stands before them may be
// stamped in place.
const (
	baseOffsetAt      = 0
	lengthAt          = 8
	leaderEpochAt     = 12
	magicAt           = 16
	crcAt             = 17
	attributesAt      = 21
	lastOffsetDeltaAt = 23
	baseTimestampAt   = 27
	maxTimestampAt    = 35
	producerIDAt      = 43
	producerEpochAt   = 51
	baseSequenceAt    = 53
	countAt           = 57

	// prefixSize is what the length field does not count: offset and itself.
	prefixSize = 12
	magic2     = 2
)

// Batch is exactly one whole record batch of format v2, as Split gives it.
// Its methods panic on anything shorter than HeaderSize.
type Batch []byte

// BaseOffset is the offset of the first record, also where compaction has
// taken that record away.
func (b Batch) BaseOffset() kafka.Offset { return kafka.Offset(b.int64(baseOffsetAt)) }

// Length is the length field: the bytes behind it.
func (b Batch) Length() int32 { return b.int32(lengthAt) }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() kafka.Epoch { return kafka.Epoch(b.int32(leaderEpochAt)) }

// Magic is the format version.
func (b Batch) Magic() int8 { return int8(b[magicAt]) }

// CRC is the CRC32C field, which covers everything behind it.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[crcAt:]) }

// Attributes are the flags of the batch.
func (b Batch) Attributes() Attributes { return Attributes(b.int16(attributesAt)) }

// LastOffsetDelta is the distance from the base offset to the last one.
func (b Batch) LastOffsetDelta() int32 { return b.int32(lastOffsetDeltaAt) }

// LastOffset is the offset of the last record.
func (b Batch) LastOffset() kafka.Offset { return b.BaseOffset() + kafka.Offset(b.LastOffsetDelta()) }

// NextOffset is the offset behind the last record.
func (b Batch) NextOffset() kafka.Offset { return b.LastOffset() + 1 }

// BaseTimestamp is what the records' timestamp deltas count from, in
// milliseconds; with the DeleteHorizon flag it is that horizon too.
func (b Batch) BaseTimestamp() int64 { return b.int64(baseTimestampAt) }

// MaxTimestamp is the largest timestamp, in milliseconds.
func (b Batch) MaxTimestamp() int64 { return b.int64(maxTimestampAt) }

// ProducerID is the idempotent producer that made the batch, or NoProducerID.
func (b Batch) ProducerID() kafka.ProducerID { return kafka.ProducerID(b.int64(producerIDAt)) }

// ProducerEpoch is the epoch of that producer, or -1.
func (b Batch) ProducerEpoch() int16 { return b.int16(producerEpochAt) }

// BaseSequence is the producer's sequence number of the first record, or -1.
func (b Batch) BaseSequence() int32 { return b.int32(baseSequenceAt) }

// Count is the number of records the batch says it holds.
func (b Batch) Count() int32 { return b.int32(countAt) }

func (b Batch) int16(at int) int16 { return int16(binary.BigEndian.Uint16(b[at:])) }
func (b Batch) int32(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
func (b Batch) int64(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

// Attributes are the flags in a batch's header.
type Attributes int16

// The bits of Attributes. Those above DeleteHorizonBit are unused.
const (
	codecMask        Attributes = 0x07
	LogAppendTimeBit Attributes = 1 << 3
	TransactionalBit Attributes = 1 << 4
	ControlBit       Attributes = 1 << 5
	DeleteHorizonBit Attributes = 1 << 6
)

// Codec is how the records are compressed.
func (a Attributes) Codec() Codec { return Codec(a & codecMask) }

// LogAppendTime says that the broker's clock gave the timestamp: the max
// timestamp of the batch holds for each of its records.
func (a Attributes) LogAppendTime() bool { return a&LogAppendTimeBit != 0 }

// Transactional says that the records belong to a transaction.
func (a Attributes) Transactional() bool { return a&TransactionalBit != 0 }

// Control says that the one record is a marker, not data.
func (a Attributes) Control() bool { return a&ControlBit != 0 }

// DeleteHorizon says that the base timestamp is when tombstones may go.
func (a Attributes) DeleteHorizon() bool { return a&DeleteHorizonBit != 0 }

// Header is the header of a batch as values.
type Header struct {
	BaseOffset      kafka.Offset
	Size            int // of the whole batch, header included
	LeaderEpoch     kafka.Epoch
	Magic           int8
	CRC             uint32
	Attributes      Attributes
	LastOffsetDelta int32
	BaseTimestamp   int64
	MaxTimestamp    int64
	ProducerID      kafka.ProducerID
	ProducerEpoch   int16
	BaseSequence    int32
	Count           int32
}

// Header reads the header. Only the first HeaderSize bytes need be there, so
// that a log may read no more than those.
func (b Batch) Header() Header {
	return Header{
		BaseOffset:      b.BaseOffset(),
		Size:            prefixSize + int(b.Length()),
		LeaderEpoch:     b.LeaderEpoch(),
		Magic:           b.Magic(),
		CRC:             b.CRC(),
		Attributes:      b.Attributes(),
		LastOffsetDelta: b.LastOffsetDelta(),
		BaseTimestamp:   b.BaseTimestamp(),
		MaxTimestamp:    b.MaxTimestamp(),
		ProducerID:      b.ProducerID(),
		ProducerEpoch:   b.ProducerEpoch(),
		BaseSequence:    b.BaseSequence(),
		Count:           b.Count(),
	}
}

// LastOffset is the offset of the last record.
func (h Header) LastOffset() kafka.Offset { return h.BaseOffset + kafka.Offset(h.LastOffsetDelta) }

// NextOffset is the offset behind the last record.
func (h Header) NextOffset() kafka.Offset { return h.LastOffset() + 1 }
