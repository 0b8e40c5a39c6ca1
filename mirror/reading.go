package mirror

import (
	"errors"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
	"schloss/mirror/rebuild"
)

// task is what a response is read by: a copy of the partition's state, so that
// reading, which may unpack and build batches, needs no lock.
type task struct {
	from          kafka.Offset
	limits        Limits
	committedOnly bool
	strict        bool                   // halt at a record that is unfit; else leave it out
	coalesce      int                    // smaller batches are made fewer
	join          int                    // and so are smaller ones that are not compressed
	enough        int                    // of so many bytes
	room          func(bytes int) []byte // memory for what is built; nil: it is made
	deal          rebuild.Deal
	suspect       suspect
}

// reading is what a response brings.
type reading struct {
	spans []*span      // to send, in order
	lead  kafka.Offset // behind what is skipped before the first span
	next  kafka.Offset // behind all of it
	epoch kafka.Epoch  // of the last batch before next; -1: there is none
	left  []omitted    // records that the target will not have
	halt  *Halt        // why it ends before the response does

	gathered []batch.Batch // to be made one, or one for each partition, at the end of what was read
	bytes    int           // of them
	behind   kafka.Offset  // what is skipped behind them
}

// omitted are records that are not copied, and why.
type omitted struct {
	offset  kafka.Offset
	records int64
	reason  string
	batch   batch.Batch // that holds them
}

const (
	// coalesced is the size that small batches are made up to, at least.
	coalesced = 256 << 10
	// joined is the size of uncompressed batches from which on a request of its own
	// costs less than to make several one.
	joined = 64 << 10
	// dealt is how much is dealt to partitions at once, as compressed as it is:
	// much of a response, so that what each of many gets is worth a batch, and no
	// more than fits one of Kafka's default size if all of it goes to one.
	dealt = 3 << 18
	// unpackedLimit bounds what may be decompressed in memory at once.
	unpackedLimit = 64 << 20
)

// read goes through the records of a response. It ends at the first batch that
// cannot be passed on, however it were rebuilt.
func (t *task) read(r *wire.FetchedPartition) *reading {
	out := &reading{lead: t.from, next: t.from, epoch: kafka.NoEpoch}
	var drop *aborted
	if t.committedOnly {
		drop = newAborted(r.Aborted)
	}
	for rest := r.Records; len(rest) > 0 && out.halt == nil; {
		var b batch.Batch
		var err error
		if b, rest, err = batch.Split(rest); err == batch.ErrOldFormat {
			b, rest, err = batch.Upgrade(rest, coalesced, unpackedLimit)
		}
		if err != nil {
			t.flush(out)
			out.unsplit(err)
			break
		}
		h := b.Header()
		dropped := drop != nil && drop.drops(b)
		if h.NextOffset() <= out.next {
			continue // wholly before the position
		}
		out.epoch = h.LeaderEpoch
		if dropped {
			out.skip(h.NextOffset())
			continue
		}
		t.sort(out, b, h)
	}
	t.flush(out)
	return out
}

// sort decides what becomes of one batch.
func (t *task) sort(out *reading, b batch.Batch, h batch.Header) {
	v, reason, err := judge(h, t.limits)
	suspect := t.suspect.holds(h)
	if v == pass && (h.BaseOffset < out.next || suspect && t.suspect.stage > again || t.deals()) {
		v = unpack
	}
	switch {
	case v == skip:
		out.skip(h.NextOffset())
		return
	case !suspect && (v == unpack && t.deals() || v == pass && t.small(h)):
		t.gather(out, b)
		return
	}
	t.flush(out)
	switch {
	case out.halt != nil:
	case v == halt:
		out.halt = &Halt{reason, h.BaseOffset, err}
	case v == pass:
		out.pass(b, h)
	case suspect && t.suspect.stage == withheld:
		t.leave(out, b, errors.New("the target found it damaged twice"))
	default:
		t.unpack(out, b)
	}
}

// small says whether a batch is to be made one with its neighbours.
func (t *task) small(h batch.Header) bool {
	return h.Size < t.coalesce || h.Size < t.join && h.Attributes.Codec() == batch.None
}

// deals says whether records go to partitions by their keys. Then each batch is
// opened: it holds records of many keys.
func (t *task) deals() bool { return t.deal.Partitions > 0 }

