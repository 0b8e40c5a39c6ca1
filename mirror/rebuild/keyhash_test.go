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
