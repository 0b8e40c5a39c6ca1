package listener

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Budget bounds what all connections together hold in memory for their peers:
// frames while they arrive and are worked on, and answers until they are
// written. One connection's share is bounded by Config; this is for the sum of
// thousands. A frame waits for room before it is read, as under Kafka's
// queued.max.request.bytes; an answer that can be shorter gets what is left.
// The zero value bounds nothing.
type Budget struct {
	Most int64 // bytes; 0: no bound

	mu      sync.Mutex // guards what follows
	used    int64
	changed chan struct{} // closed when room was given back; nil while nobody waits
	holders map[*conn]struct{}
	evicted time.Time // when a connection was cut last
}

const (
	// uncounted is the largest frame that needs no room, so that a broker
	// without any still answers small requests. It is also what every answer
	// may take.
	uncounted = 64 << 10
	// stuckAfter is how long a peer may take for one frame or answer while
	// others wait for room.
	stuckAfter = 5 * time.Second
)

var errStuck = errors.New("it took longest for one request or answer while others waited for room (queued.max.request.bytes)")

// take waits until there is room for n bytes of c; false when c has ended.
func (b *Budget) take(c *conn, n int) bool {
	for {
		changed, ok := b.try(c, n)
		if ok {
			return true
		}
		patience := time.NewTimer(stuckAfter)
		select {
		case <-changed:
		case <-c.over:
			patience.Stop()
			return false
		case <-patience.C:
			b.evict()
		}
		patience.Stop()
	}
}

// try takes n bytes if they fit. What is larger than the whole gets them when
// nobody else has any.
func (b *Budget) try(c *conn, n int) (changed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Most <= 0 || b.used == 0 || b.used+int64(n) <= b.Most {
		b.add(c, n)
		return nil, true
	}
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed, false
}

// grant takes up to n bytes, and a little where there is no room.
func (b *Budget) grant(c *conn, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := n
	if b.Most > 0 {
		got = max(min(n, int(b.Most-b.used)), min(n, uncounted))
	}
	b.add(c, got)
	return got
}

// add counts n bytes more of c, or less; it never waits. What c has left behind
// is counted no more.
func (b *Budget) add(c *conn, n int) {
	if c.left {
		return
	}
	b.used += int64(n)
	c.held += int64(n)
	switch {
	case c.held == 0:
		delete(b.holders, c)
	case b.holders == nil:
		b.holders = map[*conn]struct{}{c: {}}
	default:
		b.holders[c] = struct{}{}
	}
	if n < 0 && b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// count is add for those who do not hold mu.
func (b *Budget) count(c *conn, n int) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(c, n)
}

// leave gives back all that c has.
func (b *Budget) leave(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(c, -int(c.held))
	c.left = true
}

// full says that there is no room at all.
func (b *Budget) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Most > 0 && b.used >= b.Most
}

// evict cuts the connection that has room and has been waiting longest for its
// peer to send a frame or to take an answer, at most one a second.
func (b *Budget) evict() {
	b.mu.Lock()
	now := time.Now()
	if now.Sub(b.evicted) < time.Second {
		b.mu.Unlock()
		return
	}
	oldest := now.Add(-stuckAfter)
	var slowest *conn
	for c := range b.holders {
		for _, since := range []*atomic.Int64{&c.reading, &c.writing} {
			if at := since.Load(); at != 0 && time.Unix(0, at).Before(oldest) {
				oldest, slowest = time.Unix(0, at), c
			}
		}
	}
	if slowest != nil {
		b.evicted = now
	}
	b.mu.Unlock()
	if slowest != nil {
		slowest.fail(errStuck)
	}
}
