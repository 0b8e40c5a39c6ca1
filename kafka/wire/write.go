package wire

import (
	"encoding/binary"
	"net"

	"schloss/kafka"
)

// writer appends values to a message.
type writer struct {
	dst      []byte
	flexible bool

	// scatter keeps records out of dst: they become buffers of their own, and
	// what dst holds between them becomes the buffers around.
	scatter bool
	buffers net.Buffers
	start   int // of the bytes in dst that are in no buffer yet
}

func (w *writer) int8(v int8)             { w.dst = append(w.dst, byte(v)) }
func (w *writer) int16(v int16)           { w.dst = binary.BigEndian.AppendUint16(w.dst, uint16(v)) }
func (w *writer) int32(v int32)           { w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(v)) }
func (w *writer) int64(v int64)           { w.dst = binary.BigEndian.AppendUint64(w.dst, uint64(v)) }
func (w *writer) uvarint(v uint32)        { w.dst = binary.AppendUvarint(w.dst, uint64(v)) }
func (w *writer) id(id kafka.TopicID)     { w.dst = append(w.dst, id[:]...) }
func (w *writer) error(e kafka.ErrorCode) { w.int16(int16(e)) }

func (w *writer) string(s string) {
	if w.flexible {
		w.uvarint(uint32(len(s)) + 1)
	} else {
		w.int16(int16(len(s)))
	}
	w.dst = append(w.dst, s...)
}

func (w *writer) nullableString(s *string) {
	switch {
	case s != nil:
		w.string(*s)
	case w.flexible:
		w.uvarint(0)
	default:
		w.int16(-1)
	}
}

// message writes a nullable text; "" is null.
func (w *writer) message(s string) {
	if s == "" {
		w.nullableString(nil)
		return
	}
	w.string(s)
}

// count writes the length of an array, -1 for null.
func (w *writer) count(n int) {
	if w.flexible {
		w.uvarint(uint32(n + 1))
	} else {
		w.int32(int32(n))
	}
}

// tags writes that there are no tagged fields.
func (w *writer) tags() {
	if w.flexible {
		w.dst = append(w.dst, 0)
	}
}

// records writes record batches; nil is null.
func (w *writer) records(b []byte) {
	if b == nil {
		w.count(-1)
		return
	}
	w.count(len(b))
	if !w.scatter || len(b) == 0 {
		w.dst = append(w.dst, b...)
		return
	}
	w.flush()
	w.buffers = append(w.buffers, b)
}

// flush makes a buffer of what dst has gained. When dst is moved as it grows,
// the buffers before stay valid: they keep the old array, which nobody writes
// any more.
func (w *writer) flush() {
	if n := len(w.dst); n > w.start {
		w.buffers = append(w.buffers, w.dst[w.start:n:n])
		w.start = n
	}
}
