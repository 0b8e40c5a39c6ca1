package client

import (
	"cmp"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

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
	raw   syscall.RawConn
	wait  int          // bytes that the kernel waits for; of a reader alone
	parts []unix.Iovec // of a writer alone
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
	at := 0 // in the first of bufs
	waitErr := c.raw.Write(func(fd uintptr) (done bool) {
		defer func() { clear(c.parts) }() // what they point to is the caller's
		for err == nil {
			if c.cut(bufs, at); len(c.parts) == 0 {
				return true
			}
			// unix.Writev would tell the race detector of its reading when the answer
			// may be there, and the memory somebody else's.
			m, _, errno := unix.Syscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&c.parts[0])), uintptr(len(c.parts)))
			switch errno {
			case 0:
				n += int64(m)
				for at += int(m); len(bufs) > 0 && at >= len(bufs[0]); bufs = bufs[1:] {
					at -= len(bufs[0])
				}
			case unix.EINTR:
			case unix.EAGAIN:
				return false
			default:
				err = c.failed("writev", errno)
			}
		}
		return true
	})
	return n, cmp.Or(err, waitErr)
}

// cut makes parts what leaves next of bufs, from an offset of the first on.
func (c *bulkConn) cut(bufs net.Buffers, at int) {
	c.parts = c.parts[:0]
	for left := atOnce; len(bufs) > 0 && left > 0 && len(c.parts) < maxParts; bufs = bufs[1:] {
		b := bufs[0][at:]
		b, at = b[:min(len(b), left)], 0
		if len(b) > 0 {
			part := unix.Iovec{Base: &b[0]}
			part.SetLen(len(b))
			c.parts = append(c.parts, part)
			left -= len(b)
		}
	}
}

// maxParts is how many buffers one call of writev takes (IOV_MAX).
const maxParts = 1024

// failed is the error of a system call, as package net would tell it.
func (c *bulkConn) failed(call string, errno error) error {
	return &net.OpError{Op: call, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(call, errno)}
}
