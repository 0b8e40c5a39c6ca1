package batch

import (
	"bytes"
	"testing"
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
