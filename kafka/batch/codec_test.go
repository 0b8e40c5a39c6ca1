package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// around makes a batch of one 100,000-byte record with a payload compressed by
// other means than ours.
func around(t *testing.T, codec Codec, compress func(payload []byte) []byte) Batch {
	t.Helper()
	b := NewBuilder(None)
	b.Add(Record{Key: []byte("k"), Value: bytes.Repeat([]byte("0123456789"), 10_000)})
	plain, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	out := append(plain[:HeaderSize:HeaderSize], compress(plain[HeaderSize:])...)
	out.put32(lengthAt, int32(len(out)-prefixSize))
	out.put16(attributesAt, int16(codec))
	return sealed(out)
}

func zstdWith(t *testing.T, options ...zstd.EOption) func([]byte) []byte {
	return func(payload []byte) []byte {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out, options...)
		if err != nil {
			t.Fatal(err)
		}
		// In two writes the encoder cannot know the size beforehand, so the
		// frame tells its window, as those of Java's stream do.
		for _, part := range [][]byte{payload[:10], payload[10:]} {
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

func TestPayloadsOfOtherWritersAreRead(t *testing.T) {
	for _, c := range []struct {
		name     string
		codec    Codec
		compress func([]byte) []byte
	}{
		{"bare snappy block", Snappy, func(p []byte) []byte { return s2.EncodeSnappy(nil, p) }},
		{"zstd with a window of 2 MiB", Zstd, zstdWith(t, zstd.WithWindowSize(2<<20))},
		{"zstd with a window of 8 MiB", Zstd, zstdWith(t, zstd.WithWindowSize(8<<20))},
		{"zstd with a window of 128 MiB", Zstd, zstdWith(t, zstd.WithWindowSize(128<<20))},
		{"zstd without checksum", Zstd, zstdWith(t, zstd.WithEncoderCRC(false))},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := around(t, c.codec, c.compress)
			if err := b.CheckRecords(testLimit); err != nil {
				t.Error(err)
			}
			if records, err := b.Records(testLimit); err != nil || len(records[0].Value) != 100_000 {
				t.Errorf("got %v", err)
			}
			if err := b.CheckRecords(50_000); !errors.Is(err, ErrTooLarge) {
				t.Errorf("limit of 50,000: got %v, want %v", err, ErrTooLarge)
			}
		})
	}
}

func TestClaimsCostNoMemory(t *testing.T) {
	const magic = "\x28\xb5\x2f\xfd"
	for _, c := range []struct {
		name    string
		codec   Codec
		payload string
		most    uint64 // bytes that may be allocated
	}{
		{"snappy block that claims 4 GiB", Snappy, "\xff\xff\xff\xff\x0f\x00", 1 << 20},
		{"snappy block that claims 1 MiB", Snappy, "\x80\x80\x40\x00", 1 << 20},
		{"xerial block that claims 1 MiB", Snappy, string(xerialHead) + "\x00\x00\x00\x04\x80\x80\x40\x00", 1 << 20},
		{"xerial block longer than the payload", Snappy, string(xerialHead) + "\x7f\xff\xff\xff\x01", 1 << 20},
		{"zstd window of 64 MiB", Zstd, magic + "\x00\x80" + strings.Repeat("\x00", 20), 4 << 20},
		{"zstd window of 3.75 TiB", Zstd, magic + "\x00\xff" + strings.Repeat("\x00", 20), 4 << 20},
		{"zstd frame that claims 60 MiB", Zstd, magic + "\xa0\x00\x00\xc0\x03\x01\x00\x00", 4 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := append(build(t, None, 1)[:HeaderSize:HeaderSize], c.payload...)
			b.put16(attributesAt, int16(c.codec))
			b.put32(lengthAt, int32(len(b)-prefixSize))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := b.Inspect(64 << 20)
			_, err2 := b.Records(64 << 20)
			runtime.ReadMemStats(&after)
			if err == nil || err2 == nil {
				t.Errorf("got %v and %v, want errors", err, err2)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > c.most {
				t.Errorf("%d bytes allocated for a batch of %d, at most %d are due", got, len(b), c.most)
			}
		})
	}
}

func TestOurSnappyIsFramedAsJavaFramesIt(t *testing.T) {
	payload := bytes.Repeat([]byte("schloss "), 10_000) // 80,000 bytes: three blocks
	out := appendSnappy(nil, payload)
	if !bytes.HasPrefix(out, xerialHead) {
		t.Fatalf("starts with %x, want %x", out[:len(xerialHead)], xerialHead)
	}
	var sizes []int
	for rest := out[len(xerialHead):]; len(rest) > 0; {
		n := binary.BigEndian.Uint32(rest)
		size, err := s2.DecodedLen(rest[4 : 4+n])
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size)
		rest = rest[4+n:]
	}
	if len(sizes) != 3 || sizes[0] != 32<<10 || sizes[1] != 32<<10 || sizes[2] != 80_000-64<<10 {
		t.Errorf("blocks of %v bytes", sizes)
	}
}
