package kafka

import "fmt"

// ErrorCode is the answer to a request or to one element of it
// (Kafka: org.apache.kafka.common.protocol.Errors). It is an error itself, so
// that a decision can carry its code to the response.
type ErrorCode int16

// The error codes that this project answers or recognises.
const (
	NoError                               ErrorCode = 0
	ErrUnknownServerError                 ErrorCode = -1
	ErrOffsetOutOfRange                   ErrorCode = 1
	ErrCorruptMessage                     ErrorCode = 2
	ErrUnknownTopicOrPartition            ErrorCode = 3
	ErrInvalidFetchSize                   ErrorCode = 4
	ErrLeaderNotAvailable                 ErrorCode = 5
	ErrNotLeaderOrFollower                ErrorCode = 6
	ErrRequestTimedOut                    ErrorCode = 7
	ErrBrokerNotAvailable                 ErrorCode = 8
	ErrMessageTooLarge                    ErrorCode = 10
	ErrOffsetMetadataTooLarge             ErrorCode = 12
	ErrNetworkException                   ErrorCode = 13
	ErrCoordinatorLoadInProgress          ErrorCode = 14
	ErrCoordinatorNotAvailable            ErrorCode = 15
	ErrNotCoordinator                     ErrorCode = 16
	ErrInvalidTopicException              ErrorCode = 17
	ErrRecordListTooLarge                 ErrorCode = 18
	ErrNotEnoughReplicas                  ErrorCode = 19
	ErrNotEnoughReplicasAfterAppend       ErrorCode = 20
	ErrInvalidRequiredAcks                ErrorCode = 21
	ErrIllegalGeneration                  ErrorCode = 22
	ErrInconsistentGroupProtocol          ErrorCode = 23
	ErrInvalidGroupID                     ErrorCode = 24
	ErrUnknownMemberID                    ErrorCode = 25
	ErrInvalidSessionTimeout              ErrorCode = 26
	ErrRebalanceInProgress                ErrorCode = 27
	ErrInvalidCommitOffsetSize            ErrorCode = 28
	ErrTopicAuthorizationFailed           ErrorCode = 29
	ErrGroupAuthorizationFailed           ErrorCode = 30
	ErrClusterAuthorizationFailed         ErrorCode = 31
	ErrInvalidTimestamp                   ErrorCode = 32
	ErrUnsupportedSASLMechanism           ErrorCode = 33
	ErrIllegalSASLState                   ErrorCode = 34
	ErrUnsupportedVersion                 ErrorCode = 35
	ErrTopicAlreadyExists                 ErrorCode = 36
	ErrInvalidPartitions                  ErrorCode = 37
	ErrInvalidReplicationFactor           ErrorCode = 38
	ErrInvalidReplicaAssignment           ErrorCode = 39
	ErrInvalidConfig                      ErrorCode = 40
	ErrNotController                      ErrorCode = 41
	ErrInvalidRequest                     ErrorCode = 42
	ErrUnsupportedForMessageFormat        ErrorCode = 43
	ErrPolicyViolation                    ErrorCode = 44
	ErrOutOfOrderSequenceNumber           ErrorCode = 45
	ErrDuplicateSequenceNumber            ErrorCode = 46
	ErrInvalidProducerEpoch               ErrorCode = 47
	ErrInvalidTxnState                    ErrorCode = 48
	ErrInvalidProducerIDMapping           ErrorCode = 49
	ErrInvalidTransactionTimeout          ErrorCode = 50
	ErrConcurrentTransactions             ErrorCode = 51
	ErrTransactionalIDAuthorizationFailed ErrorCode = 53
	ErrSecurityDisabled                   ErrorCode = 54
	ErrKafkaStorageError                  ErrorCode = 56
	ErrLogDirNotFound                     ErrorCode = 57
	ErrUnknownProducerID                  ErrorCode = 59
	ErrReassignmentInProgress             ErrorCode = 60
	ErrNonEmptyGroup                      ErrorCode = 68
	ErrGroupIDNotFound                    ErrorCode = 69
	ErrFetchSessionIDNotFound             ErrorCode = 70
	ErrInvalidFetchSessionEpoch           ErrorCode = 71
	ErrListenerNotFound                   ErrorCode = 72
	ErrTopicDeletionDisabled              ErrorCode = 73
	ErrFencedLeaderEpoch                  ErrorCode = 74
	ErrUnknownLeaderEpoch                 ErrorCode = 75
	ErrUnsupportedCompressionType         ErrorCode = 76
	ErrOffsetNotAvailable                 ErrorCode = 78
	ErrMemberIDRequired                   ErrorCode = 79
	ErrGroupMaxSizeReached                ErrorCode = 81
	ErrFencedInstanceID                   ErrorCode = 82
	ErrGroupSubscribedToTopic             ErrorCode = 86
	ErrInvalidRecord                      ErrorCode = 87
	ErrUnstableOffsetCommit               ErrorCode = 88
	ErrThrottlingQuotaExceeded            ErrorCode = 89
	ErrProducerFenced                     ErrorCode = 90
	ErrResourceNotFound                   ErrorCode = 91
	ErrDuplicateResource                  ErrorCode = 92
	ErrUnacceptableCredential             ErrorCode = 93
	ErrUnknownTopicID                     ErrorCode = 100
	ErrInconsistentTopicID                ErrorCode = 103
	ErrFetchSessionTopicIDError           ErrorCode = 106
	ErrMismatchedEndpointType             ErrorCode = 113
	ErrUnsupportedEndpointType            ErrorCode = 114
)

