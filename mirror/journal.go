package mirror

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/mirror/offsetmap"
)

// journal keeps on the target, in one compacted topic, how far each partition
// was copied and where its records stand: docs/format/mirror.md. It is written
// before the position is committed to the source's group, so what it knows is
// never less than what the group says.
type journal struct {
	target *client.Client
	admin  *client.Admin
	topic  string
	mirror string // the group id
	source string // the source's cluster id
	writer *kgo.Client
	others []string // mirrors that keep their state there too

	reading sync.Mutex // held by read; guards end
	end     kafka.Offset

	mu      sync.Mutex // guards entries
	entries map[kafka.TopicPartition]entry
}

// StateTopic is the journal's topic where nothing else is said.
const StateTopic = "__schloss_mirror"

// entry is what is known of one partition.
type entry struct {
	position kafka.Offset  // of the source; all before it is settled
	epoch    kafka.Epoch   // of the last record before it
	id       kafka.TopicID // of the source's topic
	offsets  offsetmap.Map
	base     kafka.Offset // of the target: what is of ours and not in the map stands at or behind it; NoOffset: not known
	writer   writer       // of what is behind the map
	byKey    bool         // records went to partitions by their keys: there is no map
}

// journalKey is the key of a record; equal keys have equal bytes.
type journalKey struct {
	Mirror    string `json:"mirror"`
	Source    string `json:"source"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// journalValue is the value of a record.
type journalValue struct {
	Position kafka.Offset `json:"position"`
	Epoch    kafka.Epoch  `json:"epoch"`
	TopicID  string       `json:"topicId,omitempty"`
	Map      string       `json:"map"` // base64 of offsetmap's encoding
	ByKey    bool         `json:"byKey,omitempty"`
	// Where the deliveries that promise more than at-least-once look for what
	// was copied behind the map's end, and by whom.
	Base          *kafka.Offset     `json:"base,omitempty"`
	Producer      *kafka.ProducerID `json:"producer,omitempty"`
	ProducerEpoch *int16            `json:"producerEpoch,omitempty"`
	Sequence      *int32            `json:"sequence,omitempty"`
}

// mapLimit bounds the segments of a map that is kept; older ones are merged.
const mapLimit = 4096

func (j *journal) key(tp kafka.TopicPartition) ([]byte, error) {
	return json.Marshal(journalKey{j.mirror, j.source, tp.Topic, tp.Partition})
}

// openJournal creates the topic where it is missing and reads what is there.
func openJournal(ctx context.Context, target *client.Client, topic, mirror, source string) (*journal, error) {
	j := &journal{target: target, admin: client.NewAdmin(target), topic: topic, mirror: mirror, source: source,
		entries: make(map[kafka.TopicPartition]entry)}
	err := ensureCompacted(ctx, j.admin, topic)
	if err == nil {
		err = j.read(ctx)
	}
	if err != nil {
		return nil, err
	}
	j.writer, err = openWriter(target, topic)
	return j, err
}

// read takes in what this mirror, here or in another process, has written since
// it was read last.
func (j *journal) read(ctx context.Context) error {
	j.reading.Lock()
	defer j.reading.Unlock()
	end, err := readState(ctx, j.target, j.admin, j.topic, j.end, j.take)
	if err == nil {
		j.end = end
	}
	return err
}

// readState calls take with each record of a state topic from an offset on, in
// order. It returns the end.
func readState(ctx context.Context, target *client.Client, admin *client.Admin, topic string, from kafka.Offset, take func(key, value []byte) error) (kafka.Offset, error) {
	tp := kafka.TopicPartition{Topic: topic}
	end, err := stateEnd(ctx, admin, tp)
	if err != nil {
		return end, err
	}
	if from > end { // it is another topic
		from = 0
	}
	reader := tailReader{target, admin, tp, true}
	return end, reader.each(ctx, from, end, func(b batch.Batch) error {
		records, err := b.Records(unpackedLimit)
		for i := range records {
			if err == nil {
				err = take(records[i].Key, records[i].Value)
			}
		}
		if err != nil {
			return fmt.Errorf("read the mirror's state from %s at offset %d: %w", topic, b.BaseOffset(), err)
		}
		return nil
	})
}

func stateEnd(ctx context.Context, admin *client.Admin, tp kafka.TopicPartition) (kafka.Offset, error) {
	for attempt := 1; ; attempt++ {
		listed, err := admin.ListOffsets(ctx, int64(kafka.LatestOffset), []kafka.TopicPartition{tp})
		if err == nil {
			err = listed[0].Err
		}
		if err == nil {
			return listed[0].Offset, nil
		}
		if !transient(err) && !errors.Is(err, kafka.ErrUnknownTopicOrPartition) || attempt == 20 { // a new topic shows after a moment
			return 0, err
		}
		select {
		case <-time.After(pause(20*time.Millisecond, attempt)):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// take takes one record in; those of other mirrors are passed over.
func (j *journal) take(key, value []byte) error {
	var k journalKey
	if err := json.Unmarshal(key, &k); err != nil {
		return err
	}
	if k.Mirror != j.mirror && !slices.Contains(j.others, k.Mirror) {
		j.others = append(j.others, k.Mirror)
	}
	if k.Mirror != j.mirror || k.Source != j.source {
		return nil
	}
	tp := kafka.TopicPartition{Topic: k.Topic, Partition: k.Partition}
	if value == nil {
		delete(j.entries, tp)
		return nil
	}
	e, err := parseEntry(value)
	if err == nil {
		j.note(map[kafka.TopicPartition]entry{tp: e})
	}
	return err
}

func parseEntry(value []byte) (entry, error) {
	var v journalValue
	if err := json.Unmarshal(value, &v); err != nil {
		return entry{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(v.Map)
	if err != nil {
		return entry{}, err
	}
	offsets, err := offsetmap.Parse(raw)
	if err != nil {
		return entry{}, err
	}
	e := entry{position: v.Position, epoch: v.Epoch, offsets: offsets.Clone(), base: kafka.NoOffset, writer: noWriter, byKey: v.ByKey}
	if v.Base != nil {
		e.base = *v.Base
	}
	if v.Producer != nil {
		e.writer.id = *v.Producer
	}
	if v.ProducerEpoch != nil && v.Sequence != nil {
		e.writer.epoch, e.writer.next = *v.ProducerEpoch, *v.Sequence
	}
	if v.TopicID != "" {
		id, err := base64.RawURLEncoding.DecodeString(v.TopicID)
		if err != nil || len(id) != len(e.id) {
			return entry{}, fmt.Errorf("%q is no topic id", v.TopicID)
		}
		copy(e.id[:], id)
	}
	return e, nil
}

func (e *entry) format() ([]byte, error) {
	v := journalValue{Position: e.position, Epoch: e.epoch, Map: base64.StdEncoding.EncodeToString(e.offsets.Append(nil)), ByKey: e.byKey}
	if e.id != (kafka.TopicID{}) {
		v.TopicID = e.id.String()
	}
	if e.base != kafka.NoOffset {
		v.Base = &e.base
	}
	if e.writer.id != kafka.NoProducerID {
		v.Producer = &e.writer.id
	}
	if e.writer.next != noSequence {
		v.ProducerEpoch, v.Sequence = &e.writer.epoch, &e.writer.next
	}
	return json.Marshal(v)
}

// record is the record of a partition.
func (j *journal) record(tp kafka.TopicPartition, e *entry) (key, value []byte, err error) {
	if key, err = j.key(tp); err == nil {
		value, err = e.format()
	}
	return key, value, err
}

// entry is what is known of a partition.
func (j *journal) entry(tp kafka.TopicPartition) (entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.entries[tp]
	return e, ok
}

// write makes entries durable.
func (j *journal) write(ctx context.Context, entries map[kafka.TopicPartition]entry) error {
	var records []*kgo.Record
	for tp, e := range entries {
		key, value, err := j.record(tp, &e)
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Key: key, Value: value})
	}
	if err := j.writer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write the mirror's state to %s: %w", j.topic, err)
	}
	j.note(entries)
	return nil
}

// note takes in what was written.
func (j *journal) note(entries map[kafka.TopicPartition]entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for tp, e := range entries {
		j.entries[tp] = e
	}
}

func (j *journal) close() { j.writer.Close() }
