package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"schloss/kafka"
)

const testLimit = 1 << 20

var allCodecs = []Codec{None, Gzip, Snappy, LZ4, Zstd}

// build makes a batch of n records whose values compress about fourfold.
func build(t testing.TB, codec Codec, n int) Batch {
	t.Helper()
	b := NewBuilder(codec)
	for i := range n {
		b.Add(Record{
			Offset:    kafka.Offset(1000 + i),
			Timestamp: 1_700_000_000_000 + int64(i*7),
			Key:       fmt.Appendf(nil, "key-%d", i),
			Value:     bytes.Repeat(fmt.Appendf(nil, "value %d ", i), 20),
			Headers:   []RecordHeader{{Key: "h", Value: []byte{byte(i)}}},
		})
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// sealed gives the batch the CRC that its bytes have now.
func sealed(b Batch) Batch {
	binary.BigEndian.PutUint32(b[crcAt:], b.sum())
	return b
}

func TestHeaderFieldsAreWhereKafkaPutsThem(t *testing.T) {
	b := NewBuilder(None)
	b.Attributes = TransactionalBit
	b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.LeaderEpoch = 7, 3, 11, 5
	b.Add(Record{Offset: 40, Timestamp: 1000})
	b.Add(Record{Offset: 42, Timestamp: 900, Key: []byte("k")})
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	got := batch.Header()
	want := Header{
		BaseOffset: 40, Size: len(batch), LeaderEpoch: 5, Magic: 2,
		CRC:        crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)),
		Attributes: TransactionalBit, LastOffsetDelta: 2, BaseTimestamp: 1000, MaxTimestamp: 1000,
		ProducerID: 7, ProducerEpoch: 3, BaseSequence: 11, Count: 2,
	}
	if got != want {
		t.Errorf("header: got %+v, want %+v", got, want)
	}
	if got.LastOffset() != 42 || batch.NextOffset() != 43 || got.NextOffset() != 43 {
		t.Errorf("last offset %d, next %d and %d, want 42, 43, 43", got.LastOffset(), batch.NextOffset(), got.NextOffset())
	}
	if err := batch.Check(); err != nil {
		t.Error(err)
	}
}

func TestRecordsComeBackFromEveryCodec(t *testing.T) {
	records := []Record{
		{Offset: 5, Timestamp: 100},
		{Offset: 6, Timestamp: 90, Key: []byte{}, Value: []byte{}},
		{Offset: 9, Timestamp: 4000, Key: []byte("k"), Value: bytes.Repeat([]byte("v"), 100_000),
			Headers: []RecordHeader{{Key: "", Value: nil}, {Key: "a", Value: []byte{}}, {Key: "a", Value: []byte("x")}}},
	}
	for _, codec := range allCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			b := NewBuilder(codec)
			for _, r := range records {
				b.Add(r)
			}
			batch, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			if batch.Attributes().Codec() != codec {
				t.Errorf("codec: got %v, want %v", batch.Attributes().Codec(), codec)
			}
			got, err := batch.Records(testLimit)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, records) {
				t.Errorf("records: got %v, want %v", got, records)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	one, two := build(t, None, 1), build(t, Zstd, 3)
	both := append(bytes.Clone(one), two...)
	changed := func(at int, v byte) []byte {
		b := bytes.Clone(one)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		first Batch
		rest  int
		err   error // a *CorruptError stands for any
	}{
		{name: "two batches", bytes: both, first: one, rest: len(two)},
		{name: "one batch", bytes: one, first: one},
		{name: "nothing", err: ErrShort},
		{name: "cut before the magic", bytes: one[:16], rest: 16, err: ErrShort},
		{name: "cut in the header", bytes: one[:40], rest: 40, err: ErrShort},
		{name: "cut before the last byte", bytes: one[:len(one)-1], rest: len(one) - 1, err: ErrShort},
		{name: "message set v1", bytes: changed(magicAt, 1), rest: len(one), err: ErrOldFormat},
		{name: "magic of the future", bytes: changed(magicAt, 3), rest: len(one), err: &CorruptError{}},
		{name: "negative length", bytes: changed(lengthAt, 0x80), rest: len(one), err: &CorruptError{}},
		{name: "length shorter than a header", bytes: changed(lengthAt+3, 48), rest: len(one), err: &CorruptError{}},
		{name: "length beyond the bytes", bytes: changed(lengthAt, 0x7f), rest: len(one), err: ErrShort},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, rest, err := Split(c.bytes)
			if !sameKind(err, c.err) {
				t.Fatalf("error: got %v, want %v", err, c.err)
			}
			if !bytes.Equal(first, c.first) || len(rest) != c.rest {
				t.Errorf("got %d bytes and %d left, want %d and %d", len(first), len(rest), len(c.first), c.rest)
			}
		})
	}
}

