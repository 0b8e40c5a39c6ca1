package wire

import (
	"net"

	"schloss/kafka"
)

// Versions of Produce that Decode and Append know.
const (
	MinProduce int16 = 3
	MaxProduce int16 = 13
)

// ProduceRequest appends record batches to partitions.
//
// Versions: 5 asks for the log start, 7 allows zstd, 8 tells of single
// records, 9 is flexible, 12 is of KIP-890, 13 names topics by id.
type ProduceRequest struct {
	TransactionalID *string
	Acks            int16 // -1 all, 0 none, 1 leader
	TimeoutMillis   int32
	Topics          []ProduceTopic
}

// ProduceTopic is one topic of a ProduceRequest: by name up to v12, by id from
// v13 on.
type ProduceTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []ProducePartition
}

// ProducePartition is what one partition is to append.
type ProducePartition struct {
	Index   int32
	Records []byte // nil for null
}

// Decode reads the body of a request. Records alias it; the slices of r are
// used again.
func (r *ProduceRequest) Decode(version int16, body []byte) error { return nil }

// Append appends the whole body to dst, records copied.
func (r *ProduceRequest) Append(dst []byte, version int16) []byte { return dst }

// Encode appends to dst the pieces of the body: the records as they are, what
// stands between them from scratch. What scratch held before comes first, so
// a caller may begin it with length and header. scratch must live until dst
// has been written; the returned one is for the next message.
func (r *ProduceRequest) Encode(dst net.Buffers, scratch []byte, version int16) (net.Buffers, []byte) {
	return dst, scratch
}

// ProduceResponse answers a ProduceRequest.
type ProduceResponse struct {
	Topics         []ProducedTopic
	ThrottleMillis int32
}

// ProducedTopic is the answer for one topic.
type ProducedTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []ProducedPartition
}

// ProducedPartition is the answer for one partition.
type ProducedPartition struct {
	Index         int32
	Error         kafka.ErrorCode
	BaseOffset    kafka.Offset
	LogAppendTime int64 // -1 unless the broker's clock counts
	LogStart      kafka.Offset
	RecordErrors  []ProducedRecordError
	Message       string // "" is null
}

// ProducedRecordError says what is wrong with one record (KIP-467).
type ProducedRecordError struct {
	BatchIndex int32
	Message    string // "" is null
}

// Decode reads the body of a response. The slices of r are used again.
func (r *ProduceResponse) Decode(version int16, body []byte) error { return nil }

// Append appends the whole body to dst.
func (r *ProduceResponse) Append(dst []byte, version int16) []byte { return dst }
