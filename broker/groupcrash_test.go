package broker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/listener"
	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

func newDisk(t *testing.T) *disk.Fake {
	t.Helper()
	fsys := disk.NewFake(1)
	if err := fsys.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	return fsys
}

func makeTopic(t *testing.T, b *Broker, name string) {
	t.Helper()
	b.changing.Lock()
	defer b.changing.Unlock()
	if err := b.createTopic(store.Topic{Name: name, ID: b.newID(), Partitions: 1}); err != nil {
		t.Fatal(err)
	}
}

// TestADeletedTopicTakesItsOffsetsWithIt cuts the power between the deletion of
// a topic and the removal of what groups committed of it. A topic made later
// under that name must not be read from there.
func TestADeletedTopicTakesItsOffsetsWithIt(t *testing.T) {
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	makeTopic(t, b, "t")
	s := served(t, b)
	commit(t, s, "g", 7)
	if err := b.meta.Commit(store.RemoveTopic{Name: "t"}); err != nil { // the first step of a deletion
		t.Fatal(err)
	}
	fsys.Crash()
	fsys.Restart(disk.KeepNothing)
	b = onDisk(t, fsys)
	makeTopic(t, b, "t")
	s = served(t, b)
	for deadline := time.Now().Add(10 * time.Second); committedOffset(t, s, "g") != kafka.NoOffset; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the group is at %d in a topic that is new", committedOffset(t, s, "g"))
		}
	}
}

// TestATopicDeletedDuringTheLoadTakesItsOffsetsWithIt deletes a topic while
// the groups are still being read.
func TestATopicDeletedDuringTheLoadTakesItsOffsetsWithIt(t *testing.T) {
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	makeTopic(t, b, "t")
	s := served(t, b)
	commit(t, s, "g", 7)
	again := newShard(b, s.replica, b.set.groups)
	again.forgetTopic("t")
	again.load()
	for deadline := time.Now().Add(10 * time.Second); committedOffset(t, again, "g") != kafka.NoOffset; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the group is at %d in a topic that was deleted", committedOffset(t, again, "g"))
		}
	}
}

// TestAGrownGroupPartitionShrinksAfterARestart restarts before a partition has
// grown enough to be rewritten: the restart must not raise the bar.
func TestAGrownGroupPartitionShrinksAfterARestart(t *testing.T) {
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	makeTopic(t, b, "t")
	s := served(t, b)
	for i := range 1200 {
		commit(t, s, fmt.Sprintf("g%d", i%20), kafka.Offset(i))
	}
	fsys.Crash()
	fsys.Restart(disk.KeepNothing)
	s = served(t, onDisk(t, fsys))
	before := s.replica.log.Size()
	if err := s.rewriteIfGrown(); err != nil {
		t.Fatal(err)
	}
	if after := s.replica.log.Size(); after > before/4 {
		t.Errorf("partition has %d bytes after the rewrite, %d before", after, before)
	}
}

// TestADamagedGroupPartitionHidesOnlyItsGroups lists the groups while one
// partition of __consumer_offsets cannot be served.
func TestADamagedGroupPartitionHidesOnlyItsGroups(t *testing.T) {
	b := onDisk(t, newDisk(t))
	b.set.offsetsPartitions = 2
	makeTopic(t, b, "t")
	for _, name := range []string{"g", "h", "i", "j"} {
		s, err := b.groups.shard(name)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, s, name, 1)
	}
	bad := b.groups.all()[1]
	bad.mu.Lock()
	bad.state = shardFailed
	bad.mu.Unlock()
	c := &call{b: b, peer: &listener.Peer{}, image: b.meta.Image()}
	resp := listGroups(b, c, kmsg.NewPtrListGroupsRequest()).(*kmsg.ListGroupsResponse)
	if resp.ErrorCode != 0 || len(resp.Groups) == 0 || len(resp.Groups) == 4 {
		t.Errorf("got %v and %d groups", kafka.ErrorCode(resp.ErrorCode), len(resp.Groups))
	}
}

// TestAnAppendThatFailsWakesWhoWaits parks a fetch and lets the disk fail: the
// consumer is to hear of it at once.
func TestAnAppendThatFailsWakesWhoWaits(t *testing.T) {
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	makeTopic(t, b, "t")
	r := b.topics.named("t").replica(0)
	w := &fetchWait{f: &fetchCall{}, parked: make(chan struct{})} // its goroutine waits for ever
	r.wait(w)
	builder := batch.NewBuilder(batch.None)
	builder.Add(batch.Record{Value: []byte("v")})
	one, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	fsys.FailAt(fsys.Ops()+1, errors.New("the disk is broken"))
	if _, err := r.append(one, 1, time.Now()); !errors.Is(err, store.ErrFailed) {
		t.Fatal(err)
	}
	if !w.done.Load() {
		t.Error("the fetch still waits")
	}
}
