package cli

import (
	"errors"

	"schloss/client"
	"schloss/kafka"
)

// What Java's clients make of an error code: tools of Kafka print the class or
// the message, and scripts look for them (Kafka: protocol.Errors).
var javaErrors = map[kafka.ErrorCode]struct{ class, message string }{
	kafka.ErrUnknownTopicOrPartition:     {"UnknownTopicOrPartitionException", "This server does not host this topic-partition."},
	kafka.ErrLeaderNotAvailable:          {"LeaderNotAvailableException", "There is no leader for this topic-partition as we are in the middle of a leadership election."},
	kafka.ErrNotLeaderOrFollower:         {"NotLeaderOrFollowerException", "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."},
	kafka.ErrRequestTimedOut:             {"TimeoutException", "The request timed out."},
	kafka.ErrOffsetMetadataTooLarge:      {"OffsetMetadataTooLarge", "The metadata field of the offset request was too large."},
	kafka.ErrCoordinatorLoadInProgress:   {"CoordinatorLoadInProgressException", "The coordinator is loading and hence can't process requests."},
	kafka.ErrCoordinatorNotAvailable:     {"CoordinatorNotAvailableException", "The coordinator is not available."},
	kafka.ErrNotCoordinator:              {"NotCoordinatorException", "This is not the correct coordinator."},
	kafka.ErrInvalidTopicException:       {"InvalidTopicException", "The request attempted to perform an operation on an invalid topic."},
	kafka.ErrInvalidGroupID:              {"InvalidGroupIdException", "The group id is invalid."},
	kafka.ErrUnknownMemberID:             {"UnknownMemberIdException", "The coordinator is not aware of this member."},
	kafka.ErrRebalanceInProgress:         {"RebalanceInProgressException", "The group is rebalancing, so a rejoin is needed."},
	kafka.ErrTopicAuthorizationFailed:    {"TopicAuthorizationException", "Topic authorization failed."},
	kafka.ErrGroupAuthorizationFailed:    {"GroupAuthorizationException", "Group authorization failed."},
	kafka.ErrClusterAuthorizationFailed:  {"ClusterAuthorizationException", "Cluster authorization failed."},
	kafka.ErrUnsupportedVersion:          {"UnsupportedVersionException", "The version of API is not supported."},
	kafka.ErrInvalidRequest:              {"InvalidRequestException", "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."},
	kafka.ErrNonEmptyGroup:               {"GroupNotEmptyException", "The group is not empty."},
	kafka.ErrGroupIDNotFound:             {"GroupIdNotFoundException", "The group id does not exist."},
	kafka.ErrOffsetOutOfRange:            {"OffsetOutOfRangeException", "The requested offset is not within the range of offsets maintained by the server."},
	kafka.ErrPolicyViolation:             {"PolicyViolationException", "Request parameters do not satisfy the configured policy."},
	kafka.ErrKafkaStorageError:           {"KafkaStorageException", "Disk error when trying to access log file on the disk."},
	kafka.ErrLogDirNotFound:              {"LogDirNotFoundException", "The user-specified log directory is not found in the broker config."},
	kafka.ErrUnsupportedForMessageFormat: {"UnsupportedForMessageFormatException", "The message format version on the broker does not support the request."},
	kafka.ErrGroupSubscribedToTopic:      {"GroupSubscribedToTopicException", "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."},
}

// javaMessage is the message of the exception that Kafka's tools would have
// made of the error: the broker's own where it gave one. What no broker has
// answered keeps our words.
func javaMessage(err error) string {
	var answer *client.AnswerError
	if errors.As(err, &answer) && answer.Message != "" {
		return answer.Message
	}
	var code kafka.ErrorCode
	if errors.As(err, &code) {
		if java, ok := javaErrors[code]; ok {
			return java.message
		}
	}
	return err.Error()
}

// javaException is the exception as Java prints it: class, colon, message.
func javaException(err error) string {
	var code kafka.ErrorCode
	if errors.As(err, &code) {
		if java, ok := javaErrors[code]; ok {
			return "org.apache.kafka.common.errors." + java.class + ": " + javaMessage(err)
		}
	}
	return err.Error()
}