// sameKind compares sentinels by identity and typed errors by type.
func sameKind(got, want error) bool {
	switch want.(type) {
	case *CorruptError:
		var e *CorruptError
		return errors.As(got, &e)
	case *RecordError:
		var e *RecordError
		return errors.As(got, &e)
	}
	return errors.Is(got, want)
}

func TestCheckFindsEveryFlippedBit(t *testing.T) {
	b := build(t, None, 1)
	for i := range len(b) * 8 {
		at := i / 8
		if at < lengthAt || at >= leaderEpochAt && at < magicAt {
			continue // offset and epoch are outside the CRC by design
		}
		b[at] ^= 1 << (i % 8)
		if b.Check() == nil {
			t.Fatalf("bit %d of byte %d flipped: no error", i%8, at)
		}
		b[at] ^= 1 << (i % 8)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	if err := Batch(b[:30]).Check(); err == nil {
		t.Error("half a header: no error")
	}
}

func TestInspect(t *testing.T) {
	// raw makes a batch around a payload that no builder would make.
	raw := func(codec Codec, count, lastDelta int32, payload []byte) Batch {
		b := append(bytes.Clone(build(t, None, 1)[:HeaderSize]), payload...)
		b2 := Batch(b)
		b2.put32(lengthAt, int32(len(b)-prefixSize))
		b2.put16(attributesAt, int16(codec))
		b2.put32(countAt, count)
		b2.put32(lastOffsetDeltaAt, lastDelta)
		return sealed(b2)
	}
	records := func(deltas ...int64) (p []byte) {
		for _, d := range deltas {
			p = appendRecord(p, 0, d, &Record{Key: []byte("k")})
		}
		return p
	}
	squeezed := func(codec Codec, p []byte) []byte {
		out, err := appendCompressed(nil, codec, p)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	type testCase struct {
		name  string
		batch Batch
		err   error
		text  string
	}
	cases := []testCase{
		{"three records", raw(None, 3, 2, records(0, 1, 2)), nil, ""},
		{"no records", raw(None, 0, -1, nil), &CorruptError{}, "count is 0"},
		{"count and last offset disagree", raw(None, 3, 3, records(0, 1, 2)), &CorruptError{}, "last offset delta 3"},
		{"fewer records than counted", raw(None, 3, 2, records(0, 1)), &RecordError{}, "record 2: it ends behind the batch"},
		{"more records than counted", raw(None, 2, 1, records(0, 1, 2)), &CorruptError{}, "bytes follow the last record"},
		{"a gap between offsets", raw(None, 2, 1, records(0, 2)), &RecordError{}, "record 1: its offset delta is 2"},
		{"an offset twice", raw(None, 2, 1, records(0, 0)), &RecordError{}, "record 1: its offset delta is 0"},
		{"record of no length", raw(None, 1, 0, []byte{0}), &RecordError{}, "its length is 0"},
		{"record of negative length", raw(None, 1, 0, []byte{1, 0, 0, 0, 0, 0, 0}), &RecordError{}, "its length is -1"},
		{"length longer than the fields", raw(None, 1, 0, []byte{16, 0, 0, 0, 1, 1, 0, 0, 0}), &RecordError{}, "its length is 8, its fields take 6"},
		{"key of length -2", raw(None, 1, 0, []byte{12, 0, 0, 0, 3, 1, 0}), &RecordError{}, "a length in it is -2"},
		{"key beyond the batch", raw(None, 1, 0, []byte{12, 0, 0, 0, 20, 1, 0}), &RecordError{}, "ends behind the batch"},
		{"negative count of headers", raw(None, 1, 0, []byte{12, 0, 0, 0, 1, 1, 1}), &RecordError{}, "cannot hold -1 headers"},
		{"more headers than bytes", raw(None, 1, 0, []byte{12, 0, 0, 0, 1, 1, 20}), &RecordError{}, "cannot hold 10 headers"},
		{"header without a key", raw(None, 1, 0, []byte{16, 0, 0, 0, 1, 1, 2, 1, 1}), &RecordError{}, "a header has no key"},
		{"offset delta of 33 bits", raw(None, 1, 0, []byte{20, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x40, 1, 1, 0}), &RecordError{}, "more than 32 bits"},
		{"number of 65 bits", raw(None, 1, 0, append([]byte{40, 0}, bytes.Repeat([]byte{0xff}, 20)...)), &RecordError{}, "more than 64 bits"},
		{"unknown codec", raw(5, 1, 0, records(0)), ErrUnknownCodec, "codec 5"},
		{"gzip of no bytes", raw(Gzip, 1, 0, nil), &CorruptError{}, "EOF"},
		{"snappy of no bytes", raw(Snappy, 1, 0, nil), &RecordError{}, "ends behind the batch"},
		{"lz4 of no bytes", raw(LZ4, 1, 0, nil), &RecordError{}, "ends behind the batch"},
		{"zstd of no bytes", raw(Zstd, 1, 0, nil), &CorruptError{}, "EOF"},
	}
	for _, codec := range allCodecs[1:] {
		whole := squeezed(codec, records(0, 1, 2))
		cases = append(cases,
			testCase{codec.String() + " of three records", raw(codec, 3, 2, whole), nil, ""},
			testCase{codec.String() + " with a gap", raw(codec, 2, 1, squeezed(codec, records(0, 2))), &RecordError{}, "offset delta is 2"},
			testCase{codec.String() + " with a record too many", raw(codec, 2, 1, whole), &CorruptError{}, "bytes follow"},
			testCase{codec.String() + " of noise", raw(codec, 1, 0, []byte("no codec writes this text")), &CorruptError{}, ""},
			testCase{codec.String() + " cut short", raw(codec, 3, 2, whole[:len(whole)-8]), &CorruptError{}, ""},
		)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.batch.Inspect(testLimit)
			if !sameKind(err, c.err) {
				t.Fatalf("got %+v, %v (%T), want %T", s, err, err, c.err)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("error: got %q, want %q in it", err, c.text)
			}
		})
	}
}

