package rebuild

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Rules are what the target's topic asks of a batch, and what is to become of
// records that it does not take.
type Rules struct {
	MaxBytes  int                     // max.message.bytes; 0: not known
	NeedsKeys bool                    // it is compacted: a record without a key is refused
	Unpacked  int                     // decompressed bytes of all batches that are borne
	Deal      Deal                    // to which partitions
	Without   map[kafka.Offset]string // records that are unfit, and why: the target has said so
	Alone     map[int32]bool          // partitions for which each record is in a batch of its own
	Strict    bool                    // end before the first record that is unfit
}

// Built is what Rebuild has made.
type Built struct {
	Pieces []Piece
	Unfit  []Unfit // left out; with Strict at most one, and nothing behind it is in Pieces
}

// Piece is a batch for the target, and which source offsets its records have.
// Those of several partitions are ordered by the first of them, so that all
// before a piece's first record is in the pieces before it.
type Piece struct {
	Batch     batch.Batch
	Partition int32 // of the target, where they are dealt
	Runs      []Run
}

// Run is a number of records with adjacent offsets of the source.
type Run struct {
	Source kafka.Offset
	Length int64
}

// Unfit is a record that no batch could bring into the target.
type Unfit struct {
	Offset kafka.Offset // of the source
	Reason string
	Record batch.Record // it aliases its batch
}

// Rebuild makes pieces of the records of some batches of one codec, in order,
// without those before from. The error is that of a damaged batch, or of
// batches that unpack to too much: nothing of them may be passed on then.
func Rebuild(rules Rules, from kafka.Offset, batches ...batch.Batch) (Built, error) {
	r := rebuilder{rules: rules}
	records, err := r.open(from, batches)
	switch {
	case err != nil:
		return Built{}, err
	case len(records) == 0:
		return r.built, nil
	}
	r.builder = batch.NewBuilder(batches[0].Attributes().Codec())
	r.builder.Grow(sizeOf(records))
	if err := r.buildAll(records); err != nil {
		return Built{}, err
	}
	return r.built, nil
}

// open takes the records out of their batches, as far as they are fit.
func (r *rebuilder) open(from kafka.Offset, batches []batch.Batch) (records []batch.Record, err error) {
	room := r.rules.Unpacked
	for _, b := range batches {
		if err := b.Check(); err != nil {
			return nil, err
		}
		some, err := b.Records(max(room, 0))
		if err != nil {
			return nil, fmt.Errorf("open the batch at offset %d: %w", b.BaseOffset(), err)
		}
		room -= sizeOf(some)
		for i := range some {
			record := &some[i]
			if record.Offset < from || r.stopped || r.rules.Deal.has(record) {
				continue
			}
			if r.fits(record) {
				records = append(records, *record)
			}
		}
	}
	return records, nil
}

// buildAll builds the pieces of each partition. Strict, none of them may hold
// anything behind the record at which one of them has ended: they are built once
// more without.
func (r *rebuilder) buildAll(records []batch.Record) error {
	parts := r.rules.Deal.split(records)
	for _, part := range parts {
		r.to, r.stopped = part.partition, false
		if err := r.build(part.records); err != nil {
			return err
		}
	}
	if r.rules.Strict && len(parts) > 1 && len(r.built.Unfit) > 0 {
		end := r.built.Unfit[0].Offset
		fit := sort.Search(len(records), func(i int) bool { return records[i].Offset >= end })
		if fit < len(records) {
			r.built.Pieces = nil
			return r.buildAll(records[:fit])
		}
	}
	slices.SortFunc(r.built.Pieces, func(a, b Piece) int { return cmp.Compare(a.Runs[0].Source, b.Runs[0].Source) })
	return nil
}

// sizeOf is about what records take in a batch.
func sizeOf(records []batch.Record) (bytes int) {
	const fields = 16 // lengths, offset, timestamp
	for i := range records {
		r := &records[i]
		bytes += fields + len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			bytes += fields + len(h.Key) + len(h.Value)
		}
	}
	return bytes
}

type rebuilder struct {
	rules   Rules
	builder *batch.Builder
	built   Built
	to      int32 // the partition that is built for
	stopped bool  // before a record that is unfit
}

// fits says whether a record can be in the target, by itself.
func (r *rebuilder) fits(record *batch.Record) bool {
	reason, bad := r.rules.Without[record.Offset]
	if !bad && r.rules.NeedsKeys && record.Key == nil {
		reason, bad = "it has no key, which a compacted topic does not take", true
	}
	if bad {
		r.unfit(*record, reason)
	}
	return !bad
}

// unfit notes a record that is left out. With Strict the earliest counts.
func (r *rebuilder) unfit(record batch.Record, reason string) {
	if r.rules.Strict {
		r.stopped = true
		if len(r.built.Unfit) > 0 && r.built.Unfit[0].Offset < record.Offset {
			return
		}
		r.built.Unfit = nil
	}
	r.built.Unfit = append(r.built.Unfit, Unfit{record.Offset, reason, record})
}

// build makes one piece of the records, or two of half of them each where one
// would be too large.
func (r *rebuilder) build(records []batch.Record) error {
	if r.rules.Alone[r.to] && len(records) > 1 {
		return r.halve(records)
	}
	r.builder.Reset()
	piece := Piece{Partition: r.to}
	for i, record := range records {
		piece.note(record.Offset)
		record.Offset = kafka.Offset(i)
		r.builder.Add(record)
	}
	var err error
	if piece.Batch, err = r.builder.Build(); err != nil {
		return err
	}
	switch {
	case r.rules.MaxBytes == 0 || len(piece.Batch) <= r.rules.MaxBytes:
		r.built.Pieces = append(r.built.Pieces, piece)
		return nil
	case len(records) > 1:
		return r.halve(records)
	}
	r.unfit(records[0], fmt.Sprintf("alone it makes a batch of %d bytes, the target's topic takes %d (max.message.bytes)", len(piece.Batch), r.rules.MaxBytes))
	return nil
}

func (r *rebuilder) halve(records []batch.Record) error {
	half := len(records) / 2
	if err := r.build(records[:half]); err != nil || r.stopped {
		return err
	}
	return r.build(records[half:])
}

// note adds one record's offset to the runs.
func (p *Piece) note(offset kafka.Offset) {
	if n := len(p.Runs); n > 0 && p.Runs[n-1].Source+kafka.Offset(p.Runs[n-1].Length) == offset {
		p.Runs[n-1].Length++
		return
	}
	p.Runs = append(p.Runs, Run{offset, 1})
}
