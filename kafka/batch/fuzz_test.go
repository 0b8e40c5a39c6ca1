package batch

import (
	"bytes"
	"testing"

	"schloss/kafka"
)

func seeds(f *testing.F) {
	for _, codec := range allCodecs {
		b := build(f, codec, 3)
		f.Add([]byte(b))
		f.Add([]byte(append(bytes.Clone(b), b[:70]...)))
	}
	wide := build(f, Zstd, 3)
	wide[HeaderSize+5] = 0x90 // a window of 256 MiB
	f.Add([]byte(sealed(wide)))
}

// FuzzSplit walks whatever comes as the log and a fetch do.
func FuzzSplit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := b
		for len(rest) > 0 {
			first, left, err := Split(rest)
			if err != nil {
				return
			}
			if len(first)+len(left) != len(rest) || len(first) < HeaderSize {
				t.Fatalf("split %d bytes into %d and %d", len(rest), len(first), len(left))
			}
			if h := first.Header(); first.Check() == nil && h.Size != len(first) {
				t.Fatalf("checked batch of %d bytes says %d", len(first), h.Size)
			}
			rest = left
		}
	})
}

// sealedBatch makes fuzzed bytes a batch that passes Check wherever it can, so
// that the fuzzer gets behind the CRC.
func sealedBatch(b []byte) (Batch, bool) {
	if len(b) < HeaderSize {
		return nil, false
	}
	batch := Batch(bytes.Clone(b))
	batch.put32(lengthAt, int32(len(b)-prefixSize))
	batch[magicAt] = magic2
	return sealed(batch), true
}

func FuzzCheckRecords(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, ok := sealedBatch(b)
		if !ok || batch.CheckRecords(testLimit) != nil {
			return
		}
		records, err := batch.Records(testLimit)
		if err != nil || len(records) != int(batch.Count()) {
			t.Fatalf("records of a checked batch: got %d of %d, %v", len(records), batch.Count(), err)
		}
	})
}

// FuzzJoin joins whatever can be decoded, as the Builder would.
func FuzzJoin(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, ok := sealedBatch(b)
		if !ok {
			return
		}
		records, err := batch.Records(testLimit)
		joined, joinErr := Join(nil, batch, batch)
		if batch.Attributes().Codec() != None || err != nil || len(records) == 0 {
			if joinErr == nil {
				t.Fatalf("joined, though its records are not to be had: %v", err)
			}
			return
		}
		if joinErr != nil {
			t.Fatalf("%d records are not joined: %v", len(records), joinErr)
		}
		got, err := joined.Records(testLimit)
		if err != nil || len(got) != 2*len(records) || joined.Check() != nil {
			t.Fatalf("%d of %d records, %v, %v", len(got), 2*len(records), err, joined.Check())
		}
		for i, g := range got {
			r := records[i%len(records)]
			if g.Offset != kafka.Offset(i) || g.Timestamp != r.Timestamp || !bytes.Equal(g.Key, r.Key) || (g.Key == nil) != (r.Key == nil) || !bytes.Equal(g.Value, r.Value) || len(g.Headers) != len(r.Headers) {
				t.Fatalf("record %d is %+v, was %+v", i, g, r)
			}
		}
	})
}

// FuzzRecords builds anew what it could decode and expects the same records.
func FuzzRecords(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, ok := sealedBatch(b)
		if !ok {
			return
		}
		records, err := batch.Records(testLimit)
		if err != nil || len(records) == 0 {
			return
		}
		builder := NewBuilder(None)
		for _, r := range records {
			builder.Add(r)
		}
		again, err := builder.Build()
		if err != nil {
			return // offsets that do not grow
		}
		got, err := again.Records(testLimit)
		if err != nil || len(got) != len(records) {
			t.Fatalf("built anew: got %d of %d records, %v", len(got), len(records), err)
		}
		for i, r := range records {
			g := got[i]
			if g.Offset != r.Offset || g.Timestamp != r.Timestamp || !bytes.Equal(g.Key, r.Key) || (g.Key == nil) != (r.Key == nil) ||
				!bytes.Equal(g.Value, r.Value) || (g.Value == nil) != (r.Value == nil) || len(g.Headers) != len(r.Headers) {
				t.Fatalf("record %d: got %+v, want %+v", i, g, r)
			}
		}
	})
}
