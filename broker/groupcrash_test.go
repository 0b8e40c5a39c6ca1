package broker

import (
	"fmt"
	"testing"
	"time"

	"schloss/internal/disk"
	"schloss/kafka"
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
