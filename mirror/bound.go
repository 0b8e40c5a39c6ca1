package mirror

import (
	"schloss/kafka"
)

// An outbox that is bound sends only while its partition is in a transaction,
// and keeps its producer: what the target forgets is for the transaction's owner
// to mend. What was sent once is sent again until it is answered, enrolled or
// not.

// boxCondition is what a transaction has to know of an outbox.
type boxCondition int8

const (
	boxIdle boxCondition = iota
	boxWaits
	boxGone // closed or ended
)

// bind makes an outbox a bound one; quiet is told after each answer.
func (o *outbox) bind(quiet chan struct{}) {
	o.bound, o.quiet = true, quiet
}

// mayBegin says whether a parcel may leave that was never sent before.
func (o *outbox) mayBegin() bool {
	return !o.bound || o.enrolled || o.parcels[o.flying].sequence >= 0
}

func (a *appender) condition() boxCondition {
	a.sender.mu.Lock()
	defer a.sender.mu.Unlock()
	switch {
	case a.box.closed && a.box.flying == 0 || a.box.err != nil:
		return boxGone
	case len(a.box.parcels) > 0:
		return boxWaits
	}
	return boxIdle
}

// enrol lets the outbox send what is new, or not any more.
func (a *appender) enrol(in bool) {
	a.sender.mu.Lock()
	defer a.sender.mu.Unlock()
	a.box.enrolled = in
	a.sender.listLocked(a.box)
}

// drained says that all that was sent is answered, and that the answers are
// told.
func (a *appender) drained() bool {
	a.sender.mu.Lock()
	defer a.sender.mu.Unlock()
	if a.box.telling > 0 || a.box.flying > 0 {
		return false
	}
	return len(a.box.parcels) == 0 || a.box.parcels[0].sequence < 0
}

// ended is why the outbox sends no more, nil if it does.
func (a *appender) ended() error {
	a.sender.mu.Lock()
	defer a.sender.mu.Unlock()
	return a.box.err
}

// fail ends the outbox.
func (a *appender) fail(err error) {
	a.sender.mu.Lock()
	a.box.end(err)
	done := a.box.report()
	a.sender.mu.Unlock()
	a.sender.tell(a.box, done)
}

// rename has a drained outbox go on as another producer.
func (a *appender) rename(who identity) {
	a.sender.mu.Lock()
	defer a.sender.mu.Unlock()
	a.box.who, a.box.next, a.box.known = &who, 0, false
}

// openAs prepares to append as a producer that is not to be changed.
func (t *clusterTarget) openAs(stream int, tp kafka.TopicPartition, w writer) *appender {
	s := t.sender(stream, tp)
	o := s.outbox(tp)
	o.who, o.next, o.firm = &w.identity, w.next, true
	return &appender{sender: s, box: o}
}
