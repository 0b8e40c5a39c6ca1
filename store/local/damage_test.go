package local_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
	"schloss/store/local"
	"schloss/store/storetest"
)

const segmentDir = "/data/t-0"

// written makes a log of one closed segment and an active one, each with some
// batches, and cuts the power. checkpointed says whether the recovery point is
// at the end; else it is at the active segment's base.
func written(t *testing.T, checkpointed bool) *life {
	t.Helper()
	l := &life{t: t, fs: disk.NewFake(1), name: "damage"}
	steps := []func() error{l.open,
		func() error { return l.append(2, 100) }, func() error { return l.append(2, 300) }, l.await, l.roll,
		func() error { return l.append(1, 30) }, func() error { return l.append(1, 900) }, func() error { return l.append(1, 30) }, l.await}
	if checkpointed {
		steps = append(steps, l.checkpoint)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	l.fs.Crash()
	l.fs.Restart(disk.KeepNothing)
	return l
}

func lastSegment(t *testing.T, fs disk.FS) string {
	t.Helper()
	entries, err := fs.ReadDir(segmentDir)
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, e := range entries {
		if strings.HasSuffix(e.Name, ".log") {
			last = e.Name
		}
	}
	return path.Join(segmentDir, last)
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 0x55
		return b
	}
}

func flipSecondLength(b []byte) []byte {
	return flip(prefix + int(batch.Batch(b).Length()) + 10)(b)
}

// prefix is what a batch's length field does not count.
const prefix = 12

func TestDamage(t *testing.T) {
	closedSegment := segmentDir + "/00000000000000000000.log"
	second := batch.HeaderSize + 60 // within the second batch of the active segment
	cases := []struct {
		name         string
		checkpointed bool
		closed       bool // in the closed segment, else in the active one
		change       func([]byte) []byte
		damaged      bool
		end          kafka.Offset // where it is not damaged
	}{
		{"nothing", false, false, func(b []byte) []byte { return b }, false, 7},
		{"a bit in the last batch", false, false, flip(-1), false, 6},
		{"a bit in the last batch below the recovery point", true, false, flip(-1), false, 7}, // not looked at: Check on read tells
		{"a bit in the middle with batches behind it", false, false, flip(second + 200), true, 0},
		{"an offset in the middle", false, false, flip(second + 40), true, 0},
		{"a length in the middle", false, false, flip(second + 50), true, 0},
		{"a length below the recovery point", true, false, flip(8), true, 0},
		{"a hole in the middle", false, false, func(b []byte) []byte { clear(b[512:1024]); return b }, false, 5},
		{"zeros behind the end", false, false, func(b []byte) []byte { return append(b, make([]byte, 3000)...) }, false, 7},
		{"rubbish behind the end", false, false, func(b []byte) []byte { return append(b, strings.Repeat("rubbish", 100)...) }, false, 7},
		{"rubbish behind the recovery point", true, false, func(b []byte) []byte { return append(b, "rubbish"...) }, false, 7},
		{"a cut last batch", false, false, func(b []byte) []byte { return b[:len(b)-1] }, false, 6},
		{"a cut below the recovery point", true, false, func(b []byte) []byte { return b[:len(b)-1] }, true, 0},
		{"a whole batch gone below the recovery point", true, false, func(b []byte) []byte { return b[:1110] }, true, 0},
		{"an empty file", false, false, func(b []byte) []byte { return nil }, false, 4},
		{"a cut in a closed segment", false, true, func(b []byte) []byte { return b[:len(b)-1] }, true, 0},
		{"a length in a closed segment", false, true, flipSecondLength, true, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := written(t, c.checkpointed)
			name := lastSegment(t, l.fs)
			if c.closed {
				name = closedSegment
			}
			var was, is []byte
			if err := l.fs.Corrupt(name, func(b []byte) []byte { was = c.change(b); return was }); err != nil {
				t.Fatal(err)
			}
			was = append([]byte(nil), was...)
			err := l.open()
			var damage *store.DamageError
			if errors.As(err, &damage) != c.damaged {
				t.Fatalf("open: got %v, want damage %v", err, c.damaged)
			}
			if !c.damaged {
				if err != nil || l.log.End() != c.end {
					t.Fatalf("open: got %v, end %d, want %d", err, l.log.End(), c.end)
				}
				if cut := l.found.TruncatedBytes > 0; cut != (l.found.Reason != "") || c.end < 7 && len(was) > 0 && !cut {
					t.Errorf("recovery: got %+v", l.found)
				}
				return
			}
			if damage.File != name || damage.Partition != crashPartition {
				t.Errorf("damage: got %+v, want it in %s", damage, name)
			}
			if is, err = disk.ReadFile(l.fs, name); err != nil || string(is) != string(was) {
				t.Errorf("the damaged file was changed: %v", err)
			}
			checkOthersServe(t, l)
		})
	}
}

