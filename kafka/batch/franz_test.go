package batch

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

var franzCodecs = map[Codec]func() kgo.CompressionCodec{
	None: kgo.NoCompression, Gzip: kgo.GzipCompression, Snappy: kgo.SnappyCompression, LZ4: kgo.Lz4Compression, Zstd: kgo.ZstdCompression,
}

// franzBatch writes records as franz-go's producer does.
func franzBatch(t *testing.T, codec Codec, records []Record) Batch {
	t.Helper()
	var payload []byte
	for i, r := range records {
		k := kmsg.NewRecord()
		k.TimestampDelta64, k.OffsetDelta = r.Timestamp-records[0].Timestamp, int32(i)
		k.Key, k.Value = r.Key, r.Value
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
		}
		k.Length = int32(len(k.AppendTo(nil)) - 1) // a length of 0 takes one byte
		payload = k.AppendTo(payload)
	}
	if codec != None {
		c, err := kgo.DefaultCompressor(franzCodecs[codec]())
		if err != nil {
			t.Fatal(err)
		}
		payload, _ = c.Compress(new(bytes.Buffer), payload)
	}
	k := kmsg.RecordBatch{
		FirstOffset: int64(records[0].Offset), PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(codec),
		LastOffsetDelta: int32(len(records) - 1), FirstTimestamp: records[0].Timestamp, MaxTimestamp: records[len(records)-1].Timestamp,
		ProducerID: 12, ProducerEpoch: 3, FirstSequence: 77, NumRecords: int32(len(records)), Records: payload,
	}
	k.Length = int32(len(k.AppendTo(nil)) - prefixSize)
	k.CRC = int32(crc32.Checksum(k.AppendTo(nil)[attributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	return k.AppendTo(nil)
}

func TestBatchesOfFranzAreRead(t *testing.T) {
	var records []Record
	for i := range 300 {
		r := Record{Offset: kafka.Offset(500 + i), Timestamp: 1_700_000_000_000 + int64(i), Value: bytes.Repeat(fmt.Appendf(nil, "%d,", i), i)}
		if i%3 != 0 {
			r.Key = fmt.Appendf(nil, "key %d", i%7)
		}
		if i%5 == 0 {
			r.Headers = []RecordHeader{{Key: "trace", Value: []byte{1, 2, 3}}, {Key: "none"}}
		}
		records = append(records, r)
	}
	for _, codec := range allCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			b := franzBatch(t, codec, records)
			first, rest, err := Split(b)
			if err != nil || len(rest) != 0 {
				t.Fatalf("split: %d bytes left, %v", len(rest), err)
			}
			if err := first.Check(); err != nil {
				t.Fatal(err)
			}
			if s, err := first.Inspect(testLimit); err != nil || s.Keyless != 0 || s.MaxTimestamp != first.MaxTimestamp() {
				t.Errorf("inspect: got %+v, %v", s, err)
			}
			got, err := first.Records(testLimit)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, records) {
				t.Errorf("records differ from those that franz-go wrote")
			}
		})
	}
}

func TestOurBatchesAreReadByFranz(t *testing.T) {
	for _, codec := range allCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			b := build(t, codec, 50)
			want, err := b.Records(testLimit)
			if err != nil {
				t.Fatal(err)
			}
			fetched := kmsg.NewFetchResponseTopicPartition()
			fetched.HighWatermark, fetched.RecordBatches = 2000, b
			got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t", Offset: 1000}, &fetched, kgo.DefaultDecompressor(), nil)
			if got.Err != nil || len(got.Records) != len(want) {
				t.Fatalf("got %d records, %v, want %d", len(got.Records), got.Err, len(want))
			}
			for i, r := range got.Records {
				if r.Offset != int64(want[i].Offset) || r.Timestamp.UnixMilli() != want[i].Timestamp ||
					!bytes.Equal(r.Key, want[i].Key) || !bytes.Equal(r.Value, want[i].Value) || len(r.Headers) != 1 {
					t.Fatalf("record %d: got %+v, want %+v", i, r, want[i])
				}
			}
		})
	}
}
