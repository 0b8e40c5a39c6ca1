package broker_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

// committedAt is what a group committed in partition 0 of a topic, -1 for nothing.
func committedAt(t *testing.T, c *rawConn, topic, group string) int64 {
	t.Helper()
	return c.ask(t, walk["OffsetFetch"].ask(topic, group), 8).(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0].Offset
}

// TestWhatAGroupIsToForgetIsGoneAfterAKill deletes groups and positions, and
// looks for them in a copy of the disk as a kill leaves it.
func TestWhatAGroupIsToForgetIsGoneAfterAKill(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	for _, topic := range []string{"t", "u"} {
		createTopic(t, c, topic, nil)
		for _, group := range []string{"gone", "kept"} {
			c.ask(t, walk["OffsetCommit"].ask(topic, group), 8)
		}
	}
	deleted := c.ask(t, &kmsg.DeleteGroupsRequest{Groups: []string{"gone", "never", "gone"}}, 2).(*kmsg.DeleteGroupsResponse)
	if got, want := codes(deleted), []kafka.ErrorCode{kafka.NoError, kafka.ErrGroupIDNotFound}; !slices.Equal(got, want) {
		t.Errorf("DeleteGroups gives codes %v, want %v: one for each name", got, want)
	}
	forget := &kmsg.OffsetDeleteRequest{Group: "kept", Topics: []kmsg.OffsetDeleteRequestTopic{
		{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}, {Partition: 7}}},
		{Topic: "absent", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}},
	}}
	if got, want := codes(c.ask(t, forget, 0)), []kafka.ErrorCode{kafka.NoError, kafka.NoError, kafka.ErrUnknownTopicOrPartition, kafka.ErrUnknownTopicOrPartition}; !slices.Equal(got, want) {
		t.Errorf("OffsetDelete gives codes %v, want %v", got, want)
	}
	b = testkit.Start(t, testkit.Options{Data: b.KilledCopy(t)})
	c = rawConnect(t, b)
	for _, tt := range []struct {
		topic, group string
		want         int64
	}{{"t", "gone", -1}, {"u", "gone", -1}, {"t", "kept", -1}, {"u", "kept", 1}} {
		if got := committedAt(t, c, tt.topic, tt.group); got != tt.want {
			t.Errorf("group %s has position %d in %s, want %d", tt.group, got, tt.topic, tt.want)
		}
	}
	if got := codes(c.ask(t, forget, 0)); got[0] != kafka.NoError {
		t.Errorf("positions that are not there: %v, want no error", got)
	}
	unknown := *forget
	unknown.Group = "gone"
	if got := c.ask(t, &unknown, 0).(*kmsg.OffsetDeleteResponse); got.ErrorCode != int16(kafka.ErrGroupIDNotFound) || len(got.Topics) > 0 {
		t.Errorf("OffsetDelete of a group that is gone: %v, want GROUP_ID_NOT_FOUND and no topics", got)
	}
}

func TestAGroupWithMembersKeepsWhatTheyRead(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "other", nil)
	m := connect(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit())
	produce(t, m, "t", "v")
	consume(t, m, 1)
	for _, tt := range []struct {
		name string
		req  kmsg.Request
		want []kafka.ErrorCode
	}{
		{"the group", &kmsg.DeleteGroupsRequest{Groups: []string{"g"}}, []kafka.ErrorCode{kafka.ErrNonEmptyGroup}},
		{"a topic that is read", &kmsg.OffsetDeleteRequest{Group: "g", Topics: []kmsg.OffsetDeleteRequestTopic{
			{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}},
			{Topic: "other", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}},
		}}, []kafka.ErrorCode{kafka.NoError, kafka.ErrGroupSubscribedToTopic, kafka.NoError}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := codes(c.ask(t, tt.req, 0)); !slices.Equal(got, tt.want) {
				t.Errorf("codes are %v, want %v", got, tt.want)
			}
		})
	}
}
