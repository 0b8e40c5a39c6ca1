package broker

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"schloss/broker/partition"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// replica is one partition that this broker holds: its log, the state of its
// producers, and who waits for more of it.
type replica struct {
	b       *Broker
	tp      kafka.TopicPartition
	topic   *topic
	offline error // why there is no log; nil when there is one
	log     store.PartitionLog

	mu        sync.Mutex // one append at a time; guards producers, and the log's Append, Roll and Close
	producers *partition.Producers

	fail     sync.Once    // tells of a failed disk
	refused  atomic.Int64 // when an append was last told to have been refused, in Unix seconds
	lastRead atomic.Int64 // bytes that the last fetch found here

	waitMu  sync.Mutex // guards waiters; nothing but fetchSession.wakeMu is locked under it
	waiters map[waiter]struct{}
	gone    atomic.Bool // its topic was deleted; set under waitMu
}

// waiter is told of what happens to a replica. Its methods must not block and
// are called with waitMu held.
type waiter interface {
	grew(size int) // so many more bytes are visible, or the log starts elsewhere
	fire()         // it failed or has gone
}

func (b *Broker) openReplica(t *topic, tp kafka.TopicPartition, cfg store.LogConfig) (*replica, store.Recovery, error) {
	r := &replica{b: b, tp: tp, topic: t, producers: partition.NewProducers(b.values.Load().Duration("producer.id.expiration.ms"))}
	log, recovery, err := b.logs.Open(tp, t.id, cfg, r.producers, true)
	r.log, r.offline = log, err
	return r, recovery, err
}

// lead is the epoch under which this broker leads the partition, or why a
// request cannot be served here.
func (r *replica) lead() (kafka.Epoch, error) {
	if r.offline != nil {
		return 0, r.offline
	}
	node, epoch, ok := r.b.leaders.Leader(r.tp)
	switch {
	case !ok:
		return 0, kafka.ErrUnknownTopicOrPartition
	case node != r.b.node:
		return 0, kafka.ErrNotLeaderOrFollower
	}
	return epoch, nil
}

// checkEpoch compares the epoch a client believes in with ours (KIP-320).
func checkEpoch(client, ours kafka.Epoch) error {
	switch {
	case client == kafka.NoEpoch || client == ours:
		return nil
	case client < ours:
		return kafka.ErrFencedLeaderEpoch
	default:
		return kafka.ErrUnknownLeaderEpoch
	}
}

// appended says where a batch is, or was already.
type appended struct {
	base      kafka.Offset
	end       kafka.Offset // durable up to here: the batch is safe
	timestamp int64        // of a duplicate
	duplicate bool
}

// append writes one checked batch behind the log, unless its producer sent it
// before. The batch is stamped in place.
func (r *replica) append(b batch.Batch, epoch kafka.Epoch, now time.Time) (appended, error) {
	h := b.Header()
	r.mu.Lock()
	defer r.mu.Unlock()
	verdict, err := r.producers.Check(h, now)
	if err != nil {
		return appended{}, err
	}
	if verdict.Duplicate {
		return appended{base: verdict.Base, end: verdict.End, timestamp: verdict.Timestamp, duplicate: true}, nil
	}
	base, err := r.log.Append(b, epoch)
	if err != nil {
		r.failed(err)
		return appended{}, err
	}
	h.BaseOffset, h.LeaderEpoch = base, epoch
	r.producers.Apply(h, now)
	return appended{base: base, end: h.NextOffset()}, nil
}

// awaitDurable calls done when everything below end is durable, after those
// who wait for records have been told of size more bytes.
func (r *replica) awaitDurable(end kafka.Offset, size int, done func(error)) {
	r.log.AwaitDurable(end, func(err error) {
		if err != nil {
			r.failed(err)
		} else {
			r.wake(size)
		}
		done(err)
	})
}

// refusedEvery is how often the log says that a partition takes no records.
const refusedEvery = time.Minute

// failed tells why the disk did not take a batch. Where it took the log away,
// those who wait are answered, and every request from then on with
// KAFKA_STORAGE_ERROR until a restart recovers the partition. Else, as when the
// disk is full, the next append may do better.
func (r *replica) failed(err error) {
	switch {
	case errors.Is(err, store.ErrClosed): // deleted, or a stop
	case errors.Is(err, store.ErrFailed):
		r.wakeAll()
		r.fail.Do(func() {
			r.b.log.Error("partition failed on disk and serves no more until a restart", "partition", r.tp.String(), "error", err)
		})
	default:
		now, last := r.b.now().Unix(), r.refused.Load()
		if now-last >= int64(refusedEvery/time.Second) && r.refused.CompareAndSwap(last, now) {
			r.b.log.Error("partition takes no records for now", "partition", r.tp.String(), "error", err)
		}
	}
}

// wait registers w until unwait. It says whether the replica is still there:
// one that has gone tells nothing any more.
func (r *replica) wait(w waiter) bool {
	r.waitMu.Lock()
	defer r.waitMu.Unlock()
	if r.gone.Load() {
		return false
	}
	if r.waiters == nil {
		r.waiters = make(map[waiter]struct{})
	}
	r.waiters[w] = struct{}{}
	return true
}

func (r *replica) unwait(w waiter) {
	r.waitMu.Lock()
	defer r.waitMu.Unlock()
	delete(r.waiters, w)
}

// wake tells those who wait that size more bytes are visible, or that the log
// starts elsewhere.
func (r *replica) wake(size int) {
	r.waitMu.Lock()
	defer r.waitMu.Unlock()
	for w := range r.waiters {
		w.grew(size)
	}
}

// wakeAll tells everyone who waits that the partition failed.
func (r *replica) wakeAll() {
	r.waitMu.Lock()
	defer r.waitMu.Unlock()
	for w := range r.waiters {
		w.fire()
	}
}

// retire is wakeAll for good: the topic was deleted. It can no longer be found
// in the broker's topics.
func (r *replica) retire() {
	r.waitMu.Lock()
	r.gone.Store(true)
	r.waitMu.Unlock()
	r.wakeAll()
}

func (r *replica) close() error {
	if r.log == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Close()
}
