package client

import (
	"cmp"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// leastBulk is from where on a read waits for all that it asks for.
	leastBulk = 64 << 10
	// awaited is how much of it the kernel is told to wait for at once; it keeps
	// it where its own bounds of socket buffers are lower.
	awaited = 1 << 20
	// atOnce is what passes through one system call. One that takes much longer
	// than 20 microseconds has Go's scheduler take the processor away from it,
	// and look for more such calls from then on, which costs more than the calls
	// that are spared.
	atOnce = 64 << 10
)

// bulkConn is a socket through which much passes. A large response arrives in
// many pieces; the kernel is told to wake the reader for much of it instead of
// for each (SO_RCVLOWAT), which spares a sixth of what copying through this
// process costs.
type bulkConn struct {
	*net.TCPConn
	raw  syscall.RawConn
	wait int // bytes that the kernel waits for
}

func newBulkConn(nc *net.TCPConn) (*bulkConn, error) {
	raw, err := nc.SyscallConn()
	return &bulkConn{TCPConn: nc, raw: raw, wait: 1}, err
}

// Read fills b if it is large, and else reads what there is.
func (c *bulkConn) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	waitErr := c.raw.Read(func(fd uintptr) (done bool) {
		for n < len(b) && err == nil {
			m, errno := unix.Read(int(fd), b[n:min(len(b), n+atOnce)])
			switch {
			case m > 0:
				n += m
			case errno == unix.EINTR:
			case errno == unix.EAGAIN && n > 0 && len(b) < leastBulk:
				return true
			case errno == unix.EAGAIN:
				err = c.await(int(fd), len(b), len(b)-n)
				return err != nil
			case errno != nil:
				err = c.failed("read", errno)
			default:
				err = io.EOF
			}
		}
		return true
	})
	return n, cmp.Or(err, waitErr)
}

// await has the kernel wait for what is missing of a large read, or for
// anything.
func (c *bulkConn) await(fd, size, missing int) error {
	want := 1
	if size >= leastBulk {
		want = min(missing, awaited)
	}
	if want == c.wait {
		return nil
	}
	c.wait = want
	if errno := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, want); errno != nil {
		return c.failed("setsockopt", errno)
	}
	return nil
}

// Write writes all of b.
func (c *bulkConn) Write(b []byte) (int, error) {
	n, err := c.WriteBuffers(net.Buffers{b})
	return int(n), err
}

// WriteBuffers writes all buffers, one behind the other.
func (c *bulkConn) WriteBuffers(bufs net.Buffers) (n int64, err error) {
	next := piece{bufs: bufs}
	waitErr := c.raw.Write(func(fd uintptr) (done bool) {
		for err == nil && next.cut() {
			m, errno := unix.Writev(int(fd), next.parts)
			switch {
			case m > 0:
				n += int64(m)
				next.skip(m)
			case errno == unix.EAGAIN:
				return false
			case errno != nil && errno != unix.EINTR:
				err = c.failed("writev", errno)
			}
		}
		return true
	})
	return n, cmp.Or(err, waitErr)
}

// piece is what leaves next of a list of buffers.
type piece struct {
	bufs  net.Buffers // [0][at:] and all behind it are left
	at    int
	parts [][]byte
}

// cut composes the piece; false if nothing is left.
func (p *piece) cut() bool {
	p.parts = p.parts[:0]
	left, at := atOnce, p.at
	for _, b := range p.bufs {
		if b = b[at:]; len(b) > left {
			b = b[:left]
		}
		if at = 0; len(b) > 0 {
			p.parts = append(p.parts, b)
		}
		if left -= len(b); left == 0 || len(p.parts) == maxParts {
			break
		}
	}
	return len(p.parts) > 0
}

// maxParts is how many buffers one call of writev takes (IOV_MAX).
const maxParts = 1024

// skip goes on behind n bytes.
func (p *piece) skip(n int) {
	p.at += n
	for len(p.bufs) > 0 && p.at >= len(p.bufs[0]) {
		p.at -= len(p.bufs[0])
		p.bufs = p.bufs[1:]
	}
}

// failed is the error of a system call, as package net would tell it.
func (c *bulkConn) failed(call string, errno error) error {
	return &net.OpError{Op: call, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(call, errno)}
}
