package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// cursor walks through the records of a batch: over its bytes, or over a
// window into the stream that decompresses them.
type cursor struct {
	window []byte // bytes at hand
	stream stream // where more come from, nil for none
	store  []byte // what window is part of, with a stream
	left   int    // how many more bytes the stream may give
	err    error  // why the stream ended, nil for its regular end
}

// errCut says that a length or a number reaches past the last record.
var errCut = errors.New("it ends behind the batch")

const (
	windowSize = 32 << 10
	// maxEmptyReads ends a stream that gives neither bytes nor an error.
	maxEmptyReads = 100
)

// fill gets at least one more byte into the window.
func (c *cursor) fill() bool {
	if c.stream == nil || c.err != nil {
		return false
	}
	kept := copy(c.store, c.window)
	for range maxEmptyReads {
		n, err := c.stream.Read(c.store[kept:])
		if n > c.left {
			c.err = ErrTooLarge
			return false
		}
		c.left -= n
		c.window = c.store[:kept+n]
		if err != nil && err != io.EOF {
			c.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	c.err = io.ErrNoProgress
	return false
}

// cut is the error of a batch that ends too early.
func (c *cursor) cut() error {
	if c.err != nil {
		return c.err
	}
	return errCut
}

func (c *cursor) varlong() (int64, error) {
	if len(c.window) > 0 && c.window[0] < 0x80 { // most numbers have one byte
		v := int64(c.window[0])
		c.window = c.window[1:]
		return v>>1 ^ -(v & 1), nil
	}
	for len(c.window) < binary.MaxVarintLen64 && c.fill() {
	}
	v, n := binary.Varint(c.window)
	switch {
	case n == 0:
		return 0, c.cut()
	case n < 0:
		return 0, errors.New("a number has more than 64 bits")
	}
	c.window = c.window[n:]
	return v, nil
}

func (c *cursor) varint() (int32, error) {
	v, err := c.varlong()
	if err == nil && (v < math.MinInt32 || v > math.MaxInt32) {
		err = errors.New("a number has more than 32 bits")
	}
	return int32(v), err
}

// take gives the next n bytes where the window is the whole text; with a
// stream it only passes over them.
func (c *cursor) take(n int) ([]byte, error) {
	if c.stream == nil {
		if n > len(c.window) {
			return nil, c.cut()
		}
		b := c.window[:n:n]
		c.window = c.window[n:]
		return b, nil
	}
	for n > len(c.window) {
		n -= len(c.window)
		c.window = c.window[:0]
		if !c.fill() {
			return nil, c.cut()
		}
	}
	c.window = c.window[n:]
	return nil, nil
}

// position grows by the bytes that were taken; differences count.
func (c *cursor) position() int { return -len(c.window) - c.left }

// more says whether bytes are left.
func (c *cursor) more() bool { return len(c.window) > 0 || c.fill() }

var cursors = sync.Pool{New: func() any { return &cursor{store: make([]byte, windowSize)} }}

// openCursor makes a cursor over a compressed payload; close gives it back.
func openCursor(codec Codec, payload []byte, limit int) (*cursor, error) {
	if codec <= None || int(codec) >= len(streams) {
		return nil, fmt.Errorf("%w %d", ErrUnknownCodec, int8(codec))
	}
	s := streams[codec].Get().(stream)
	if err := s.reset(payload, limit); err != nil {
		s.release()
		streams[codec].Put(s)
		return nil, err
	}
	c := cursors.Get().(*cursor)
	c.window, c.stream, c.left, c.err = c.store[:0], s, limit, nil
	return c, nil
}

func (c *cursor) close(codec Codec) {
	c.stream.release()
	streams[codec].Put(c.stream)
	c.stream = nil
	cursors.Put(c)
}
