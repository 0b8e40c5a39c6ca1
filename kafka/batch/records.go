package batch

import (
	"errors"
	"fmt"

	"schloss/kafka"
)

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
func (b Batch) Records(limit int) ([]Record, error) {
	payload, err := b.payload(limit)
	if err != nil {
		return nil, b.corrupt(err)
	}
	if err := b.countFits(payload); err != nil {
		return nil, err
	}
	c := cursor{window: payload}
	records := make([]Record, b.Count())
	for i := range records {
		r := &records[i]
		raw := rawRecord{keepHeaders: true}
		if err := c.record(&raw); err != nil {
			return nil, &RecordError{Index: int32(i), Reason: err.Error()}
		}
		r.Offset = b.BaseOffset() + kafka.Offset(raw.offsetDelta)
		r.Timestamp = b.BaseTimestamp() + raw.timestampDelta
		if b.Attributes().LogAppendTime() {
			r.Timestamp = b.MaxTimestamp()
		}
		r.Key, r.Value, r.Headers = raw.key, raw.value, raw.headers
	}
	if c.more() {
		return nil, b.corrupt(errors.New("bytes follow the last record"))
	}
	return records, nil
}

// countFits refuses a count of records that the payload cannot hold, before
// memory is made for them.
func (b Batch) countFits(payload []byte) error {
	if b.Count() < 0 || int64(b.Count()) > int64(len(payload)/minRecordSize) {
		return b.corrupt(fmt.Errorf("%d bytes cannot hold %d records", len(payload), b.Count()))
	}
	return nil
}

// payload is what follows the header, decompressed.
func (b Batch) payload(limit int) ([]byte, error) {
	if b.Attributes().Codec() == None {
		return b[HeaderSize:], nil
	}
	return decompress(b.Attributes().Codec(), b[HeaderSize:], limit)
}

func decompress(codec Codec, compressed []byte, limit int) ([]byte, error) {
	c, err := openCursor(codec, compressed, limit)
	if err != nil {
		return nil, err
	}
	defer c.close(codec)
	var payload []byte
	for c.more() {
		payload = append(payload, c.window...)
		c.window = c.window[:0]
	}
	return payload, c.err
}

func (b Batch) corrupt(err error) error { return &CorruptError{Offset: b.BaseOffset(), Err: err} }

const (
	minRecordSize = 7 // seven numbers of one byte: no key, no value, no header
	minHeaderSize = 2 // two lengths
)

// rawRecord is a record as it stands in a batch (docs/format/record-batch.md).
type rawRecord struct {
	timestampDelta int64
	offsetDelta    int32
	hasKey         bool
	key, value     []byte // only where the cursor has no stream
	headers        []RecordHeader
	keepHeaders    bool
	tail           []byte // all behind the two deltas, where the cursor has no stream
}

// record reads the next record.
func (c *cursor) record(r *rawRecord) error {
	length, err := c.varint()
	if err != nil {
		return err
	}
	if length < minRecordSize-1 {
		return fmt.Errorf("its length is %d", length)
	}
	start := c.position()
	if _, err = c.take(1); err != nil { // attributes: unused
		return err
	}
	if r.timestampDelta, err = c.varlong(); err != nil {
		return err
	}
	if r.offsetDelta, err = c.varint(); err != nil {
		return err
	}
	r.tail = c.window
	if r.key, r.hasKey, err = c.bytes(); err != nil {
		return err
	}
	if r.value, _, err = c.bytes(); err != nil {
		return err
	}
	if err := c.headers(r, int(length)-(c.position()-start)); err != nil {
		return err
	}
	if used := c.position() - start; used != int(length) {
		return fmt.Errorf("its length is %d, its fields take %d", length, used)
	}
	if c.stream == nil {
		r.tail = r.tail[:len(r.tail)-len(c.window)]
	}
	return nil
}

// headers reads those of a record that has room more bytes.
func (c *cursor) headers(r *rawRecord, room int) error {
	count, err := c.varint()
	if err != nil {
		return err
	}
	if count < 0 || int(count) > room/minHeaderSize {
		return fmt.Errorf("%d bytes cannot hold %d headers", room, count)
	}
	if r.keepHeaders && count > 0 {
		r.headers = make([]RecordHeader, count)
	}
	for i := range int(count) {
		key, some, err := c.bytes()
		if err != nil {
			return err
		}
		if !some {
			return errors.New("a header has no key")
		}
		value, _, err := c.bytes()
		if err != nil {
			return err
		}
		if r.keepHeaders {
			r.headers[i] = RecordHeader{Key: string(key), Value: value}
		}
	}
	return nil
}

// bytes reads a length and as many bytes; some is false for null.
func (c *cursor) bytes() (b []byte, some bool, err error) {
	n, err := c.varint()
	switch {
	case err != nil:
		return nil, false, err
	case n == -1:
		return nil, false, nil
	case n < 0:
		return nil, false, fmt.Errorf("a length in it is %d", n)
	}
	b, err = c.take(int(n))
	return b, true, err
}
