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
