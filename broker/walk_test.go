package broker_test

import (
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/config"
	"schloss/node"
	"schloss/security/acl"
)

// walked is how an API is asked about a topic and a group. Which rights that
// needs, rightsTable says.
type walked struct {
	ask func(topic, group string) kmsg.Request
}

func right(t kafka.ResourceType, name string, op kafka.Operation) acl.Binding {
	return acl.Binding{ResourceType: t, Name: name, Pattern: kafka.Literal, Principal: "User:ANONYMOUS", Host: "*", Operation: op, Permission: kafka.Allow}
}

const hiddenTopic, absentTopic, hiddenGroup, absentGroup = "hidden", "absent", "hidden-g", "absent-g"

func onTopic(op kafka.Operation) acl.Binding { return right(kafka.Topic, hiddenTopic, op) }
func onGroup(op kafka.Operation) acl.Binding { return right(kafka.Group, hiddenGroup, op) }
func onCluster(op kafka.Operation) acl.Binding {
	return right(kafka.Cluster, kafka.ClusterName, op)
}

// walk asks every API of the table but ApiVersions about a topic and a group.
var walk = map[string]walked{
	"Produce": {ask: askProduce},
	"Fetch":   {ask: askFetch},
	"ListOffsets": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.ListOffsetsRequest{ReplicaID: -1, Topics: []kmsg.ListOffsetsRequestTopic{
			{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{CurrentLeaderEpoch: -1, Timestamp: -1}}}}}
	}},
	"Metadata": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &topic}}, AllowAutoTopicCreation: true, IncludeTopicAuthorizedOperations: true}
	}},
	"OffsetCommit": {ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetCommitRequest{Group: group, Generation: -1, RetentionTimeMillis: -1, Topics: []kmsg.OffsetCommitRequestTopic{
			{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1, LeaderEpoch: -1}}}}}
	}},
	"OffsetFetch": {ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetFetchRequest{
			Group: group, Topics: []kmsg.OffsetFetchRequestTopic{{Topic: topic, Partitions: []int32{0}}},
			Groups: []kmsg.OffsetFetchRequestGroup{{Group: group, MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}}},
		}
	}},
	"FindCoordinator": {ask: func(_, group string) kmsg.Request {
		return &kmsg.FindCoordinatorRequest{CoordinatorKey: group, CoordinatorKeys: []string{group}}
	}},
	"JoinGroup": {ask: func(_, group string) kmsg.Request {
		return &kmsg.JoinGroupRequest{Group: group, MemberID: "nobody", SessionTimeoutMillis: 10000, RebalanceTimeoutMillis: 10000,
			ProtocolType: "consumer", Protocols: []kmsg.JoinGroupRequestProtocol{{Name: "range"}}}
	}},
	"Heartbeat": {ask: func(_, group string) kmsg.Request {
		return &kmsg.HeartbeatRequest{Group: group, MemberID: "nobody"}
	}},
	"LeaveGroup": {ask: func(_, group string) kmsg.Request {
		return &kmsg.LeaveGroupRequest{Group: group, MemberID: "nobody", Members: []kmsg.LeaveGroupRequestMember{{MemberID: "nobody"}}}
	}},
	"SyncGroup": {ask: func(_, group string) kmsg.Request {
		return &kmsg.SyncGroupRequest{Group: group, MemberID: "nobody"}
	}},
	"DescribeGroups": {ask: func(_, group string) kmsg.Request {
		return &kmsg.DescribeGroupsRequest{Groups: []string{group}, IncludeAuthorizedOperations: true}
	}},
	"ListGroups": {ask: func(string, string) kmsg.Request { return &kmsg.ListGroupsRequest{} }},
	"CreateTopics": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.CreateTopicsRequest{ValidateOnly: true, Topics: []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}}
	}},
	"DeleteTopics": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DeleteTopicsRequest{TopicNames: []string{topic}, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &topic}}}
	}},
	"InitProducerId": {ask: func(string, string) kmsg.Request {
		return &kmsg.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1}
	}},
	"OffsetForLeaderEpoch": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.OffsetForLeaderEpochRequest{ReplicaID: -1, Topics: []kmsg.OffsetForLeaderEpochRequestTopic{
			{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: 1}}}}}
	}},
	"DescribeAcls": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DescribeACLsRequest{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: &topic, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationAny, PermissionType: kmsg.ACLPermissionTypeAny}
	}},
	"CreateAcls": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.CreateACLsRequest{Creations: []kmsg.CreateACLsRequestCreation{{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: topic,
			ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral, Principal: "User:x", Host: "*", Operation: kmsg.ACLOperationRead, PermissionType: kmsg.ACLPermissionTypeAllow}}}
	}},
	"DeleteAcls": {ask: func(topic, _ string) kmsg.Request {
		principal := "User:x"
		return &kmsg.DeleteACLsRequest{Filters: []kmsg.DeleteACLsRequestFilter{{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: &topic, Principal: &principal,
			ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAny, PermissionType: kmsg.ACLPermissionTypeAny}}}
	}},
	"DescribeConfigs": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: topic}}}
	}},
	"DeleteGroups": {ask: func(_, group string) kmsg.Request {
		return &kmsg.DeleteGroupsRequest{Groups: []string{group}}
	}},
	"OffsetDelete": {ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetDeleteRequest{Group: group, Topics: []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}}
	}},
	"DeleteRecords": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DeleteRecordsRequest{Topics: []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: 0}}}}}
	}},
	"AlterConfigs": {ask: func(topic, _ string) kmsg.Request {
		return askAlter(kmsg.ConfigResourceTypeTopic, topic, "retention.ms")
	}},
	"IncrementalAlterConfigs": {ask: func(topic, _ string) kmsg.Request {
		return askIncrement(kmsg.ConfigResourceTypeTopic, topic, "retention.ms")
	}},
	"CreatePartitions": {ask: func(topic, _ string) kmsg.Request {
		return &kmsg.CreatePartitionsRequest{ValidateOnly: true, TimeoutMillis: 1000, Topics: []kmsg.CreatePartitionsRequestTopic{{Topic: topic, Count: 7}}}
	}},
	"DescribeLogDirs": {ask: func(string, string) kmsg.Request { return kmsg.NewPtrDescribeLogDirsRequest() }},
	"DescribeCluster": {ask: func(string, string) kmsg.Request { return &kmsg.DescribeClusterRequest{EndpointType: 1} }},
}

