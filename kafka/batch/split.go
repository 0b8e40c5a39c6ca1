package batch

import (
	"encoding/binary"
	"fmt"

	"schloss/kafka"
)

// Split cuts the first batch off by its length field. ErrShort says that b
// ends within it, ErrOldFormat that it is no v2 batch. Nothing but length and
// magic is looked at: see Check.
func Split(b []byte) (first Batch, rest []byte, err error) {
	if len(b) < magicAt+1 {
		return nil, b, ErrShort
	}
	base := kafka.Offset(binary.BigEndian.Uint64(b))
	length := int64(int32(binary.BigEndian.Uint32(b[lengthAt:])))
	switch magic := int8(b[magicAt]); {
	case magic == 0 || magic == 1:
		return nil, b, ErrOldFormat
	case magic != magic2:
		return nil, b, &CorruptError{Offset: base, Reason: fmt.Sprintf("magic is %d", magic)}
	case length < HeaderSize-prefixSize:
		return nil, b, &CorruptError{Offset: base, Reason: fmt.Sprintf("length field is %d", length)}
	case prefixSize+length > int64(len(b)):
		return nil, b, ErrShort
	}
	n := prefixSize + int(length)
	return Batch(b[:n:n]), b[n:], nil
}

// Check verifies what the header says of itself: lengths, magic and CRC. It
// does not look into the records.
func (b Batch) Check() error {
	if len(b) < HeaderSize {
		return &CorruptError{Offset: kafka.NoOffset, Reason: fmt.Sprintf("%d bytes hold no header", len(b))}
	}
	base := b.BaseOffset()
	switch {
	case b.Magic() != magic2:
		return &CorruptError{Offset: base, Reason: fmt.Sprintf("magic is %d", b.Magic())}
	case prefixSize+int64(b.Length()) != int64(len(b)):
		return &CorruptError{Offset: base, Reason: fmt.Sprintf("length field is %d, %d bytes follow it", b.Length(), len(b)-prefixSize)}
	case b.CRC() != b.sum():
		return &CorruptError{Offset: base, Reason: fmt.Sprintf("crc is %08x, the bytes give %08x", b.CRC(), b.sum())}
	case b.Count() < 0 || b.LastOffsetDelta() < 0:
		return &CorruptError{Offset: base, Reason: fmt.Sprintf("count is %d, last offset delta %d", b.Count(), b.LastOffsetDelta())}
	}
	return nil
}
