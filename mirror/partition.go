package mirror

import (
	"math"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/mirror/offsetmap"
	"schloss/mirror/rebuild"
)

// partition is one partition that is copied: from where on to fetch, what is
// under way, and up to where the target has it. It does no I/O; its stream's
// lock guards it.
//
//	done <= under way, in order <= next
type partition struct {
	tp         kafka.TopicPartition
	limits     Limits
	partitions int32 // of the target's topic, where records go by their keys; 0: they keep this one
	stream     *stream
	appender   Appender
	id         kafka.TopicID // of the source's topic; zero: the broker is too old to tell
	leader     kafka.NodeID  // of the source; -1: none known
	epoch      kafka.Epoch   // of that leader; -1: not known
	read       kafka.Epoch   // of the last batch before next; -1: not known
	unsure     bool          // it is not known yet whether the leader has what was read before
	resting    bool          // after an error, until a timer ends it
	fetching   bool          // a request under way asks for it
	rests      int           // in a row, for the pause between them
	leaving    bool          // it is given back: what is under way is the last

	next      kafka.Offset // to fetch
	asked     kafka.Offset // in the last request
	done      kafka.Offset // all before it is acknowledged, or held nothing
	committed kafka.Offset // -1: nothing yet
	end       kafka.Offset // what the source lets us read up to; -1: not known

	began        place // where it was put
	base         kafka.Offset
	writer       writer // that stands behind what is settled
	ahead        ahead
	offsets      offsetmap.Map // of what is settled; empty where records go by their keys
	unplaced     int64         // source offsets behind its end whose place the target has forgotten
	unplacedFrom kafka.Offset

	under   []*span
	backlog int           // bytes of under that are not answered
	largest int           // batch, lately
	trip    time.Duration // to the target

	halt    *Halt
	revoked bool // nothing may be committed any more

	// What the target has refused is fetched once more, with all behind it:
	// they are of another generation then.
	rereading  bool
	renewals   int // in a row: it was owned anew, and nothing was appended since
	suspect    suspect
	generation int

	records, bytes, dropped int64
	traffic                 traffic
}

// span is one batch under way.
type span struct {
	p       *partition
	batch   batch.Batch
	raw     bool          // it is as the source has it
	copied  bool          // but not where the response lies
	memory  *buffer       // where it lies
	runs    []rebuild.Run // of a rebuilt one
	to, of  int32         // where records go by their keys: the target's partition, and of how many
	offset  kafka.Offset  // of the source; the batch's own is rewritten
	next    kafka.Offset  // the position once it is acknowledged, behind what was skipped after it
	records int32
	base    kafka.Offset // in the target, once settled; NoOffset where it has forgotten
	settled bool

	first, latest int64 // timestamps, as times gives them

	generation int
}

// end is the source offset behind the last record.
func (s *span) end() kafka.Offset {
	if s.raw {
		return s.offset + kafka.Offset(s.records)
	}
	last := s.runs[len(s.runs)-1]
	return last.Source + kafka.Offset(last.Length)
}

// at is the source offset of the i-th record.
func (s *span) at(i int32) kafka.Offset {
	left := int64(i)
	for _, r := range s.runs {
		if left < r.Length {
			return r.Source + kafka.Offset(left)
		}
		left -= r.Length
	}
	return s.offset + kafka.Offset(i)
}

// Batch is the bytes to append.
func (s *span) Batch() batch.Batch { return s.batch }

// Partition is the target's, where records go by their keys.
func (s *span) Partition() int32 { return s.to }

// Done is the target's answer.
func (s *span) Done(base kafka.Offset, err error) { s.p.stream.answered(s, base, err) }

// start sets the position of a partition that copies nothing yet. Between the
// end of what is known of its map and the place, records may have been copied
// that nobody has noted.
func (p *partition) start(at place) {
	p.next, p.done, p.committed, p.end = at.at, at.at, at.committed, -1
	p.epoch = kafka.NoEpoch
	p.resume(at)
	if end, _, ok := p.offsets.End(); ok && end < at.at {
		p.unplacedFrom, p.unplaced = end, int64(at.at-end)
	}
}

