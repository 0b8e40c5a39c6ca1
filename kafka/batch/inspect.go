package batch

import (
	"errors"
	"fmt"
)

// Summary is what a walk through the records of a batch found.
type Summary struct {
	MaxTimestamp int64 // the largest of the records' own; compare with the header's
	Keyless      int32 // index of the first record without a key, -1 if there is none
}

// Inspect checks the records as a broker must before it appends what a
// producer sent: that there is one and as many as the count says, with offset
// deltas 0, 1, 2 and so on, that every length holds and nothing is left over.
// Records are walked, decompressing at most limit bytes, and never kept: an
// uncompressed batch costs no allocation. Where one record is at fault the
// error is a *RecordError, else a *CorruptError.
//
// Differs from Kafka: a compressed batch whose offset deltas have gaps is
// refused, where Kafka builds it anew; no known producer sends one.
func (b Batch) Inspect(limit int) (Summary, error) {
	count := b.Count()
	if count < 1 || b.LastOffsetDelta() != count-1 {
		return Summary{}, b.corrupt(fmt.Errorf("count is %d, last offset delta %d", count, b.LastOffsetDelta()))
	}
	codec := b.Attributes().Codec()
	if codec == None {
		c := cursor{window: b[HeaderSize:]}
		return b.inspect(&c)
	}
	c, err := openCursor(codec, b[HeaderSize:], limit)
	if err != nil {
		return Summary{}, b.corrupt(err)
	}
	defer c.close(codec)
	return b.inspect(c)
}

func (b Batch) inspect(c *cursor) (Summary, error) {
	s := Summary{Keyless: -1}
	var r rawRecord
	for i := range b.Count() {
		if err := c.record(&r); err != nil {
			if c.err != nil {
				return s, b.corrupt(c.err)
			}
			return s, &RecordError{Index: i, Reason: err.Error()}
		}
		if r.offsetDelta != i {
			return s, &RecordError{Index: i, Reason: fmt.Sprintf("its offset delta is %d", r.offsetDelta)}
		}
		if t := b.BaseTimestamp() + r.timestampDelta; i == 0 || t > s.MaxTimestamp {
			s.MaxTimestamp = t
		}
		if !r.hasKey && s.Keyless < 0 {
			s.Keyless = i
		}
	}
	if c.more() {
		return s, b.corrupt(errors.New("bytes follow the last record"))
	}
	if c.err != nil {
		return s, b.corrupt(c.err)
	}
	return s, nil
}

// CheckRecords is Inspect without its findings.
func (b Batch) CheckRecords(limit int) error {
	_, err := b.Inspect(limit)
	return err
}

// HasKeylessRecord says whether some record has no key, which a compacted
// topic does not take.
func (b Batch) HasKeylessRecord(limit int) (bool, error) {
	s, err := b.Inspect(limit)
	return err == nil && s.Keyless >= 0, err
}
