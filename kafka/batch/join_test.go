package batch

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"schloss/kafka"
)

func builtOf(t testing.TB, attributes Attributes, records ...Record) Batch {
	t.Helper()
	b := NewBuilder(None)
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = attributes, 7, 1, 3
	for _, r := range records {
		b.Add(r)
	}
	out, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJoin(t *testing.T) {
	at := func(offset kafka.Offset, timestamp int64) Record {
		return Record{Offset: offset, Timestamp: timestamp, Key: []byte("k"), Value: bytes.Repeat([]byte("v"), int(offset%300)),
			Headers: []RecordHeader{{Key: "h", Value: []byte("x")}, {Key: "null"}}}
	}
	var many []Record
	for i := range 500 { // offsets of one byte become some of two
		many = append(many, at(kafka.Offset(i), int64(i)))
	}
	for _, tt := range []struct {
		name    string
		batches []Batch
	}{
		{"times run on", []Batch{builtOf(t, 0, at(3, 100), at(4, 90)), builtOf(t, 0, at(5, 200), at(6, 50))}},
		{"times far apart", []Batch{builtOf(t, 0, at(3, 0)), builtOf(t, 0, at(4, math.MaxInt64/2)), builtOf(t, 0, at(5, -1))}},
		{"many records", []Batch{builtOf(t, 0, many...), builtOf(t, 0, many...)}},
		{"the broker's time", []Batch{builtOf(t, LogAppendTimeBit, at(3, 100), at(4, 900)), builtOf(t, 0, at(5, 5))}},
		{"nulls, holes and one alone", []Batch{builtOf(t, TransactionalBit, Record{Offset: 8}, Record{Offset: 20, Value: []byte{}})}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []Record
			for _, b := range tt.batches {
				records, err := b.Records(0)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, records...)
			}
			for i := range want {
				want[i].Offset = kafka.Offset(i)
			}
			dst := make([]byte, 10, 1<<20)
			got, err := Join(dst, tt.batches...)
			if err != nil {
				t.Fatal(err)
			}
			if &got[0] != &dst[0] {
				t.Error("the memory that was given is not used")
			}
			built := builtOf(t, 0, want...)
			built.Rewrite(Rewrite{ProducerID: kafka.NoProducerID, ProducerEpoch: -1, BaseSequence: -1})
			if !bytes.Equal(got, built) {
				records, err := got.Records(0)
				t.Errorf("the Builder makes another batch of the records; got %+v, %v (equal %v)", got.Header(), err, reflect.DeepEqual(records, want))
			}
			if err := got.CheckRecords(0); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestJoinRefuses(t *testing.T) {
	good := builtOf(t, 0, Record{Offset: 1, Value: []byte("value")})
	changed := func(change func(b Batch)) Batch {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	resum := func(change func(b Batch)) Batch {
		return changed(func(b Batch) { old := b.headerSum(); _ = old; change(b); b.put32(crcAt, int32(b.sum())) })
	}
	compressed := NewBuilder(Gzip)
	compressed.Add(Record{Value: []byte("v")})
	zipped, err := compressed.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		b    Batch
	}{
		{"a bit that has changed", changed(func(b Batch) { b[len(b)-3] ^= 1 })},
		{"a count too many", resum(func(b Batch) { b.put32(countAt, 2); b.put32(lastOffsetDeltaAt, 1) })},
		{"a count too few", resum(func(b Batch) { b.put32(countAt, 0) })},
		{"a length within it", resum(func(b Batch) { b[HeaderSize+5] = 60 })},
		{"a compressed one", zipped},
	} {
		if out, err := Join(nil, good, tt.b); err == nil {
			t.Errorf("%s is joined: %v", tt.name, out.Header())
		} else if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) {
			t.Errorf("%s: got %v, want a CorruptError", tt.name, err)
		}
	}
	if _, err := Join(nil); err == nil {
		t.Error("nothing is joined")
	}
}

func BenchmarkJoin(b *testing.B) {
	var batches []Batch
	bytes := 0
	for i := range 16 {
		var records []Record
		for j := range 16 {
			records = append(records, Record{Offset: kafka.Offset(i*16 + j), Timestamp: int64(1e12) + int64(j), Value: make([]byte, 1000)})
		}
		batches = append(batches, builtOf(b, 0, records...))
		bytes += len(batches[i])
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		out, err := Join(dst, batches...)
		if err != nil {
			b.Fatal(err)
		}
		dst = out
	}
}
