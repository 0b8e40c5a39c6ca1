package rebuild

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Kafka's own vectors (UtilsTest.testMurmur2).
func TestMurmur2IsKafkas(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) is %d, want %d", key, got, want)
		}
	}
}

// What Kafka 3.9.1 and 4.3.1 say (BuiltInPartitioner.partitionForKey).
func TestPartitionForKeyIsKafkas(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	counts := []int32{1, 2, 3, 7, 16, 1000}
	for _, test := range []struct {
		name, key string
		want      []int32
	}{
		{"no byte", "", []int32{0, 1, 0, 2, 9, 681}},
		{"one byte", "a", []int32{0, 0, 1, 5, 12, 524}},
		{"two", "ab", []int32{0, 0, 2, 0, 10, 434}},
		{"three", "abc", []int32{0, 1, 0, 4, 11, 107}},
		{"four", "abcd", []int32{0, 0, 2, 5, 4, 100}},
		{"a number", "order-4711", []int32{0, 1, 1, 1, 11, 611}},
		{"not ASCII", "Schlösser", []int32{0, 0, 2, 6, 8, 664}},
		{"zeros", string(make([]byte, 7)), []int32{0, 1, 1, 1, 7, 175}},
		{"every byte", string(every), []int32{0, 0, 1, 3, 6, 374}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, n := range counts {
				if got := PartitionForKey([]byte(test.key), n); got != test.want[i] {
					t.Errorf("of %d partitions: %d, want %d", n, got, test.want[i])
				}
			}
		})
	}
}

func TestKeysGoWhereAProducerPutsThem(t *testing.T) {
	oracle := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	for _, partitions := range []int32{1, 2, 3, 7, 16, 1000} {
		for i := range 500 {
			key := []byte(fmt.Sprint(i * i * i))[:min(i%12, len(fmt.Sprint(i*i*i)))] // the empty key is one too
			want := oracle.Partition(&kgo.Record{Key: key}, int(partitions))
			if got := PartitionForKey(key, partitions); int(got) != want {
				t.Fatalf("key %q of %d partitions goes to %d, want %d", key, partitions, got, want)
			}
		}
	}
}
