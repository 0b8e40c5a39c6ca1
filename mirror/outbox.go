package mirror

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// maxInFlight is how many batches of one producer a broker remembers of a
// partition, to tell a repetition (Kafka: ProducerStateEntry).
const maxInFlight = 5

// identity is an idempotent producer, or nobody.
type identity struct {
	id    kafka.ProducerID
	epoch int16
}

var nobody = identity{kafka.NoProducerID, -1}

// writer is a producer, and where it stands in one partition.
type writer struct {
	identity
	next int32 // sequence number of its next batch; noSequence: not known, or it is not to go on
}

// noSequence is that of a parcel, or of a writer, that has none.
const noSequence int32 = -1

var noWriter = writer{nobody, noSequence}

// over is the writer once it has written n records more.
func (w writer) over(n int32) writer {
	if w.next != noSequence {
		w.next = addSequence(w.next, n)
	}
	return w
}

// outbox sends the batches of one partition, in order and each once, through
// a window of requests. It does no I/O; its sender's lock guards it.
//
// An error stops the window. When all that was under way is answered, what is
// not acknowledged goes again, from the first on, with the same sequence
// numbers, by which the broker recognises what it has already. Only where the
// broker has lost its memory of the producer does a new one take over.
type outbox struct {
	tp       kafka.TopicPartition
	window   int
	patience time.Duration // delivery.timeout.ms; 0: no end
	who      *identity     // nil: to be asked for
	next     int32         // sequence number of the first parcel that has none
	known    bool          // the broker has acknowledged something of this identity
	parcels  []*parcel     // parcels[:flying] are under way or answered
	flying   int
	failing  bool // an answer was an error: nothing more leaves until all are in
	resting  bool
	rests    int // in a row
	closed   bool
	err      error // the end
	listed   bool  // in its lane's list
	last     *int  // as of the sender's, for all outboxes of its partition
	firm     bool  // it keeps its identity, and ends where the broker does not know it
	bound    bool  // it sends in transactions only: bound.go
	enrolled bool  // and may begin something new
	telling  int   // outcomes that were reported and may not be told yet
	quiet    chan struct{}
	node     kafka.NodeID
	emptied  chan struct{} // of Close, closed when nothing is under way any more, and that is told
	finished []finished    // to be told once the lock is released
}

// parcel is one batch in an outbox.
type parcel struct {
	copy     Copy
	sequence int32
	since    time.Time
	answered bool
	base     kafka.Offset // where the broker has put it; NoOffset where it does not remember
	err      error
}

func (p *parcel) acknowledged() bool { return p.answered && p.err == nil }

// finished is what a Copy is to be told.
type finished struct {
	copy Copy
	base kafka.Offset
	err  error
}

// action is what the sender has to do after an answer.
type action int8

const (
	nothing  action = iota
	rest            // pause, look for the leader, go on
	identify        // ask for a new identity, go on
)

// add appends copies; those that come too late are finished at once.
func (o *outbox) add(copies []Copy) {
	for _, c := range copies {
		switch {
		case o.err != nil:
			o.give(c, o.err)
		case o.closed:
			o.give(c, errAppenderClosed)
		default:
			o.parcels = append(o.parcels, &parcel{copy: c, sequence: noSequence})
		}
	}
}

// give gives a copy back that was not appended.
func (o *outbox) give(c Copy, err error) {
	o.finished = append(o.finished, finished{c, kafka.NoOffset, err})
}

// settle tells that a parcel is appended.
func (o *outbox) settle(p *parcel) {
	o.finished = append(o.finished, finished{p.copy, p.base, nil})
}

// ready says whether a parcel may leave. The first one of an identity travels
// alone: a broker that does not know a producer takes any sequence number as
// its first, so a second batch could slip in before a first that failed.
func (o *outbox) ready() bool {
	if o.who == nil || o.failing || o.resting || o.closed || o.err != nil {
		return false
	}
	o.passAcknowledged()
	return o.flying < len(o.parcels) && o.flying < o.window && (o.known || o.flying == 0) && o.mayBegin()
}

// passAcknowledged leaves out what was acknowledged though something before it
// was not: a broker that is slow to replicate answers so.
func (o *outbox) passAcknowledged() {
	for o.flying < len(o.parcels) && o.parcels[o.flying].acknowledged() {
		o.flying++
	}
}

