package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// api is one row of what we speak.
type api struct {
	key      int16
	name     string
	min, max int16  // the versions that ApiVersions tells
	needs    string // the rights a caller needs, in words; "" is none
	local    bool   // served on the Unix socket too
	handle   handler
}

// handler answers one request: it ends c, now or later.
type handler func(b *Broker, c *call, body []byte)

// apis is everything we speak, by key. The floor is Kafka 4's, since no older
// client is left that needs less; the ceiling is the newest version whose every
// field is honoured.
//
// Produce is told from version 0 on although 0 to 2 close the connection, as in
// Kafka 4: older librdkafka takes a higher floor for a broker that cannot
// compress (KAFKA-18659).
func apis() []api {
	return []api{
		{0, "Produce", 0, 13, "WRITE topic", false, produce},
		{1, "Fetch", 4, 18, "READ topic; as a replica CLUSTER_ACTION cluster", false, fetch},
		{2, "ListOffsets", 1, 11, "DESCRIBE topic", false, typed(listOffsets)},
		{3, "Metadata", 0, 13, "DESCRIBE topic; to create it CREATE cluster or topic", false, typed(metadata)},
		{8, "OffsetCommit", 2, 10, "READ group, READ topic", false, typed(offsetCommit)},
		{9, "OffsetFetch", 1, 10, "DESCRIBE group, DESCRIBE topic", false, typed(offsetFetch)},
		{10, "FindCoordinator", 0, 6, "DESCRIBE group", false, typed(findCoordinator)},
		{11, "JoinGroup", 0, 9, "READ group", false, typed(joinGroup)},
		{12, "Heartbeat", 0, 4, "READ group", false, typed(heartbeat)},
		{13, "LeaveGroup", 0, 5, "READ group", false, typed(leaveGroup)},
		{14, "SyncGroup", 0, 5, "READ group", false, typed(syncGroup)},
		{15, "DescribeGroups", 0, 6, "DESCRIBE group", false, typed(describeGroups)},
		{16, "ListGroups", 0, 5, "DESCRIBE cluster, else DESCRIBE group for each", false, typed(listGroups)},
		{18, "ApiVersions", 0, 4, "", true, apiVersions},
		{19, "CreateTopics", 2, 7, "CREATE cluster or topic", false, typed(createTopics)},
		{20, "DeleteTopics", 1, 6, "DELETE topic", false, typed(deleteTopics)},
		{21, "DeleteRecords", 0, 2, "DELETE topic", false, typed(deleteRecords)},
		{22, "InitProducerId", 0, 5, "IDEMPOTENT_WRITE cluster or WRITE any topic", false, typed(initProducerID)},
		{23, "OffsetForLeaderEpoch", 2, 4, "CLUSTER_ACTION cluster, else DESCRIBE topic", false, typed(offsetForLeaderEpoch)},
		{29, "DescribeAcls", 1, 3, "DESCRIBE cluster", true, typed(describeACLs)},
		{30, "CreateAcls", 1, 3, "ALTER cluster", true, typed(createACLs)},
		{31, "DeleteAcls", 1, 3, "ALTER cluster", true, typed(deleteACLs)},
		{32, "DescribeConfigs", 1, 4, "DESCRIBE_CONFIGS topic or cluster", false, typed(describeConfigs)},
		{42, "DeleteGroups", 0, 2, "DELETE group", false, typed(deleteGroups)},
		{47, "OffsetDelete", 0, 0, "DELETE group, READ topic", false, typed(offsetDelete)},
		{33, "AlterConfigs", 0, 2, "ALTER_CONFIGS topic or cluster", false, typed(alterConfigs)},
		{35, "DescribeLogDirs", 1, 5, "DESCRIBE cluster", false, typed(describeLogDirs)},
		{37, "CreatePartitions", 0, 3, "ALTER topic", false, typed(createPartitions)},
		{44, "IncrementalAlterConfigs", 0, 1, "ALTER_CONFIGS topic or cluster", false, typed(incrementalAlterConfigs)},
		{60, "DescribeCluster", 0, 2, "none; DESCRIBE cluster for the operations", false, typed(describeCluster)},
		{75, "DescribeTopicPartitions", 0, 0, "DESCRIBE topic", false, typed(describeTopicPartitions)},
	}
}

// typed makes a handler of a function over a message of kmsg. The function
// returns the response, or nil when it will come later. Byte fields of the
// message are part of the frame, which lives until the response is there: what
// stays longer must be copied.
func typed[R kmsg.Request](answer func(*Broker, *call, R) kmsg.Response) handler {
	return func(b *Broker, c *call, body []byte) {
		parsed, err := c.parse(body)
		if err != nil {
			c.hangup(err)
			return
		}
		req, ok := parsed.(R)
		if !ok {
			panic("apis table: key and handler do not belong together")
		}
		if resp := answer(b, c, req); resp != nil {
			c.respond(resp)
		}
	}
}
