package local

import (
	"fmt"

	"schloss/internal/disk"
	"schloss/kafka/batch"
)

// Windows of a cursor: one reaches across an index interval, the other is for
// walks through a whole segment.
const (
	seekWindow = 8 << 10
	walkWindow = 256 << 10
)

// prefix is the part of a batch that its length field does not count: base
// offset and the field itself.
const prefix = 12

// cursor walks the headers of a segment file. It looks at length and magic
// only.
type cursor struct {
	f     disk.File
	end   int64       // of what may be read
	at    int64       // where the batch begins
	after int64       // where the following one begins
	head  batch.Batch // the header alone; valid until the next call of next
	err   error

	window []byte
	start  int64 // of window in the file
	size   int
}

func newCursor(f disk.File, at, end int64, window int) *cursor {
	return &cursor{f: f, after: at, end: end, size: window}
}

// sizeOf is the size of the whole batch that a header belongs to.
func sizeOf(head batch.Batch) int { return prefix + int(head.Length()) }

// next moves to the following batch. It returns false at the end, and, with
// err set, before anything that is no batch.
func (c *cursor) next() bool {
	if c.err != nil || c.after == c.end {
		return false
	}
	c.at = c.after
	if c.end-c.at < batch.HeaderSize {
		c.err = fmt.Errorf("position %d: %d bytes hold no batch", c.at, c.end-c.at)
		return false
	}
	if c.at < c.start || c.at+batch.HeaderSize > c.start+int64(len(c.window)) {
		if c.err = c.fill(); c.err != nil {
			return false
		}
	}
	c.head = batch.Batch(c.window[c.at-c.start:][:batch.HeaderSize])
	length := int64(c.head.Length())
	switch {
	case c.head.Magic() != 2:
		c.err = fmt.Errorf("position %d: magic is %d", c.at, c.head.Magic())
	case length < batch.HeaderSize-prefix || length > c.end-c.at-prefix:
		c.err = fmt.Errorf("position %d: length field is %d, %d bytes follow it", c.at, length, c.end-c.at-prefix)
	}
	if c.err != nil {
		return false
	}
	c.after = c.at + prefix + length
	return true
}

// fill reads the window that begins at the batch.
func (c *cursor) fill() error {
	n := min(int64(c.size), c.end-c.at)
	if int64(cap(c.window)) < n {
		c.window = make([]byte, n)
	}
	c.window, c.start = c.window[:n], c.at
	if _, err := c.f.ReadAt(c.window, c.at); err != nil {
		c.window = c.window[:0]
		return unexpectedEnd(err)
	}
	return nil
}

// whole reads the whole batch into buf, grown as needed.
func (c *cursor) whole(buf []byte) (batch.Batch, error) {
	n := int(c.after - c.at)
	if off := c.at - c.start; off+int64(n) <= int64(len(c.window)) {
		return batch.Batch(c.window[off:][:n:n]), nil
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n:n]
	if _, err := c.f.ReadAt(buf, c.at); err != nil {
		return nil, unexpectedEnd(err)
	}
	return batch.Batch(buf), nil
}
