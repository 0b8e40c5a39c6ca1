package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/mirror"
)

func TestQuarantine(t *testing.T) {
	b := batch.NewBuilder(batch.None)
	b.Add(batch.Record{Offset: 7, Value: []byte("too large")})
	one, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	what := mirror.Quarantined{TopicPartition: kafka.TopicPartition{Topic: "a.b", Partition: 3}, Offset: 7, Records: 1, Reason: `it "is" too large`, Batch: one}
	dir := filepath.Join(t.TempDir(), "kept")
	open := func(limit int64) *quarantine {
		t.Helper()
		q, err := openQuarantine(dir, limit)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	for range 2 { // the same once more, by another run
		if err := open(1000).keep(what); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(filepath.Join(dir, "a.b-3", "00000000000000000007.log"))
	if err != nil {
		t.Fatal(err)
	}
	if records, err := batch.Batch(kept).Records(1000); err != nil || len(records) != 1 || records[0].Offset != 7 || string(records[0].Value) != "too large" {
		t.Errorf("kept %+v, %v", records, err)
	}
	index, err := os.ReadFile(filepath.Join(dir, quarantineIndex))
	if err != nil || strings.Count(string(index), "\n") != 1 {
		t.Fatalf("%q, %v", index, err)
	}
	var line quarantineLine
	if err := json.Unmarshal(index, &line); err != nil || line.Topic != "a.b" || line.Partition != 3 || line.Offset != 7 || line.Records != 1 ||
		line.Reason != what.Reason || line.File != "a.b-3/00000000000000000007.log" || line.Time.IsZero() {
		t.Errorf("%+v, %v", line, err)
	}
	what.Offset = 8
	if err := open(300).keep(what); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("a full quarantine takes more: %v", err)
	}
	what.Topic = "../elsewhere"
	if err := open(1000).keep(what); err == nil {
		t.Error("a topic's name leads out of the quarantine")
	}
	if _, err := openQuarantine(filepath.Join(dir, quarantineIndex), 1000); err == nil {
		t.Error("a file is taken for a folder")
	}
}
