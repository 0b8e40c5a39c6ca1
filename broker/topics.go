package broker

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/store"
)

// topics are the open topics of this broker.
type topics struct {
	mu     sync.RWMutex // guards both maps
	byName map[string]*topic
	byID   map[kafka.TopicID]*topic
}

// topic is one open topic. Its settings and its list of replicas are replaced,
// never changed.
type topic struct {
	name     string
	id       kafka.TopicID
	settings atomic.Pointer[topicSettings]
	list     atomic.Pointer[[]*replica]
}

// topicSettings are the settings that records of a topic are judged by.
type topicSettings struct {
	maxMessage int
	minInsync  int
	compacted  bool // keys are needed
	deletes    bool // cleanup.policy has delete
	appendTime bool // message.timestamp.type=LogAppendTime

	// How far timestamps may lie from now, in milliseconds.
	beforeMillis, afterMillis int64
}

// named is the open topic of that name, nil if there is none.
func (ts *topics) named(name string) *topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.byName[name]
}

func (ts *topics) withID(id kafka.TopicID) *topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.byID[id]
}

// all are the open topics, by name.
func (ts *topics) all() []*topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	list := make([]*topic, 0, len(ts.byName))
	for _, t := range ts.byName {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *topic) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return list
}

func (ts *topics) add(t *topic) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.byName[t.name], ts.byID[t.id] = t, t
}

func (ts *topics) remove(t *topic) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.byName, t.name)
	delete(ts.byID, t.id)
}

func (ts *topics) close() error {
	var errs []error
	for _, t := range ts.all() {
		for _, r := range t.replicas() {
			errs = append(errs, r.close())
		}
	}
	return errors.Join(errs...)
}

// replicas are the topic's partitions, by index; none of nil.
func (t *topic) replicas() []*replica {
	if t == nil {
		return nil
	}
	if list := t.list.Load(); list != nil {
		return *list
	}
	return nil
}

// replica is the partition of a topic, nil if the topic has none of that index.
func (t *topic) replica(index int32) *replica {
	list := t.replicas()
	if index < 0 || int(index) >= len(list) {
		return nil
	}
	return list[index]
}

// openTopic opens the logs of a topic that the metadata knows, and registers
// it. The number of partitions that recovery had to look through is returned.
func (b *Broker) openTopic(meta *store.Topic) (recovered int, err error) {
	t := &topic{name: meta.Name, id: meta.ID}
	recovered, err = b.openPartitions(t, meta)
	if err == nil {
		b.topics.add(t)
	}
	return recovered, err
}

// openAtOnce is how many logs are opened or made at a time: the disk then serves
// many of them with one write of its journal.
const openAtOnce = 16

