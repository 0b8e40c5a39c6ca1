package tlsrecord

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
)

const (
	// unasked is how much is read where it is not known what will come.
	unasked = 32 << 10
	// maxUseless bounds the records in a row that bring no data, as crypto/tls
	// does: a peer might keep us busy with them.
	maxUseless = 16
	// maxMessage bounds a message of the handshake that comes behind it.
	maxMessage = 128 << 10
)

// Read reads what there is, one record at least.
func (c *Conn) Read(b []byte) (int, error) { return c.read(b, 0) }

// Whole reads for somebody who needs all that he asks for, as io.ReadFull does:
// it may wait until the caller's memory is full.
func (c *Conn) Whole() io.Reader { return whole{c} }

type whole struct{ *Conn }

func (w whole) Read(b []byte) (int, error) { return w.read(b, len(b)) }

// read opens records into b: one that brings data, and those that have come
// with it. due is how many bytes of data are sure to come.
func (c *Conn) read(b []byte, due int) (n int, err error) {
	in := &c.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(b) > n && (n == 0 || len(in.rest) == 0 && in.err == nil && in.recordSize() > 0) {
		if len(in.rest) > 0 {
			n = copy(b, in.rest)
			in.rest = in.rest[n:]
			return n, nil
		}
		if in.err != nil {
			return 0, in.err
		}
		record, err := c.record(due)
		if err != nil {
			return n, err
		}
		opened, err := c.open(record, b[n:])
		if err != nil {
			in.err = err
			if n+opened == 0 {
				return 0, err
			}
		}
		n += opened
	}
	return n, nil
}

// recordSize is the size of the record at the front of wire; 0: it is not whole.
func (in *input) recordSize() int {
	have := in.wire[in.from:in.to]
	if len(have) < headerSize {
		return 0
	}
	size := headerSize + int(binary.BigEndian.Uint16(have[3:]))
	if size > len(have) && size <= largestRecord {
		return 0
	}
	return size
}

// record takes the next record off the connection; it lies in wire.
func (c *Conn) record(due int) ([]byte, error) {
	in := &c.in
	for in.recordSize() == 0 {
		if err := c.fill(due); err != nil {
			return nil, err
		}
	}
	size := in.recordSize()
	if size > largestRecord {
		in.err = c.refuse(recordOverflow)
		return nil, in.err
	}
	record := in.wire[in.from : in.from+size]
	in.from += size
	return record, nil
}

// fill reads more. A time-out may pass; all other errors last.
func (c *Conn) fill(due int) error {
	in := &c.in
	in.to, in.from = copy(in.wire, in.wire[in.from:in.to]), 0 // a part of one record, at most
	// Each record brings 16 KiB at most, so this much is still on its way.
	want := min(due+(due+maxPlaintext-1)/maxPlaintext*overhead-in.to, atOnce)
	if want <= unasked {
		want = unasked
	}
	if len(in.wire) < in.to+want {
		in.wire = append(make([]byte, 0, want+largestRecord), in.wire[:in.to]...)
		in.wire = in.wire[:cap(in.wire)]
	}
	n, err := c.Conn.Read(in.wire[in.to : in.to+want])
	in.to += n
	if n > 0 || err == nil {
		return nil
	}
	if err == io.EOF && in.to > 0 {
		err = io.ErrUnexpectedEOF
	}
	if t, ok := err.(net.Error); !ok || !t.Timeout() {
		in.err = err
	}
	return err
}

// open opens a record into b, or into spare memory if b has no room for it, and
// returns how much of it is in b. Its error is final.
func (c *Conn) open(record, b []byte) (int, error) {
	in := &c.in
	if record[0] != applicationRecord {
		return 0, c.refuse(unexpectedMessage)
	}
	size := len(record) - headerSize - tagSize
	if size < 1 {
		return 0, c.refuse(badRecordMAC)
	}
	into := b
	if len(into) < size {
		if len(in.spare) < size {
			in.spare = make([]byte, maxCiphertext)
		}
		into = in.spare
	}
	plain, err := in.keys.aead.Open(into[:0:len(into)], in.keys.next(), record[headerSize:], record[:headerSize])
	if err != nil {
		return 0, c.refuse(badRecordMAC)
	}
	last := len(plain) - 1 // behind the data is its type, and zeros as padding
	for last >= 0 && plain[last] == 0 {
		last--
	}
	if last < 0 {
		return 0, c.refuse(unexpectedMessage)
	}
	if last > maxPlaintext {
		return 0, c.refuse(recordOverflow)
	}
	kind, data := plain[last], plain[:last]
	if kind != applicationRecord || len(data) == 0 {
		if in.useless++; in.useless > maxUseless {
			return 0, c.refuse(unexpectedMessage)
		}
	}
	switch kind {
	case applicationRecord:
		if len(in.messages) > 0 { // a message may not be interrupted
			return 0, c.refuse(unexpectedMessage)
		}
		if len(data) > 0 {
			in.useless = 0
		}
		if len(b) >= size {
			return len(data), nil
		}
		n := copy(b, data)
		in.rest = data[n:]
		return n, nil
	case alertRecord:
		return 0, c.alerted(data)
	case handshakeRecord:
		return 0, c.message(data)
	}
	return 0, c.refuse(unexpectedMessage)
}

// alerted is what an alert of the peer means; nil if nothing.
func (c *Conn) alerted(data []byte) error {
	if len(data) != 2 {
		return c.refuse(unexpectedMessage)
	}
	switch alert := tls.AlertError(data[1]); alert {
	case closeNotify:
		return io.EOF
	case userCanceled: // a goodbye follows
		return nil
	default:
		return &net.OpError{Op: "remote error", Err: alert}
	}
}

// message takes handshake messages that come behind the handshake.
func (c *Conn) message(data []byte) error {
	in := &c.in
	in.messages = append(in.messages, data...)
	for len(in.messages) >= 4 {
		kind, size := in.messages[0], int(binary.BigEndian.Uint32(in.messages)&0xffffff)
		if size > maxMessage {
			return c.refuse(unexpectedMessage)
		}
		if len(in.messages) < 4+size {
			break
		}
		body := in.messages[4 : 4+size]
		in.messages = in.messages[4+size:]
		switch {
		case kind == newSessionTicket: // no session is resumed: each connection verifies its peer
		case kind == keyUpdate && size == 1 && body[0] <= 1 && len(in.messages) == 0:
			if err := in.keys.update(); err != nil {
				return c.refuse(internalError)
			}
			if body[0] == 1 {
				c.updateAsked.Store(true)
			}
		default:
			return c.refuse(unexpectedMessage)
		}
	}
	if len(in.messages) == 0 {
		in.messages = nil
	}
	return nil
}

// refuse ends the connection for a fault of the peer's, and tells him.
func (c *Conn) refuse(alert tls.AlertError) error {
	c.tell(alert)
	return &net.OpError{Op: "local error", Err: alert}
}
