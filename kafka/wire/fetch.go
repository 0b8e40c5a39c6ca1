package wire

import (
	"net"

	"schloss/kafka"
)

// Versions of Fetch that Decode and Append know.
const (
	MinFetch int16 = 4
	MaxFetch int16 = 18
)

// FetchRequest asks for record batches.
//
// Versions: 4 isolation, 5 log start, 7 sessions, 9 leader epoch, 10 zstd,
// 11 rack, 12 flexible and last fetched epoch, 13 names topics by id.
type FetchRequest struct {
	ClusterID     *string
	ReplicaID     int32 // -1 for consumers
	MaxWaitMillis int32
	MinBytes      int32
	MaxBytes      int32
	Isolation     int8 // 1: read committed
	SessionID     int32
	SessionEpoch  int32
	Topics        []FetchTopic
	Forgotten     []ForgottenTopic
	Rack          string
}

// FetchTopic is one topic of a FetchRequest: by name up to v12, by id from v13
// on.
type FetchTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []FetchPartition
}

// FetchPartition is one partition to read from.
type FetchPartition struct {
	Index            int32
	LeaderEpoch      kafka.Epoch
	Offset           kafka.Offset
	LastFetchedEpoch kafka.Epoch
	LogStart         kafka.Offset // of a follower
	MaxBytes         int32
}

// ForgottenTopic names partitions that leave the session.
type ForgottenTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []int32
}

// Decode reads the body of a request. The slices of r are used again.
func (r *FetchRequest) Decode(version int16, body []byte) error { return nil }

// Append appends the whole body to dst.
func (r *FetchRequest) Append(dst []byte, version int16) []byte { return dst }

// FetchResponse answers a FetchRequest.
type FetchResponse struct {
	ThrottleMillis int32
	Error          kafka.ErrorCode
	SessionID      int32
	Topics         []FetchedTopic
}

// FetchedTopic is the answer for one topic.
type FetchedTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []FetchedPartition
}

// FetchedPartition is the answer for one partition.
type FetchedPartition struct {
	Index            int32
	Error            kafka.ErrorCode
	HighWatermark    kafka.Offset
	LastStable       kafka.Offset
	LogStart         kafka.Offset
	Aborted          []AbortedTransaction // nil for null
	PreferredReplica int32                // -1 for none
	Records          []byte               // nil for null
}

// AbortedTransaction says from which offset on the batches of a producer are
// of an aborted transaction.
type AbortedTransaction struct {
	ProducerID  kafka.ProducerID
	FirstOffset kafka.Offset
}

// Decode reads the body of a response. Records alias it; the slices of r are
// used again.
func (r *FetchResponse) Decode(version int16, body []byte) error { return nil }

// Append appends the whole body to dst, records copied.
func (r *FetchResponse) Append(dst []byte, version int16) []byte { return dst }

// Encode appends to dst the pieces of the body, as ProduceRequest.Encode does.
func (r *FetchResponse) Encode(dst net.Buffers, scratch []byte, version int16) (net.Buffers, []byte) {
	return dst, scratch
}
