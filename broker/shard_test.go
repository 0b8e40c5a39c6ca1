package broker

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"schloss/broker/group"
	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/audit"
	"schloss/store"
	"schloss/store/local"
)

// onDisk is a started broker without listeners, on a disk that can crash.
func onDisk(t *testing.T, fsys *disk.Fake) *Broker {
	t.Helper()
	p := config.NewProperties("test")
	p.Set("offsets.topic.num.partitions", "1")
	values, _, err := config.Server.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := local.Open(fsys, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Metadata().Commit(store.Booted{Boot: s.Metadata().Image().Boot + 1}); err != nil {
		t.Fatal(err)
	}
	var ids atomic.Uint32
	newID := func() (id [16]byte) {
		id[15] = byte(ids.Add(1))
		return id
	}
	b := New(Config{Values: values, NewID: newID}, Deps{Logs: s.Logs(), Metadata: s.Metadata(), Leaders: s,
		Audit: audit.New(new(strings.Builder), time.Now), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Close() // after a crash nothing can be closed cleanly
		_ = s.Close()
	})
	return b
}

// served is the one shard, once it is loaded.
func served(t *testing.T, b *Broker) *shard {
	t.Helper()
	s, err := b.groups.shard("g")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := s.look(func(*group.Coordinator) {})
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("group partition was not loaded: %v", err)
		}
	}
}

func commit(t *testing.T, s *shard, name string, offset kafka.Offset) {
	t.Helper()
	done := make(chan kafka.ErrorCode, 1)
	err := s.do(func(c *group.Coordinator, now time.Time) group.Effects {
		return c.Commit(now, group.CommitRequest{Group: name, Generation: -1, Retention: -1, Offsets: []group.PartitionOffset{
			{Partition: kafka.TopicPartition{Topic: "t"}, Offset: offset, Metadata: strings.Repeat("m", 4000)}}},
			func(r group.CommitResponse) { done <- r.Errors[0] })
	})
	if err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != kafka.NoError {
		t.Fatal(code)
	}
}

func committedOffset(t *testing.T, s *shard, name string) kafka.Offset {
	t.Helper()
	at := kafka.NoOffset
	err := s.look(func(c *group.Coordinator) {
		at = c.CommittedOffsets(name, []kafka.TopicPartition{{Topic: "t"}})[0].Offset
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAGrownGroupPartitionShrinksToWhatLives(t *testing.T) {
	fsys := disk.NewFake(1)
	if err := fsys.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	b := onDisk(t, fsys)
	makeTopic(t, b, "t")
	s := served(t, b)
	const groups, commits = 20, 1200
	for i := range commits {
		commit(t, s, fmt.Sprintf("g%d", i%groups), kafka.Offset(i))
	}
	before := s.replica.log.Size()
	if before < rewriteMin {
		t.Fatalf("partition has %d bytes, the test needs %d", before, rewriteMin)
	}
	// Commits go on while the partition is rewritten.
	var beside sync.WaitGroup
	beside.Go(func() {
		for i := range 50 {
			commit(t, s, "beside", kafka.Offset(i))
		}
	})
	if err := s.rewriteIfGrown(); err != nil {
		t.Fatal(err)
	}
	beside.Wait()
	if after := s.replica.log.Size(); after > before/4 {
		t.Errorf("partition has %d bytes after the rewrite, %d before", after, before)
	}
	check := func(s *shard) {
		t.Helper()
		for i := range groups {
			if got, want := committedOffset(t, s, fmt.Sprintf("g%d", i)), kafka.Offset(commits-groups+i); got != want {
				t.Errorf("group g%d is at %d, want %d", i, got, want)
			}
		}
		if got := committedOffset(t, s, "beside"); got != 49 {
			t.Errorf("group beside is at %d, want 49", got)
		}
	}
	check(s)
	fsys.Crash()
	fsys.Restart(disk.KeepNothing)
	check(served(t, onDisk(t, fsys)))
}
