package listener

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"schloss/kafka/wire"
)

const (
	// Buffers in front of a plaintext socket and of TLS, which has its own.
	plainReadAhead  = 16 << 10
	secureReadAhead = 4 << 10

	maxHint    = 2 << 20  // largest buffer a frame is awaited with
	writeBatch = 1 << 20  // answers gathered for one write end here
	recordSize = 16 << 10 // largest TLS record
)

var errIdle = errors.New("connection was idle for connections.max.idle.ms")

// conn is one connection: a reader that hands frames to the handler in order,
// and a writer that sends answers in that same order.
type conn struct {
	listener *Listener
	sock     net.Conn    // the socket itself
	stream   net.Conn    // the socket, or TLS on it
	gather   *gatherConn // between both; nil on plaintext
	peer     Peer
	active   atomic.Int64  // Unix nanoseconds of the last frame in or out
	reading  atomic.Int64  // since when a frame that holds room arrives; 0: none does
	writing  atomic.Int64  // since when answers are being written; 0: none are
	over     chan struct{} // closed when no more is read
	held     int64         // of the Budget, which guards it
	left     bool          // the Budget is left; guarded by it too

	mu     sync.Mutex // guards what follows and the state of its requests
	ready  sync.Cond  // the head of queue has ended, or gone or closing
	room   sync.Cond  // queue or bytes have shrunk, or gone or closing
	queue  []*Request // in order of arrival
	bytes  int        // frames not released and answers not written
	closed bool       // the reader takes no more
	gone   bool       // nothing more can be written
	reason error      // why it has gone
	ending sync.Once  // closes over
}

// run serves the connection to its end and says why it ended; nil when it was
// drained.
func (c *conn) run() error {
	c.active.Store(time.Now().UnixNano())
	idle := c.watchIdle()
	defer idle()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.write()
	}()
	err := c.read()
	c.endReading(err)
	<-done
	_ = c.stream.Close() // says goodbye on TLS; what was owed has been sent
	c.fail(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// read takes frames in until the peer is done (io.EOF or an error) or the
// connection is drained (nil).
func (c *conn) read() error {
	size := plainReadAhead
	if c.gather != nil {
		c.gather.readAhead()
		size = secureReadAhead
	}
	in := bufio.NewReaderSize(c.stream, size)
	pool, hint := c.listener.pool, 0
	for c.awaitRoom() {
		length, err := in.Peek(4) // an idle connection holds no large buffer
		if err != nil {
			return err
		}
		room, ok := c.takeRoom(length)
		if !ok {
			return nil
		}
		frame, err := wire.ReadFrame(in, c.listener.cfg.MaxFrame, pool.Get(hint))
		c.reading.Store(0)
		if err != nil {
			pool.Put(frame)
			return err
		}
		// The next frame is awaited with a buffer as long as this one, never
		// with one as long as its own claim.
		hint = min(cap(frame), maxHint)
		c.active.Store(time.Now().UnixNano())
		r := &Request{Peer: &c.peer, Frame: frame, conn: c, held: len(frame), room: room}
		if !c.enqueue(r) {
			return nil
		}
		c.listener.handler.Handle(r)
	}
	return nil
}

// takeRoom waits until the frame that begins with length may be read; false
// when the connection ends before.
func (c *conn) takeRoom(length []byte) (room int, ok bool) {
	size := int32(binary.BigEndian.Uint32(length))
	if size <= uncounted || size > c.listener.cfg.MaxFrame {
		return 0, true
	}
	if !c.listener.budget.take(c, int(size)) {
		return 0, false
	}
	c.reading.Store(time.Now().UnixNano())
	return int(size), true
}

// awaitRoom blocks while too much is in flight, here or in sum; false when
// reading is over.
func (c *conn) awaitRoom() bool {
	cfg := &c.listener.cfg
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !c.gone && len(c.queue) > 0 && (len(c.queue) >= cfg.InFlight || c.bytes >= cfg.InFlightBytes || c.listener.budget.full()) {
		c.room.Wait()
	}
	return !c.closed && !c.gone
}

func (c *conn) enqueue(r *Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.gone {
		return false
	}
	c.queue = append(c.queue, r)
	c.bytes += r.held
	return true
}

func (c *conn) released(r *Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes -= r.held
	r.held = 0
	c.room.Signal()
	c.listener.budget.count(c, -r.room)
	r.room = 0
}

// end marks r as ended and wakes the writer when r is next. fill runs with mu
// held, and only if r was still open on a living connection.
func (c *conn) end(r *Request, fill func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.ended || c.gone {
		return false
	}
	r.ended, r.abandon = true, nil
	c.bytes -= r.reserved
	fill()
	c.listener.budget.count(c, r.outBytes-r.granted)
	if r.reserved > 0 {
		c.room.Signal()
	}
	if c.queue[0] == r {
		c.ready.Signal()
	}
	return true
}

// endReading notes that no more requests come. Without a reason the writer
// still sends what is owed; with one the connection is cut.
func (c *conn) endReading(reason error) {
	c.mu.Lock()
	drained := c.closed // then the reader was only woken
	c.closed = true
	c.ready.Signal()
	c.mu.Unlock()
	if reason != nil && !drained {
		c.fail(reason)
	}
}

// drain ends reading and gives up what is parked; produced records still get
// their answers.
func (c *conn) drain() {
	c.mu.Lock()
	c.closed = true // before the reader wakes, or it takes its deadline for a failure
	c.ending.Do(func() { close(c.over) })
	var parked []func()
	for _, r := range c.queue {
		if !r.ended && r.abandon != nil {
			parked = append(parked, r.abandon)
			r.ended, r.abandon, r.hangup = true, nil, net.ErrClosed
		}
	}
	c.ready.Signal()
	c.room.Signal()
	c.mu.Unlock()
	_ = c.sock.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	for _, f := range parked {
		f()
	}
}

// fail cuts the connection: nothing more is written, and what is open is given
// up. The first reason stays.
func (c *conn) fail(reason error) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone, c.reason = true, reason
	c.ending.Do(func() { close(c.over) })
	var open []func()
	for _, r := range c.queue {
		if !r.ended && r.abandon != nil {
			open = append(open, r.abandon)
			r.abandon = nil
		}
	}
	c.ready.Signal()
	c.room.Signal()
	c.mu.Unlock()
	_ = c.sock.Close() // what matters has been written or cannot be
	for _, f := range open {
		f()
	}
}

// watchIdle cuts the connection after IdleTimeout without a frame, unless a
// request is open. It returns what stops the watch.
func (c *conn) watchIdle() (stop func()) {
	limit := c.listener.cfg.IdleTimeout
	if limit < 0 {
		return func() {}
	}
	var timer *time.Timer // guarded by mu, as it may fire before it is assigned
	c.mu.Lock()
	defer c.mu.Unlock()
	timer = time.AfterFunc(limit, func() {
		quiet := time.Since(time.Unix(0, c.active.Load()))
		c.mu.Lock()
		busy, gone, timer := len(c.queue) > 0, c.gone, timer
		c.mu.Unlock()
		switch {
		case gone:
		case busy:
			timer.Reset(limit)
		case quiet < limit:
			timer.Reset(limit - quiet)
		default:
			c.fail(errIdle)
		}
	})
	return func() { timer.Stop() }
}
