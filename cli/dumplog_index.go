package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Sizes of the entries (docs/format/log.md).
const (
	offsetEntry      = 8
	timeEntry        = 12
	transactionEntry = 34
	producerEntry    = 46
	snapshotHead     = 10
)

// corruptIndexError is an index that a broker would build anew at its start.
type corruptIndexError struct{ path, problem string }

func (e *corruptIndexError) Error() string { return e.path + " is corrupt: " + e.problem }

// entries reads a file of entries of one size.
func entries(path string, size int) ([][]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(raw)%size != 0 {
		return nil, &corruptIndexError{path, fmt.Sprintf("found %d bytes which is neither positive nor a multiple of %d", len(raw), size)}
	}
	var out [][]byte
	for ; len(raw) > 0; raw = raw[size:] {
		out = append(out, raw[:size])
	}
	return out, nil
}

// filled are the entries before the zeros that a broker has set aside. The
// first counts also when it is zero.
func filled(all [][]byte, offset func([]byte) int32) [][]byte {
	for i, e := range all {
		if i > 0 && offset(e) == 0 {
			return all[:i]
		}
	}
	return all
}

func sibling(path, suffix string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + suffix
}

func relativeOffset(e []byte) int32 { return int32(binary.BigEndian.Uint32(e)) }
func timeOffset(e []byte) int32     { return int32(binary.BigEndian.Uint32(e[8:])) }
func position(e []byte) int64       { return int64(binary.BigEndian.Uint32(e[4:])) }

