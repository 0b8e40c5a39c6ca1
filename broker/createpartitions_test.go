package broker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

func partitionsRequest(topic string, count int32, replicas ...[]int32) *kmsg.CreatePartitionsRequest {
	in := kmsg.NewCreatePartitionsRequestTopic()
	in.Topic, in.Count = topic, count
	for _, r := range replicas {
		in.Assignment = append(in.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: r})
	}
	return &kmsg.CreatePartitionsRequest{TimeoutMillis: 5000, Topics: []kmsg.CreatePartitionsRequestTopic{in}}
}

// TestCreatePartitionsJudgesEachTopic asks as the running Kafka 4.3.1 was asked.
func TestCreatePartitionsJudgesEachTopic(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	c.ask(t, walk["OffsetCommit"].ask("t", "g"), 8) // makes the groups' topic
	here, there := []int32{0}, []int32{7}
	for _, tt := range []struct {
		name string
		req  *kmsg.CreatePartitionsRequest
		want kafka.ErrorCode
	}{
		{"as many", partitionsRequest("t", 1), kafka.ErrInvalidPartitions},
		{"fewer", partitionsRequest("t", 0), kafka.ErrInvalidPartitions},
		{"a negative number", partitionsRequest("t", -1), kafka.ErrInvalidPartitions},
		{"far too many", partitionsRequest("t", 1<<30), kafka.ErrPolicyViolation},
		{"no topic", partitionsRequest("none", 2), kafka.ErrUnknownTopicOrPartition},
		{"a bad name", partitionsRequest("a b", 2), kafka.ErrUnknownTopicOrPartition},
		{"the groups' topic", partitionsRequest(kafka.ConsumerOffsetsTopic, 60), kafka.ErrInvalidTopicException},
		{"too few assignments", partitionsRequest("t", 3, here), kafka.ErrInvalidReplicaAssignment},
		{"a broker that is not there", partitionsRequest("t", 2, there), kafka.ErrInvalidReplicaAssignment},
		{"one broker twice", partitionsRequest("t", 2, []int32{0, 0}), kafka.ErrInvalidReplicaAssignment},
		{"no replica", partitionsRequest("t", 2, []int32{}), kafka.ErrInvalidReplicaAssignment},
		{"two more", partitionsRequest("t", 3), kafka.NoError},
		{"placed", partitionsRequest("t", 2, here), kafka.NoError},
	} {
		tt.req.ValidateOnly = true
		if got := codes(c.ask(t, tt.req, 3)); got[0] != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := len(describeTopic(t, c, "t").Partitions); got != 1 {
		t.Errorf("trying has made %d partitions", got)
	}
	twice := partitionsRequest("t", 3)
	twice.Topics = append(twice.Topics, twice.Topics[0])
	if got := c.ask(t, twice, 3).(*kmsg.CreatePartitionsResponse).Topics; len(got) != 1 || kafka.ErrorCode(got[0].ErrorCode) != kafka.ErrInvalidRequest {
		t.Errorf("a topic named twice: got %+v, want one INVALID_REQUEST", got)
	}
}

func TestNewPartitionsServeAtOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", map[string]string{"max.message.bytes": "500"})
	c.ask(t, produceRequest("t", -1, build(t, nil, "v")), 9)
	if got := codes(c.ask(t, partitionsRequest("t", 3), 3)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	to := func(partition int32, value string) kafka.ErrorCode {
		req := produceRequest("t", -1, build(t, nil, value))
		req.Topics[0].Partitions[0].Partition = partition
		return codes(c.ask(t, req, 9))[0]
	}
	for range 2 {
		topic := describeTopic(t, c, "t")
		if len(topic.Partitions) != 3 || topic.Partitions[2].Leader != 0 {
			t.Fatalf("metadata shows %+v", topic.Partitions)
		}
		if got := to(2, "v"); got != kafka.NoError {
			t.Errorf("produce to a new partition: %v", got)
		}
		if got := to(2, string(make([]byte, 600))); got != kafka.ErrMessageTooLarge {
			t.Errorf("a long batch for a new partition: %v, want %v", got, kafka.ErrMessageTooLarge)
		}
		if got := to(3, "v"); got != kafka.ErrUnknownTopicOrPartition {
			t.Errorf("produce to a partition that is not there: %v", got)
		}
		data := b.KilledCopy(t)
		b.Stop(t)
		b = testkit.Start(t, testkit.Options{Data: data})
		c = rawConnect(t, b)
	}
	if got := listOffset(t, c, "t", -1).Offset; got != 1 {
		t.Errorf("the old partition ends at %d, want 1", got)
	}
}