// gather keeps a batch to be unpacked together with its neighbours of the same
// codec: as many as make a batch that is large enough, and not too large.
func (t *task) gather(out *reading, b batch.Batch) {
	enough, most := max(coalesced, t.enough), t.limits.batch()
	if t.deals() {
		enough, most = dealt, dealt
	}
	size := len(b)
	if b.Attributes().Codec() == batch.None {
		size = batch.JoinedSize(b)
	}
	if n := len(out.gathered); n > 0 {
		another := out.gathered[n-1].Attributes().Codec() != b.Attributes().Codec()
		if another || out.bytes+size > most {
			t.flush(out)
		}
	}
	if out.halt != nil {
		return
	}
	out.gathered = append(out.gathered, b)
	if out.bytes += size; out.bytes >= enough {
		t.flush(out)
	}
}

// flush sends what was gathered.
func (t *task) flush(out *reading) {
	some, behind := out.gathered, out.behind
	out.gathered, out.bytes, out.behind = nil, 0, 0
	switch {
	case len(some) == 0:
		return
	case len(some) == 1 && !t.deals():
		t.alone(out, some[0])
	default:
		t.unpack(out, some...)
	}
	if out.halt == nil && behind > out.next {
		out.skip(behind)
	}
}

// alone passes a small batch that no neighbour was left for. Where others of the
// response were made one it is copied, for the memory of all of it would have to
// wait for this one.
func (t *task) alone(out *reading, b batch.Batch) {
	built := len(out.spans) > 0 && !out.spans[len(out.spans)-1].raw && t.room != nil
	if built {
		b = append(t.room(len(b)), b...)
	}
	out.pass(b, b.Header())
	out.spans[len(out.spans)-1].copied = built
}

// unpack rebuilds batches.
func (t *task) unpack(out *reading, batches ...batch.Batch) {
	rules := rebuild.Rules{MaxBytes: t.limits.MaxMessageBytes, NeedsKeys: t.limits.Compacted, Unpacked: unpackedLimit, Deal: t.deal, Strict: t.strict, Room: t.room}
	if h := batches[0].Header(); t.suspect.holds(h) {
		rules.Without, rules.Alone = t.suspect.bad, t.suspect.alone
	}
	built, err := rebuild.Rebuild(rules, out.next, batches...)
	last := batches[len(batches)-1].NextOffset()
	if err != nil { // nothing of them may be passed on, so they go one by one
		if len(batches) > 1 {
			for _, b := range batches {
				if t.unpack(out, b); out.halt != nil {
					return
				}
			}
			return
		}
		t.leave(out, batches[0], err)
		return
	}
	for i, piece := range built.Pieces {
		s := &span{batch: piece.Batch, runs: piece.Runs, to: piece.Partition, of: t.deal.Partitions, offset: piece.Runs[0].Source, records: piece.Batch.Count()}
		if s.next = last; i+1 < len(built.Pieces) {
			s.next = built.Pieces[i+1].Runs[0].Source
		}
		out.spans = append(out.spans, s)
	}
	for _, u := range built.Unfit {
		if t.strict {
			if n := len(out.spans); n > 0 && len(built.Pieces) > 0 {
				out.spans[n-1].next = u.Offset
			}
			out.next = u.Offset
			out.halt = &Halt{UnfitRecord, u.Offset, errors.New(u.Reason)}
			return
		}
		out.left = append(out.left, omitted{u.Offset, 1, u.Reason, lone(u.Record)})
	}
	out.skip(last)
}

// lone is a batch of one record, to be kept elsewhere; nil if there cannot be one.
func lone(r batch.Record) batch.Batch {
	b := batch.NewBuilder(batch.None)
	b.Add(r)
	out, err := b.Build()
	if err != nil {
		return nil
	}
	return out
}

// leave leaves a whole batch out, or halts before it.
func (t *task) leave(out *reading, b batch.Batch, err error) {
	h := b.Header()
	if t.strict {
		out.halt = &Halt{CorruptSource, h.BaseOffset, err}
		return
	}
	out.left = append(out.left, omitted{h.BaseOffset, int64(h.Count), err.Error(), b})
	out.skip(h.NextOffset())
}

// pass sends a batch as it is.
func (out *reading) pass(b batch.Batch, h batch.Header) {
	out.spans = append(out.spans, &span{batch: b, raw: true, offset: h.BaseOffset, next: h.NextOffset(), records: h.Count})
	out.next = h.NextOffset()
}

// skip moves the position over what is not sent. Where something before it is
// sent, or is to be, the position follows that.
func (out *reading) skip(next kafka.Offset) {
	if len(out.gathered) > 0 {
		out.behind = next
		return
	}
	out.next = next
	if n := len(out.spans); n > 0 {
		out.spans[n-1].next = next
		return
	}
	out.lead = next
}

// unsplit handles what is no whole batch.
func (out *reading) unsplit(err error) {
	switch {
	case out.halt != nil || err == batch.ErrShort: // a response may end within a batch: it comes whole with the next
	default:
		out.halt = &Halt{CorruptSource, out.next, err}
	}
}
