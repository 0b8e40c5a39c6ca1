package broker_test

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/security/acl"
)

// subject is what the walk asks about: the hidden ones are there, the absent
// ones are not. Names are equally long, so that answers may be compared.
type subject struct {
	topic, group string
	id           kafka.TopicID
}

// rightsRow is one way to ask an API, and the rights that are just enough.
type rightsRow struct {
	api  string
	what string // of several rows of an API
	ask  func(subject) kmsg.Request
	// enough are sets of rights, each of which is just enough: with one less
	// the answer is a denial.
	enough [][]grant
	// from and to are the versions it is asked with, 0 as far as the table goes.
	from, to int16
	// shows says that an answer shows more than to a stranger. It is set where
	// an API hides by leaving out and never says that it denies.
	shows func(resp kmsg.Response) bool
	// byID says that what may not be described is answered as an unknown id.
	byID bool
	// absent says that with just enough rights the absent things are asked
	// about, since the deed would take the hidden ones away; missing is what the
	// answer is then.
	absent  bool
	missing kafka.ErrorCode
	// reveals says that who has some of the rights learns what exists: CREATE
	// cannot be used without.
	reveals bool
}

func (r rightsRow) String() string { return strings.TrimSpace(r.api + " " + r.what) }

// grant is a right that depends on what is asked about.
type grant func(subject) acl.Binding

func topicRight(op kafka.Operation) grant {
	return func(s subject) acl.Binding { return right(kafka.Topic, s.topic, op) }
}

func groupRight(op kafka.Operation) grant {
	return func(s subject) acl.Binding { return right(kafka.Group, s.group, op) }
}

func clusterRight(op kafka.Operation) grant {
	return func(subject) acl.Binding { return right(kafka.Cluster, kafka.ClusterName, op) }
}

func one(g grant) [][]grant     { return [][]grant{{g}} }
func both(g ...grant) [][]grant { return [][]grant{g} }
func either(sets ...[][]grant) (all [][]grant) {
	for _, s := range sets {
		all = append(all, s...)
	}
	return all
}

// asked takes the request of the other table.
func asked(api string) func(subject) kmsg.Request {
	return func(s subject) kmsg.Request { return walk[api].ask(s.topic, s.group) }
}

// rightsTable has a row for every API but ApiVersions, which is open
// (research: Kafka 3.9's KafkaApis and 4.x's, request by request).
func rightsTable() []rightsRow {
	return append(append(recordRights(), groupRights()...), adminRights()...)
}

func recordRights() []rightsRow {
	return []rightsRow{
		{api: "Produce", from: 3, to: 12, ask: asked("Produce"), enough: one(topicRight(kafka.Write))},
		{api: "Produce", what: "by id", from: 13, byID: true, enough: one(topicRight(kafka.Write)), ask: func(s subject) kmsg.Request {
			req := askProduce("", "").(*kmsg.ProduceRequest)
			req.Topics[0].TopicID = s.id
			return req
		}},
		{api: "Fetch", to: 12, ask: func(s subject) kmsg.Request { return patientFetch(s, -1) }, enough: one(topicRight(kafka.Read))},
		{api: "Fetch", what: "by id", from: 13, byID: true, ask: func(s subject) kmsg.Request { return patientFetch(s, -1) }, enough: one(topicRight(kafka.Read))},
		{api: "Fetch", what: "as a replica", to: 12, ask: func(s subject) kmsg.Request { return patientFetch(s, 1) }, enough: one(clusterRight(kafka.ClusterAction))},
		{api: "Fetch", what: "as a replica by id", from: 13, ask: func(s subject) kmsg.Request { return patientFetch(s, 1) }, enough: one(clusterRight(kafka.ClusterAction))},
		{api: "ListOffsets", ask: asked("ListOffsets"), enough: one(topicRight(kafka.Describe))},
		{api: "Metadata", ask: asked("Metadata"), enough: one(topicRight(kafka.Describe))},
		{api: "Metadata", what: "by id", from: 12, byID: true, enough: one(topicRight(kafka.Describe)), ask: func(s subject) kmsg.Request {
			return &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{TopicID: s.id}}}
		}},
		{api: "DescribeTopicPartitions", enough: one(topicRight(kafka.Describe)), ask: func(s subject) kmsg.Request {
			return &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10, Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: s.topic}}}
		}},
		{api: "DescribeTopicPartitions", what: "of all topics", enough: one(topicRight(kafka.Describe)),
			ask:   func(subject) kmsg.Request { return &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10} },
			shows: func(resp kmsg.Response) bool { return len(resp.(*kmsg.DescribeTopicPartitionsResponse).Topics) == 1 }},
		{api: "Metadata", what: "of all topics", enough: one(topicRight(kafka.Describe)), ask: func(subject) kmsg.Request { return kmsg.NewPtrMetadataRequest() },
			shows: func(resp kmsg.Response) bool { return len(resp.(*kmsg.MetadataResponse).Topics) == 1 }},
		{api: "Metadata", what: "with the rights on the cluster", from: 8, to: 10, enough: one(clusterRight(kafka.Describe)),
			ask: func(subject) kmsg.Request {
				return &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{}, IncludeClusterAuthorizedOperations: true}
			},
			shows: func(resp kmsg.Response) bool { return resp.(*kmsg.MetadataResponse).AuthorizedOperations != 0 }},
		{api: "InitProducerId", ask: asked("InitProducerId"), enough: either(one(clusterRight(kafka.IdempotentWrite)), one(topicRight(kafka.Write)))},
		{api: "OffsetForLeaderEpoch", ask: asked("OffsetForLeaderEpoch"), enough: either(one(topicRight(kafka.Describe)), one(clusterRight(kafka.ClusterAction)))},
		{api: "DeleteRecords", ask: asked("DeleteRecords"), enough: one(topicRight(kafka.Delete))},
	}
}