// checkOthersServe looks whether a damaged partition is offline for good,
// while others are not.
func checkOthersServe(t *testing.T, l *life) {
	t.Helper()
	err := l.store.Metadata().Commit(store.PutTopic{Topic: store.Topic{Name: "t", ID: kafka.TopicID{9}, Partitions: 2}})
	if err != nil {
		t.Fatal(err)
	}
	other := kafka.TopicPartition{Topic: "t", Partition: 1}
	log, _, err := l.store.Logs().Open(other, kafka.TopicID{9}, crashConfig, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(storetest.Batch(t, storetest.Record{Key: "a"}), 1); err != nil {
		t.Fatal(err)
	}
	storetest.AwaitDurable(t, log)
	if _, _, ok := l.store.Leader(crashPartition); ok {
		t.Error("a damaged partition has a leader")
	}
	if _, _, ok := l.store.Leader(other); !ok {
		t.Error("a sound partition has no leader")
	}
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	var damage *store.DamageError
	if err := l.open(); !errors.As(err, &damage) {
		t.Errorf("opened again: got %v, want the damage", err)
	}
}

// TestBitFlips changes each byte of the active segment. Whatever happens, no
// record is ever served that was not written, and what was below the recovery
// point is not cut.
func TestBitFlips(t *testing.T) {
	size := 0
	if err := written(t, false).fs.Corrupt(lastSegment(t, written(t, false).fs), func(b []byte) []byte { size = len(b); return b }); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < size; at++ {
		l := written(t, false)
		if err := l.fs.Corrupt(lastSegment(t, l.fs), flip(at)); err != nil {
			t.Fatal(err)
		}
		err := l.open()
		var damage *store.DamageError
		if errors.As(err, &damage) {
			continue
		}
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		// The leader epoch is outside the checksum and may be wrong.
		if end := l.log.End(); end != 7 && at < size-150 {
			t.Fatalf("byte %d: end is %d: whole batches were cut", at, end)
		}
		l.name, l.flipped = fmt.Sprint("byte ", at), true
		l.checkRecords()
	}
}

// TestMarkerGone has the power go right after the start: the marker of the
// clean shutdown before must not come back.
func TestMarkerGone(t *testing.T) {
	l := written(t, true)
	if err := errors.Join(l.open(), l.close(), l.open()); err != nil {
		t.Fatal(err)
	}
	l.fs.Crash()
	l.fs.Restart(disk.KeepNothing)
	if err := l.open(); err != nil || !l.found.Unclean {
		t.Errorf("got %v, recovery %+v, want it unclean", err, l.found)
	}
}

// TestSnapshotBehindEnd has a snapshot of offsets that did not survive.
func TestSnapshotBehindEnd(t *testing.T) {
	l := written(t, false)
	name := segmentDir + "/00000000000000000099.snapshot"
	if err := disk.WriteFile(l.fs, name, (&storetest.Counter{Next: 99}).Snapshot()); err != nil {
		t.Fatal(err)
	}
	if err := l.open(); err != nil || l.replica.Next != 7 {
		t.Errorf("got %v, replica at %d, want 7", err, l.replica.Next)
	}
	if _, err := l.fs.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the snapshot is still there: %v", err)
	}
}