func askAlter(kind kmsg.ConfigResourceType, name, setting string) kmsg.Request {
	value := "8"
	return &kmsg.AlterConfigsRequest{ValidateOnly: true, Resources: []kmsg.AlterConfigsRequestResource{
		{ResourceType: kind, ResourceName: name, Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: setting, Value: &value}}}}}
}

func askIncrement(kind kmsg.ConfigResourceType, name, setting string) kmsg.Request {
	value := "8"
	return &kmsg.IncrementalAlterConfigsRequest{ValidateOnly: true, Resources: []kmsg.IncrementalAlterConfigsRequestResource{
		{ResourceType: kind, ResourceName: name, Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: setting, Value: &value}}}}}
}

func askProduce(topic, _ string) kmsg.Request {
	builder := batch.NewBuilder(batch.None)
	builder.Add(batch.Record{Value: []byte("v")})
	records, err := builder.Build()
	if err != nil {
		panic(err)
	}
	return &kmsg.ProduceRequest{Acks: -1, Topics: []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: records}}}}}
}

func askFetch(topic, _ string) kmsg.Request {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 1<<20, -1
	req.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{
		{CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, PartitionMaxBytes: 1 << 20}}}}
	return req
}

// guarded is a broker with the topic and the group that must stay hidden.
func guarded(t *testing.T) *testkit.Broker {
	t.Helper()
	b := testkit.Start(t, testkit.Options{})
	c := connect(t, b, kgo.ConsumerGroup(hiddenGroup), kgo.ConsumeTopics(hiddenTopic), kgo.DisableAutoCommit())
	produce(t, c, hiddenTopic, "secret")
	consume(t, c, 1)
	if err := c.CommitUncommittedOffsets(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.LeaveGroupContext(within(t)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	b.Stop(t)
	return testkit.Start(t, testkit.Options{Data: b.Data, Authorizer: true})
}

// admin changes access rules through the local socket.
func admin(t *testing.T, b *testkit.Broker) *client.Admin {
	t.Helper()
	return client.NewAdmin(client.NewConn(socket(t, b)))
}

func socket(t *testing.T, b *testkit.Broker) net.Conn {
	t.Helper()
	p, err := config.ReadFile(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	dial, err := node.SocketDial(p)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// codes are all error codes that a response holds.
func codes(resp kmsg.Response) []kafka.ErrorCode {
	var found []kafka.ErrorCode
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if strings.HasSuffix(v.Type().Field(i).Name, "ErrorCode") { // ConfigErrorCode too
					found = append(found, kafka.ErrorCode(v.Field(i).Int()))
				} else if v.Type().Field(i).IsExported() {
					visit(v.Field(i))
				}
			}
		}
	}
	visit(reflect.ValueOf(resp))
	return found
}

func denial(c kafka.ErrorCode) bool {
	return c == kafka.ErrTopicAuthorizationFailed || c == kafka.ErrGroupAuthorizationFailed || c == kafka.ErrClusterAuthorizationFailed
}

func TestTheLocalSocketServesAccessRulesOnly(t *testing.T) {
	b := guarded(t)
	conn := client.NewConn(socket(t, b))
	resp, err := conn.Request(within(t), kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		if k.ApiKey != 18 && (k.ApiKey < 29 || k.ApiKey > 31) {
			t.Errorf("the local socket tells of API %d", k.ApiKey)
		}
	}
	raw := &rawConn{Conn: socket(t, b)}
	raw.send(t, kmsg.NewPtrMetadataRequest(), 9)
	if _, err := raw.receive(3, 9); err == nil {
		t.Error("the local socket answered Metadata, want the connection closed")
	}
}
