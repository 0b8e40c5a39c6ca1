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

// park registers the call with its session, or its partitions, and the clock.
func (f *fetchCall) park(wait time.Duration) {
	w := &fetchWait{f: f, parked: make(chan struct{})}
	most := max(0, min(f.limits, int(f.in.MaxBytes), f.b.set.fetchMaxBytes))
	f.req.Reserve(most)
	w.missing.Store(int64(min(int(f.in.MinBytes), most) - f.total))
	f.unread() // it is read again, and whoever waits holds nothing
	w.timer = time.AfterFunc(wait, w.fire)
	late := w.register()
	close(w.parked)
	f.req.OnAbandon(w.give)
	if late {
		w.fire()
	}
}

// register has the call told of what happens. It says whether something has
// happened already: what came between reading and registering woke no one.
func (w *fetchWait) register() (late bool) {
	if w.f.session != nil {
		return w.f.session.park(w)
	}
	for i := range w.f.reads {
		if read := &w.f.reads[i]; read.r != nil {
			late = !read.r.wait(w) || read.r.log.Durable() > read.seen || late
		}
	}
	return late
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
	if w.f.session != nil {
		w.f.gather() // what has news since then is looked at too
	}
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
	if w.f.session != nil {
		w.f.session.unpark(w)
		return
	}
	for i := range w.f.reads {
		if r := w.f.reads[i].r; r != nil {
			r.unwait(w)
		}
	}
}
