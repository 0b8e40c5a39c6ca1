package broker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
)

func TestCreateTopicsJudgesEachTopic(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"num.partitions": "5"}})
	c := rawConnect(t, b)
	createTopic(t, c, "there", nil)
	createTopic(t, c, "dotted.name", nil)
	value := func(s string) *string { return &s }
	for _, tt := range []struct {
		name   string
		change func(*kmsg.CreateTopicsRequestTopic)
		want   kafka.ErrorCode
		parts  int32
	}{
		{"good", func(*kmsg.CreateTopicsRequestTopic) {}, kafka.NoError, 2},
		{"the broker's defaults", func(r *kmsg.CreateTopicsRequestTopic) { r.NumPartitions, r.ReplicationFactor = -1, -1 }, kafka.NoError, 5},
		{"there already", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = "there" }, kafka.ErrTopicAlreadyExists, -1},
		{"a colliding name", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = "dotted_name" }, kafka.ErrInvalidTopicException, -1},
		{"a bad name", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = "no spaces" }, kafka.ErrInvalidTopicException, -1},
		{"a path as name", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = "../up" }, kafka.ErrInvalidTopicException, -1},
		{"the groups' topic", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = kafka.ConsumerOffsetsTopic }, kafka.ErrInvalidTopicException, -1},
		{"the metadata", func(r *kmsg.CreateTopicsRequestTopic) { r.Topic = "__cluster_metadata" }, kafka.ErrInvalidTopicException, -1},
		{"no partitions", func(r *kmsg.CreateTopicsRequestTopic) { r.NumPartitions = 0 }, kafka.ErrInvalidPartitions, -1},
		{"too many partitions", func(r *kmsg.CreateTopicsRequestTopic) { r.NumPartitions = 1 << 30 }, kafka.ErrPolicyViolation, -1},
		{"three replicas", func(r *kmsg.CreateTopicsRequestTopic) { r.ReplicationFactor = 3 }, kafka.ErrInvalidReplicationFactor, -1},
		{"a bad setting", func(r *kmsg.CreateTopicsRequestTopic) {
			r.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms", Value: value("long")}}
		}, kafka.ErrInvalidConfig, -1},
		{"an unknown setting", func(r *kmsg.CreateTopicsRequestTopic) {
			r.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.mss", Value: value("1")}}
		}, kafka.ErrInvalidConfig, -1},
		{"placed replicas", func(r *kmsg.CreateTopicsRequestTopic) {
			r.NumPartitions, r.ReplicationFactor = -1, -1
			r.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{0}}}
		}, kafka.NoError, 1},
		{"replicas on a broker that is not there", func(r *kmsg.CreateTopicsRequestTopic) {
			r.NumPartitions, r.ReplicationFactor = -1, -1
			r.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{7}}}
		}, kafka.ErrInvalidReplicaAssignment, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := kmsg.NewPtrCreateTopicsRequest()
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = strings.ReplaceAll(tt.name, " ", "-"), 2, 1
			topic.Topic = strings.ReplaceAll(topic.Topic, "'", "")
			tt.change(&topic)
			req.Topics = []kmsg.CreateTopicsRequestTopic{topic}
			got := c.ask(t, req, 7).(*kmsg.CreateTopicsResponse).Topics[0]
			if kafka.ErrorCode(got.ErrorCode) != tt.want || got.NumPartitions != tt.parts {
				t.Errorf("got %v, %d partitions (%s); want %v, %d", kafka.ErrorCode(got.ErrorCode), got.NumPartitions, text(got.ErrorMessage), tt.want, tt.parts)
			}
			if tt.want == kafka.NoError && (len(got.Configs) == 0 || got.TopicID == [16]byte{}) {
				t.Error("the answer lacks settings or id")
			}
		})
	}
}

func TestATopicNamedTwiceIsNotCreated(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	one := kmsg.CreateTopicsRequestTopic{Topic: "twice", NumPartitions: 1, ReplicationFactor: 1}
	got := c.ask(t, &kmsg.CreateTopicsRequest{Topics: []kmsg.CreateTopicsRequestTopic{one, one}}, 7).(*kmsg.CreateTopicsResponse)
	if len(got.Topics) != 1 || kafka.ErrorCode(got.Topics[0].ErrorCode) != kafka.ErrInvalidRequest {
		t.Errorf("got %+v, want one INVALID_REQUEST", got.Topics)
	}
}

