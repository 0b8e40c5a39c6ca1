package listener

import (
	"net"
	"sync/atomic"

	"schloss/security/principal"
)

// Peer is who is at the other end of a connection, settled before its first
// frame is read.
type Peer struct {
	Listener  string // the listener's name, such as SSL
	Principal principal.Principal
	Name      string // Principal as text, made once
	Host      string // the address as Java prints it
	Local     bool   // came through the Unix socket: a user of this machine
}

// Handler answers requests. Handle is called in the order in which frames came
// in, by one goroutine a connection, and should return soon: what must wait is
// parked and answered later.
type Handler interface {
	Handle(*Request)
}

// Request is one frame and its place in the order of answers. It is ended
// exactly once, by Answer, Silence or Hangup, from any goroutine; a request
// whose connection has gone may still be ended, without effect.
type Request struct {
	Peer  *Peer
	Frame []byte // without its length; valid until Release or the end

	conn     *conn
	held     int         // bytes of the frame's buffer that count as in flight
	reserved int         // bytes that its answer may take; guarded by conn.mu
	room     int         // bytes of the frame that the Budget counts; guarded by conn.mu
	granted  int         // bytes of the answer that the Budget counts; guarded by conn.mu
	released atomic.Bool // the frame's buffer went back to the pool
	abandon  func()      // called when the connection goes before the end

	// Guarded by conn.mu.
	ended    bool
	out      net.Buffers
	pooled   [][]byte
	outBytes int
	hangup   error
}

// Response is what Answer sends: Buffers in their order, beginning with the
// four bytes of the length. Pooled buffers go back to the pool when they have
// been written; no one else may hold them then.
type Response struct {
	Buffers net.Buffers
	Pooled  [][]byte
}

// Pool is where buffers of requests and answers come from and go to.
func (r *Request) Pool() *Pool { return r.conn.listener.pool }

// Release gives the frame's buffer back before the end. Nothing may hold a
// slice of the frame any more. It may be called again, and while another
// goroutine ends the request: the buffer goes back once.
func (r *Request) Release() {
	if r.released.Swap(true) {
		return
	}
	r.conn.listener.pool.Put(r.Frame)
	r.conn.released(r)
}

// OnAbandon has f called, once, by any goroutine, when the connection goes
// before the request is ended. It is to be set inside Handle.
func (r *Request) OnAbandon(f func()) {
	c := r.conn
	c.mu.Lock()
	over := c.gone || c.closed // the reader is in Handle: only a stop closes
	switch {
	case !over:
		r.abandon = f
	case !r.ended && !c.gone:
		r.ended, r.hangup = true, net.ErrClosed
		c.ready.Signal()
	}
	c.mu.Unlock()
	if over {
		f()
	}
}

// Reserve counts n bytes as in flight until the request ends: what its answer
// may take. A connection with too much in flight is not read from, so that
// many parked requests cannot all be answered with much at once.
func (r *Request) Reserve(n int) {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.ended || c.gone {
		return
	}
	r.reserved += n
	c.bytes += n
}

// Grant takes room for an answer of up to n bytes, in place of what was granted
// before, and says for how many there is some: a little at least. Grant(0)
// gives it back.
func (r *Request) Grant(n int) int {
	c := r.conn
	budget := c.listener.budget
	c.mu.Lock()
	if r.ended || c.gone {
		c.mu.Unlock()
		return n
	}
	budget.count(c, -r.granted)
	r.granted = 0
	if n > 0 {
		r.granted = budget.grant(c, n)
	}
	got := r.granted
	c.mu.Unlock()
	if got < n {
		budget.evict() // takes the lock of a connection, perhaps of this one
	}
	return got
}

// Answer ends the request with a response.
func (r *Request) Answer(resp Response) {
	n := 0
	for _, b := range resp.Buffers {
		n += len(b)
	}
	r.Release()
	r.conn.end(r, func() {
		r.out, r.pooled, r.outBytes = resp.Buffers, resp.Pooled, n
		r.conn.bytes += n
	})
}

// Silence ends a request that has no response (Produce with acks=0).
func (r *Request) Silence() {
	r.Release()
	r.conn.end(r, func() {})
}

// Hangup ends the request by closing the connection, once the answers before
// it have been sent. The reason goes to the log.
func (r *Request) Hangup(reason error) {
	r.Release()
	r.conn.end(r, func() { r.hangup = reason })
}