// take makes the next parcel ready to leave. ready must have said so.
func (o *outbox) take(now time.Time) *parcel {
	p := o.parcels[o.flying]
	o.flying++
	if p.since.IsZero() {
		p.since = now
	}
	if p.sequence < 0 {
		r := batch.Rewrite{ProducerID: o.who.id, ProducerEpoch: o.who.epoch, BaseSequence: -1}
		b := p.copy.Batch()
		if *o.who != nobody {
			p.sequence, o.next = o.next, addSequence(o.next, b.Count())
			r.BaseSequence = p.sequence
		}
		if o.bound {
			r.Attributes = batch.TransactionalBit
		}
		b.Rewrite(r) // the codec stays, all other attributes are cleared
	}
	return p
}

// addSequence counts on; sequence numbers start again at 0 after the largest.
func addSequence(s, n int32) int32 {
	if s > math.MaxInt32-n {
		return n - (math.MaxInt32 - s) - 1
	}
	return s + n
}

// answer notes what became of a parcel.
func (o *outbox) answer(p *parcel, base kafka.Offset, err error, now time.Time) action {
	if errors.Is(err, kafka.ErrDuplicateSequenceNumber) && !o.firm {
		base, err = kafka.NoOffset, nil // it is there, and so long ago that its offset is forgotten
	}
	p.answered, p.base, p.err = true, base, err
	if err != nil {
		o.failing = true
	} else {
		o.known, o.rests = true, 0
	}
	for o.flying > 0 && o.parcels[0].acknowledged() {
		o.settle(o.parcels[0])
		o.parcels = o.parcels[1:]
		o.flying--
	}
	if slices.ContainsFunc(o.parcels[:o.flying], func(p *parcel) bool { return !p.answered }) {
		return nothing
	}
	did := nothing
	if o.failing {
		did = o.resolve(now)
	}
	if o.closed {
		o.abandon(errAppenderClosed)
	}
	return did
}

// resolve decides by the first failure, when everything is answered.
func (o *outbox) resolve(now time.Time) action {
	first := o.parcels[0]
	o.failing = false
	o.flying = 0
	for _, p := range o.parcels {
		if !p.acknowledged() {
			p.answered = false
		}
	}
	var code kafka.ErrorCode
	isCode := errors.As(first.err, &code)
	switch {
	case isCode && forgotten(code) && *o.who != nobody && !o.firm:
		return o.disown()
	case isCode && (!code.Retriable() || code == kafka.ErrCorruptMessage || o.firm && forgotten(code)):
		o.end(first.err)
	case o.patience > 0 && now.Sub(first.since) > o.patience:
		o.end(fmt.Errorf("not acknowledged in %v (delivery.timeout.ms): %w", o.patience, first.err))
	default:
		return rest
	}
	return nothing
}

// forgotten says that what the broker knows of the producer is not what it sent
// last.
func forgotten(code kafka.ErrorCode) bool {
	switch code {
	case kafka.ErrOutOfOrderSequenceNumber, kafka.ErrUnknownProducerID, kafka.ErrInvalidProducerEpoch, kafka.ErrDuplicateSequenceNumber:
		return true
	}
	return false
}

// disown has what is not acknowledged sent by another identity.
func (o *outbox) disown() action {
	if *o.who == nobody {
		return nothing
	}
	o.who, o.known, o.next = nil, false, 0
	for _, p := range o.parcels {
		if !p.acknowledged() {
			p.sequence = noSequence
		}
	}
	return identify
}

// end gives everything up.
func (o *outbox) end(err error) {
	o.err = err
	o.abandon(err)
}

// abandon finishes all parcels that are not under way.
func (o *outbox) abandon(err error) {
	for _, p := range o.parcels[o.flying:] {
		if p.acknowledged() {
			o.settle(p)
			continue
		}
		o.give(p.copy, err)
	}
	o.parcels = o.parcels[:o.flying]
}

// close lets nothing more leave. The channel is closed when what is under way
// is answered, and all outcomes are told.
func (o *outbox) close() <-chan struct{} {
	if !o.closed {
		o.closed = true
		o.emptied = make(chan struct{})
		o.abandon(errAppenderClosed)
	}
	return o.emptied
}

// report gives what is to be told, once; told is to follow, also where that is
// nothing.
func (o *outbox) report() []finished {
	f := o.finished
	o.finished = nil
	o.telling += len(f)
	return f
}

// told notes that outcomes are told.
func (o *outbox) told(n int) {
	o.telling -= n
	if !o.closed || o.flying > 0 || o.telling > 0 || len(o.finished) > 0 {
		return
	}
	select {
	case <-o.emptied:
	default:
		close(o.emptied)
	}
}
