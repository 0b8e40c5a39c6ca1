package batch

import "schloss/kafka"

// Record is one decoded record. A nil key or value is Kafka's null, which is
// not the same as an empty one.
type Record struct {
	Offset    kafka.Offset
	Timestamp int64 // milliseconds
	Key       []byte
	Value     []byte
	Headers   []RecordHeader
}

// RecordHeader is one header of a record. Keys may repeat.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Records decodes the batch. limit bounds the decompressed bytes (ErrTooLarge).
// The records of an uncompressed batch alias it.
func (b Batch) Records(limit int) ([]Record, error) { return nil, nil }

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
func (b Batch) Inspect(limit int) (Summary, error) { return Summary{}, nil }

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
