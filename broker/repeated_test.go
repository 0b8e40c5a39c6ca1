package broker_test

import (
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

// TestARequestThatRepeatsItselfIsAnsweredOnce names one thing very often: an
// answer that is long for each must not be multiplied.
func TestARequestThatRepeatsItselfIsAnsweredOnce(t *testing.T) {
	const times = 1000
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	name := "t"
	metadata := kmsg.NewPtrMetadataRequest()
	configs := kmsg.NewPtrDescribeConfigsRequest()
	groups := kmsg.NewPtrDescribeGroupsRequest()
	offsets := kmsg.NewPtrOffsetFetchRequest()
	coordinators := kmsg.NewPtrFindCoordinatorRequest()
	deletions := kmsg.NewPtrDeleteGroupsRequest()
	partitions := kmsg.NewPtrDescribeTopicPartitionsRequest()
	partitions.ResponsePartitionLimit = times
	for range times {
		metadata.Topics = append(metadata.Topics, kmsg.MetadataRequestTopic{Topic: &name})
		configs.Resources = append(configs.Resources, kmsg.DescribeConfigsRequestResource{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name})
		groups.Groups = append(groups.Groups, "g")
		coordinators.CoordinatorKeys = append(coordinators.CoordinatorKeys, "g")
		deletions.Groups = append(deletions.Groups, "g")
		partitions.Topics = append(partitions.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
		offsets.Groups = append(offsets.Groups, kmsg.OffsetFetchRequestGroup{Group: "g"})
	}
	for api, got := range map[string]int{
		"Metadata":                len(c.ask(t, metadata, 12).(*kmsg.MetadataResponse).Topics),
		"DescribeConfigs":         len(c.ask(t, configs, 4).(*kmsg.DescribeConfigsResponse).Resources),
		"DescribeGroups":          len(c.ask(t, groups, 5).(*kmsg.DescribeGroupsResponse).Groups),
		"FindCoordinator":         len(c.ask(t, coordinators, 4).(*kmsg.FindCoordinatorResponse).Coordinators),
		"DeleteGroups":            len(c.ask(t, deletions, 2).(*kmsg.DeleteGroupsResponse).Groups),
		"DescribeTopicPartitions": len(c.ask(t, partitions, 0).(*kmsg.DescribeTopicPartitionsResponse).Topics),
		"OffsetFetch":             len(c.ask(t, offsets, 8).(*kmsg.OffsetFetchResponse).Groups),
	} {
		if got != 1 {
			t.Errorf("%s answers %d times", api, got)
		}
	}
}

// TestARepeatedPartitionIsAnsweredOnce names one partition very often, in one
// topic and in several of the same name. What a group has noted with its
// position may be long, and a search by time unpacks a batch.
func TestARepeatedPartitionIsAnsweredOnce(t *testing.T) {
	const times = 100
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	offsets, byGroup := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewPtrOffsetFetchRequest()
	offsets.Group = "g"
	group := kmsg.OffsetFetchRequestGroup{Group: "g"}
	byTime := kmsg.NewPtrListOffsetsRequest()
	for range times {
		offsets.Topics = append(offsets.Topics, kmsg.OffsetFetchRequestTopic{Topic: "t", Partitions: []int32{0, 1, 0, 1}})
		group.Topics = append(group.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: "t", Partitions: []int32{0, 1, 0, 1}})
		list := kmsg.NewListOffsetsRequestTopic()
		list.Topic = "t"
		for i := range int32(2) {
			one := kmsg.NewListOffsetsRequestTopicPartition()
			one.Partition = 0
			one.Timestamp = -int64(i) - 1
			list.Partitions = append(list.Partitions, one)
		}
		byTime.Topics = append(byTime.Topics, list)
	}
	byGroup.Groups = append(byGroup.Groups, group)
	got := map[string]int{}
	for _, topic := range c.ask(t, offsets, 7).(*kmsg.OffsetFetchResponse).Topics {
		got["OffsetFetch of one group"] += len(topic.Partitions)
	}
	for _, topic := range c.ask(t, byGroup, 8).(*kmsg.OffsetFetchResponse).Groups[0].Topics {
		got["OffsetFetch"] += len(topic.Partitions)
	}
	for api, n := range got {
		if n != 2 {
			t.Errorf("%s answers %d partitions, want 2", api, n)
		}
	}
	listed := 0
	for _, topic := range c.ask(t, byTime, 7).(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range topic.Partitions {
			listed++
			if code := kafka.ErrorCode(p.ErrorCode); code != kafka.ErrInvalidRequest {
				t.Errorf("ListOffsets of what is named twice: %v, want INVALID_REQUEST", code)
			}
		}
	}
	if listed != 1 {
		t.Errorf("ListOffsets answers %d times", listed)
	}
}

// TestManySmallPartitionsShareABuffer fetches few bytes from each of very many
// partitions.
func TestManySmallPartitionsShareABuffer(t *testing.T) {
	const partitions, allowed = 3000, 8 << 20
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	if got := codes(c.ask(t, produceRequest("t", -1, build(t, nil, "v")), 9)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	req := askFetch("t", "").(*kmsg.FetchRequest)
	for range partitions - 1 {
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, req.Topics[0].Partitions[0])
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := c.ask(t, req, 11).(*kmsg.FetchResponse)
	runtime.ReadMemStats(&after)
	for i, p := range got.Topics[0].Partitions {
		if len(p.RecordBatches) == 0 || string(p.RecordBatches) != string(got.Topics[0].Partitions[0].RecordBatches) {
			t.Fatalf("partition %d has %x", i, p.RecordBatches)
		}
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > allowed {
		t.Errorf("the fetch took %d bytes, %d are allowed", took, allowed)
	}
}