// resume takes up a place where it is to go on.
func (p *partition) resume(at place) {
	p.began = at
	p.next, p.done, p.read = at.at, at.at, at.read
	p.base, p.writer, p.ahead = at.base, at.writer, at.ahead
	p.offsets = at.offsets.Clone()
}

// place is where the partition stands.
func (p *partition) place() place {
	return place{at: p.done, committed: p.committed, read: p.read, offsets: p.offsets.Clone(), base: p.base, writer: p.writer, ahead: p.ahead.clone()}
}

// entry is what the journal is to know of the partition.
func (p *partition) entry() entry {
	p.offsets.Shorten(mapLimit)
	e := p.place().entry(p.id)
	e.byKey = p.partitions > 0
	return e
}

// running says whether the partition may be fetched at all.
func (p *partition) running() bool {
	return p.halt == nil && !p.revoked && !p.leaving && !p.resting && !p.rereading && !p.unsure
}

// halted is why the partition does not go on, nil if it does.
func (p *partition) halted() *Halt {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.halt
}

// advanced says whether the target has acknowledged something since the
// partition began, or there is nothing to acknowledge.
func (p *partition) advanced() bool {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.records > 0 || p.lag() == 0
}

// expects says whether the response under way may be taken: it asked for the
// position where the partition stands.
func (p *partition) expects() bool { return p.running() && p.asked == p.next }

// enough is how many bytes may be under way before more is fetched, at least:
// the window of the target must never run empty.
const enough = 256 << 10

// crowded says that the target has not caught up with what was fetched. Over a
// long line one batch more than the window waits: until it is fetched, what the
// line could carry is lost.
func (p *partition) crowded() bool {
	window := maxInFlight * max(p.largest, p.worthwhile())
	return p.backlog >= max(enough, window+p.worthwhile())
}

const (
	// minShare is the least that a response may bring of a partition.
	minShare = 64 << 10
	// dealtShare is that for each partition of the target that it is dealt to, the
	// batch.size of Kafka's producers.
	dealtShare = 16 << 10
)

// fetchable is how many bytes a response should have room for: what does not
// hold the next batch is only its beginning, and is thrown away.
func (p *partition) fetchable() int32 {
	if p.largest == 0 { // not known yet
		return math.MaxInt32
	}
	return max(minShare, int32(p.largest+p.largest/8), p.partitions*dealtShare)
}

// worthwhile is the size of batches that the way to the target asks for, as far
// as two that are smaller fit into one.
func (p *partition) worthwhile() int { return min(batchFor(p.trip), p.limits.batch()/2) }

// stop halts the partition. The first reason counts.
func (p *partition) stop(reason HaltReason, at kafka.Offset, err error) {
	if p.halt == nil && !p.revoked {
		p.halt = &Halt{Reason: reason, Offset: at, Err: err}
	}
}

// task is what the next response is read by.
func (p *partition) task(set *settings, strict bool) *task {
	t := &task{from: p.next, limits: p.limits, committedOnly: set.committedOnly, strict: strict, suspect: p.suspect}
	// What has come together goes together, for each batch takes one of few places
	// in the window. To unpack what is compressed for that is worth it only over a
	// long line.
	t.join, t.coalesce, t.enough = set.join, p.worthwhile(), min(batchFor(p.trip), p.limits.batch())
	if p.partitions > 0 {
		t.deal = rebuild.Deal{Partitions: p.partitions, Keyless: p.tp.Partition % p.partitions}
		if p.ahead.of == p.partitions && p.next < p.ahead.end { // it has gone back
			t.deal.There = p.ahead.clone().upTo
		}
	}
	if p.partitions > 0 {
		t.deal = rebuild.Deal{Partitions: p.partitions, Keyless: p.tp.Partition % p.partitions}
		if p.ahead.of == p.partitions && p.next < p.ahead.end { // it has gone back
			t.deal.There = p.ahead.clone().upTo
		}
	}
	return t
}

