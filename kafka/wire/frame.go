package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrTLSRecord says that a TLS record came where a frame was due.
	ErrTLSRecord = errors.New("the peer speaks TLS")
	// ErrHTTP says that HTTP came where a frame was due.
	ErrHTTP = errors.New("the peer speaks HTTP")
)

// FrameError says that the four bytes of a length cannot be one. Err may name
// the protocol they belong to.
type FrameError struct {
	Size int32
	Max  int32
	Err  error
}

func (e *FrameError) Error() string {
	if e.Err != nil {
		return "read frame: " + e.Err.Error()
	}
	return fmt.Sprintf("read frame: its length is %d, 0 to %d is allowed", e.Size, e.Max)
}

func (e *FrameError) Unwrap() error { return e.Err }

const (
	lengthSize = 4
	// firstPart is how much room a frame gets before any of it has come.
	firstPart = 64 << 10
)

// ReadFrame reads one frame, without its four length bytes, into buf, which
// grows by what arrives and never by the claim alone. io.EOF says that the
// peer closed between frames, io.ErrUnexpectedEOF that it did within one.
func ReadFrame(r io.Reader, max int32, buf []byte) ([]byte, error) {
	if cap(buf) < lengthSize {
		buf = make([]byte, 0, 512)
	}
	length := buf[:lengthSize]
	if _, err := io.ReadFull(r, length); err != nil {
		return buf[:0], err
	}
	size := int32(binary.BigEndian.Uint32(length))
	if size < 0 || size > max {
		return buf[:0], &FrameError{Size: size, Max: max, Err: protocolOf(length)}
	}
	buf = buf[:0]
	for len(buf) < int(size) {
		if len(buf) == cap(buf) {
			// Twice what has come, so that the copies stay cheap.
			room := min(int(size), lengthenTo(cap(buf)))
			grown := make([]byte, len(buf), room)
			copy(grown, buf)
			buf = grown
		}
		part := buf[len(buf):min(int(size), cap(buf))]
		n, err := io.ReadFull(r, part)
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return buf[:0], err
		}
	}
	return buf, nil
}

func lengthenTo(room int) int { return max(firstPart, 2*room) }

// protocolOf names the protocol whose first bytes cannot be a length. Read as
// one they are above 300 MB, more than brokers allow.
func protocolOf(b []byte) error {
	switch {
	case (b[0] == 0x16 || b[0] == 0x15) && b[1] == 3: // handshake or alert
		return ErrTLSRecord
	case string(b) == "GET " || string(b) == "POST" || string(b) == "PUT " || string(b) == "HEAD" || string(b) == "HTTP":
		return ErrHTTP
	}
	return nil
}
