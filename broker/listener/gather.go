package listener

import (
	"bufio"
	"net"
	"sync"
)

const (
	// gatherSize is how much a TLS connection collects before it writes:
	// crypto/tls would make one system call a record of 16 KiB.
	gatherSize = 256 << 10
	// readAhead is what one read of a socket may bring in.
	readAhead = 32 << 10
)

// gatherConn stands between crypto/tls and the socket. While it holds, writes
// collect in a buffer from the pool; Flush sends them.
type gatherConn struct {
	net.Conn
	in   *bufio.Reader // nil until the peer is known: a stranger costs no buffer
	pool *Pool

	mu   sync.Mutex // guards hold and out
	hold bool
	out  []byte
}

func newGatherConn(c net.Conn, pool *Pool) *gatherConn {
	return &gatherConn{Conn: c, pool: pool}
}

// readAhead switches the buffer in front of the socket on. The caller is the
// one who reads.
func (g *gatherConn) readAhead() { g.in = bufio.NewReaderSize(g.Conn, readAhead) }

func (g *gatherConn) Read(p []byte) (int, error) {
	if g.in == nil {
		return g.Conn.Read(p)
	}
	return g.in.Read(p)
}

func (g *gatherConn) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hold {
		return g.Conn.Write(p)
	}
	if len(g.out)+len(p) > gatherSize {
		if err := g.flushLocked(); err != nil {
			return 0, err
		}
	}
	if g.out == nil {
		g.out = g.pool.Get(gatherSize)
	}
	g.out = append(g.out, p...)
	return len(p), nil
}

// holding runs write with gathering switched on and flushes what is left.
func (g *gatherConn) holding(write func() error) error {
	g.mu.Lock()
	g.hold = true
	g.mu.Unlock()
	err := write()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = false
	if ferr := g.flushLocked(); err == nil {
		err = ferr
	}
	return err
}

func (g *gatherConn) flushLocked() error {
	if g.out == nil {
		return nil
	}
	_, err := g.Conn.Write(g.out)
	g.pool.Put(g.out)
	g.out = nil
	return err
}
