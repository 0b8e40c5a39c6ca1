package kafka

import (
	"errors"
	"fmt"
	"strconv"
)

// Offset is the position of a record in a partition.
type Offset int64

// Special offsets of ListOffsets requests (Kafka: ListOffsetsRequest).
const (
	LatestOffset       Offset = -1 // the high watermark
	EarliestOffset     Offset = -2 // the log start offset
	MaxTimestampOffset Offset = -3 // the record with the largest timestamp
	NoOffset           Offset = -1 // "none" in responses

	EarliestLocalOffset         Offset = -4 // the first on the broker's own disk (KIP-405)
	LatestTieredOffset          Offset = -5 // the last in tiered storage (KIP-1005)
	EarliestPendingUploadOffset Offset = -6 // the first that is not in tiered storage yet (KIP-1023)
)

// Epoch is a leader epoch: it grows by one with every leadership of a
// partition; in a single node it is the count of starts.
type Epoch int32

// NoEpoch stands for an unknown leader epoch.
const NoEpoch Epoch = -1

// ProducerID names one idempotent producer; -1 is none.
type ProducerID int64

// NoProducerID marks batches of producers that are not idempotent.
const NoProducerID ProducerID = -1

// NodeID is the id of a broker.
type NodeID int32

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is Kafka's name of the partition's directory.
func (tp TopicPartition) String() string {
	return tp.Topic + "-" + strconv.Itoa(int(tp.Partition))
}

// TopicID is the UUID of one incarnation of a topic (KIP-516).
type TopicID [16]byte

// IsZero says whether the id is absent.
func (id TopicID) IsZero() bool { return id == TopicID{} }

const uuidAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// String is the id as Kafka prints it: 22 characters of URL-safe base64.
func (id TopicID) String() string {
	out := make([]byte, 0, 22)
	var acc uint32
	var bits uint
	for _, b := range id {
		acc = acc<<8 | uint32(b)
		bits += 8
		for bits >= 6 {
			bits -= 6
			out = append(out, uuidAlphabet[acc>>bits&63])
		}
	}
	return string(append(out, uuidAlphabet[acc<<(6-bits)&63]))
}

// Names of Kafka's internal topics.
const (
	ConsumerOffsetsTopic  = "__consumer_offsets"
	TransactionStateTopic = "__transaction_state"
)

// Internal reports whether a topic is Kafka's own: clients may read it with
// the right to, but never produce to it or create it.
func Internal(topic string) bool {
	return topic == ConsumerOffsetsTopic || topic == TransactionStateTopic
}

// CheckTopicName says why a topic may not have this name, or nil
// (Kafka: Topic.validate, in its words: kafka-topics prints them).
func CheckTopicName(name string) error {
	switch {
	case name == "":
		return errors.New("Topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return fmt.Errorf("Topic name is invalid: '%s' is not allowed", name)
	case len(name) > 249:
		return fmt.Errorf("Topic name is invalid: the length of '%s' is longer than the max allowed length 249", name)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", name)
		}
	}
	return nil
}