func (r *dumpRun) offsetIndex(path string) error {
	base, err := baseOffset(path)
	if err != nil {
		return err
	}
	all, err := entries(path, offsetEntry)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintf(r.out, "%s is empty.\n", path)
		return nil
	}
	used := filled(all, relativeOffset)
	if r.has("index-sanity-check") {
		if last := used[len(used)-1]; relativeOffset(last) < 0 || len(used) > 1 && relativeOffset(last) <= 0 {
			return &corruptIndexError{path, fmt.Sprintf("its last offset %d is not above its first", int64(base)+int64(relativeOffset(last)))}
		}
		fmt.Fprintf(r.out, "%s passed sanity check.\n", path)
		return nil
	}
	log, err := os.Open(sibling(path, ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	var wrong []string
	for _, e := range used {
		offset := base + kafka.Offset(relativeOffset(e))
		found, err := r.batchAt(log, position(e))
		if err != nil {
			return &fileError{sibling(path, ".log"), position(e), err}
		}
		if found != nil && found.LastOffset() != offset {
			wrong = append(wrong, fmt.Sprintf("  Index offset: %d, log offset: %d", offset, found.LastOffset()))
		}
		if !r.has("verify-index-only") {
			fmt.Fprintf(r.out, "offset: %d position: %d\n", offset, position(e))
		}
	}
	if len(wrong) > 0 {
		r.note("Mismatches in :%s", absolute(path))
		for i := len(wrong) - 1; i >= 0; i-- { // the last first, as Kafka's tool has it
			r.complaints = append(r.complaints, wrong[i])
		}
	}
	return nil
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// batchAt is the batch that begins at a position; nil at the end of the log.
func (r *dumpRun) batchAt(log io.ReaderAt, at int64) (found batch.Batch, err error) {
	whole := io.NewSectionReader(log, at, r.integer("max-message-size"))
	done := errors.New("found")
	_, err = eachBatch(whole, r.integer("max-message-size"), func(_ int64, b batch.Batch) error {
		found = b
		return done
	})
	if errors.Is(err, done) {
		return found, nil
	}
	return nil, err
}

func (r *dumpRun) timeIndex(path string) error {
	base, err := baseOffset(path)
	if err != nil {
		return err
	}
	all, err := entries(path, timeEntry)
	if err != nil {
		return err
	}
	used := filled(all, timeOffset)
	if r.has("index-sanity-check") {
		if n := len(used); n > 0 && (timestamp(used[n-1]) < timestamp(used[0]) || timeOffset(used[n-1]) < 0) {
			return &corruptIndexError{path, fmt.Sprintf("its last timestamp is %d, which is less than the first, %d", timestamp(used[n-1]), timestamp(used[0]))}
		}
		fmt.Fprintf(r.out, "%s passed sanity check.\n", path)
		return nil
	}
	log, err := os.Open(sibling(path, ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	highest, err := highestTimestamps(log)
	if err != nil {
		return err
	}
	var mismatches, disorder, missing []string
	previous := int64(-1)
	for _, e := range used {
		offset, at := base+kafka.Offset(timeOffset(e)), timestamp(e)
		b := highest.holding(offset)
		switch {
		case b == nil:
			missing = append(missing, fmt.Sprintf("Indexed offset: %d, found log offset: -1", offset))
		case b.last != offset:
			missing = append(missing, fmt.Sprintf("Indexed offset: %d, found log offset: %d", offset, b.last))
		default:
			if b.timestamp != at {
				mismatches = append(mismatches, fmt.Sprintf("  Index timestamp: %d, log timestamp: %d", at, b.timestamp))
			}
			if previous >= at {
				disorder = append(disorder, fmt.Sprintf("  Index timestamp: %d, Previously indexed timestamp: %d", at, previous))
			}
		}
		previous = at
		if !r.has("verify-index-only") {
			fmt.Fprintf(r.out, "timestamp: %d offset: %d\n", at, offset)
		}
	}
	for _, kind := range []struct {
		title string
		lines []string
	}{{"Found timestamp mismatch in :" + absolute(path), mismatches}, {"Found out of order timestamp in :" + absolute(path), disorder},
		{"The following indexed offsets are not found in the log.", missing}} {
		if len(kind.lines) > 0 {
			r.complaints = append(append(r.complaints, kind.title), kind.lines...)
		}
	}
	return nil
}

func timestamp(e []byte) int64 { return int64(binary.BigEndian.Uint64(e)) }

// batchEnds are the last offset and the highest timestamp of each batch.
type batchEnds []batchEnd

type batchEnd struct {
	last      kafka.Offset
	timestamp int64
}

func highestTimestamps(log io.ReaderAt) (batchEnds, error) {
	var out batchEnds
	_, err := eachBatch(log, 1<<62, func(_ int64, b batch.Batch) error {
		out = append(out, batchEnd{b.LastOffset(), b.MaxTimestamp()})
		return nil
	})
	return out, err
}

func (ends batchEnds) holding(offset kafka.Offset) *batchEnd {
	for i := range ends {
		if ends[i].last >= offset {
			return &ends[i]
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// producerSnapshot prints the state of the producers. A damaged file is an
// error; Kafka's tool only says so.
func (r *dumpRun) producerSnapshot(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch {
	case len(raw) < snapshotHead:
		return &fileError{path, int64(len(raw)), errors.New("the snapshot ends within its header")}
	case binary.BigEndian.Uint16(raw) != 1:
		return &fileError{path, 0, fmt.Errorf("Snapshot contained an unknown file version %d", binary.BigEndian.Uint16(raw))}
	}
	if want, got := binary.BigEndian.Uint32(raw[2:]), crc32.Checksum(raw[6:], castagnoli); want != got {
		return &fileError{path, 2, fmt.Errorf("Snapshot is corrupt (CRC is no longer valid). Stored crc: %d. Computed crc: %d", want, got)}
	}
	count, rest := int64(binary.BigEndian.Uint32(raw[6:])), raw[snapshotHead:]
	if count*producerEntry != int64(len(rest)) {
		return &fileError{path, 6, fmt.Errorf("%d bytes cannot hold %d producers", len(rest), count)}
	}
	for ; len(rest) > 0; rest = rest[producerEntry:] {
		i32 := func(at int) int64 { return int64(int32(binary.BigEndian.Uint32(rest[at:]))) }
		i64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(rest[at:])) }
		lastSequence, lastOffset, delta, timestamp := i32(10), i64(14), i32(22), i64(26)
		fmt.Fprintf(r.out, "producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d",
			i64(0), int16(binary.BigEndian.Uint16(rest[8:])), i32(34), optionalLong(i64(38)), timestamp)
		if lastOffset >= 0 {
			fmt.Fprintf(r.out, " firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d", (lastSequence-delta)&0x7fffffff, lastSequence, lastOffset, delta, timestamp)
		}
		fmt.Fprintln(r.out)
	}
	return nil
}

// optionalLong is Java's text of an OptionalLong; -1 is none.
func optionalLong(n int64) string {
	if n < 0 {
		return "OptionalLong.empty"
	}
	return fmt.Sprintf("OptionalLong[%d]", n)
}

func (r *dumpRun) transactionIndex(path string) error {
	all, err := entries(path, transactionEntry)
	if err != nil {
		return err
	}
	for _, e := range all {
		i64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(e[at:])) }
		fmt.Fprintf(r.out, "version: %d producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d\n", binary.BigEndian.Uint16(e), i64(2), i64(10), i64(18), i64(26))
	}
	return nil
}
