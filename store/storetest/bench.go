package storetest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

var (
	partition = kafka.TopicPartition{Topic: "orders", Partition: 3}
	topicID   = kafka.TopicID{1, 2, 3}
)

// bench is one case's store.
type bench struct {
	t       *testing.T
	reopen  func() (Store, error)
	store   Store
	replica *Counter
}

func newBench(t *testing.T, place Place) *bench {
	b := &bench{t: t, reopen: place(t)}
	b.start()
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) start() {
	b.t.Helper()
	s, err := b.reopen()
	if err != nil {
		b.t.Fatalf("open store: %v", err)
	}
	b.store = s
}

func (b *bench) stop() {
	b.t.Helper()
	if err := b.store.Close(); err != nil {
		b.t.Fatalf("close store: %v", err)
	}
}

// log opens or makes the log that most cases use.
func (b *bench) log(cfg store.LogConfig) store.PartitionLog {
	b.t.Helper()
	b.replica = &Counter{}
	l, found, err := b.store.Logs().Open(partition, topicID, cfg, b.replica, true)
	if err != nil {
		b.t.Fatalf("open log: %v", err)
	}
	if found != (store.Recovery{}) {
		b.t.Fatalf("recovery of a clean log: got %+v, want none", found)
	}
	return l
}

func (b *bench) append(l store.PartitionLog, batches []byte) kafka.Offset {
	b.t.Helper()
	first, err := l.Append(batches, 7)
	if err != nil {
		b.t.Fatalf("append: %v", err)
	}
	AwaitDurable(b.t, l)
	return first
}

// AwaitDurable waits until all that was appended is durable.
func AwaitDurable(t testing.TB, l store.PartitionLog) {
	t.Helper()
	durable := make(chan error, 1)
	l.AwaitDurable(l.End(), func(err error) { durable <- err })
	if err := <-durable; err != nil {
		t.Fatalf("await durable: %v", err)
	}
}

// Record is one record for Batch.
type Record struct {
	Key, Value string
	Timestamp  int64
}

// Batch builds a batch as a producer sends it.
func Batch(t testing.TB, records ...Record) batch.Batch {
	t.Helper()
	return build(t, batch.NewBuilder(batch.None), records)
}

func build(t testing.TB, builder *batch.Builder, records []Record) batch.Batch {
	t.Helper()
	for i, r := range records {
		builder.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: r.Timestamp, Key: []byte(r.Key), Value: []byte(r.Value)})
	}
	b, err := builder.Build()
	if err != nil {
		t.Fatalf("build batch: %v", err)
	}
	return b
}

// ReadAll reads what is durable, record by record.
func ReadAll(t testing.TB, l store.PartitionLog) []batch.Record {
	t.Helper()
	var out []batch.Record
	ReadBatches(t, l, func(_ batch.Batch, records []batch.Record) { out = append(out, records...) })
	return out
}

// ReadBatches reads what is durable, verifies it and gives it to each.
func ReadBatches(t testing.TB, l store.PartitionLog, each func(batch.Batch, []batch.Record)) {
	t.Helper()
	for from := l.Start(); from < l.Durable(); {
		bytes, err := l.Read(nil, from, l.Durable(), 1000, true)
		if err != nil {
			t.Fatalf("read at %d: %v", from, err)
		}
		if len(bytes) == 0 {
			t.Fatalf("read at %d of %d: nothing", from, l.Durable())
		}
		for rest := bytes; len(rest) > 0; {
			var b batch.Batch
			if b, rest, err = batch.Split(rest); err != nil {
				t.Fatalf("split what was read at %d: %v", from, err)
			}
			if err := b.Check(); err != nil {
				t.Fatalf("check what was read at %d: %v", from, err)
			}
			records, err := b.Records(1 << 20)
			if err != nil {
				t.Fatalf("decode what was read at %d: %v", from, err)
			}
			each(b, records)
			from = b.NextOffset()
		}
	}
}

// Counter is a store.Replica that counts records. It checks that each header
// comes once and in order.
type Counter struct {
	Next     kafka.Offset // after what it was told
	Records  int64
	Replayed int
}

// Restore implements store.Replica.
func (c *Counter) Restore(snapshot []byte) error {
	*c = Counter{}
	if snapshot == nil {
		return nil
	}
	if len(snapshot) != 20 || crc32.ChecksumIEEE(snapshot[:16]) != binary.BigEndian.Uint32(snapshot[16:]) {
		return fmt.Errorf("snapshot %x is damaged", snapshot)
	}
	c.Next = kafka.Offset(binary.BigEndian.Uint64(snapshot))
	c.Records = int64(binary.BigEndian.Uint64(snapshot[8:]))
	return nil
}

// Replay implements store.Replica.
func (c *Counter) Replay(h batch.Header) error {
	if c.Replayed++; h.BaseOffset < c.Next {
		return fmt.Errorf("offset %d was replayed after %d", h.BaseOffset, c.Next)
	}
	c.Apply(h)
	return nil
}

// Apply takes what was appended.
func (c *Counter) Apply(h batch.Header) {
	c.Next = h.NextOffset()
	c.Records += int64(h.Count)
}

// Snapshot implements store.Replica.
func (c *Counter) Snapshot() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Next))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Records))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