// openPartitions opens the logs that a topic has in the metadata and not yet
// here. After an error some of them may be open.
func (b *Broker) openPartitions(t *topic, meta *store.Topic) (recovered int, err error) {
	set, logConfig := b.topicConfig(meta)
	t.settings.Store(&set)
	had := t.replicas()
	list := append(slices.Clip(had), make([]*replica, max(0, int(meta.Partitions)-len(had)))...)
	var all sync.WaitGroup
	var found atomic.Int64
	var failed atomic.Pointer[error]
	for i := len(had); i < len(list) && failed.Load() == nil; i++ {
		b.opening <- struct{}{}
		all.Go(func() {
			defer func() { <-b.opening }()
			r, unclean, err := b.openPartition(t, int32(i), logConfig)
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
			if unclean {
				found.Add(1)
			}
			list[i] = r
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return int(found.Load()), fmt.Errorf("open topic %s: %w", meta.Name, *err)
	}
	t.list.Store(&list)
	return int(found.Load()), nil
}

// openPartition opens one log. What recovery had to cut off is told in the log.
func (b *Broker) openPartition(t *topic, i int32, cfg store.LogConfig) (r *replica, unclean bool, err error) {
	tp := kafka.TopicPartition{Topic: t.name, Partition: i}
	r, recovery, err := b.openReplica(t, tp, cfg)
	var damage *store.DamageError
	switch {
	case errors.As(err, &damage):
		b.log.Error("partition stays offline", "partition", tp.String(), "file", damage.File,
			"position", damage.Position, "reason", damage.Reason)
	case err != nil:
		return nil, false, fmt.Errorf("partition %d: %w", i, err)
	case recovery.TruncatedBytes > 0:
		b.log.Warn("torn tail was cut off", "partition", tp.String(), "offset", int64(recovery.TruncatedAt),
			"bytes", recovery.TruncatedBytes, "reason", recovery.Reason)
	}
	return r, recovery.Unclean, nil
}

// topicConfig is what a topic's own settings, over the broker's, mean to us.
func (b *Broker) topicConfig(meta *store.Topic) (topicSettings, store.LogConfig) {
	v := config.TopicValues(b.values.Load(), meta.Configs)
	policy := v.List("cleanup.policy")
	compact, remove := slices.Contains(policy, "compact"), slices.Contains(policy, "delete")
	set := topicSettings{
		maxMessage: v.Int("max.message.bytes"),
		minInsync:  v.Int("min.insync.replicas"),
		compacted:  compact,
		deletes:    remove,
		appendTime: v.String("message.timestamp.type") == "LogAppendTime",

		beforeMillis: v.Int64("message.timestamp.before.max.ms"),
		afterMillis:  v.Int64("message.timestamp.after.max.ms"),
	}
	return set, store.LogConfig{
		SegmentBytes:   v.Int64("segment.bytes"),
		SegmentAge:     v.Duration("segment.ms"),
		RetentionBytes: given(v.Int64("retention.bytes")),
		RetentionAge:   given(v.Duration("retention.ms")),
		IndexInterval:  given(v.Int("index.interval.bytes")),
		Compacted:      !remove,
	}
}

// given keeps a 0 from meaning the default in store.LogConfig: the least that is
// more says the same.
func given[N ~int | ~int64](n N) N {
	if n == 0 {
		return 1
	}
	return n
}

// createTopic makes a topic that was checked: durable in the metadata first,
// then its logs. A topic whose logs cannot be made is taken back, so that it
// can be made once the disk has room again. The caller holds b.changing.
func (b *Broker) createTopic(meta store.Topic) error {
	if err := b.meta.Commit(store.PutTopic{Topic: meta}); err != nil {
		return err
	}
	_, err := b.openTopic(&meta)
	if err == nil {
		return nil
	}
	return errors.Join(err, b.deleteTopic(&meta))
}

// growTopic gives a topic more partitions: durable in the metadata first, then
// their logs, which a start makes if a crash comes between. Logs that cannot be
// made are taken back with their metadata. The caller holds b.changing.
func (b *Broker) growTopic(meta *store.Topic, partitions int32) error {
	grown := *meta
	grown.Partitions = partitions
	if err := b.meta.Commit(store.PutTopic{Topic: grown}); err != nil {
		return err
	}
	_, err := b.openPartitions(b.topics.named(meta.Name), &grown)
	if err == nil {
		return nil
	}
	return errors.Join(err, b.meta.Commit(store.PutTopic{Topic: *meta}), b.deleteLogs(meta.Name, meta.Partitions, partitions))
}

// deleteLogs removes the logs of a topic's partitions from one to before another.
func (b *Broker) deleteLogs(topic string, from, to int32) error {
	var tps []kafka.TopicPartition
	for i := from; i < to; i++ {
		tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: i})
	}
	return b.logs.Delete(tps...)
}

// deleteTopic forgets a topic: its metadata, its logs, and what groups
// committed of it. Its logs need not be open. The caller holds b.changing.
func (b *Broker) deleteTopic(meta *store.Topic) error {
	if err := b.meta.Commit(store.RemoveTopic{Name: meta.Name}); err != nil {
		return err
	}
	open := b.topics.named(meta.Name)
	if open != nil {
		b.topics.remove(open)
	}
	err := b.deleteLogs(meta.Name, 0, meta.Partitions)
	for i := range meta.Partitions {
		if r := open.replica(i); r != nil {
			r.retire()
		}
	}
	b.groups.forgetTopic(meta.Name)
	return err
}