var errorNames = map[ErrorCode]struct {
	name      string
	retriable bool
}{
	0:   {"NONE", false},
	-1:  {"UNKNOWN_SERVER_ERROR", false},
	1:   {"OFFSET_OUT_OF_RANGE", false},
	2:   {"CORRUPT_MESSAGE", true},
	3:   {"UNKNOWN_TOPIC_OR_PARTITION", true},
	4:   {"INVALID_FETCH_SIZE", false},
	5:   {"LEADER_NOT_AVAILABLE", true},
	6:   {"NOT_LEADER_OR_FOLLOWER", true},
	7:   {"REQUEST_TIMED_OUT", true},
	8:   {"BROKER_NOT_AVAILABLE", false},
	10:  {"MESSAGE_TOO_LARGE", false},
	12:  {"OFFSET_METADATA_TOO_LARGE", false},
	13:  {"NETWORK_EXCEPTION", true},
	14:  {"COORDINATOR_LOAD_IN_PROGRESS", true},
	15:  {"COORDINATOR_NOT_AVAILABLE", true},
	16:  {"NOT_COORDINATOR", true},
	17:  {"INVALID_TOPIC_EXCEPTION", false},
	18:  {"RECORD_LIST_TOO_LARGE", false},
	19:  {"NOT_ENOUGH_REPLICAS", true},
	20:  {"NOT_ENOUGH_REPLICAS_AFTER_APPEND", true},
	21:  {"INVALID_REQUIRED_ACKS", false},
	22:  {"ILLEGAL_GENERATION", false},
	23:  {"INCONSISTENT_GROUP_PROTOCOL", false},
	24:  {"INVALID_GROUP_ID", false},
	25:  {"UNKNOWN_MEMBER_ID", false},
	26:  {"INVALID_SESSION_TIMEOUT", false},
	27:  {"REBALANCE_IN_PROGRESS", false},
	28:  {"INVALID_COMMIT_OFFSET_SIZE", false},
	29:  {"TOPIC_AUTHORIZATION_FAILED", false},
	30:  {"GROUP_AUTHORIZATION_FAILED", false},
	31:  {"CLUSTER_AUTHORIZATION_FAILED", false},
	32:  {"INVALID_TIMESTAMP", false},
	33:  {"UNSUPPORTED_SASL_MECHANISM", false},
	34:  {"ILLEGAL_SASL_STATE", false},
	35:  {"UNSUPPORTED_VERSION", false},
	36:  {"TOPIC_ALREADY_EXISTS", false},
	37:  {"INVALID_PARTITIONS", false},
	38:  {"INVALID_REPLICATION_FACTOR", false},
	39:  {"INVALID_REPLICA_ASSIGNMENT", false},
	40:  {"INVALID_CONFIG", false},
	41:  {"NOT_CONTROLLER", true},
	42:  {"INVALID_REQUEST", false},
	43:  {"UNSUPPORTED_FOR_MESSAGE_FORMAT", false},
	44:  {"POLICY_VIOLATION", false},
	45:  {"OUT_OF_ORDER_SEQUENCE_NUMBER", false},
	46:  {"DUPLICATE_SEQUENCE_NUMBER", false},
	47:  {"INVALID_PRODUCER_EPOCH", false},
	48:  {"INVALID_TXN_STATE", false},
	49:  {"INVALID_PRODUCER_ID_MAPPING", false},
	50:  {"INVALID_TRANSACTION_TIMEOUT", false},
	51:  {"CONCURRENT_TRANSACTIONS", true},
	53:  {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false},
	54:  {"SECURITY_DISABLED", false},
	56:  {"KAFKA_STORAGE_ERROR", true},
	57:  {"LOG_DIR_NOT_FOUND", false},
	59:  {"UNKNOWN_PRODUCER_ID", false},
	60:  {"REASSIGNMENT_IN_PROGRESS", false},
	68:  {"NON_EMPTY_GROUP", false},
	69:  {"GROUP_ID_NOT_FOUND", false},
	70:  {"FETCH_SESSION_ID_NOT_FOUND", true},
	71:  {"INVALID_FETCH_SESSION_EPOCH", true},
	72:  {"LISTENER_NOT_FOUND", true},
	73:  {"TOPIC_DELETION_DISABLED", false},
	74:  {"FENCED_LEADER_EPOCH", true},
	75:  {"UNKNOWN_LEADER_EPOCH", true},
	76:  {"UNSUPPORTED_COMPRESSION_TYPE", false},
	78:  {"OFFSET_NOT_AVAILABLE", true},
	79:  {"MEMBER_ID_REQUIRED", false},
	81:  {"GROUP_MAX_SIZE_REACHED", false},
	82:  {"FENCED_INSTANCE_ID", false},
	86:  {"GROUP_SUBSCRIBED_TO_TOPIC", false},
	87:  {"INVALID_RECORD", false},
	88:  {"UNSTABLE_OFFSET_COMMIT", true},
	89:  {"THROTTLING_QUOTA_EXCEEDED", true},
	90:  {"PRODUCER_FENCED", false},
	91:  {"RESOURCE_NOT_FOUND", false},
	92:  {"DUPLICATE_RESOURCE", false},
	93:  {"UNACCEPTABLE_CREDENTIAL", false},
	100: {"UNKNOWN_TOPIC_ID", true},
	103: {"INCONSISTENT_TOPIC_ID", true},
	106: {"FETCH_SESSION_TOPIC_ID_ERROR", true},
	113: {"MISMATCHED_ENDPOINT_TYPE", false},
	114: {"UNSUPPORTED_ENDPOINT_TYPE", false},
}

// Error is Kafka's name of the code, such as TOPIC_AUTHORIZATION_FAILED.
func (e ErrorCode) Error() string {
	if n, ok := errorNames[e]; ok {
		return n.name
	}
	return fmt.Sprintf("ERROR_%d", int16(e))
}

// Retriable says whether a client may send the same request again.
func (e ErrorCode) Retriable() bool { return errorNames[e].retriable }

// Err is nil for NoError, else the code.
func (e ErrorCode) Err() error {
	if e == NoError {
		return nil
	}
	return e
}