func TestMissingDirectory(t *testing.T) {
	l := written(t, true)
	entries, err := l.fs.ReadDir(segmentDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := l.fs.Remove(path.Join(segmentDir, e.Name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.fs.Remove(segmentDir); err != nil {
		t.Fatal(err)
	}
	var damage *store.DamageError
	if err := l.open(); !errors.As(err, &damage) {
		t.Errorf("got %v, want damage: 7 records were durable", err)
	}
}

func TestMissingIndexes(t *testing.T) {
	for _, clean := range []bool{false, true} {
		l := written(t, false)
		if clean {
			if err := errors.Join(l.open(), l.close()); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := l.fs.ReadDir(segmentDir)
		if err != nil {
			t.Fatal(err)
		}
		before := map[string]string{}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name, "index") {
				continue
			}
			content, err := disk.ReadFile(l.fs, path.Join(segmentDir, e.Name))
			if err != nil {
				t.Fatal(err)
			}
			before[e.Name] = string(content)
			if err := l.fs.Remove(path.Join(segmentDir, e.Name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(l.open(), l.close()); err != nil {
			t.Fatal(err)
		}
		for name, want := range before {
			content, err := disk.ReadFile(l.fs, path.Join(segmentDir, name))
			if err != nil || clean && string(content) != want {
				t.Errorf("%s: got %x, %v, want %x", name, content, err, want)
			}
		}
	}
}

func TestStray(t *testing.T) {
	l := written(t, true)
	s, err := local.Open(l.fs, []string{"/data"}, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Partitions(); len(got) != 1 || got[0] != crashPartition {
		t.Errorf("partitions: got %v, want %v", got, crashPartition)
	}
	if _, _, err := s.Logs().Open(crashPartition, kafka.TopicID{8}, crashConfig, nil, false); err == nil {
		t.Error("opened the log of another topic of this name")
	}
	log, _, err := s.Logs().Open(crashPartition, kafka.TopicID{8}, crashConfig, nil, true)
	if err != nil || log.End() != 0 {
		t.Fatalf("got %v, want an empty log", err)
	}
	names, err := l.fs.ReadDir("/data")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, e := range names {
		found = found || e.Name == "t-0.09000000000000000000000000000000-stray"
	}
	if !found {
		t.Errorf("the old log was not set aside: %v", names)
	}
}

func TestLocked(t *testing.T) {
	for name, fsys := range map[string]disk.FS{"disk": disk.OS(), "memory": disk.NewFake(1)} {
		t.Run(name, func(t *testing.T) {
			dir := "/data"
			if name == "disk" {
				dir = t.TempDir() + "/data"
			}
			s, err := local.Open(fsys, []string{dir}, local.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var locked *disk.LockedError
			if _, err := local.Open(fsys, []string{dir}, local.Options{}); !errors.As(err, &locked) || locked.Holder == 0 {
				t.Errorf("open twice: got %v, want the holder", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = local.Open(fsys, []string{dir}, local.Options{}); err != nil {
				t.Fatalf("open after close: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestLeader(t *testing.T) {
	s, err := local.Open(disk.NewFake(1), []string{"/data"}, local.Options{NodeID: 5})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Metadata().Commit(store.Booted{Boot: 3}, store.PutTopic{Topic: store.Topic{Name: "t", ID: kafka.TopicID{1}, Partitions: 2}})
	if err != nil {
		t.Fatal(err)
	}
	var leaders store.Leaders = s
	for tp, want := range map[kafka.TopicPartition]bool{{Topic: "t"}: true, {Topic: "t", Partition: 1}: true,
		{Topic: "t", Partition: 2}: false, {Topic: "t", Partition: -1}: false, {Topic: "u"}: false} {
		node, epoch, ok := leaders.Leader(tp)
		if ok != want || ok && (node != 5 || epoch != 3) {
			t.Errorf("%s: got %d, %d, %v, want 5, 3, %v", tp, node, epoch, ok, want)
		}
	}
}

func TestSetAside(t *testing.T) {
	l := written(t, false)
	s, err := local.Open(l.fs, []string{"/data"}, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.SetAside(crashPartition)
	if err != nil || !strings.HasSuffix(name, "-stray") {
		t.Fatalf("set aside as %q, %v, want a name that ends in -stray", name, err)
	}
	if got := s.Partitions(); len(got) != 0 {
		t.Errorf("partitions: got %v, want none", got)
	}
	if _, err := l.fs.ReadDir("/data/" + name); err != nil {
		t.Errorf("what was set aside is gone: %v", err)
	}
	if _, err := s.SetAside(crashPartition); err == nil {
		t.Error("set an absent partition aside")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = local.Open(l.fs, []string{"/data"}, local.Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Partitions(); len(got) != 0 {
		t.Errorf("partitions after a restart: got %v, want none", got)
	}
}
