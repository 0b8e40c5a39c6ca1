package broker_test

import (
	"runtime"
	"testing"
	"time"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// TestASearchByTimeKeepsNoRecords asks for a time in a small batch of very many
// empty records: decoded at once they would take a hundred times its size.
func TestASearchByTimeKeepsNoRecords(t *testing.T) {
	const records, allowed = 1 << 18, 16 << 20
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", map[string]string{"max.message.bytes": "16000000"})
	builder := batch.NewBuilder(batch.Zstd)
	began := time.Now().UnixMilli()
	for i := range records {
		builder.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: began + int64(i/(records-1))})
	}
	bomb, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(c.ask(t, produceRequest("t", -1, bomb), 9)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, at := range []int64{began + 1, -3} {
		if got := listOffset(t, c, "t", at).Offset; got != records-1 {
			t.Errorf("time %d is at offset %d, want %d", at, got, records-1)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > allowed {
		t.Errorf("the search took %d bytes, %d are allowed", took, allowed)
	}
}