func TestADeletedTopicComesBackEmpty(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "gone", nil)
	c.ask(t, produceRequest("gone", -1, build(t, nil, "v")), 9)
	before := describeTopic(t, c, "gone").TopicID
	name := "gone"
	if got := codes(c.ask(t, &kmsg.DeleteTopicsRequest{Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &name}}}, 6)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	if got := codes(c.ask(t, produceRequest("gone", -1, build(t, nil, "v")), 9)); got[0] != kafka.ErrUnknownTopicOrPartition {
		t.Errorf("produce to a deleted topic: %v", got)
	}
	createTopic(t, c, "gone", nil)
	if after := describeTopic(t, c, "gone").TopicID; after == before {
		t.Error("the new topic has the id of the old one")
	}
	if got := listOffset(t, c, "gone", -1).Offset; got != 0 {
		t.Errorf("the new topic ends at %d, want 0", got)
	}
	byOldID := kmsg.NewPtrMetadataRequest()
	byOldID.Topics = []kmsg.MetadataRequestTopic{{TopicID: before}}
	if got := codes(c.ask(t, byOldID, 12)); got[0] != kafka.ErrUnknownTopicID {
		t.Errorf("metadata by the old id: %v", got)
	}
}

func describeTopic(t *testing.T, c *rawConn, name string) kmsg.MetadataResponseTopic {
	t.Helper()
	return c.ask(t, &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}}, 12).(*kmsg.MetadataResponse).Topics[0]
}

func listOffset(t *testing.T, c *rawConn, topic string, at int64) kmsg.ListOffsetsResponseTopicPartition {
	t.Helper()
	req := walk["ListOffsets"].ask(topic, "").(*kmsg.ListOffsetsRequest)
	req.Topics[0].Partitions[0].Timestamp = at
	return c.ask(t, req, 9).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
}

func TestListOffsets(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "timed", nil)
	for _, at := range []int64{1000, 3000, 2000} {
		c.ask(t, produceRequest("timed", -1, build(t, func(b *batch.Builder) { b.Reset(); b.Add(batch.Record{Timestamp: at}) })), 9)
	}
	for _, tt := range []struct {
		name              string
		at, offset, stamp int64
	}{
		{"latest", -1, 3, -1},
		{"earliest", -2, 0, -1},
		{"largest timestamp", -3, 1, 3000},
		{"earliest local", -4, 0, -1},
		{"latest tiered", -5, -1, -1},
		{"before all", 0, 0, 1000},
		{"between", 1500, 1, 3000},
		{"after all", 3001, -1, -1},
	} {
		if got := listOffset(t, c, "timed", tt.at); got.ErrorCode != 0 || got.Offset != tt.offset || got.Timestamp != tt.stamp {
			t.Errorf("%s: offset %d, time %d, code %d; want %d, %d", tt.name, got.Offset, got.Timestamp, got.ErrorCode, tt.offset, tt.stamp)
		}
	}
}

