package mirror

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"iter"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/mirror/offsetmap"
)

// tailMatch finds in the source what the target has behind the end of a map,
// record by record, and moves map and position over it.
//
//	source   5 6 7 8 9           6 was left out, 8 and 9 were not copied
//	target   a 5 x 7             a and x are foreign
//
// Where it is known which batches of the target are ours, all of them are
// somewhere in the source, in order, and what lies between was left out on
// purpose. Where it is not, only the very next record of the source counts as
// found, and everything else is foreign.
type tailMatch struct {
	next     func() (batch.Record, error, bool) // of the source, from the position on
	offsets  *offsetmap.Map
	position kafka.Offset
	certain  bool // which batches are ours
	untimed  bool // the target gives records times of its own

	seed  maphash.Seed
	ahead []mark // of the source, read and not yet found
	ended bool
}

// mark is a record of the source, by its offset and the hash of what it says.
type mark struct {
	offset kafka.Offset
	sum    uint64
}

// matchAhead is how far the source is searched for one record. One that is not
// found there was deleted from the source since it was copied.
const matchAhead = 1 << 16

// take finds one record of the target.
func (t *tailMatch) take(r batch.Record) error {
	sum := t.sum(&r)
	for i := 0; ; i++ {
		if i == len(t.ahead) {
			if ok, err := t.read(); err != nil || !ok {
				return err
			}
		}
		if t.ahead[i].sum == sum {
			found := t.ahead[i].offset
			t.ahead = t.ahead[i+1:]
			t.position = found + 1
			return t.offsets.Add(found, r.Offset, 1)
		}
		if !t.certain {
			return nil
		}
	}
}

// read reads one more record of the source; false if there is none, or if that
// would be too far.
func (t *tailMatch) read() (bool, error) {
	if t.ended || len(t.ahead) >= matchAhead {
		return false, nil
	}
	r, err, ok := t.next()
	if err != nil || !ok {
		t.ended = true
		return false, err
	}
	t.ahead = append(t.ahead, mark{r.Offset, t.sum(&r)})
	return true, nil
}

// sum is the hash of all that a record says.
func (t *tailMatch) sum(r *batch.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	number := func(n int) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	field := func(b []byte) {
		if b == nil {
			number(-1)
			return
		}
		number(len(b))
		h.Write(b)
	}
	if !t.untimed {
		number(int(r.Timestamp))
	}
	field(r.Key)
	field(r.Value)
	number(len(r.Headers))
	for _, header := range r.Headers {
		field([]byte(header.Key))
		field(header.Value)
	}
	return h.Sum64()
}

// errEnough ends a reading early.
var errEnough = errors.New("enough was read")

// records are the records of a partition from one offset to another, in order.
func (r *tailReader) records(ctx context.Context, from, to kafka.Offset) iter.Seq2[batch.Record, error] {
	return func(yield func(batch.Record, error) bool) {
		err := r.each(ctx, from, to, func(b batch.Batch) error {
			records, err := b.Records(unpackedLimit)
			if err != nil {
				return err
			}
			for _, record := range records {
				if record.Offset >= from && !yield(record, nil) {
					return errEnough
				}
			}
			return nil
		})
		if err != nil && err != errEnough {
			yield(batch.Record{}, err)
		}
	}
}
