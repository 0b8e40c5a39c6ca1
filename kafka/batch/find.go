package batch

import "schloss/kafka"

// FirstSince finds the first record at from or later whose timestamp is at least
// ts. Records are walked as Inspect does, and never kept: millions of empty ones
// fit into a small compressed batch. limit bounds the decompressed bytes
// (ErrTooLarge).
func (b Batch) FirstSince(from kafka.Offset, ts int64, limit int) (offset kafka.Offset, timestamp int64, found bool, err error) {
	codec := b.Attributes().Codec()
	c := &cursor{window: b[HeaderSize:]}
	if codec != None {
		if c, err = openCursor(codec, b[HeaderSize:], limit); err != nil {
			return kafka.NoOffset, -1, false, b.corrupt(err)
		}
		defer c.close(codec)
	}
	var r rawRecord
	for i := range b.Count() {
		if err := c.record(&r); err != nil {
			if c.err != nil {
				return kafka.NoOffset, -1, false, b.corrupt(c.err)
			}
			return kafka.NoOffset, -1, false, &RecordError{Index: i, Reason: err.Error()}
		}
		offset, timestamp = b.BaseOffset()+kafka.Offset(r.offsetDelta), b.BaseTimestamp()+r.timestampDelta
		if b.Attributes().LogAppendTime() {
			timestamp = b.MaxTimestamp()
		}
		if offset >= from && timestamp >= ts {
			return offset, timestamp, true, nil
		}
	}
	return kafka.NoOffset, -1, false, nil
}
