package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"

	"schloss/kafka"
)

// Positions of a message of format v0 or v1, behind offset and length. The CRC
// is that of zlib and covers everything from the magic on. A compressed one, the
// wrapper, holds others as its value.
const (
	oldCRCAt        = 12
	oldAttributesAt = 17
	oldBodyAt       = 18 // v1: the timestamp; then key and value
	// minOldMessage is a v0 message with neither key nor value.
	minOldMessage = oldBodyAt + 4 + 4

	oldLogAppendTimeBit = 1 << 3
)

// oldMessage is one message of format v0 or v1, as it stands.
type oldMessage struct {
	offset        kafka.Offset
	magic         int8
	codec         Codec
	logAppendTime bool
	timestamp     int64 // -1 in v0
	key, value    []byte
}

// Upgrade makes one v2 batch of the messages of format v0 or v1 that b begins
// with: of the messages of a compressed one, or of as many plain ones as make
// up about size bytes. Records keep offsets, keys, values and codec; those of
// v0 have no timestamp (-1). rest is what follows. ErrShort says that b ends
// within the first message. limit is that of Records.
func Upgrade(b []byte, size, limit int) (batch Batch, rest []byte, err error) {
	first, rest, err := splitOld(b)
	if err != nil {
		return nil, b, err
	}
	records := []Record{first.record()}
	if first.codec != None {
		if records, err = first.unwrap(limit); err != nil {
			return nil, b, &CorruptError{Offset: first.offset, Err: err}
		}
	}
	builder := NewBuilder(first.codec)
	for _, r := range records {
		builder.Add(r)
	}
	for last := first.offset; first.codec == None && builder.Size() < size; {
		m, behind, err := splitOld(rest)
		if err != nil || m.codec != None || m.offset <= last || m.offset-first.offset > math.MaxInt32 {
			break // the next call tells
		}
		builder.Add(m.record())
		last, rest = m.offset, behind
	}
	if batch, err = builder.Build(); err != nil {
		return nil, b, &CorruptError{Offset: first.offset, Err: err}
	}
	return batch, rest, nil
}

// splitOld cuts the first message off and verifies it.
func splitOld(b []byte) (m oldMessage, rest []byte, err error) {
	if len(b) < magicAt+1 {
		return m, b, ErrShort
	}
	m.offset = kafka.Offset(binary.BigEndian.Uint64(b))
	corrupt := func(format string, args ...any) (oldMessage, []byte, error) {
		return m, b, &CorruptError{Offset: m.offset, Reason: fmt.Sprintf(format, args...)}
	}
	length := int64(int32(binary.BigEndian.Uint32(b[lengthAt:])))
	m.magic = int8(b[magicAt])
	switch {
	case m.magic != 0 && m.magic != 1:
		return corrupt("magic is %d", m.magic)
	case prefixSize+length < minOldMessage:
		return corrupt("length field is %d", length)
	case prefixSize+length > int64(len(b)):
		return m, b, ErrShort
	}
	rest = b[prefixSize+length:]
	one := b[:prefixSize+length]
	if crc, sum := binary.BigEndian.Uint32(one[oldCRCAt:]), crc32.ChecksumIEEE(one[magicAt:]); crc != sum {
		return corrupt("crc is %08x, the bytes give %08x", crc, sum)
	}
	attributes := one[oldAttributesAt]
	m.codec = Codec(attributes & byte(codecMask))
	if m.codec > LZ4 {
		return m, b, &CorruptError{Offset: m.offset, Err: ErrUnknownCodec}
	}
	body := one[oldBodyAt:]
	m.timestamp = -1
	if m.magic == 1 {
		if len(body) < 8 {
			return corrupt("length field is %d", length)
		}
		m.logAppendTime = attributes&oldLogAppendTimeBit != 0
		m.timestamp, body = int64(binary.BigEndian.Uint64(body)), body[8:]
	}
	var ok [2]bool
	m.key, body, ok[0] = cutOldBytes(body)
	m.value, body, ok[1] = cutOldBytes(body)
	if !ok[0] || !ok[1] || len(body) > 0 {
		return corrupt("key and value do not fill its length")
	}
	return m, rest, nil
}

// cutOldBytes reads a length of four bytes and what it counts; -1 is null.
func cutOldBytes(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int64(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	switch {
	case n == -1:
		return nil, b, true
	case n < 0 || n > int64(len(b)):
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

func (m *oldMessage) record() Record {
	return Record{Offset: m.offset, Timestamp: m.timestamp, Key: m.key, Value: m.value}
}

// unwrap decodes the messages in a compressed one. In v0 they have offsets of
// their own; in v1 (KIP-31) they count from the first one and the wrapper has
// the offset of the last, but for a wrapper at 0, which some librdkafka left
// there. A wrapper with the broker's timestamp has it for all (KIP-32).
// Compare Kafka: AbstractLegacyRecordBatch.DeepRecordsIterator.
func (m *oldMessage) unwrap(limit int) ([]Record, error) {
	compressed := m.value
	if m.codec == LZ4 && m.magic == 0 {
		compressed = mendLZ4(compressed)
	}
	payload, err := decompress(m.codec, compressed, limit)
	if err != nil {
		return nil, err
	}
	var records []Record
	for len(payload) > 0 {
		inner, rest, err := splitOld(payload)
		switch {
		case err != nil:
			return nil, fmt.Errorf("message %d in it: %w", len(records), err)
		case inner.codec != None || inner.magic != m.magic:
			return nil, fmt.Errorf("message %d in it is compressed itself, or of another format", len(records))
		}
		if m.logAppendTime {
			inner.timestamp = m.timestamp
		}
		records = append(records, inner.record())
		payload = rest
	}
	if len(records) == 0 {
		return nil, errors.New("it is compressed and holds no message")
	}
	if last := records[len(records)-1].Offset; m.magic == 1 && m.offset != 0 {
		if m.offset < last {
			return nil, fmt.Errorf("its last message is at %d", last)
		}
		for i := range records {
			records[i].Offset += m.offset - last
		}
	}
	return records, nil
}

// mendLZ4 puts the right checksum into the head of a frame: that of v0 was
// counted over the frame's magic number too (KAFKA-3160), which no decoder
// takes.
func mendLZ4(frame []byte) []byte {
	const descriptorAt, contentSizeBit, dictionaryBit = 4, 1 << 3, 1
	size := 2 // flags, block size
	if len(frame) > descriptorAt && frame[descriptorAt]&contentSizeBit != 0 {
		size += 8
	}
	if len(frame) > descriptorAt && frame[descriptorAt]&dictionaryBit != 0 {
		size += 4
	}
	if len(frame) <= descriptorAt+size {
		return frame // which the decoder will tell
	}
	mended := append([]byte(nil), frame...)
	mended[descriptorAt+size] = byte(xxh32(frame[descriptorAt:descriptorAt+size]) >> 8)
	return mended
}

// xxh32 is XXH32 with seed 0 of fewer than 16 bytes.
func xxh32(b []byte) uint32 {
	const p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	h := uint32(p5) + uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*p3, 17) * p4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return h ^ h>>16
}
