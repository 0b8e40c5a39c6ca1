package batch

import (
	"errors"
	"fmt"

	"schloss/kafka"
)

var (
	// ErrShort says that the bytes end before the batch does: normal at the
	// end of a fetched range.
	ErrShort = errors.New("record batch is cut short")
	// ErrOldFormat says that the batch is a message set of format v0 or v1.
	ErrOldFormat = errors.New("message format v0 or v1, v2 is needed")
	// ErrTooLarge says that the records are longer than the caller's limit
	// once they are decompressed.
	ErrTooLarge = errors.New("decompressed records exceed the limit")
	// ErrUnknownCodec says that the attributes name no codec we know.
	ErrUnknownCodec = errors.New("unknown compression codec")
)

// CorruptError says that a batch is not what its producer wrote, or was never
// a valid one. Err may name the sentinel it stands for.
type CorruptError struct {
	Offset kafka.Offset // the base offset field, or NoOffset where there is none
	Reason string
	Err    error
}

func (e *CorruptError) Error() string {
	s := "corrupt record batch"
	if e.Offset != kafka.NoOffset {
		s = fmt.Sprintf("%s at offset %d", s, e.Offset)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }

// RecordError says that one record of a batch is at fault.
type RecordError struct {
	Index  int32 // in the batch, from 0
	Reason string
}

func (e *RecordError) Error() string { return fmt.Sprintf("record %d: %s", e.Index, e.Reason) }
