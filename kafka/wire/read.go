package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"schloss/kafka"
)

// ErrUnsupported says that we do not speak a message in this version.
var ErrUnsupported = errors.New("unsupported key or version")

// DecodeError says where the bytes of a message stop to make sense.
type DecodeError struct {
	Message string // such as "Produce request"
	Version int16
	At      int // bytes into the body
	Reason  string
	Err     error // the sentinel this stands for, or nil
}

func (e *DecodeError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("decode %s v%d: %v", e.Message, e.Version, e.Err)
	}
	return fmt.Sprintf("decode %s v%d: byte %d: %s", e.Message, e.Version, e.At, e.Reason)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// unsupported is the error of a version that Decode does not know.
func unsupported(message string, version int16) error {
	return &DecodeError{Message: message, Version: version, Err: ErrUnsupported}
}

// reader takes values off the front of a message. The first fault empties it,
// and from then on it gives zeros: a decoder reads on and asks done at the
// end. No length is believed before the bytes that it claims are there.
type reader struct {
	rest     []byte
	size     int // of the whole message
	flexible bool
	fault    string // "" while all is well
	faultAt  int
}

func newReader(body []byte, flexible bool) reader {
	return reader{rest: body, size: len(body), flexible: flexible}
}

func (r *reader) fail(reason string) {
	if r.fault == "" {
		r.fault, r.faultAt = reason, r.size-len(r.rest)
	}
	r.rest = nil
}

// done gives the fault, if there was one. Bytes behind the message are let
// pass, as Kafka does.
func (r *reader) done(message string, version int16) error {
	if r.fault == "" {
		return nil
	}
	return &DecodeError{Message: message, Version: version, At: r.faultAt, Reason: r.fault}
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("it is cut short")
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
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

func (r *reader) uvarint() uint32 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > math.MaxUint32 {
		r.fail("it is cut short or a number is too large")
		return 0
	}
	r.rest = r.rest[n:]
	return uint32(v)
}

func (r *reader) id() (id kafka.TopicID) {
	copy(id[:], r.take(len(id)))
	return id
}

// span reads as many bytes as a length says, null for a length below zero. A
// length takes wide bytes, or a varint where the message is flexible.
func (r *reader) span(wide int) (b []byte, null bool) {
	var n int64
	switch {
	case r.flexible:
		n = int64(r.uvarint()) - 1
	case wide == 2:
		n = int64(r.int16())
	default:
		n = int64(r.int32())
	}
	switch {
	case r.fault != "":
		return nil, true
	case n == -1:
		return nil, true
	case n < 0 || n > int64(len(r.rest)):
		r.fail("a length does not fit")
		return nil, true
	}
	return r.take(int(n)), false
}

// string gives old where the bytes are the same, which spares the copy for a
// client that asks for the same topics again and again.
func (r *reader) string(old string) string {
	b, null := r.span(2)
	if null {
		r.fail("a text is null")
		return ""
	}
	if string(b) == old {
		return old
	}
	return string(b)
}

func (r *reader) nullableString(old *string) *string {
	b, null := r.span(2)
	switch {
	case null:
		return nil
	case old != nil && string(b) == *old:
		return old
	}
	s := string(b)
	return &s
}

// message reads a nullable text for which null and "" are the same.
func (r *reader) message(old string) string {
	b, _ := r.span(2)
	if string(b) == old {
		return old
	}
	return string(b)
}

// bytes aliases the message.
func (r *reader) bytes() []byte {
	b, _ := r.span(4)
	return b
}

// count reads the length of an array whose elements take at least smallest
// bytes each; null for a length below zero.
func (r *reader) count(smallest int) (n int, null bool) {
	if r.flexible {
		n = int(r.uvarint()) - 1
	} else {
		n = int(r.int32())
	}
	switch {
	case r.fault != "":
		return 0, true
	case n == -1:
		return 0, true
	case n < 0 || n > len(r.rest)/smallest:
		r.fail("an array is longer than the message")
		return 0, true
	}
	return n, false
}

// items is count for an array that cannot be null.
func (r *reader) items(smallest int) int {
	n, null := r.count(smallest)
	if null {
		r.fail("an array is null")
	}
	return n
}

// maxTags is far above the number of tagged fields that any message has.
const maxTags = 64

// tags reads the tagged fields of a flexible message. It gives those that
// known takes, which may be nil, and skips the others.
func (r *reader) tags(known func(tag uint32, field *reader)) {
	if !r.flexible {
		return
	}
	n := r.uvarint()
	if n > maxTags || int(n) > len(r.rest)/2 {
		r.fail("there are too many tagged fields")
		return
	}
	for range n {
		tag, size := r.uvarint(), r.uvarint()
		if int64(size) > int64(len(r.rest)) {
			r.fail("a tagged field does not fit")
			return
		}
		value := r.take(int(size))
		if known == nil {
			continue
		}
		field := newReader(value, true)
		known(tag, &field)
		if field.fault != "" {
			r.fail(field.fault)
		}
	}
}

// resize gives s a length of n. Elements it had before stay, so that the
// slices within them are used again.
func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return append(s[:cap(s)], make([]T, n-cap(s))...)
}
