package partition

import (
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Producers is the state of a partition's idempotent producers. It serves a
// log as its store.Replica.
type Producers struct{}

// NewProducers makes an empty state. expiration is producer.id.expiration.ms.
func NewProducers(expiration time.Duration) *Producers { return &Producers{} }

// Verdict is what Check finds of a batch that may be answered with success.
type Verdict struct {
	// Duplicate says that the batch is in the log already: it must not be
	// appended again, and is answered with Base once End is durable.
	Duplicate bool
	Base      kafka.Offset // offset of the batch's first record
	End       kafka.Offset // offset after its last record
	Timestamp int64        // its largest timestamp, the answer's append time where LogAppendTime is set
}

// Check says whether a client's batch may be appended, or is a duplicate. The
// error is a kafka.ErrorCode. Batches without a producer id always may.
func (p *Producers) Check(h batch.Header, now time.Time) (Verdict, error) { return Verdict{}, nil }

// Apply takes note of a batch that was appended; h holds its offsets.
func (p *Producers) Apply(h batch.Header, now time.Time) {}

// Expire forgets producers that were silent for the expiration time and says
// when to call it next.
func (p *Producers) Expire(now time.Time) (next time.Time) { return now }

// Replay takes note of a batch found in the log (store.Replica).
func (p *Producers) Replay(h batch.Header) error { return nil }

// Restore replaces the state by a snapshot; nil is the empty state
// (store.Replica).
func (p *Producers) Restore(snapshot []byte) error { return nil }

// Snapshot is the state in Kafka's producer snapshot format (store.Replica).
func (p *Producers) Snapshot() []byte { return nil }
