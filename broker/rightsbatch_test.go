package broker_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// TestEveryBatchIsJudgedByItsOwnFlags hides a transactional batch behind good
// ones, in a request that names no transactional id (CVE-2018-17196).
func TestEveryBatchIsJudgedByItsOwnFlags(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	names := []string{"first", "second", "third"}
	req := produceRequest("", -1, nil)
	req.Topics = nil
	for i, name := range names {
		createTopic(t, c, name, nil)
		records := build(t, nil, "v")
		if i == 1 {
			records = flagged(t, batch.TransactionalBit)
		}
		req.Topics = append(req.Topics, kmsg.ProduceRequestTopic{Topic: name, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: records}}})
	}
	want := []kafka.ErrorCode{kafka.NoError, kafka.ErrTransactionalIDAuthorizationFailed, kafka.NoError}
	if got := codes(c.ask(t, req, 9)); !slices.Equal(got, want) {
		t.Errorf("codes are %v, want %v", got, want)
	}
}
