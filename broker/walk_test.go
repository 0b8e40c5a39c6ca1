package broker_test

import (
	"bytes"
	"net"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/client"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/config"
	"schloss/node"
	"schloss/security/acl"
)

// walked is how the walk through the API table asks for a topic and a group,
// and which rights are just enough for it.
type walked struct {
	ask    func(topic, group string) kmsg.Request
	rights []acl.Binding
	// lists says that an API hides by leaving out: a stranger gets no error.
	lists bool
	// byID are versions that name topics by id, which cannot be guessed.
	byID int16
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

// walk has an entry for every API of the table but ApiVersions, which is open.
var walk = map[string]walked{
	"Produce": {ask: askProduce, rights: []acl.Binding{onTopic(kafka.Write)}, byID: 13},
	"Fetch":   {ask: askFetch, rights: []acl.Binding{onTopic(kafka.Read)}, byID: 13},
	"ListOffsets": {rights: []acl.Binding{onTopic(kafka.Describe)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.ListOffsetsRequest{ReplicaID: -1, Topics: []kmsg.ListOffsetsRequestTopic{
			{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{CurrentLeaderEpoch: -1, Timestamp: -1}}}}}
	}},
	"Metadata": {rights: []acl.Binding{onTopic(kafka.Describe)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &topic}}, AllowAutoTopicCreation: true, IncludeTopicAuthorizedOperations: true}
	}},
	"OffsetCommit": {rights: []acl.Binding{onGroup(kafka.Read), onTopic(kafka.Read)}, ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetCommitRequest{Group: group, Generation: -1, RetentionTimeMillis: -1, Topics: []kmsg.OffsetCommitRequestTopic{
			{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1, LeaderEpoch: -1}}}}}
	}},
	"OffsetFetch": {rights: []acl.Binding{onGroup(kafka.Describe), onTopic(kafka.Describe)}, ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetFetchRequest{
			Group: group, Topics: []kmsg.OffsetFetchRequestTopic{{Topic: topic, Partitions: []int32{0}}},
			Groups: []kmsg.OffsetFetchRequestGroup{{Group: group, MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}}},
		}
	}},
	"FindCoordinator": {rights: []acl.Binding{onGroup(kafka.Describe)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.FindCoordinatorRequest{CoordinatorKey: group, CoordinatorKeys: []string{group}}
	}},
	"JoinGroup": {rights: []acl.Binding{onGroup(kafka.Read)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.JoinGroupRequest{Group: group, MemberID: "nobody", SessionTimeoutMillis: 10000, RebalanceTimeoutMillis: 10000,
			ProtocolType: "consumer", Protocols: []kmsg.JoinGroupRequestProtocol{{Name: "range"}}}
	}},
	"Heartbeat": {rights: []acl.Binding{onGroup(kafka.Read)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.HeartbeatRequest{Group: group, MemberID: "nobody"}
	}},
	"LeaveGroup": {rights: []acl.Binding{onGroup(kafka.Read)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.LeaveGroupRequest{Group: group, MemberID: "nobody", Members: []kmsg.LeaveGroupRequestMember{{MemberID: "nobody"}}}
	}},
	"SyncGroup": {rights: []acl.Binding{onGroup(kafka.Read)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.SyncGroupRequest{Group: group, MemberID: "nobody"}
	}},
	"DescribeGroups": {rights: []acl.Binding{onGroup(kafka.Describe)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.DescribeGroupsRequest{Groups: []string{group}, IncludeAuthorizedOperations: true}
	}},
	"ListGroups": {lists: true, ask: func(string, string) kmsg.Request { return &kmsg.ListGroupsRequest{} }},
	"CreateTopics": {rights: []acl.Binding{onTopic(kafka.Create), onTopic(kafka.DescribeConfigs)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.CreateTopicsRequest{ValidateOnly: true, Topics: []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}}
	}},
	"DeleteTopics": {rights: []acl.Binding{onTopic(kafka.Delete)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DeleteTopicsRequest{TopicNames: []string{topic}, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &topic}}}
	}},
	"InitProducerId": {rights: []acl.Binding{onCluster(kafka.IdempotentWrite)}, ask: func(string, string) kmsg.Request {
		return &kmsg.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1}
	}},
	"OffsetForLeaderEpoch": {rights: []acl.Binding{onTopic(kafka.Describe)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.OffsetForLeaderEpochRequest{ReplicaID: -1, Topics: []kmsg.OffsetForLeaderEpochRequestTopic{
			{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: 1}}}}}
	}},
	"DescribeAcls": {rights: []acl.Binding{onCluster(kafka.Describe)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DescribeACLsRequest{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: &topic, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationAny, PermissionType: kmsg.ACLPermissionTypeAny}
	}},
	"CreateAcls": {rights: []acl.Binding{onCluster(kafka.Alter)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.CreateACLsRequest{Creations: []kmsg.CreateACLsRequestCreation{{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: topic,
			ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral, Principal: "User:x", Host: "*", Operation: kmsg.ACLOperationRead, PermissionType: kmsg.ACLPermissionTypeAllow}}}
	}},
	"DeleteAcls": {rights: []acl.Binding{onCluster(kafka.Alter)}, ask: func(topic, _ string) kmsg.Request {
		principal := "User:x"
		return &kmsg.DeleteACLsRequest{Filters: []kmsg.DeleteACLsRequestFilter{{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: &topic, Principal: &principal,
			ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAny, PermissionType: kmsg.ACLPermissionTypeAny}}}
	}},
	"DescribeConfigs": {rights: []acl.Binding{onTopic(kafka.DescribeConfigs)}, ask: func(topic, _ string) kmsg.Request {
		return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: topic}}}
	}},
	"DeleteGroups": {rights: []acl.Binding{onGroup(kafka.Delete)}, ask: func(_, group string) kmsg.Request {
		return &kmsg.DeleteGroupsRequest{Groups: []string{group}}
	}},
	"OffsetDelete": {rights: []acl.Binding{onGroup(kafka.Delete), onTopic(kafka.Read)}, ask: func(topic, group string) kmsg.Request {
		return &kmsg.OffsetDeleteRequest{Group: group, Topics: []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}}
	}},
	"DescribeCluster": {lists: true, ask: func(string, string) kmsg.Request { return &kmsg.DescribeClusterRequest{EndpointType: 1} }},
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
				if v.Type().Field(i).Name == "ErrorCode" {
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

func TestAStrangerLearnsNothing(t *testing.T) {
	b := guarded(t)
	conn := rawConnect(t, b)
	body := func(req kmsg.Request, version int16) []byte {
		conn.send(t, req, version)
		got, err := conn.receive(req.Key(), version)
		if err != nil {
			t.Fatalf("%T version %d: %v", req, version, err)
		}
		return got
	}
	for _, a := range broker.APIs() {
		w, ok := walk[a.Name]
		if !ok {
			if a.Name != "ApiVersions" {
				t.Errorf("%s is in the table of APIs and not in this walk", a.Name)
			}
			continue
		}
		for version := a.Min; version <= a.Max; version++ {
			if a.Name == "Produce" && version < 3 || w.byID > 0 && version >= w.byID {
				continue
			}
			there, missing := body(w.ask(hiddenTopic, hiddenGroup), version), body(w.ask(absentTopic, absentGroup), version)
			if !bytes.Equal(bytes.ReplaceAll(there, []byte(hiddenTopic), []byte(absentTopic)), missing) {
				t.Errorf("%s version %d tells what exists from what does not:\n%x\n%x", a.Name, version, there, missing)
			}
			resp := w.ask(hiddenTopic, hiddenGroup).ResponseKind()
			resp.SetVersion(version)
			if err := resp.ReadFrom(there); err != nil {
				t.Errorf("%s version %d: %v", a.Name, version, err)
			}
			if denied := slices.ContainsFunc(codes(resp), denial); denied == w.lists {
				t.Errorf("%s version %d answers a stranger with codes %v", a.Name, version, codes(resp))
			}
		}
	}
	for _, version := range []int16{0, 1, 4, 8, 12} { // all topics
		req := kmsg.NewPtrMetadataRequest()
		if got := body(req, version); bytes.Contains(got, []byte(hiddenTopic)) || bytes.Contains(got, []byte(kafka.ConsumerOffsetsTopic)) {
			t.Errorf("Metadata version %d of all topics shows one to a stranger", version)
		}
	}
}

func TestJustEnoughRightsAreEnough(t *testing.T) {
	b := guarded(t)
	rules := admin(t, b)
	conn := rawConnect(t, b)
	grant := func(bindings []acl.Binding) {
		if each, err := rules.CreateACLs(within(t), bindings); err != nil || slices.ContainsFunc(each, func(e error) bool { return e != nil }) {
			t.Fatalf("create ACLs: %v %v", err, each)
		}
	}
	revoke := func() {
		everything := acl.Filter{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
		if _, err := rules.DeleteACLs(within(t), []acl.Filter{everything}); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range broker.APIs() {
		w := walk[a.Name]
		version := a.Max
		if w.byID > 0 {
			version = w.byID - 1
		}
		if len(w.rights) == 0 {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			for i := range w.rights { // any one of them missing is too little
				without := slices.Delete(slices.Clone(w.rights), i, i+1)
				grant(without)
				got := codes(conn.ask(t, w.ask(hiddenTopic, hiddenGroup), version))
				if a.Name != "CreateTopics" && !slices.ContainsFunc(got, denial) {
					t.Errorf("without %s the codes are %v, want a denial", w.rights[i], got)
				}
				revoke()
			}
			grant(w.rights)
			if a.Name == "DeleteTopics" { // the topic is still needed: ask for one that is missing
				grant([]acl.Binding{right(kafka.Topic, absentTopic, kafka.Delete)})
				if got := codes(conn.ask(t, w.ask(absentTopic, ""), version)); !slices.Equal(got, []kafka.ErrorCode{kafka.ErrUnknownTopicOrPartition}) {
					t.Errorf("codes are %v, want to be told that the topic is missing", got)
				}
			} else if got := codes(conn.ask(t, w.ask(hiddenTopic, hiddenGroup), version)); slices.ContainsFunc(got, denial) {
				t.Errorf("codes are %v with just enough rights", got)
			}
			revoke()
		})
	}
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
