package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"schloss/kafka"
)

// Join makes one uncompressed batch of several, with offsets from 0 on, in the
// memory of dst if it is large enough. It is the Builder's work at a quarter of
// its cost: behind a record's time and offset, which count from its batch's
// header, nothing changes. All that the batches say of themselves is verified.
func Join(dst []byte, batches ...Batch) (Batch, error) {
	bytes, count := HeaderSize, int64(0)
	for _, b := range batches {
		if err := b.Check(); err != nil {
			return nil, err
		}
		if b.Attributes().Codec() != None {
			return nil, b.corrupt(errors.New("it is compressed"))
		}
		if err := b.countFits(b[HeaderSize:]); err != nil {
			return nil, err
		}
		bytes, count = bytes+len(b), count+int64(b.Count())
	}
	if count == 0 || count > math.MaxInt32 || bytes > math.MaxInt32/2 {
		return nil, fmt.Errorf("join record batches: %d records of %d bytes make none", count, bytes)
	}
	j := joined{out: slices.Grow(dst[:0], JoinedSize(batches...))[:HeaderSize]}
	for _, b := range batches {
		if err := j.add(b); err != nil {
			return nil, err
		}
	}
	out := j.out
	clear(out[:HeaderSize])
	out.StampAppend(0, kafka.NoEpoch)
	out.put32(lengthAt, int32(len(out)-prefixSize))
	out[magicAt] = magic2
	out.put32(lastOffsetDeltaAt, j.count-1)
	out.put64(baseTimestampAt, j.baseTimestamp)
	out.put64(maxTimestampAt, j.maxTimestamp)
	out.put64(producerIDAt, int64(kafka.NoProducerID))
	out.put16(producerEpochAt, -1)
	out.put32(baseSequenceAt, -1)
	out.put32(countAt, j.count)
	binary.BigEndian.PutUint32(out[crcAt:], out.sum())
	return out, nil
}

// JoinedSize bounds the size of what Join makes of batches.
func JoinedSize(batches ...Batch) int {
	size := HeaderSize
	for _, b := range batches {
		size += len(b) - HeaderSize + int(b.Count())*maxDeltas
	}
	return size
}

// maxDeltas is by how much a record may grow: its length, time and offset may
// each take more bytes than before.
const maxDeltas = 4 + binary.MaxVarintLen64 + binary.MaxVarintLen32

// joined is the batch that Join makes.
type joined struct {
	out                         Batch
	count                       int32
	baseTimestamp, maxTimestamp int64
}

func (j *joined) add(b Batch) error {
	c := cursor{window: b[HeaderSize:]}
	base, fixed := b.BaseTimestamp(), b.Attributes().LogAppendTime()
	for i := range b.Count() {
		var r rawRecord
		if err := c.record(&r); err != nil {
			return b.corrupt(&RecordError{Index: i, Reason: err.Error()})
		}
		timestamp := base + r.timestampDelta
		if fixed {
			timestamp = b.MaxTimestamp()
		}
		if j.count == 0 {
			j.baseTimestamp, j.maxTimestamp = timestamp, timestamp
		}
		j.maxTimestamp = max(j.maxTimestamp, timestamp)
		delta := timestamp - j.baseTimestamp
		size := 1 + varintLen(delta) + varintLen(int64(j.count)) + len(r.tail)
		j.out = binary.AppendVarint(j.out, int64(size))
		j.out = append(j.out, 0) // attributes: unused
		j.out = binary.AppendVarint(j.out, delta)
		j.out = binary.AppendVarint(j.out, int64(j.count))
		j.out = append(j.out, r.tail...)
		j.count++
	}
	if c.more() {
		return b.corrupt(errors.New("bytes follow the last record"))
	}
	return nil
}
