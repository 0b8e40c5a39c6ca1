package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"schloss/kafka"
)

// The first int16 of a key of __consumer_offsets says what the record is
// about. Newer Kafkas write more kinds (KIP-848 and later); those are skipped.
const (
	offsetKeyV0 = 0 // a committed offset, as written before Kafka 0.9
	offsetKeyV1 = 1 // a committed offset
	groupKeyV2  = 2 // the metadata of a classic group
)

// maxString is the longest string that Kafka's schemas of these records hold.
const maxString = 1<<15 - 1

// errShort is what a record gives that ends before its fields do.
var errShort = errors.New("the record is cut short")

// key is a decoded key of __consumer_offsets.
type key struct {
	kind      int16
	group     string
	partition kafka.TopicPartition // of a committed offset
}

func (k key) known() bool { return k.kind >= offsetKeyV0 && k.kind <= groupKeyV2 }

func decodeKey(in []byte) (key, error) {
	r := reader{in: in}
	k := key{kind: r.int16()}
	switch k.kind {
	case offsetKeyV0, offsetKeyV1:
		k.group = r.string()
		k.partition.Topic = r.string()
		k.partition.Partition = r.int32()
	case groupKeyV2:
		k.group = r.string()
	}
	if r.err != nil {
		return key{}, fmt.Errorf("key of kind %d: %w", k.kind, r.err)
	}
	return k, nil
}

func encodeOffsetKey(group string, tp kafka.TopicPartition) []byte {
	out := binary.BigEndian.AppendUint16(nil, offsetKeyV1)
	out = appendString(out, group)
	out = appendString(out, tp.Topic)
	return binary.BigEndian.AppendUint32(out, uint32(tp.Partition))
}

func encodeGroupKey(group string) []byte {
	return appendString(binary.BigEndian.AppendUint16(nil, groupKeyV2), group)
}

// appendString appends a string of at most maxString bytes; that longer ones
// never get here is checked where requests come in.
func appendString(out []byte, s string) []byte {
	if len(s) > maxString {
		panic(fmt.Sprintf("group: string of %d bytes in a record", len(s)))
	}
	return append(binary.BigEndian.AppendUint16(out, uint16(len(s))), s...)
}

// appendNullable appends a string, null when empty.
func appendNullable(out []byte, s string) []byte {
	if s == "" {
		return append(out, 0xff, 0xff)
	}
	return appendString(out, s)
}

func appendBytes(out, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...)
}

// reader reads Kafka's schema types. After the first error it gives zeroes. It
// allocates nothing for what is not there. flexible is set for the versions
// with compact lengths and tagged fields (KIP-482).
type reader struct {
	in       []byte
	flexible bool
	err      error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.in) {
		r.err, r.in = errShort, nil
		return nil
	}
	out := r.in[:n]
	r.in = r.in[n:]
	return out
}

func (r *reader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) uvarint() int {
	v, n := binary.Uvarint(r.in)
	if n <= 0 || v > 1<<31-1 {
		r.take(-1)
		return 0
	}
	r.take(n)
	return int(v)
}

// length reads the length of a string, -1 for null.
func (r *reader) length() int {
	if r.flexible {
		return r.uvarint() - 1
	}
	return int(r.int16())
}

// length32 reads the length of an array or of bytes, -1 for null.
func (r *reader) length32() int {
	if r.flexible {
		return r.uvarint() - 1
	}
	return int(r.int32())
}

// nullable reads a string; null gives the empty one.
func (r *reader) nullable() string {
	n := r.length()
	if n == -1 {
		return ""
	}
	return string(r.take(n))
}

func (r *reader) string() string { return string(r.take(r.length())) }

func (r *reader) bytes() []byte {
	n := r.length32()
	return append([]byte{}, r.take(n)...)
}

// tags skips the tagged fields that end a structure of a flexible version.
func (r *reader) tags() {
	if !r.flexible {
		return
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		r.uvarint()
		r.take(r.uvarint())
	}
}
