package mirror

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// buffer is the memory of one fetch response. The batches in it are sent from
// where they lie, so it is free again only when the target has answered for
// every one of them: a buffer reused earlier would send other records than
// those that were acknowledged to the source (compare CVE-2026-35554).
type buffer struct {
	pool  *pool
	bytes []byte
	refs  atomic.Int32
	alien bool // not made to be received into
}

func (b *buffer) hold() { b.refs.Add(1) }

func (b *buffer) release() {
	switch n := b.refs.Add(-1); {
	case n == 0:
		b.pool.put(b)
	case n < 0:
		panic("mirror: buffer released more often than held")
	}
}

// pool hands out receive buffers and bounds the memory of all together.
type pool struct {
	limit int64 // bytes; buffer.memory of the producer
	// poison, in tests, overwrites what is free.
	poison func([]byte)

	mu    sync.Mutex // guards what follows
	free  []*buffer  // the last is the warmest
	made  [][]byte   // free memory for batches that are built; the last is the warmest
	idle  int64      // bytes of what is free
	taken int        // buffers handed out
	bytes int64      // of the buffers handed out, as they were when taken or grown
	room  chan struct{}
}

func newPool(limit int64) *pool { return &pool{limit: limit, room: make(chan struct{})} }

// get takes a buffer with room for so many bytes, held once. It waits while that
// would exceed the limit.
func (p *pool) get(ctx context.Context, bytes int) (*buffer, error) {
	for {
		p.mu.Lock()
		if p.taken == 0 || p.bytes+int64(bytes) <= p.limit {
			b := p.takeLocked(bytes)
			p.mu.Unlock()
			return b, nil
		}
		room := p.room
		p.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *pool) takeLocked(bytes int) *buffer {
	b := &buffer{pool: p}
	if n := len(p.free); n > 0 {
		b, p.free = p.free[n-1], p.free[:n-1]
		p.idle -= int64(cap(b.bytes))
	}
	if cap(b.bytes) < bytes {
		b.bytes = make([]byte, 0, bytes)
	}
	p.taken++
	p.bytes += int64(cap(b.bytes))
	b.refs.Store(1)
	return b
}

const (
	// leastMade is the least memory that is kept to build in once more.
	leastMade = 64 << 10
	// madeStep is what its size is a multiple of.
	madeStep = 16 << 10
)

// make makes memory for a batch that is built, to be adopted.
func (p *pool) make(bytes int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.made) - 1; i >= 0; i-- {
		if b := p.made[i]; cap(b) >= bytes {
			p.made = slices.Delete(p.made, i, i+1)
			p.idle -= int64(cap(b))
			return b
		}
	}
	return make([]byte, 0, (bytes+madeStep-1)/madeStep*madeStep) // so that the next of about this size fits too
}

// adopt counts memory that was made elsewhere as taken, until it is released.
// It is there already, so nothing is waited for: who takes the next waits.
func (p *pool) adopt(bytes []byte) *buffer {
	b := &buffer{pool: p, bytes: bytes, alien: true}
	b.refs.Store(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.bytes += int64(cap(bytes))
	return b
}

// grown accounts for a buffer that was replaced by a larger one.
func (p *pool) grown(b *buffer, bytes []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += int64(cap(bytes) - cap(b.bytes))
	b.bytes = bytes
}

func (p *pool) put(b *buffer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.poison != nil {
		p.poison(b.bytes)
	}
	p.taken--
	p.bytes -= int64(cap(b.bytes))
	if spare := p.idle + int64(cap(b.bytes)); p.keeps(spare) && (!b.alien || cap(b.bytes) >= leastMade) {
		p.idle = spare
		if b.alien {
			p.made = append(p.made, b.bytes[:0])
		} else {
			p.free = append(p.free, b)
		}
	}
	close(p.room)
	p.room = make(chan struct{})
}

// keeps says whether so much free memory is worth keeping: what is near the limit
// will want some again at once.
func (p *pool) keeps(spare int64) bool { return spare <= p.limit/4 || spare+p.bytes <= p.limit }
