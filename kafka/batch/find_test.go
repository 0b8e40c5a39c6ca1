package batch

import (
	"testing"

	"schloss/kafka"
)

func TestFirstSince(t *testing.T) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		b := NewBuilder(codec)
		for i, at := range []int64{100, 300, 200, 300} {
			b.Add(Record{Offset: kafka.Offset(10 + i), Timestamp: at, Value: []byte("v")})
		}
		one, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			from     kafka.Offset
			ts, want int64
			offset   kafka.Offset
			found    bool
		}{
			{0, 0, 100, 10, true}, {0, 100, 100, 10, true}, {0, 101, 300, 11, true}, {0, 300, 300, 11, true}, {0, 301, -1, kafka.NoOffset, false},
			{11, 0, 300, 11, true}, {12, 0, 200, 12, true}, {12, 201, 300, 13, true}, {14, 0, -1, kafka.NoOffset, false},
		} {
			offset, at, found, err := one.FirstSince(tt.from, tt.ts, 1<<20)
			if offset != tt.offset || at != tt.want || found != tt.found || err != nil {
				t.Errorf("%v since %d from %d: offset %d, time %d, %v, %v; want %d, %d, %v", codec, tt.ts, tt.from, offset, at, found, err, tt.offset, tt.want, tt.found)
			}
		}
		if codec == None {
			continue
		}
		if _, _, _, err := one.FirstSince(0, 301, 3); err == nil {
			t.Errorf("%v: a limit of three bytes is passed over", codec)
		}
	}
}
