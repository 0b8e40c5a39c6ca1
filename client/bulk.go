package client

import (
	"net"
	"syscall"
)

const (
	// bulk is how much of a response is waited for at once; the kernel keeps
	// it where its own bounds of socket buffers are lower.
	bulk = 1 << 20
	// pieces of less are not worth a system call of their own.
	leastBulk = 64 << 10
)

// bulkReader reads from a socket for somebody who needs all that he asks for,
// as io.ReadFull does. A large response arrives in many pieces; the kernel is
// told to wake the reader for much of it instead of for each (SO_RCVLOWAT),
// which spares a sixth of what copying through this process costs.
type bulkReader struct {
	*net.TCPConn
	raw  syscall.RawConn
	wait int // bytes that the kernel waits for
}

func newBulkReader(nc *net.TCPConn) (*bulkReader, error) {
	raw, err := nc.SyscallConn()
	return &bulkReader{TCPConn: nc, raw: raw, wait: 1}, err
}

// Read may wait until b is full.
func (r *bulkReader) Read(b []byte) (int, error) {
	want := 1
	if len(b) >= leastBulk {
		want = min(len(b), bulk)
	}
	if want != r.wait {
		if err := r.waitFor(want); err != nil {
			return 0, err
		}
	}
	return r.TCPConn.Read(b)
}

func (r *bulkReader) waitFor(bytes int) (err error) {
	r.wait = bytes
	ctlErr := r.raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes)
	})
	if ctlErr != nil {
		return ctlErr
	}
	return err
}

// largestRecord is what a TLS record takes on the wire, at most (RFC 5246, 6.2.3).
const largestRecord = 5 + 16<<10 + 2048

// recordReader reads for a TLS connection, which by itself takes each record
// with a system call of its own, and sleeps between them.
type recordReader struct {
	*bulkReader
	due  int    // plaintext that is needed, by the one who reads the TLS connection
	held []byte // what left lies in; made when it is first worth it
	left []byte // read, and not yet taken
}

// Read may wait for as much as the plaintext that is due will surely take. The
// TLS connection has a part of one record of it, at most, when it asks for more.
func (r *recordReader) Read(b []byte) (int, error) {
	if len(r.left) == 0 {
		ahead := min(r.due-largestRecord, gatherSize)
		if ahead < leastBulk {
			return r.bulkReader.Read(b)
		}
		if r.held == nil {
			r.held = make([]byte, gatherSize)
		}
		n, err := r.bulkReader.Read(r.held[:ahead])
		if n == 0 {
			return 0, err
		}
		r.left = r.held[:n]
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}
