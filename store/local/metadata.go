package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// metadataPartition is Kafka's name for the log of the metadata. What is in it
// is ours: docs/format/metadata.md.
var metadataPartition = kafka.TopicPartition{Topic: "__cluster_metadata"}

// metadataID is Kafka's id of that topic.
var metadataID = kafka.TopicID{15: 1}

// metadataGarbage is how many dead records the log may hold beyond as many as
// there are live ones, until it is rewritten.
const metadataGarbage = 1000

// metadata implements store.Metadata: a log of keyed records, in which the last
// record of a key counts, and a commit is one batch.
type metadata struct {
	log   *Log
	image atomic.Pointer[store.Image]

	mu      sync.Mutex              // one commit at a time; guards all below
	live    map[string]kafka.Offset // of the last record of each key, unless that removes it
	records int                     // in the log
}

// openMetadata replays the metadata, or makes it.
func openMetadata(s *Store) (*metadata, error) {
	if s.where[metadataPartition] == nil {
		s.place(metadataPartition, s.dirs[0])
	}
	log, _, err := s.openLog(openParams{tp: metadataPartition, id: metadataID, create: true,
		config: store.LogConfig{SegmentBytes: 16 << 20, RetentionAge: -1, Compacted: true}})
	if err != nil {
		return nil, err
	}
	m := &metadata{log: log, live: map[string]kafka.Offset{}}
	m.image.Store(newImage())
	if err := m.replay(); err != nil {
		return nil, fmt.Errorf("read metadata in %s: %w", log.path, err)
	}
	if m.Image().ClusterID == "" {
		err = m.found()
	}
	return m, err
}

// found gives the cluster its id. Kafka avoids a leading dash, which tools
// would take for a flag.
func (m *metadata) found() error {
	var id kafka.TopicID
	for id.IsZero() || id.String()[0] == '-' {
		if _, err := rand.Read(id[:]); err != nil {
			return fmt.Errorf("make a cluster id: %w", err)
		}
	}
	var s script
	if err := s.put(recordKey{Type: clusterType}, &recordValue{ID: id.String()}); err != nil {
		return err
	}
	return m.commit(s.records)
}

// Image implements store.Metadata.
func (m *metadata) Image() *store.Image { return m.image.Load() }

// Commit implements store.Metadata.
func (m *metadata) Commit(changes ...store.Change) error {
	var s script
	for _, c := range changes {
		if err := s.add(c); err != nil {
			return fmt.Errorf("commit metadata: %w", err)
		}
	}
	if len(s.records) == 0 {
		return nil
	}
	return m.commit(s.records)
}

func (m *metadata) commit(records []batch.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.Image()
	draft := draftOf(old)
	for _, r := range records {
		if err := draft.apply(r); err != nil {
			return fmt.Errorf("commit metadata: %w", err)
		}
	}
	if err := m.shorten(); err != nil {
		return fmt.Errorf("shorten metadata: %w", err)
	}
	if err := m.write(records, old.Boot); err != nil {
		return fmt.Errorf("commit metadata: %w", err)
	}
	m.image.Store(draft.image())
	return nil
}

// write appends the records as one batch and waits until it is durable.
func (m *metadata) write(records []batch.Record, epoch kafka.Epoch) error {
	builder := batch.NewBuilder(batch.None)
	for i, r := range records {
		r.Offset, r.Timestamp = kafka.Offset(i), -1
		builder.Add(r)
	}
	b, err := builder.Build()
	if err != nil {
		return err
	}
	first, err := m.log.Append(b, epoch)
	if err != nil {
		return err
	}
	durable := make(chan error, 1)
	m.log.AwaitDurable(first+kafka.Offset(len(records)), func(err error) { durable <- err })
	if err := <-durable; err != nil {
		return err
	}
	for i, r := range records {
		m.count(r, first+kafka.Offset(i))
	}
	return nil
}

func (m *metadata) count(r batch.Record, o kafka.Offset) {
	m.records++
	if r.Value == nil {
		delete(m.live, string(r.Key))
	} else {
		m.live[string(r.Key)] = o
	}
}

// shorten rewrites the log when most of it is dead. Segments are rewritten from
// the oldest on, so a record that removes a key goes no earlier than those it
// removes.
func (m *metadata) shorten() error {
	if m.records <= 2*len(m.live)+metadataGarbage {
		return nil
	}
	if err := m.log.Roll(); err != nil {
		return err
	}
	kept := 0
	err := m.log.Rewrite(func(o kafka.Offset, key []byte) bool {
		last, ok := m.live[string(key)]
		if ok && last == o {
			kept++
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	m.records = kept
	return nil
}

// replay folds the log into the image.
func (m *metadata) replay() error {
	draft := draftOf(m.Image())
	var buf []byte
	for from := m.log.Start(); from < m.log.End(); {
		var err error
		if buf, err = m.log.Read(buf[:0], from, m.log.End(), walkWindow, true); err != nil {
			return err
		}
		if len(buf) == 0 {
			return fmt.Errorf("nothing is at offset %d: %w", from, fs.ErrInvalid)
		}
		for rest := buf; len(rest) > 0; {
			var b batch.Batch
			if b, rest, err = batch.Split(rest); err != nil {
				return err
			}
			if err := m.replayBatch(draft, b); err != nil {
				return fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)
			}
			from = b.NextOffset()
		}
	}
	m.image.Store(draft.image())
	return nil
}

func (m *metadata) replayBatch(draft *draft, b batch.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	records, err := b.Records(decodeLimit)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := draft.apply(r); err != nil {
			return err
		}
		m.count(r, r.Offset)
	}
	return nil
}

// Close implements store.Metadata.
func (m *metadata) Close() error {
	if err := m.log.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		return err
	}
	return nil
}
