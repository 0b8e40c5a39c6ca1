package broker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

func deleteRecords(t *testing.T, c *rawConn, topic string, partition int32, before int64) (low int64, code kafka.ErrorCode) {
	t.Helper()
	in := kmsg.NewDeleteRecordsRequestTopicPartition()
	in.Partition, in.Offset = partition, before
	req := &kmsg.DeleteRecordsRequest{TimeoutMillis: 5000, Topics: []kmsg.DeleteRecordsRequestTopic{
		{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{in, in}}}} // twice, to be answered once
	got := c.ask(t, req, 2).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions
	if len(got) != 1 || got[0].Partition != partition {
		t.Fatalf("got %+v, want one answer for partition %d", got, partition)
	}
	return got[0].LowWatermark, kafka.ErrorCode(got[0].ErrorCode)
}

func TestDeleteRecords(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	createTopic(t, c, "compacted", map[string]string{"cleanup.policy": "compact"})
	createTopic(t, c, "both", map[string]string{"cleanup.policy": "compact,delete"})
	c.ask(t, walk["OffsetCommit"].ask("t", "g"), 8) // makes the groups' topic
	for range 4 {
		if got := codes(c.ask(t, produceRequest("t", -1, build(t, nil, "a", "b", "c")), 9)); got[0] != kafka.NoError {
			t.Fatal(got)
		}
	}
	for _, tt := range []struct {
		name      string
		topic     string
		partition int32
		before    int64
		low       int64
		want      kafka.ErrorCode
	}{
		{"nothing", "t", 0, 0, 0, kafka.NoError},
		{"within a batch", "t", 0, 4, 4, kafka.NoError},
		{"below the start", "t", 0, 2, 4, kafka.NoError},
		{"behind the end", "t", 0, 13, -1, kafka.ErrOffsetOutOfRange},
		{"a negative offset", "t", 0, -5, -1, kafka.ErrOffsetOutOfRange},
		{"no partition", "t", 9, 0, -1, kafka.ErrNotLeaderOrFollower},
		{"no topic", "none", 0, 0, -1, kafka.ErrUnknownTopicOrPartition},
		{"a compacted topic", "compacted", 0, 0, -1, kafka.ErrPolicyViolation},
		{"a topic that is both", "both", 0, -1, 0, kafka.NoError},
		{"the groups' topic", kafka.ConsumerOffsetsTopic, 0, 0, -1, kafka.ErrInvalidTopicException},
	} {
		if low, code := deleteRecords(t, c, tt.topic, tt.partition, tt.before); low != tt.low || code != tt.want {
			t.Errorf("%s: got %d, %v, want %d, %v", tt.name, low, code, tt.low, tt.want)
		}
	}
	fetched := func(at int64) kmsg.FetchResponseTopicPartition {
		req := askFetch("t", "").(*kmsg.FetchRequest)
		req.Topics[0].Partitions[0].FetchOffset = at
		return c.ask(t, req, 11).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	}
	for range 2 {
		if got := listOffset(t, c, "t", -2).Offset; got != 4 {
			t.Errorf("the log starts at %d, want 4", got)
		}
		if got := fetched(3); kafka.ErrorCode(got.ErrorCode) != kafka.ErrOffsetOutOfRange {
			t.Errorf("a fetch below the start: got %v", kafka.ErrorCode(got.ErrorCode))
		}
		if got := fetched(4); got.ErrorCode != 0 || len(got.RecordBatches) == 0 || got.LogStartOffset != 4 {
			t.Errorf("a fetch at the start: got %+v", got)
		}
		data := b.KilledCopy(t)
		b.Stop(t)
		b = testkit.Start(t, testkit.Options{Data: data})
		c = rawConnect(t, b)
	}
	if low, code := deleteRecords(t, c, "t", 0, -1); low != 12 || code != kafka.NoError {
		t.Errorf("all: got %d, %v, want 12", low, code)
	}
	if got := codes(c.ask(t, produceRequest("t", -1, build(t, nil, "d")), 9)); got[0] != kafka.NoError {
		t.Error(got)
	}
	if got := listOffset(t, c, "t", -1).Offset; got != 13 {
		t.Errorf("the log ends at %d, want 13", got)
	}
}
