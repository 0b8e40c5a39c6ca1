package broker_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

func TestOldSegmentsGoAndGroupsStay(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{
		"log.retention.check.interval.ms": "20", "log.retention.ms": "1", "log.roll.ms": "1",
	}})
	c := rawConnect(t, b)
	createTopic(t, c, "old", nil)
	createTopic(t, c, "kept", map[string]string{"retention.ms": "-1"})
	commit := walk["OffsetCommit"].ask("old", "g").(*kmsg.OffsetCommitRequest)
	if got := codes(c.ask(t, commit, 8)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	for range 3 {
		c.ask(t, produceRequest("old", -1, build(t, nil, "v")), 9)
		c.ask(t, produceRequest("kept", -1, build(t, nil, "v")), 9)
		time.Sleep(3 * time.Millisecond) // older than log.roll.ms: the next batch begins a segment
	}
	for deadline := time.Now().Add(patience); listOffset(t, c, "old", -2).Offset == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no segment was removed")
		}
	}
	if got := listOffset(t, c, "kept", -2).Offset; got != 0 {
		t.Errorf("a topic without limit starts at %d", got)
	}
	if got := listOffset(t, c, kafka.ConsumerOffsetsTopic, -2).Offset; got != 0 {
		t.Errorf("the groups' topic starts at %d", got)
	}
	fetch := walk["OffsetFetch"].ask("old", "g")
	if got := c.ask(t, fetch, 8).(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0].Offset; got != 1 {
		t.Errorf("group is at %d, want 1", got)
	}
}
