package broker_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/internal/testkit"
	"schloss/kafka"
)

// span is the versions of an API that a client can speak.
type span struct{ min, max int16 }

// upTo speaks every version from the first on.
func upTo(max int16) span { return span{0, max} }

// clientSpans are what well-known clients can speak: of APIs that they use and
// that we serve. Those that climb with every release (Java 4, franz-go,
// kafka-python) are held by our ceilings alone.
var clientSpans = map[string]map[string]span{
	"Java 2.1.1 (ApiKeys)": {
		"Produce": upTo(7), "Fetch": upTo(10), "ListOffsets": upTo(4), "Metadata": upTo(7), "OffsetCommit": upTo(6), "OffsetFetch": upTo(5),
		"FindCoordinator": upTo(2), "JoinGroup": upTo(3), "Heartbeat": upTo(2), "LeaveGroup": upTo(2), "SyncGroup": upTo(2), "DescribeGroups": upTo(2),
		"ListGroups": upTo(2), "ApiVersions": upTo(2), "CreateTopics": upTo(3), "DeleteTopics": upTo(3), "DeleteRecords": upTo(1), "InitProducerId": upTo(1),
		"OffsetForLeaderEpoch": upTo(2), "DescribeAcls": upTo(1), "CreateAcls": upTo(1), "DeleteAcls": upTo(1), "DescribeConfigs": upTo(2),
		"AlterConfigs": upTo(1), "DescribeLogDirs": upTo(1), "CreatePartitions": upTo(1), "DeleteGroups": upTo(1),
	},
	"librdkafka 2.15 (INTRODUCTION.md)": {
		"Produce": upTo(10), "Fetch": upTo(16), "ListOffsets": upTo(7), "Metadata": upTo(13), "OffsetCommit": upTo(9), "OffsetFetch": upTo(9),
		"FindCoordinator": upTo(2), "JoinGroup": upTo(5), "Heartbeat": upTo(3), "LeaveGroup": upTo(1), "SyncGroup": upTo(3), "DescribeGroups": upTo(4),
		"ListGroups": upTo(4), "ApiVersions": upTo(3), "CreateTopics": upTo(4), "DeleteTopics": upTo(1), "DeleteRecords": upTo(1), "InitProducerId": upTo(4),
		"OffsetForLeaderEpoch": upTo(2), "DescribeAcls": upTo(1), "CreateAcls": upTo(1), "DeleteAcls": upTo(1), "DescribeConfigs": upTo(1),
		"AlterConfigs": upTo(2), "CreatePartitions": upTo(0), "DeleteGroups": upTo(1), "IncrementalAlterConfigs": upTo(1), "OffsetDelete": upTo(0), "DescribeCluster": upTo(0),
	},
	"kafkajs 2.2.4 (src/protocol/requests)": {
		"Produce": upTo(7), "Fetch": upTo(11), "ListOffsets": upTo(3), "Metadata": upTo(6), "OffsetCommit": upTo(5), "OffsetFetch": {1, 4},
		"FindCoordinator": upTo(2), "JoinGroup": upTo(5), "Heartbeat": upTo(3), "LeaveGroup": upTo(3), "SyncGroup": upTo(3), "DescribeGroups": upTo(2),
		"ListGroups": upTo(2), "ApiVersions": upTo(2), "CreateTopics": upTo(3), "DeleteTopics": upTo(1), "DeleteRecords": upTo(1), "InitProducerId": upTo(1),
		"DescribeAcls": upTo(1), "CreateAcls": upTo(1), "DeleteAcls": upTo(1), "DescribeConfigs": upTo(2), "AlterConfigs": upTo(1),
		"CreatePartitions": upTo(1), "DeleteGroups": upTo(1),
	},
	"kafka-go 0.4 (protocol/*)": {
		"Produce": upTo(8), "Fetch": upTo(11), "ListOffsets": {1, 5}, "Metadata": upTo(8), "OffsetCommit": upTo(7), "OffsetFetch": upTo(5), "JoinGroup": upTo(7),
		"CreateAcls": upTo(3), "DescribeAcls": upTo(3), "DeleteAcls": upTo(3),
	},
}

func TestEveryClientFindsAVersion(t *testing.T) {
	for client, spans := range clientSpans {
		for name, of := range spans {
			i := slices.IndexFunc(broker.APIs(), func(a broker.Row) bool { return a.Name == name })
			if i < 0 {
				t.Errorf("%s needs %s, which is not served", client, name)
				continue
			}
			if a := broker.APIs()[i]; max(a.Min, of.min) > min(a.Max, of.max) {
				t.Errorf("%s speaks %s in versions %d to %d, we in %d to %d", client, name, of.min, of.max, a.Min, a.Max)
			}
		}
	}
}

