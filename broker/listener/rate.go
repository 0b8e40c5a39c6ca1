package listener

import (
	"context"
	"sync"
	"time"
)

// Rate spaces new connections out (max.connection.creation.rate). Those of one
// second may come at once. The zero value bounds nothing.
type Rate struct {
	mu   sync.Mutex    // guards what follows
	each time.Duration // what one connection takes of a second; 0: no bound
	next time.Time     // when the next one would be due, had all come evenly
}

// Set changes the rate; 0 is none.
func (r *Rate) Set(perSecond int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.each = 0
	if perSecond > 0 {
		r.each = time.Second / time.Duration(perSecond)
	}
}

// await takes a place and waits until it is due, or ctx ends.
func (r *Rate) await(ctx context.Context) {
	wait := r.take(time.Now())
	if wait <= 0 {
		return
	}
	due := time.NewTimer(wait)
	defer due.Stop()
	select {
	case <-due.C:
	case <-ctx.Done():
	}
}

// take takes a place and says how long it is until then.
func (r *Rate) take(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.each == 0 {
		return 0
	}
	if second := now.Add(-time.Second); r.next.Before(second) {
		r.next = second // what was not used is not kept for long
	}
	r.next = r.next.Add(r.each)
	return r.next.Sub(now)
}
