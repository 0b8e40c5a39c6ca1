package broker

import (
	"runtime"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
)

// TestPartitionsCrashedInTheMakingAreFinished cuts the power in every operation
// of a topic's growth. A start makes what the metadata promises, and nothing
// else is there.
func TestPartitionsCrashedInTheMakingAreFinished(t *testing.T) {
	grown := map[int32]bool{}
	for n := 1; n < 200; n++ {
		fsys := newDisk(t)
		b := onDisk(t, fsys)
		makeTopic(t, b, "t")
		fsys.CrashAt(fsys.Ops() + n)
		b.changing.Lock()
		err := b.growTopic(b.meta.Image().Topics["t"], 4)
		b.changing.Unlock()
		if err == nil && !fsys.Crashed() {
			break
		}
		fsys.Crash()
		fsys.Restart(disk.KeepSome)
		b = onDisk(t, fsys)
		meta, open := b.meta.Image().Topics["t"], b.topics.named("t")
		if err == nil && meta.Partitions != 4 {
			t.Errorf("crash at %d: the topic has %d partitions after an answer, want 4", n, meta.Partitions)
		}
		if len(open.replicas()) != int(meta.Partitions) {
			t.Fatalf("crash at %d: %d partitions are open, %d are in the metadata", n, len(open.replicas()), meta.Partitions)
		}
		for i, r := range open.replicas() {
			if _, err := r.lead(); err != nil || r.log.End() != 0 {
				t.Errorf("crash at %d: partition %d: %v", n, i, err)
			}
		}
		grown[meta.Partitions] = true
	}
	if !grown[1] || !grown[4] || len(grown) != 2 {
		t.Errorf("crashes left topics of %v partitions, want both 1 and 4", grown)
	}
}

// TestPartitionsThatCannotBeMadeAreTakenBack grows a topic on a disk that takes
// one of the new partitions only.
func TestPartitionsThatCannotBeMadeAreTakenBack(t *testing.T) {
	b := onDisk(t, newDisk(t))
	makeTopic(t, b, "t")
	logs := &failingLogs{Logs: b.logs, fail: 2}
	b.logs = logs
	grow := func() error {
		b.changing.Lock()
		defer b.changing.Unlock()
		return b.growTopic(b.meta.Image().Topics["t"], 3)
	}
	if err := grow(); err == nil {
		t.Fatal("the topic has grown on a full disk")
	}
	if got, open := b.meta.Image().Topics["t"].Partitions, len(b.topics.named("t").replicas()); got != 1 || open != 1 {
		t.Errorf("the topic has %d partitions, %d open, want 1", got, open)
	}
	logs.fail = -1
	if err := grow(); err != nil {
		t.Fatal(err)
	}
	if r := b.topics.named("t").replica(2); r == nil || r.offline != nil {
		t.Error("the third partition does not serve")
	}
}

// TestIdlePartitionsAreSmall holds down what a partition that nobody uses keeps
// in memory: 10,000 of them are to fit into a small broker.
func TestIdlePartitionsAreSmall(t *testing.T) {
	const partitions, most = 2000, 6 << 10
	fsys := newDisk(t)
	b := onDisk(t, fsys)
	before := heap()
	b.changing.Lock()
	err := b.createTopic(store.Topic{Name: "t", ID: kafka.TopicID{1}, Partitions: partitions})
	b.changing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := fsys.ReadDir("/data")
	if err != nil {
		t.Fatal(err)
	}
	// The fake keeps the disk in memory, too: a broker on a fake with as many
	// directories and files, but without partitions, is the measure.
	empty := disk.NewFake(1)
	bare := heap()
	if err := copyNames(fsys, empty, "/data", dirs); err != nil {
		t.Fatal(err)
	}
	files := heap() - bare
	each := (heap() - before - 2*files) / partitions
	t.Logf("%d bytes a partition, and %d of the fake disk", each, files/partitions)
	if each < 100 || each > most {
		t.Errorf("an idle partition takes %d bytes, want at most %d, and not so few that they were not seen", each, most)
	}
	runtime.KeepAlive(empty)
	runtime.KeepAlive(b)
}

// copyNames makes the same files on another disk, with the same content.
func copyNames(from, to *disk.Fake, dir string, entries []disk.Entry) error {
	if err := to.Mkdir(dir); err != nil {
		return err
	}
	for _, e := range entries {
		name := dir + "/" + e.Name
		if e.Dir {
			inside, err := from.ReadDir(name)
			if err != nil {
				return err
			}
			if err := copyNames(from, to, name, inside); err != nil {
				return err
			}
			continue
		}
		content, err := disk.ReadFile(from, name)
		if err != nil {
			return err
		}
		if err := disk.WriteFile(to, name, content); err != nil {
			return err
		}
	}
	return nil
}

// heap is what is live in memory.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