// accept takes what was read of a response: it notes what is to be sent and
// moves the position. memory is held once for each span that lies in it.
func (p *partition) accept(r *reading, memory *buffer, now time.Time) (spans []Copy) {
	if r.lead > p.next {
		p.skipTo(r.lead)
	}
	for _, s := range r.spans {
		s.p, s.generation = p, p.generation
		if s.memory = memory; s.raw && !s.copied {
			memory.hold()
		} else {
			s.memory = memory.pool.adopt(s.batch)
		}
		p.took(s, now)
		p.under = append(p.under, s)
		p.backlog += len(s.batch)
		p.largest = max(len(s.batch), p.largest-p.largest/64)
		spans = append(spans, s)
	}
	p.next = r.next
	if r.epoch != kafka.NoEpoch {
		p.read = r.epoch
	}
	for _, o := range r.left {
		p.dropped += o.records
	}
	if r.halt != nil {
		p.stop(r.halt.Reason, r.halt.Offset, r.halt.Err)
	}
	p.catchUp()
	return spans
}

// skipTo moves the position over what is not sent. Where something before it is
// under way, the position follows that.
func (p *partition) skipTo(next kafka.Offset) {
	p.next = next
	if n := len(p.under); n > 0 {
		p.under[n-1].next = next
		return
	}
	p.done = next
}

// settle notes that a span needs its bytes no more, and where the target has
// put it. appended says whether the position may move over it.
func (p *partition) settle(s *span, base kafka.Offset, appended bool) {
	p.backlog -= len(s.batch)
	if s.settled, s.base = appended, base; appended {
		p.overtake(s)
	}
	for len(p.under) > 0 && p.under[0].settled {
		p.mapOut(p.under[0])
		p.done, p.writer = p.under[0].next, p.writer.over(p.under[0].records)
		p.under = p.under[1:]
	}
	p.catchUp()
	if p.done >= p.suspect.to {
		p.suspect = suspect{}
	}
	if p.done >= p.ahead.end {
		p.ahead = ahead{}
	}
}

// mapOut notes where the target has the records of a settled span. Spans whose
// place it has forgotten stand somewhere between their neighbours. A target
// that counts backwards is not the log that was written before: it has lost
// records, or is another topic of the same name.
func (p *partition) mapOut(s *span) {
	if p.partitions > 0 {
		return
	}
	if s.base == kafka.NoOffset {
		if p.unplaced == 0 {
			p.unplacedFrom = s.offset
		}
		p.unplaced = int64(s.end() - p.unplacedFrom)
		return
	}
	var err error
	if _, from, ok := p.offsets.End(); ok && p.unplaced > 0 && from < s.base { // else nothing of it is there
		err = p.offsets.AddWithin(p.unplacedFrom, p.unplaced, from, s.base)
	}
	p.unplaced = 0
	if s.raw && err == nil {
		err = p.offsets.Add(s.offset, s.base, int64(s.records))
	}
	for at := s.base; len(s.runs) > 0 && err == nil; s.runs = s.runs[1:] {
		err = p.offsets.Add(s.runs[0].Source, at, s.runs[0].Length)
		at += kafka.Offset(s.runs[0].Length)
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
func (p *partition) progress(now time.Time) PartitionProgress {
	return PartitionProgress{
		TopicPartition: p.tp, Position: p.done, Committed: p.committed, End: p.end, Halt: p.halt,
		Lag: p.lag(), LagBytes: p.bytesBehind(), LagSeconds: p.secondsBehind(now),
		Records: p.records, Bytes: p.bytes, Dropped: p.dropped, Traffic: p.traffic.recent(now),
	}
}
