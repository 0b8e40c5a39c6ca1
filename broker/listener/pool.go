package listener

import (
	"math/bits"
	"sync"
)

// Buffers between 4 KiB and 64 MiB are kept for reuse, by powers of two.
const (
	minClass = 12
	maxClass = 26
)

// Pool keeps buffers for reuse, sorted by size. Its zero value is ready.
// A buffer belongs to whoever got it until it is put back; after that no one
// may hold a slice of it.
type Pool struct {
	classes [maxClass - minClass + 1]sync.Pool
}

// Get is an empty buffer with room for at least n bytes.
func (p *Pool) Get(n int) []byte {
	class := max(bits.Len(uint(max(n, 1)-1)), minClass)
	if class > maxClass {
		return make([]byte, 0, n)
	}
	if b, ok := p.classes[class-minClass].Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// Put takes a buffer back, whatever its origin. Its class is the largest one
// that its capacity fills.
func (p *Pool) Put(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < minClass || class > maxClass {
		return
	}
	b = b[:0]
	p.classes[class-minClass].Put(&b)
}
