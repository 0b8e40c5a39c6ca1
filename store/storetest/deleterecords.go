package storetest

import (
	"errors"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/store"
)

// testDeleteRecords moves the start through batches and segments, and looks
// from all sides whether it holds.
func testDeleteRecords(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 10) // offsets 0-19, two a batch, two or three batches a segment
	full := l.Size()
	for _, before := range []kafka.Offset{-1, 21} {
		if _, err := l.DeleteRecords(before); !errors.Is(err, store.ErrOffsetOutOfRange) {
			t.Errorf("delete below %d: got %v, want %v", before, err, store.ErrOffsetOutOfRange)
		}
	}
	for _, c := range []struct {
		name          string
		before, start kafka.Offset
	}{
		{"nothing", 0, 0},
		{"within the first batch", 1, 1},
		{"never back", 0, 1},
		{"within a later segment", 13, 13},
		{"everything", 20, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			start, err := l.DeleteRecords(c.before)
			if err != nil || start != c.start {
				t.Fatalf("got %d, %v, want %d", start, err, c.start)
			}
			for range 2 {
				wantStart(t, l, c.start)
				b.stop()
				b.start()
				l = b.log(small)
			}
		})
	}
	if l.Size() >= full/2 || l.Size() == 0 {
		t.Errorf("size: got %d of %d, want the active segment alone", l.Size(), full)
	}
	if err := l.Roll(); err != nil {
		t.Fatal(err)
	}
	if _, freed, err := l.Retain(time.UnixMilli(0)); err != nil || freed == 0 {
		t.Errorf("retain: freed %d, %v, want the segment that ends before the start", freed, err)
	}
	b.fill(l, 5)
	wantStart(t, l, 20)
	wantRecords(t, l, offsets(20, 30)...)
	// A new log of that name begins at 0 again.
	if err := b.store.Logs().Delete(partition); err != nil {
		t.Fatal(err)
	}
	l = b.log(small)
	b.fill(l, 1)
	wantStart(t, l, 0)
}

// wantStart checks that nothing below start can be found.
func wantStart(t *testing.T, l store.PartitionLog, start kafka.Offset) {
	t.Helper()
	if l.Start() != start {
		t.Fatalf("start: got %d, want %d", l.Start(), start)
	}
	if _, err := l.Read(nil, start-1, l.End(), 1000, true); !errors.Is(err, store.ErrOffsetOutOfRange) {
		t.Errorf("read below the start: got %v, want %v", err, store.ErrOffsetOutOfRange)
	}
	if _, err := l.Read(nil, start, l.End(), 1000, true); err != nil {
		t.Errorf("read at the start: %v", err)
	}
	offset, _, found, err := l.OffsetForTime(0)
	if err != nil || found != (start < l.End()) || found && offset != start {
		t.Errorf("first record: got %d, %v, %v, want %d", offset, found, err, start)
	}
	offset, _, found, err = l.MaxTimestamp()
	if err != nil || found != (start < l.End()) || found && offset != l.End()-1 {
		t.Errorf("newest record: got %d, %v, %v, want %d", offset, found, err, l.End()-1)
	}
	if start > 0 && start < l.End() && (l.EpochAt(start-1) != kafka.NoEpoch || l.EpochAt(start) != 7) {
		t.Errorf("epochs around %d: got %d, %d, want none and 7", start, l.EpochAt(start-1), l.EpochAt(start))
	}
}

func testDeleteRecordsCompacted(t *testing.T, b *bench) {
	cfg := small
	cfg.Compacted = true
	l := b.log(cfg)
	b.fill(l, 6)
	if start, err := l.DeleteRecords(7); err != nil || start != 7 {
		t.Fatalf("got %d, %v, want 7", start, err)
	}
	if err := l.Roll(); err != nil {
		t.Fatal(err)
	}
	if err := l.Rewrite(func(o kafka.Offset, _ []byte) bool { return o != 9 }); err != nil {
		t.Fatal(err)
	}
	if l.Start() != 7 {
		t.Errorf("start: got %d, want 7", l.Start())
	}
}
