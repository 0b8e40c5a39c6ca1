package broker

import (
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// failingLogs are logs of which the one of a partition index cannot be made,
// as with a full disk.
type failingLogs struct {
	store.Logs
	fail int32 // this index; -1: none
}

var errFull = errors.New("no space left on device")

func (f *failingLogs) Open(tp kafka.TopicPartition, id kafka.TopicID, cfg store.LogConfig, r store.Replica, create bool) (store.PartitionLog, store.Recovery, error) {
	if tp.Partition == f.fail {
		return nil, store.Recovery{}, errFull
	}
	return f.Logs.Open(tp, id, cfg, r, create)
}

// TestATopicWhoseLogsCannotBeMadeIsNotThere makes a topic on a disk that takes
// only its first partition. It must be gone again, so that it can be made
// later: without that nobody could use it, delete it or make it anew.
func TestATopicWhoseLogsCannotBeMadeIsNotThere(t *testing.T) {
	b := onDisk(t, newDisk(t))
	logs := &failingLogs{Logs: b.logs, fail: 1}
	b.logs = logs
	create := func(n int32) error {
		b.changing.Lock()
		defer b.changing.Unlock()
		return b.createTopic(store.Topic{Name: "t", ID: b.newID(), Partitions: n})
	}
	if err := create(3); !errors.Is(err, errFull) {
		t.Fatalf("create on a full disk: %v", err)
	}
	if _, ok := b.meta.Image().Topics["t"]; ok {
		t.Error("the topic is in the metadata")
	}
	logs.fail = -1
	if err := create(2); err != nil {
		t.Fatalf("create with space again: %v", err)
	}
	if got := b.topics.named("t"); got.replica(1) == nil || got.replica(2) != nil {
		t.Errorf("the topic has %d partitions, want 2", len(got.replicas()))
	}
}

// TestGroupsComeOnceThereIsSpace asks for a group while __consumer_offsets
// cannot be made, and again later.
func TestGroupsComeOnceThereIsSpace(t *testing.T) {
	b := onDisk(t, newDisk(t))
	b.set.offsetsPartitions = 4
	logs := &failingLogs{Logs: b.logs, fail: 2}
	b.logs = logs
	if _, err := b.groups.shard("g"); codeOf(err) != kafka.ErrCoordinatorNotAvailable {
		t.Fatalf("got %v, want COORDINATOR_NOT_AVAILABLE", err)
	}
	logs.fail = -1
	s := served(t, b)
	commit(t, s, "g", 7)
	if got := committedOffset(t, s, "g"); got != 7 {
		t.Errorf("group is at %d, want 7", got)
	}
}

// TestATopicThatIsNotOpenCanBeDeleted deletes a topic that only the metadata
// knows: its logs could not be made, nor could it be taken back.
func TestATopicThatIsNotOpenCanBeDeleted(t *testing.T) {
	b := onDisk(t, newDisk(t))
	if err := b.meta.Commit(store.PutTopic{Topic: store.Topic{Name: "t", ID: b.newID(), Partitions: 2}}); err != nil {
		t.Fatal(err)
	}
	out := b.deleteNamed(&call{b: b, peer: &listener.Peer{}, image: b.meta.Image()}, "t")
	if code := kafka.ErrorCode(out.ErrorCode); code != kafka.NoError {
		t.Errorf("got %v", code)
	}
	if _, ok := b.meta.Image().Topics["t"]; ok {
		t.Error("the topic is still there")
	}
	makeTopic(t, b, "t")
}

// TestAFullDiskIsToldOnce appends to a full disk again and again: the log says
// it once for a while, and the partition takes records when there is space.
func TestAFullDiskIsToldOnce(t *testing.T) {
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	var log strings.Builder
	b.log = slog.New(slog.NewTextHandler(&log, nil))
	makeTopic(t, b, "t")
	r := b.topics.named("t").replica(0)
	add := func() error {
		builder := batch.NewBuilder(batch.None)
		builder.Add(batch.Record{Value: []byte("v")})
		one, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.append(one, 1, b.now())
		return err
	}
	for range 3 {
		fsys.FailAt(fsys.Ops()+1, syscall.ENOSPC)
		if err := add(); codeOf(err) != kafka.ErrKafkaStorageError {
			t.Errorf("append to a full disk: %v (%v)", err, codeOf(err))
		}
	}
	if err := add(); err != nil {
		t.Errorf("append with space again: %v", err)
	}
	if got := strings.Count(log.String(), "no space left"); got != 1 {
		t.Errorf("it was told %d times:\n%s", got, log.String())
	}
}
