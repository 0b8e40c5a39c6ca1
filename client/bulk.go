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
