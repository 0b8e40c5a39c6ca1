package listener

import (
	"sync"
	"testing"
)

// TestFrameGoesBackOnce releases a frame from the handler while another
// goroutine answers, as a parked request does, and then looks whether the pool
// ever gives one buffer to two owners.
func TestFrameGoesBackOnce(t *testing.T) {
	var answers sync.WaitGroup
	l, _ := serve(t, Config{Name: "T"}, &Limits{}, handle(func(r *Request) {
		answers.Go(func() { answer(r, "ok") })
		r.Release()
		r.Release()
	}))
	c := dial(t, l)
	for range 200 {
		send(t, c, "x")
		receive(t, c)
	}
	answers.Wait()
	owners := map[*byte]bool{}
	for range 64 {
		b := l.pool.Get(1)
		first := &b[:1][0]
		if owners[first] {
			t.Fatal("the pool gave one buffer to two owners")
		}
		owners[first] = true
	}
}
