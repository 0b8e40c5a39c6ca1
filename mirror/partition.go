package mirror

import (
	"fmt"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
	"schloss/mirror/offsetmap"
)

// partition is one partition that is copied: from where on to fetch, what is
// under way, and up to where the target has it. It does no I/O; its stream's
// lock guards it.
//
//	done <= under way, in order <= next
type partition struct {
	tp       kafka.TopicPartition
	limits   Limits
	stream   *stream
	appender Appender
	leader   kafka.NodeID // of the source; -1: none known
	resting  bool         // after an error, until a timer ends it
	fetching bool         // a request under way asks for it
	rests    int          // in a row, for the pause between them
	leaving  bool         // it is given back: what is under way is the last

	next      kafka.Offset // to fetch
	asked     kafka.Offset // in the last request
	done      kafka.Offset // all before it is acknowledged, or held nothing
	committed kafka.Offset // -1: nothing yet
	end       kafka.Offset // what the source lets us read up to; -1: not known

	offsets      offsetmap.Map // of what is settled
	unplaced     int64         // source offsets behind its end whose place the target has forgotten
	unplacedFrom kafka.Offset

	under   []*span
	backlog int // bytes of under that are not answered
	largest int // batch, lately

	halt    *Halt
	revoked bool // nothing may be committed any more

	// A batch that the target found damaged is fetched once more, with all
	// behind it: they are of another generation then.
	rereading  bool
	reread     kafka.Offset // where that was; -1: nowhere
	generation int

	records, bytes, dropped int64
}

// span is one batch under way.
type span struct {
	p       *partition
	batch   batch.Batch
	memory  *buffer
	offset  kafka.Offset // of the source; the batch's own is rewritten
	next    kafka.Offset // the position once it is acknowledged, behind what was skipped after it
	records int32
	base    kafka.Offset // in the target, once settled; NoOffset where it has forgotten
	settled bool
	leftOut bool // settled without being in the target

	generation int
}

// Batch is the bytes to append.
func (s *span) Batch() batch.Batch { return s.batch }

// Done is the target's answer.
func (s *span) Done(base kafka.Offset, err error) { s.p.stream.answered(s, base, err) }

// startAt sets the position of a partition that copies nothing yet.
func (p *partition) startAt(at, committed kafka.Offset) {
	p.next, p.done, p.committed, p.end, p.reread = at, at, committed, -1, -1
}

// running says whether the partition may be fetched at all.
func (p *partition) running() bool {
	return p.halt == nil && !p.revoked && !p.leaving && !p.resting && !p.rereading
}

// enough is how many bytes may be under way before more is fetched, at least:
// the window of the target must never run empty.
const enough = 256 << 10

// crowded says that the target has not caught up with what was fetched.
func (p *partition) crowded() bool { return p.backlog >= max(enough, maxInFlight*p.largest) }

// stop halts the partition. The first reason counts.
func (p *partition) stop(reason HaltReason, at kafka.Offset, err error) {
	if p.halt == nil && !p.revoked {
		p.halt = &Halt{Reason: reason, Offset: at, Err: err}
	}
}

// take goes through the records of a response, notes what is to be sent and
// moves the position. It ends at the first batch that may not pass. memory is
// held once for each span.
func (p *partition) take(r *wire.FetchedPartition, committedOnly bool, memory *buffer) (spans []Copy) {
	p.end = r.HighWatermark
	var drop *aborted
	if committedOnly {
		p.end = r.LastStable
		drop = newAborted(r.Aborted)
	}
	for rest := r.Records; len(rest) > 0 && p.running(); {
		var b batch.Batch
		var err error
		if b, rest, err = batch.Split(rest); err != nil {
			p.unsplit(err)
			break
		}
		h := b.Header()
		if dropped := drop != nil && drop.drops(b); h.NextOffset() <= p.next {
			continue // wholly before the position
		} else if dropped {
			p.skipTo(h.NextOffset())
			continue
		}
		switch v, reason, err := judge(h, p.limits); v {
		case skip:
			p.skipTo(h.NextOffset())
		case halt:
			p.stop(reason, h.BaseOffset, err)
		case pass:
			s := &span{p: p, batch: b, memory: memory, offset: h.BaseOffset, next: h.NextOffset(), records: h.Count, generation: p.generation}
			memory.hold()
			p.under = append(p.under, s)
			p.backlog += len(b)
			p.largest = max(len(b), p.largest-p.largest/64)
			p.next = s.next
			spans = append(spans, s)
		}
	}
	return spans
}

// unsplit handles what is no whole batch of format v2.
func (p *partition) unsplit(err error) {
	switch err {
	case batch.ErrShort: // the response ends within a batch: it comes whole with the next
	case batch.ErrOldFormat:
		p.stop(OldFormat, p.next, fmt.Errorf("%w", err))
	default:
		p.stop(CorruptSource, p.next, err)
	}
}

// skipTo moves the position over a batch that is not sent. Where something
// before it is under way, the position follows that.
func (p *partition) skipTo(next kafka.Offset) {
	p.next = next
	if n := len(p.under); n > 0 {
		p.under[n-1].next = next
		return
	}
	p.done = next
}

// settle notes that a span needs its bytes no more, and where the target has
// put it. passed says whether the position may move over it.
func (p *partition) settle(s *span, base kafka.Offset, passed bool) {
	p.backlog -= len(s.batch)
	s.settled, s.base = passed, base
	for len(p.under) > 0 && p.under[0].settled {
		p.mapOut(p.under[0])
		p.done = p.under[0].next
		p.under = p.under[1:]
	}
}

// mapOut notes where the target has the records of a settled span. Spans whose
// place it has forgotten stand somewhere between their neighbours. A target
// that counts backwards is not the log that was written before: it has lost
// records, or is another topic of the same name.
func (p *partition) mapOut(s *span) {
	switch {
	case s.leftOut:
		return
	case s.base == kafka.NoOffset:
		if p.unplaced == 0 {
			p.unplacedFrom = s.offset
		}
		p.unplaced = int64(s.offset-p.unplacedFrom) + int64(s.records)
		return
	}
	var err error
	if _, from, ok := p.offsets.End(); ok && p.unplaced > 0 {
		err = p.offsets.AddWithin(p.unplacedFrom, p.unplaced, from, s.base)
	}
	p.unplaced = 0
	if err == nil {
		err = p.offsets.Add(s.offset, s.base, int64(s.records))
	}
	if err != nil {
		p.stop(TargetChanged, s.offset, err)
	}
}

// rewind goes back to what is acknowledged, to fetch and send again from
// there. Nothing may be under way any more; answers that are still to be told
// are of a generation that counts no more.
func (p *partition) rewind() {
	p.under, p.next = nil, p.done
	p.generation++
}

// lag is how many offsets the target is behind, -1 if not known yet.
func (p *partition) lag() int64 {
	if p.end < 0 {
		return -1
	}
	return max(0, int64(p.end-p.done))
}

// progress is the partition's state for the outside.
func (p *partition) progress() PartitionProgress {
	return PartitionProgress{TopicPartition: p.tp, Position: p.done, Committed: p.committed, Lag: p.lag(), Halt: p.halt}
}
