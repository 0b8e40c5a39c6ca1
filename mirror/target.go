package mirror

import (
	"context"
	"errors"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Target is where a mirror writes: another cluster, or a link into a broker.
type Target interface {
	// Topic describes a topic; the error wraps
	// kafka.ErrUnknownTopicOrPartition where there is none.
	Topic(ctx context.Context, name string) (TargetTopic, error)
	// CreateTopic creates a topic.
	CreateTopic(ctx context.Context, name string, partitions int32) error
	// AddPartitions makes a topic have so many partitions.
	AddPartitions(ctx context.Context, name string, total int32) error
	// Partitions is how many partitions a topic has, as last seen; 0: not known.
	// Once asked, it is looked for from time to time.
	Partitions(topic string) int32
	// Ends are the ends of the logs of partitions, those that there are.
	Ends(ctx context.Context, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Offset, error)
	// Open prepares to append to a partition. Partitions of one stream share
	// connections.
	Open(stream int, tp kafka.TopicPartition) Appender
	// Measure finds out once more how far away the target is.
	Measure(ctx context.Context) error
	// RoundTrip is how far away the target is; 0 where that is not known.
	RoundTrip() time.Duration
	// Run keeps the target going until the context ends, and then lets go of
	// everything.
	Run(ctx context.Context)
}

// TargetTopic is a topic of the target.
type TargetTopic struct {
	Partitions int32
	Limits     Limits
}

// Appender appends the batches of one partition of the source, in the order
// given.
type Appender interface {
	// Append hands over batches and returns at once. Done is called once for
	// each copy, in order. Until then the bytes are the appender's, who may
	// rewrite their headers.
	Append(copies []Copy)
	// Close forgets what was not sent yet and waits, as long as the context
	// lasts, for the answers to what was. Done is called for all.
	Close(ctx context.Context)
}

// Copy is one batch on its way.
type Copy interface {
	Batch() batch.Batch
	// Partition is the target's, where one Appender serves several.
	Partition() int32
	// Done says what became of the batch: nil, it is appended and
	// acknowledged, at offset base of the target, NoOffset where the target has
	// forgotten; else it and all behind it are not appended.
	Done(base kafka.Offset, err error)
}

// errAppenderClosed is what becomes of batches that were not sent any more.
var errAppenderClosed = errors.New("the appender is closed")
