package wire

import (
	"errors"
	"io"
)

var (
	// ErrTLSRecord says that a TLS record came where a frame was due.
	ErrTLSRecord = errors.New("the peer speaks TLS")
	// ErrHTTP says that an HTTP request came where a frame was due.
	ErrHTTP = errors.New("the peer speaks HTTP")
)

// FrameError says that the four bytes of a length cannot be one. Err may name
// the protocol they belong to.
type FrameError struct {
	Size int32
	Max  int32
	Err  error
}

func (e *FrameError) Error() string { return "" }

func (e *FrameError) Unwrap() error { return e.Err }

// ReadFrame reads one frame, without its four length bytes, into buf, which
// grows by what arrives and never by the claim alone. io.EOF says that the
// peer closed between frames.
func ReadFrame(r io.Reader, max int32, buf []byte) ([]byte, error) { return nil, nil }