// patientFetch would wait for longer than any test if it were parked.
func patientFetch(s subject, replica int32) kmsg.Request {
	req := askFetch(s.topic, "").(*kmsg.FetchRequest)
	req.ReplicaID, req.ReplicaState.ID = replica, replica
	req.MaxWaitMillis, req.MinBytes = 1<<30, 1
	req.Topics[0].TopicID = s.id
	return req
}

func groupRights() []rightsRow {
	read := one(groupRight(kafka.Read))
	return []rightsRow{
		{api: "OffsetCommit", to: 9, ask: asked("OffsetCommit"), enough: both(groupRight(kafka.Read), topicRight(kafka.Read))},
		{api: "OffsetCommit", what: "by id", from: 10, byID: true, enough: both(groupRight(kafka.Read), topicRight(kafka.Read)), ask: func(s subject) kmsg.Request {
			req := asked("OffsetCommit")(s).(*kmsg.OffsetCommitRequest)
			req.Topics[0].TopicID = s.id
			return req
		}},
		{api: "OffsetFetch", to: 9, ask: asked("OffsetFetch"), enough: both(groupRight(kafka.Describe), topicRight(kafka.Describe))},
		{api: "OffsetFetch", what: "by id", from: 10, byID: true, enough: both(groupRight(kafka.Describe), topicRight(kafka.Describe)), ask: func(s subject) kmsg.Request {
			req := asked("OffsetFetch")(s).(*kmsg.OffsetFetchRequest)
			req.Groups[0].Topics[0].TopicID = s.id
			return req
		}},
		{api: "OffsetFetch", what: "of all topics", from: 2, enough: both(groupRight(kafka.Describe), topicRight(kafka.Describe)), ask: func(s subject) kmsg.Request {
			return &kmsg.OffsetFetchRequest{Group: s.group, Groups: []kmsg.OffsetFetchRequestGroup{{Group: s.group, MemberEpoch: -1}}}
		}, shows: func(resp kmsg.Response) bool {
			r := resp.(*kmsg.OffsetFetchResponse)
			return len(r.Topics) > 0 || len(r.Groups) > 0 && len(r.Groups[0].Topics) > 0
		}},
		{api: "FindCoordinator", ask: asked("FindCoordinator"), enough: one(groupRight(kafka.Describe))},
		{api: "JoinGroup", ask: asked("JoinGroup"), enough: read},
		{api: "Heartbeat", ask: asked("Heartbeat"), enough: read},
		{api: "LeaveGroup", ask: asked("LeaveGroup"), enough: read},
		{api: "SyncGroup", ask: asked("SyncGroup"), enough: read},
		{api: "DescribeGroups", ask: asked("DescribeGroups"), enough: one(groupRight(kafka.Describe))},
		{api: "ListGroups", ask: asked("ListGroups"), enough: either(one(clusterRight(kafka.Describe)), one(groupRight(kafka.Describe))),
			shows: func(resp kmsg.Response) bool { return len(resp.(*kmsg.ListGroupsResponse).Groups) == 1 }},
		{api: "DeleteGroups", enough: one(groupRight(kafka.Delete)), absent: true, missing: kafka.ErrGroupIDNotFound, ask: asked("DeleteGroups")},
		{api: "OffsetDelete", enough: both(groupRight(kafka.Delete), topicRight(kafka.Read)), absent: true, missing: kafka.ErrGroupIDNotFound, ask: asked("OffsetDelete")},
	}
}

