package rebuild

import (
	"fmt"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Rules are what the target's topic asks of a batch, and what is to become of
// records that it does not take.
type Rules struct {
	MaxBytes  int                     // max.message.bytes; 0: not known
	NeedsKeys bool                    // it is compacted: a record without a key is refused
	Unpacked  int                     // decompressed bytes of one batch that are borne
	Without   map[kafka.Offset]string // records that are unfit, and why: the target has said so
	Alone     bool                    // each record in a batch of its own
	Strict    bool                    // end before the first record that is unfit
}

// Built is what Rebuild has made.
type Built struct {
	Pieces []Piece
	Unfit  []Unfit // left out; with Strict at most one, and nothing behind it is in Pieces
}

// Piece is a batch for the target, and which source offsets its records have.
type Piece struct {
	Batch batch.Batch
	Runs  []Run
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
// without those before from. The error is that of a damaged batch, or of one
// that unpacks to too much: nothing of the batches may be passed on then.
func Rebuild(rules Rules, from kafka.Offset, batches ...batch.Batch) (Built, error) {
	r := rebuilder{rules: rules}
	var records []batch.Record
	for _, b := range batches {
		if err := b.Check(); err != nil {
			return Built{}, err
		}
		some, err := b.Records(rules.Unpacked)
		if err != nil {
			return Built{}, fmt.Errorf("open the batch at offset %d: %w", b.BaseOffset(), err)
		}
		for _, record := range some {
			if record.Offset >= from && !r.stopped && r.fits(&record) {
				records = append(records, record)
			}
		}
	}
	if len(records) == 0 {
		return r.built, nil
	}
	r.builder = batch.NewBuilder(batches[0].Attributes().Codec())
	r.builder.Grow(sizeOf(records))
	r.stopped = false // that was behind all of records
	err := r.build(records)
	return r.built, err
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
	stopped bool // before a record that is unfit
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
		r.built.Unfit = nil
		r.stopped = true
	}
	r.built.Unfit = append(r.built.Unfit, Unfit{record.Offset, reason, record})
}

// build makes one piece of the records, or two of half of them each where one
// would be too large.
func (r *rebuilder) build(records []batch.Record) error {
	if r.rules.Alone && len(records) > 1 {
		return r.halve(records)
	}
	r.builder.Reset()
	piece := Piece{}
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