func TestLeaderEpochsAreCheckedAndTold(t *testing.T) {
	first := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, first)
	createTopic(t, c, "epochs", nil)
	c.ask(t, produceRequest("epochs", -1, build(t, nil, "a", "b")), 9)
	old := describeTopic(t, c, "epochs").Partitions[0].LeaderEpoch
	first.Stop(t)
	c = rawConnect(t, testkit.Start(t, testkit.Options{Data: first.Data}))
	c.ask(t, produceRequest("epochs", -1, build(t, nil, "c")), 9)
	now := describeTopic(t, c, "epochs").Partitions[0].LeaderEpoch
	if now <= old {
		t.Fatalf("epoch %d after a restart, %d before", now, old)
	}
	for _, tt := range []struct {
		name  string
		epoch int32
		want  kafka.ErrorCode
	}{
		{"no epoch", -1, kafka.NoError}, {"ours", now, kafka.NoError},
		{"an older one", old, kafka.ErrFencedLeaderEpoch}, {"a newer one", now + 1, kafka.ErrUnknownLeaderEpoch},
	} {
		req := askFetch("epochs", "").(*kmsg.FetchRequest)
		req.Topics[0].Partitions[0].CurrentLeaderEpoch = tt.epoch
		if got := codes(c.ask(t, req, 11)); got[1] != tt.want {
			t.Errorf("fetch with %s: %v, want %v", tt.name, got[1], tt.want)
		}
	}
	for _, tt := range []struct {
		epoch      int32
		of         int32
		end        int64
		afterwards string
	}{{old, old, 2, "the older epoch ends where the newer begins"}, {now, now, 3, "ours ends where the log does"}} {
		req := walk["OffsetForLeaderEpoch"].ask("epochs", "").(*kmsg.OffsetForLeaderEpochRequest)
		req.Topics[0].Partitions[0].LeaderEpoch = tt.epoch
		got := c.ask(t, req, 4).(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
		if got.EndOffset != tt.end || got.LeaderEpoch != tt.of {
			t.Errorf("%s: got epoch %d to %d", tt.afterwards, got.LeaderEpoch, got.EndOffset)
		}
	}
}

func TestFetchLimitsGiveTheFirstBatchWholeAndKeepTheOrder(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "a", nil)
	createTopic(t, c, "b", nil)
	long := strings.Repeat("x", 1000)
	for _, topic := range []string{"a", "a", "b"} {
		c.ask(t, produceRequest(topic, -1, build(t, nil, long)), 9)
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 100, -1
	for _, topic := range []string{"a", "b"} {
		req.Topics = append(req.Topics, kmsg.FetchRequestTopic{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{
			{CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, PartitionMaxBytes: 100}}})
	}
	resp := c.ask(t, req, 11).(*kmsg.FetchResponse)
	first, second := resp.Topics[0].Partitions[0].RecordBatches, resp.Topics[1].Partitions[0].RecordBatches
	if _, rest, err := batch.Split(first); err != nil || len(rest) != 0 || len(second) != 0 {
		t.Errorf("got %d and %d bytes (%v), want one whole batch and none", len(first), len(second), err)
	}
	req.Topics[0].Partitions[0].FetchOffset = 9
	if got := codes(c.ask(t, req, 11)); got[1] != kafka.ErrOffsetOutOfRange {
		t.Errorf("fetch past the end: %v", got)
	}
}

func TestADamagedPartitionIsOfflineAndOthersServeOn(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "hurt", nil)
	createTopic(t, c, "well", nil)
	for range 5 {
		c.ask(t, produceRequest("hurt", -1, build(t, nil, "some value")), 9)
		c.ask(t, produceRequest("well", -1, build(t, nil, "some value")), 9)
	}
	data := b.KilledCopy(t)
	log := filepath.Join(data, "hurt-0", "00000000000000000000.log")
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 0xff // in the middle: not a torn tail
	if err := os.WriteFile(log, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b = testkit.Start(t, testkit.Options{Data: data})
	c = rawConnect(t, b)
	if !strings.Contains(b.Log.String(), "stays offline") || !strings.Contains(b.Log.String(), "hurt-0") {
		t.Errorf("the log does not name the damaged partition:\n%s", b.Log)
	}
	if got := codes(c.ask(t, produceRequest("hurt", -1, build(t, nil, "v")), 9)); got[0] != kafka.ErrKafkaStorageError {
		t.Errorf("produce to the damaged partition: %v", got)
	}
	if p := describeTopic(t, c, "hurt").Partitions[0]; p.Leader != -1 || len(p.OfflineReplicas) != 1 {
		t.Errorf("metadata of the damaged partition: %+v", p)
	}
	if got := codes(c.ask(t, produceRequest("well", -1, build(t, nil, "v")), 9)); got[0] != kafka.NoError {
		t.Errorf("produce to another partition: %v", got)
	}
}