func adminRights() []rightsRow {
	const brokerName = "0"
	return append(alterRights(), []rightsRow{
		{api: "CreateTopics", ask: asked("CreateTopics"), to: 4, enough: either(one(topicRight(kafka.Create)), one(clusterRight(kafka.Create)))},
		{api: "CreateTopics", what: "and see its settings", from: 5, ask: asked("CreateTopics"), absent: true, reveals: true, enough: either(
			both(topicRight(kafka.Create), topicRight(kafka.DescribeConfigs)), both(clusterRight(kafka.Create), topicRight(kafka.DescribeConfigs)))},
		{api: "DeleteTopics", ask: asked("DeleteTopics"), enough: one(topicRight(kafka.Delete)), absent: true, missing: kafka.ErrUnknownTopicOrPartition},
		{api: "DeleteTopics", what: "by id", from: 6, byID: true, enough: one(topicRight(kafka.Delete)), absent: true, missing: kafka.ErrUnknownTopicID, ask: func(s subject) kmsg.Request {
			return &kmsg.DeleteTopicsRequest{Topics: []kmsg.DeleteTopicsRequestTopic{{TopicID: s.id}}}
		}},
		{api: "DescribeAcls", ask: asked("DescribeAcls"), enough: one(clusterRight(kafka.Describe))},
		{api: "CreateAcls", ask: asked("CreateAcls"), enough: one(clusterRight(kafka.Alter))},
		{api: "DeleteAcls", ask: asked("DeleteAcls"), enough: one(clusterRight(kafka.Alter))},
		{api: "DescribeConfigs", ask: asked("DescribeConfigs"), enough: one(topicRight(kafka.DescribeConfigs))},
		{api: "DescribeConfigs", what: "of a broker", enough: one(clusterRight(kafka.DescribeConfigs)), ask: func(subject) kmsg.Request {
			return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: brokerName}}}
		}},
		{api: "DescribeCluster", enough: one(clusterRight(kafka.Describe)),
			ask: func(subject) kmsg.Request {
				return &kmsg.DescribeClusterRequest{EndpointType: 1, IncludeClusterAuthorizedOperations: true}
			},
			shows: func(resp kmsg.Response) bool {
				return resp.(*kmsg.DescribeClusterResponse).ClusterAuthorizedOperations != 0
			}},
		{api: "DescribeLogDirs", enough: one(clusterRight(kafka.Describe)), to: 2, ask: asked("DescribeLogDirs"),
			shows: func(resp kmsg.Response) bool { return len(resp.(*kmsg.DescribeLogDirsResponse).Dirs) > 0 }},
		{api: "DescribeLogDirs", what: "with an error", enough: one(clusterRight(kafka.Describe)), from: 3, ask: asked("DescribeLogDirs")},
	}...)
}

func alterRights() []rightsRow {
	const itself = "0"
	onBroker := func(ask func(kmsg.ConfigResourceType, string, string) kmsg.Request) func(subject) kmsg.Request {
		return func(subject) kmsg.Request { return ask(kmsg.ConfigResourceTypeBroker, itself, "log.cleaner.threads") }
	}
	return []rightsRow{
		{api: "AlterConfigs", ask: asked("AlterConfigs"), enough: one(topicRight(kafka.AlterConfigs))},
		{api: "AlterConfigs", what: "of a broker", ask: onBroker(askAlter), enough: one(clusterRight(kafka.AlterConfigs))},
		{api: "IncrementalAlterConfigs", ask: asked("IncrementalAlterConfigs"), enough: one(topicRight(kafka.AlterConfigs))},
		{api: "IncrementalAlterConfigs", what: "of a broker", ask: onBroker(askIncrement), enough: one(clusterRight(kafka.AlterConfigs))},
		{api: "CreatePartitions", ask: asked("CreatePartitions"), enough: one(topicRight(kafka.Alter))},
	}
}
