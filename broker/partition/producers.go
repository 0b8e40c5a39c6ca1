package partition

import (
	"math"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// Producers is the state of a partition's idempotent producers (Kafka:
// ProducerStateManager). It serves a log as its store.Replica. It has no lock:
// the partition's lock guards it.
type Producers struct {
	expiration time.Duration
	producers  map[kafka.ProducerID]*producer
}

// remembered is how many of a producer's last batches are known as duplicates
// when they come again; a client has at most so many in flight.
const remembered = 5

// noSequence comes before the first batch of a producer's epoch.
const noSequence int32 = -1

// producer is what is known of one producer id.
type producer struct {
	epoch   int16
	batches []appended // the last ones of this epoch, oldest first; at most remembered

	// timestamp is the newest batch's, which Kafka's snapshots hold; -1 if none.
	timestamp int64
	// seen is when the producer was heard of last; zero if not since the state
	// was restored.
	seen time.Time

	// These two come from and go to snapshots only: transactions are not
	// served, but a log that Kafka wrote may name them.
	coordinatorEpoch int32
	txnFirstOffset   kafka.Offset // -1 when no transaction is open
}

// appended is one batch in the log. Its first sequence and offset follow from
// its last ones and the delta.
type appended struct {
	lastSequence int32
	lastOffset   kafka.Offset
	delta        int32 // offsets, and so sequences, between first and last
	timestamp    int64
}

// NewProducers makes an empty state. expiration is producer.id.expiration.ms.
func NewProducers(expiration time.Duration) *Producers {
	return &Producers{expiration: expiration, producers: make(map[kafka.ProducerID]*producer)}
}

// Verdict is what Check finds of a batch that may be answered with success.
// Only a duplicate's verdict has more fields than the first.
type Verdict struct {
	// Duplicate says that the batch is in the log already: it must not be
	// appended again, and is answered with Base once End is durable.
	Duplicate bool
	Base      kafka.Offset // offset of the batch's first record
	End       kafka.Offset // offset after its last record
	Timestamp int64        // its largest timestamp, the answer's append time where LogAppendTime is set
}

// Check says whether a client's batch may be appended, or is a duplicate. The
// error is a kafka.ErrorCode. Batches without a producer id always may. It
// changes nothing.
//
// As in Kafka, an unknown producer id may start with any sequence: its state
// may have expired, or gone with the records. A new epoch starts with 0.
func (p *Producers) Check(h batch.Header, now time.Time) (Verdict, error) {
	if h.ProducerID == kafka.NoProducerID {
		return Verdict{}, nil
	}
	if h.ProducerID < 0 || h.ProducerEpoch < 0 || h.BaseSequence < 0 || h.LastOffsetDelta < 0 {
		return Verdict{}, kafka.ErrInvalidRecord
	}
	known, ok := p.producers[h.ProducerID]
	if !ok || p.expired(known, now) {
		return Verdict{}, nil
	}
	if b, ok := known.duplicate(h); ok {
		return Verdict{
			Duplicate: true,
			Base:      b.lastOffset - kafka.Offset(b.delta),
			End:       b.lastOffset + 1,
			Timestamp: b.timestamp,
		}, nil
	}
	switch {
	case h.ProducerEpoch < known.epoch:
		return Verdict{}, kafka.ErrInvalidProducerEpoch
	case h.ProducerEpoch > known.epoch && h.BaseSequence != 0:
		return Verdict{}, kafka.ErrOutOfOrderSequenceNumber
	case h.ProducerEpoch == known.epoch && h.BaseSequence != sequenceAfter(known.lastSequence(), 1):
		return Verdict{}, kafka.ErrOutOfOrderSequenceNumber
	}
	return Verdict{}, nil
}

// Apply takes note of a batch that was appended; h holds its offsets.
func (p *Producers) Apply(h batch.Header, now time.Time) {
	if h.ProducerID < 0 {
		return
	}
	known, ok := p.producers[h.ProducerID]
	if !ok || p.expired(known, now) {
		known = &producer{coordinatorEpoch: -1, txnFirstOffset: kafka.NoOffset}
		p.producers[h.ProducerID] = known
	}
	known.append(h)
	known.seen = now
}

// SetExpiration changes producer.id.expiration.ms from now on.
func (p *Producers) SetExpiration(d time.Duration) { p.expiration = d }

// Expire forgets the producers that were silent for the expiration time.
//
// Differs from Kafka: silence counts from when this broker heard of the
// producer last, not from the timestamps in its records, which may lie.
func (p *Producers) Expire(now time.Time) {
	for id, known := range p.producers {
		if known.seen.IsZero() {
			known.seen = now
		}
		if p.expired(known, now) {
			delete(p.producers, id)
		}
	}
}

func (p *Producers) expired(known *producer, now time.Time) bool {
	return !known.seen.IsZero() && now.Sub(known.seen) >= p.expiration
}

// duplicate finds the batch among the remembered ones, by epoch and by both of
// its sequences.
func (k *producer) duplicate(h batch.Header) (appended, bool) {
	if h.ProducerEpoch != k.epoch {
		return appended{}, false
	}
	last := sequenceAfter(h.BaseSequence, h.LastOffsetDelta)
	for _, b := range k.batches {
		if b.lastSequence == last && b.delta == h.LastOffsetDelta {
			return b, true
		}
	}
	return appended{}, false
}

func (k *producer) lastSequence() int32 {
	if len(k.batches) == 0 {
		return noSequence
	}
	return k.batches[len(k.batches)-1].lastSequence
}

// append remembers a batch, without a check: it is in the log.
func (k *producer) append(h batch.Header) {
	if h.ProducerEpoch != k.epoch {
		k.epoch = h.ProducerEpoch
		k.batches = k.batches[:0]
	}
	k.timestamp = h.MaxTimestamp
	if h.Attributes.Control() {
		// A transaction's marker has no sequence; it ends the transaction.
		k.txnFirstOffset = kafka.NoOffset
		return
	}
	if h.Attributes.Transactional() && k.txnFirstOffset == kafka.NoOffset {
		k.txnFirstOffset = h.BaseOffset
	}
	if len(k.batches) == remembered {
		k.batches = append(k.batches[:0], k.batches[1:]...)
	}
	k.batches = append(k.batches, appended{
		lastSequence: sequenceAfter(h.BaseSequence, h.LastOffsetDelta),
		lastOffset:   h.LastOffset(),
		delta:        h.LastOffsetDelta,
		timestamp:    h.MaxTimestamp,
	})
}

// sequenceAfter is the sequence delta after s: they run from 0 to the largest
// int32 and begin again at 0.
func sequenceAfter(s, delta int32) int32 {
	return int32((int64(s) + int64(delta)) & math.MaxInt32)
}
