package broker

import (
	"sync/atomic"
	"time"
)

// fetchWait is a parked fetch. It ends once, by whichever comes first: enough
// bytes, its deadline, a partition that goes, or its connection. Nothing of it
// sleeps: partitions and a timer hold it.
type fetchWait struct {
	f       *fetchCall
	missing atomic.Int64
	done    atomic.Bool
	timer   *time.Timer
	parked  chan struct{} // closed once park no longer touches the call
}

// park registers the call with its partitions and the clock.
func (f *fetchCall) park(wait time.Duration) {
	w := &fetchWait{f: f, parked: make(chan struct{})}
	most := f.most()
	f.req.Reserve(most)
	w.missing.Store(int64(min(int(f.in.MinBytes), most) - f.total))
	w.timer = time.AfterFunc(wait, w.fire)
	for i := range f.reads {
		f.reads[i].r.wait(w)
	}
	// What came between reading and registering woke no one.
	late := false
	for i := range f.reads {
		read := &f.reads[i]
		late = late || read.r.log.Durable() > read.seen
	}
	close(w.parked)
	f.req.OnAbandon(w.give)
	if late {
		w.fire()
	}
}

// most is how much the limits let the call have, but for a longer first batch.
func (f *fetchCall) most() int {
	sum := 0
	for i := range f.reads {
		sum += max(f.reads[i].maxBytes, 0)
	}
	return max(0, min(sum, int(f.in.MaxBytes), f.b.set.fetchMaxBytes))
}

// grew notes that size more bytes can be read.
func (w *fetchWait) grew(size int) {
	if w.missing.Add(-int64(size)) <= 0 {
		w.fire()
	}
}

// fire answers the call, reading again in a goroutine of its own: whoever calls
// it must not block.
func (w *fetchWait) fire() {
	if w.done.CompareAndSwap(false, true) {
		go w.complete()
	}
}

func (w *fetchWait) complete() {
	<-w.parked
	w.leave()
	w.f.unread()
	w.f.read()
	w.f.answer()
}

// give gives the call up: nobody is there to answer.
func (w *fetchWait) give() {
	if w.done.CompareAndSwap(false, true) {
		w.leave()
	}
}

func (w *fetchWait) leave() {
	w.timer.Stop()
	for i := range w.f.reads {
		w.f.reads[i].r.unwait(w)
	}
}