func TestInspectStopsABombThatIsOneLongRecord(t *testing.T) {
	for _, codec := range allCodecs[1:] {
		t.Run(codec.String(), func(t *testing.T) {
			b := NewBuilder(codec)
			b.Add(Record{Value: make([]byte, 8*testLimit)})
			batch, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.CheckRecords(testLimit); !errors.Is(err, ErrTooLarge) {
				t.Errorf("limit %d: got %v, want %v", testLimit, err, ErrTooLarge)
			}
			if _, err := batch.Records(testLimit); !errors.Is(err, ErrTooLarge) {
				t.Errorf("records, limit %d: got %v, want %v", testLimit, err, ErrTooLarge)
			}
			if err := batch.CheckRecords(9 * testLimit); err != nil {
				t.Errorf("limit %d: %v", 9*testLimit, err)
			}
		})
	}
}

func TestInspectFindsKeylessRecordAndMaxTimestamp(t *testing.T) {
	for _, codec := range allCodecs {
		b := NewBuilder(codec)
		for i, r := range []Record{{Timestamp: 50, Key: []byte("a")}, {Timestamp: 70, Key: []byte{}}, {Timestamp: 60}, {Timestamp: 10}} {
			r.Offset = kafka.Offset(i)
			b.Add(r)
		}
		batch, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		batch.StampMaxTimestamp(1) // a producer that lies
		got, err := batch.Inspect(testLimit)
		if want := (Summary{MaxTimestamp: 70, Keyless: 2}); got != want || err != nil {
			t.Errorf("%v: got %+v, %v, want %+v", codec, got, err, want)
		}
		if keyless, err := batch.HasKeylessRecord(testLimit); !keyless || err != nil {
			t.Errorf("%v: HasKeylessRecord: got %v, %v", codec, keyless, err)
		}
	}
}

func TestPatchedCRCIsThatOfTheBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		n := rng.IntN(200)
		if i%100 == 0 {
			n = rng.IntN(100_000)
		}
		b := make(Batch, HeaderSize+n)
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		sealed(b)
		payload := bytes.Clone(b[HeaderSize:])
		codec := b.Attributes().Codec()
		r := Rewrite{Attributes(rng.Uint32()), kafka.ProducerID(rng.Int64()), int16(rng.Uint32()), int32(rng.Uint32())}
		b.Rewrite(r)
		if b.CRC() != b.sum() {
			t.Fatalf("batch %d of %d bytes: rewrite patched the crc to %08x, want %08x", i, len(b), b.CRC(), b.sum())
		}
		if b.BaseOffset() != 0 || b.LeaderEpoch() != kafka.NoEpoch || b.Attributes().Codec() != codec ||
			b.Attributes()&^codecMask != r.Attributes&^codecMask || b.ProducerID() != r.ProducerID ||
			b.ProducerEpoch() != r.ProducerEpoch || b.BaseSequence() != r.BaseSequence {
			t.Fatalf("batch %d: rewritten to %+v, want %+v", i, b.Header(), r)
		}
		ms := rng.Int64()
		b.StampLogAppendTime(ms)
		if b.CRC() != b.sum() || !b.Attributes().LogAppendTime() || b.MaxTimestamp() != ms {
			t.Fatalf("batch %d: log append time stamped to %+v", i, b.Header())
		}
		sum := b.CRC()
		b.StampAppend(kafka.Offset(rng.Int64()), kafka.Epoch(rng.Int32()))
		if b.CRC() != sum || b.sum() != sum || !bytes.Equal(payload, b[HeaderSize:]) {
			t.Fatalf("batch %d: an append changed what the crc covers", i)
		}
	}
}