// TestOffsetsGoByTopicID commits and fetches in version 10, which names topics
// by id, and lists all in versions of either kind.
func TestOffsetsGoByTopicID(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	ids := topicIDs(t, c)
	commit := walk["OffsetCommit"].ask("", "g").(*kmsg.OffsetCommitRequest)
	commit.Topics[0].TopicID = ids["t"]
	stranger := commit.Topics[0]
	stranger.TopicID = kafka.TopicID{9}
	commit.Topics = append(commit.Topics, stranger)
	resp := c.ask(t, commit, 10).(*kmsg.OffsetCommitResponse)
	if got, want := codes(resp), []kafka.ErrorCode{kafka.NoError, kafka.ErrUnknownTopicID}; !slices.Equal(got, want) || resp.Topics[0].TopicID != ids["t"] {
		t.Errorf("OffsetCommit: codes %v of topic %x, want %v", got, resp.Topics[0].TopicID, want)
	}
	fetch := walk["OffsetFetch"].ask("", "g").(*kmsg.OffsetFetchRequest)
	fetch.Groups[0].Topics[0].TopicID = ids["t"]
	for _, tt := range []struct {
		name string
		req  *kmsg.OffsetFetchRequest
	}{
		{"by id", fetch},
		{"all", &kmsg.OffsetFetchRequest{Groups: []kmsg.OffsetFetchRequestGroup{{Group: "g", MemberEpoch: -1}}}},
	} {
		topics := c.ask(t, tt.req, 10).(*kmsg.OffsetFetchResponse).Groups[0].Topics
		if len(topics) != 1 || topics[0].TopicID != ids["t"] || topics[0].Partitions[0].Offset != 1 {
			t.Errorf("OffsetFetch %s: %+v", tt.name, topics)
		}
	}
	if got := committedAt(t, c, "t", "g"); got != 1 {
		t.Errorf("by name the position is %d, want 1", got)
	}
	fetch.Groups[0].Topics[0].TopicID = kafka.TopicID{9}
	if got := codes(c.ask(t, fetch, 10)); !slices.Contains(got, kafka.ErrUnknownTopicID) {
		t.Errorf("OffsetFetch of an id that is nobody's: %v", got)
	}
}

func topicIDs(t *testing.T, c *rawConn) map[string]kafka.TopicID {
	t.Helper()
	ids := make(map[string]kafka.TopicID)
	for _, topic := range c.ask(t, kmsg.NewPtrMetadataRequest(), 12).(*kmsg.MetadataResponse).Topics {
		ids[*topic.Topic] = topic.TopicID
	}
	return ids
}

// TestTopicsAreDescribedPageByPage walks the cursor of DescribeTopicPartitions.
func TestTopicsAreDescribedPageByPage(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"max.request.partition.size.limit": "4"}})
	c := rawConnect(t, b)
	for name, partitions := range map[string]int32{"a": 3, "b": 1, "c": 6} {
		req := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, topic)
		c.ask(t, req, 5)
	}
	topics := func(names ...string) (list []kmsg.DescribeTopicPartitionsRequestTopic) {
		for _, n := range names {
			list = append(list, kmsg.DescribeTopicPartitionsRequestTopic{Topic: n})
		}
		return list
	}
	at := func(topic string, partition int32) *kmsg.DescribeTopicPartitionsRequestCursor {
		return &kmsg.DescribeTopicPartitionsRequestCursor{Topic: topic, Partition: partition}
	}
	for _, tt := range []struct {
		name  string
		req   kmsg.DescribeTopicPartitionsRequest
		pages []string
	}{
		{"all, as many as the setting allows", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 1000}, []string{"a:3 b:1 > c-0", "c:4 > c-4", "c:2"}},
		{"two at a time", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 2, Topics: topics("b", "a")}, []string{"a:2 > a-2", "a:1 b:1"}},
		{"a limit below one", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: -5, Topics: topics("b", "b")}, []string{"b:1"}},
		{"one that is missing and one that cannot be", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 9, Topics: topics("z", "no/slash")},
			[]string{"no/slash:INVALID_TOPIC_EXCEPTION z:UNKNOWN_TOPIC_OR_PARTITION"}},
		{"from a cursor", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 9, Topics: topics("a", "c"), Cursor: at("c", 5)}, []string{"c:1"}},
		{"a cursor beyond the partitions", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 9, Topics: topics("a"), Cursor: at("a", 99)}, []string{"a:0"}},
		{"a cursor that is not asked for", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 9, Topics: topics("a"), Cursor: at("b", 0)}, []string{"a:INVALID_REQUEST"}},
		{"a cursor that cannot be", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 9, Topics: topics("a"), Cursor: at("a", -1)}, []string{"a:INVALID_REQUEST"}},
		{"all from a topic that is missing", kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 1, Cursor: at("bb", 3)}, []string{"c:1 > c-1", "c:1 > c-2", "c:1 > c-3", "c:1 > c-4", "c:1 > c-5", "c:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pages []string
			for req := tt.req; len(pages) < 10; {
				resp := c.ask(t, &req, 0).(*kmsg.DescribeTopicPartitionsResponse)
				pages = append(pages, page(resp))
				if resp.NextCursor == nil {
					break
				}
				req.Cursor = at(resp.NextCursor.Topic, resp.NextCursor.Partition)
			}
			if !slices.Equal(pages, tt.pages) {
				t.Errorf("got pages %q, want %q", pages, tt.pages)
			}
		})
	}
}

// page is what one answer tells, and where the next begins.
func page(resp *kmsg.DescribeTopicPartitionsResponse) string {
	out := ""
	for i, t := range resp.Topics {
		if i > 0 {
			out += " "
		}
		if out += *t.Topic + ":"; t.ErrorCode != 0 {
			out += kafka.ErrorCode(t.ErrorCode).Error()
		} else {
			out += fmt.Sprint(len(t.Partitions))
		}
	}
	if resp.NextCursor != nil {
		out += fmt.Sprintf(" > %s-%d", resp.NextCursor.Topic, resp.NextCursor.Partition)
	}
	return out
}
