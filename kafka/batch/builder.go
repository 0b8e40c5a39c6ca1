package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"schloss/kafka"
)

// Builder makes a batch of records. Its first record gives the base timestamp
// and, without Span, the base offset. The exported fields may be set until
// Build; Reset gives them what producers without a transaction send.
type Builder struct {
	Attributes    Attributes // but for the codec, which NewBuilder was told
	ProducerID    kafka.ProducerID
	ProducerEpoch int16
	BaseSequence  int32
	LeaderEpoch   kafka.Epoch

	codec         Codec
	payload       []byte // the records, uncompressed
	count         int32
	base, last    kafka.Offset
	spanned       bool // base and last were told by Span
	next          kafka.Offset
	baseTimestamp int64
	maxTimestamp  int64
	err           error // why Build will refuse
}

// NewBuilder makes an empty builder.
func NewBuilder(codec Codec) *Builder {
	b := &Builder{codec: codec}
	b.Reset()
	return b
}

// Reset empties the builder and gives the exported fields their first values:
// no attributes, no producer, no leader epoch.
func (b *Builder) Reset() {
	*b = Builder{
		ProducerID:    kafka.NoProducerID,
		ProducerEpoch: -1,
		BaseSequence:  -1,
		LeaderEpoch:   kafka.NoEpoch,
		codec:         b.codec,
		payload:       b.payload[:0],
		baseTimestamp: -1,
		maxTimestamp:  -1,
	}
}

// Span gives an empty builder the offsets that the batch is to cover also
// where no record has them, as compaction must: the last offset, and with it
// the last sequence number of a producer, outlives its record. A batch with a
// span may have no record at all.
func (b *Builder) Span(base, last kafka.Offset) {
	b.base, b.last, b.next, b.spanned = base, last, base, true
}

// Grow makes room for records of so many bytes.
func (b *Builder) Grow(bytes int) { b.payload = slices.Grow(b.payload, bytes) }

// Add appends a record, which it does not alias. Offsets must grow within what
// the batch can hold; Build tells if they did not.
func (b *Builder) Add(r Record) {
	if b.count == 0 {
		b.baseTimestamp, b.maxTimestamp = r.Timestamp, r.Timestamp
		if !b.spanned {
			b.base, b.next = r.Offset, r.Offset
		}
	}
	delta := r.Offset - b.base
	switch {
	case b.err != nil:
		return
	case r.Offset < b.next || delta > math.MaxInt32 || b.spanned && r.Offset > b.last:
		b.err = fmt.Errorf("build record batch: offset %d cannot follow %d in a batch from %d", r.Offset, b.next-1, b.base)
		return
	case b.count == math.MaxInt32:
		b.err = errors.New("build record batch: too many records")
		return
	}
	b.next = r.Offset + 1
	b.maxTimestamp = max(b.maxTimestamp, r.Timestamp)
	if !b.spanned {
		b.last = r.Offset
	}
	b.count++
	b.payload = appendRecord(b.payload, r.Timestamp-b.baseTimestamp, int64(delta), &r)
}

// Len is the number of records.
func (b *Builder) Len() int { return int(b.count) }

// Size is the size of the batch before compression.
func (b *Builder) Size() int { return HeaderSize + len(b.payload) }

// Build makes the batch, which does not alias the builder's buffers. The
// builder keeps its records until Reset.
func (b *Builder) Build() (Batch, error) {
	switch {
	case b.err != nil:
		return nil, b.err
	case b.count == 0 && !b.spanned:
		return nil, errors.New("build record batch: no records")
	case b.last-b.base < 0 || b.last-b.base > math.MaxInt32:
		return nil, fmt.Errorf("build record batch: it cannot span offsets %d to %d", b.base, b.last)
	}
	out := make(Batch, HeaderSize, b.Size())
	codec := b.codec
	if b.count == 0 {
		codec = None // there is nothing to decompress
	}
	out, err := appendCompressed(out, codec, b.payload)
	if err != nil {
		return nil, fmt.Errorf("build record batch: compress with %v: %w", codec, err)
	}
	if len(out) > math.MaxInt32 {
		return nil, fmt.Errorf("build record batch: %d bytes are too many", len(out))
	}
	out.StampAppend(b.base, b.LeaderEpoch)
	out.put32(lengthAt, int32(len(out)-prefixSize))
	out[magicAt] = magic2
	out.put16(attributesAt, int16(b.Attributes&^codecMask|Attributes(codec)))
	out.put32(lastOffsetDeltaAt, int32(b.last-b.base))
	out.put64(baseTimestampAt, b.baseTimestamp)
	out.put64(maxTimestampAt, b.maxTimestamp)
	out.put64(producerIDAt, int64(b.ProducerID))
	out.put16(producerEpochAt, b.ProducerEpoch)
	out.put32(baseSequenceAt, b.BaseSequence)
	out.put32(countAt, b.count)
	binary.BigEndian.PutUint32(out[crcAt:], out.sum())
	return out, nil
}

func appendRecord(dst []byte, timestampDelta, offsetDelta int64, r *Record) []byte {
	size := 1 + varintLen(timestampDelta) + varintLen(offsetDelta) +
		bytesLen(r.Key) + bytesLen(r.Value) + varintLen(int64(len(r.Headers)))
	for _, h := range r.Headers {
		size += varintLen(int64(len(h.Key))) + len(h.Key) + bytesLen(h.Value)
	}
	dst = binary.AppendVarint(dst, int64(size))
	dst = append(dst, 0) // attributes: unused
	dst = binary.AppendVarint(dst, timestampDelta)
	dst = binary.AppendVarint(dst, offsetDelta)
	dst = appendBytes(dst, r.Key)
	dst = appendBytes(dst, r.Value)
	dst = binary.AppendVarint(dst, int64(len(r.Headers)))
	for _, h := range r.Headers {
		dst = binary.AppendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendBytes(dst, h.Value)
	}
	return dst
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func bytesLen(b []byte) int {
	if b == nil {
		return 1
	}
	return varintLen(int64(len(b))) + len(b)
}

func varintLen(v int64) int {
	n := 1
	for u := uint64(v)<<1 ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