func TestManyCommitsAreRewrittenAndSurvive(t *testing.T) {
	// rewriting is looked at only now and then: what is tested here is that
	// thousands of commits load again; shard_test.go rewrites.
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	c.ask(t, produceRequest("t", -1, build(t, nil, "v")), 9)
	for i := range 2000 {
		req := walk["OffsetCommit"].ask("t", "simple").(*kmsg.OffsetCommitRequest)
		req.Topics[0].Partitions[0].Offset = int64(i)
		c.send(t, req, 8)
		if i%20 == 19 { // several are in flight
			for range 20 {
				if _, err := c.receive(8, 8); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	b = testkit.Start(t, testkit.Options{Data: b.KilledCopy(t)})
	c = rawConnect(t, b)
	req := walk["OffsetFetch"].ask("t", "simple").(*kmsg.OffsetFetchRequest)
	deadline := time.Now().Add(patience)
	for {
		got := c.ask(t, req, 8).(*kmsg.OffsetFetchResponse).Groups[0]
		if kafka.ErrorCode(got.ErrorCode) == kafka.ErrCoordinatorLoadInProgress && time.Now().Before(deadline) {
			continue
		}
		if got.ErrorCode != 0 || got.Topics[0].Partitions[0].Offset != 1999 {
			t.Errorf("got %+v, want offset 1999", got)
		}
		return
	}
}

func TestDescribeConfigsShowsSourcesAndNoSecrets(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"ssl.keystore.password": "never-shown", "log.retention.ms": "1234567"}})
	c := rawConnect(t, b)
	createTopic(t, c, "set", map[string]string{"segment.bytes": "12345678"})
	req := &kmsg.DescribeConfigsRequest{IncludeSynonyms: true, Resources: []kmsg.DescribeConfigsRequestResource{
		{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "set"}, {ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "0"}}}
	resp := c.ask(t, req, 4).(*kmsg.DescribeConfigsResponse)
	found := map[string]kmsg.DescribeConfigsResponseResourceConfig{}
	for _, r := range resp.Resources {
		for _, cfg := range r.Configs {
			found[cfg.Name] = cfg
			if text(cfg.Value) == "never-shown" {
				t.Errorf("%s is shown", cfg.Name)
			}
		}
	}
	for _, tt := range []struct {
		name, value string
		source      kmsg.ConfigSource
	}{
		{"segment.bytes", "12345678", kmsg.ConfigSourceDynamicTopicConfig},
		{"retention.ms", "1234567", kmsg.ConfigSourceStaticBrokerConfig},
		{"max.message.bytes", "1048588", kmsg.ConfigSourceDefaultConfig},
		{"log.retention.ms", "1234567", kmsg.ConfigSourceStaticBrokerConfig},
	} {
		if got := found[tt.name]; text(got.Value) != tt.value || got.Source != tt.source {
			t.Errorf("%s = %s from %v, want %s from %v", tt.name, text(got.Value), got.Source, tt.value, tt.source)
		}
	}
	if got := found["ssl.keystore.password"]; !got.IsSensitive || got.Value != nil {
		t.Errorf("ssl.keystore.password: %+v", got)
	}
}

func TestAutoCreationFollowsTheSettings(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"auto.create.topics.enable": "false"}})
	c := rawConnect(t, b)
	name := "wanted"
	req := &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}, AllowAutoTopicCreation: true}
	if got := codes(c.ask(t, req, 9)); got[0] != kafka.ErrUnknownTopicOrPartition {
		t.Errorf("creation is switched off: %v", got)
	}
	b = testkit.Start(t, testkit.Options{})
	c = rawConnect(t, b)
	req.AllowAutoTopicCreation = false
	if got := codes(c.ask(t, req, 9)); got[0] != kafka.ErrUnknownTopicOrPartition {
		t.Errorf("the client does not want it: %v", got)
	}
	req.AllowAutoTopicCreation = true
	if got := codes(c.ask(t, req, 9)); got[0] != kafka.NoError {
		t.Errorf("auto-creation: %v", got)
	}
	if _, err := os.Stat(filepath.Join(b.Data, "wanted-0")); err != nil {
		t.Error(err)
	}
}