func TestRewriteKeepsDamageVisible(t *testing.T) {
	b := build(t, None, 3)
	b[len(b)-5] ^= 4
	b.Rewrite(Rewrite{ProducerID: 9, ProducerEpoch: 1, BaseSequence: 0})
	var corrupt *CorruptError
	if err := b.Check(); !errors.As(err, &corrupt) {
		t.Errorf("got %v, want a *CorruptError", err)
	}
}

func TestLogAppendTimeHoldsForEveryRecord(t *testing.T) {
	b := build(t, LZ4, 3)
	b.StampLogAppendTime(12345)
	records, err := b.Records(testLimit)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Timestamp != 12345 {
			t.Errorf("offset %d: timestamp %d, want 12345", r.Offset, r.Timestamp)
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	plain := build(t, None, 100)
	two := append(bytes.Clone(plain), plain...)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"split", func() { Split(two) }},
		{"check", func() { plain.Check() }},
		{"header", func() { _ = plain.Header().NextOffset() }},
		{"inspect", func() { plain.Inspect(testLimit) }},
		{"check records", func() { plain.CheckRecords(testLimit) }},
		{"stamp append", func() { plain.StampAppend(4, 2) }},
		{"stamp log append time", func() { plain.StampLogAppendTime(4) }},
		{"rewrite", func() { plain.Rewrite(Rewrite{ProducerID: 4}) }},
	} {
		if n := testing.AllocsPerRun(50, c.run); n != 0 {
			t.Errorf("%s: %v allocations, want none", c.name, n)
		}
	}
}

func TestBuilderRefusesWhatABatchCannotHold(t *testing.T) {
	at := func(offsets ...kafka.Offset) func(*Builder) {
		return func(b *Builder) {
			for _, o := range offsets {
				b.Add(Record{Offset: o})
			}
		}
	}
	for _, c := range []struct {
		name string
		fill func(*Builder)
		ok   bool
	}{
		{"records with gaps", at(3, 5, 9), true},
		{"nothing", at(), false},
		{"an offset twice", at(3, 3), false},
		{"an offset before the last", at(3, 2), false},
		{"offsets too far apart", at(0, 1<<31), false},
		{"a span without records", func(b *Builder) { b.Span(10, 20) }, true},
		{"a record within the span", func(b *Builder) { b.Span(10, 20); at(12)(b) }, true},
		{"a record before the span", func(b *Builder) { b.Span(10, 20); at(9)(b) }, false},
		{"a record behind the span", func(b *Builder) { b.Span(10, 20); at(21)(b) }, false},
		{"a span that runs backwards", func(b *Builder) { b.Span(10, 9) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(Zstd)
			c.fill(b)
			batch, err := b.Build()
			if (err == nil) != c.ok {
				t.Fatalf("error: got %v, want one: %v", err, !c.ok)
			}
			if err != nil {
				return
			}
			if err := batch.Check(); err != nil {
				t.Error(err)
			}
			records, err := batch.Records(testLimit)
			if len(records) != b.Len() || err != nil {
				t.Errorf("got %d records, %v, want %d", len(records), err, b.Len())
			}
			if b.spanned && (batch.BaseOffset() != 10 || batch.LastOffset() != 20) {
				t.Errorf("span: got %d to %d, want 10 to 20", batch.BaseOffset(), batch.LastOffset())
			}
		})
	}
}

func TestBuilderIsEmptyAfterReset(t *testing.T) {
	b := NewBuilder(None)
	b.Attributes, b.ProducerID = ControlBit, 4
	b.Span(0, 100)
	b.Add(Record{Offset: 50})
	b.Add(Record{Offset: 1}) // an error to forget
	b.Reset()
	if b.Len() != 0 || b.Size() != HeaderSize {
		t.Errorf("after reset: %d records, %d bytes", b.Len(), b.Size())
	}
	b.Add(Record{Offset: 7, Timestamp: 3})
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if h := batch.Header(); h.BaseOffset != 7 || h.LastOffsetDelta != 0 || h.Attributes != 0 ||
		h.ProducerID != kafka.NoProducerID || h.ProducerEpoch != -1 || h.BaseSequence != -1 || h.LeaderEpoch != kafka.NoEpoch {
		t.Errorf("after reset: %+v", h)
	}
	if b.Size() != len(batch) {
		t.Errorf("size: got %d, want %d", b.Size(), len(batch))
	}
}
