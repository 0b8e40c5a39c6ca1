package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

func testRewrite(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 10)
	if err := l.Roll(); err != nil {
		t.Fatal(err)
	}
	b.fill(l, 1) // offsets 20 and 21 stay: the active segment is not rewritten
	live := map[kafka.Offset]bool{1: true, 6: true, 7: true, 12: true}
	keep := func(o kafka.Offset, key []byte) bool {
		if string(key) != fmt.Sprintf("k%d", o) {
			t.Errorf("keep is asked for offset %d with key %q", o, key)
		}
		return live[o]
	}
	before := l.Size()
	for range 2 { // the second time nothing is left to do
		if err := l.Rewrite(keep); err != nil {
			t.Fatal(err)
		}
		wantRecords(t, l, 1, 6, 7, 12, 20, 21)
	}
	if l.Size() >= before || l.Start() != 0 || l.End() != 22 {
		t.Errorf("got size %d of %d, start %d, end %d, want less, 0, 22", l.Size(), before, l.Start(), l.End())
	}
	if o, _, found, err := l.OffsetForTime(1008); o != 12 || !found || err != nil {
		t.Errorf("time 1008: got %d, %v, %v, want 12", o, found, err)
	}
	// A reader in a gap goes on behind it.
	got, err := l.Read(nil, 3, 22, 10000, true)
	if err != nil || len(got) == 0 || batch.Batch(got).LastOffset() < 3 {
		t.Fatalf("read in a gap: got %d bytes, %v", len(got), err)
	}
	b.stop()
	b.start()
	l = b.log(small)
	wantRecords(t, l, 1, 6, 7, 12, 20, 21)
	if err := l.Rewrite(func(kafka.Offset, []byte) bool { return false }); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, l, 20, 21)
	b.fill(l, 1)
	wantRecords(t, l, 20, 21, 22, 23)
}

func testRewriteControl(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 2)
	control := batch.NewBuilder(batch.None)
	control.Attributes = batch.ControlBit | batch.TransactionalBit
	control.ProducerID, control.ProducerEpoch = 5, 0
	marker := build(t, control, []Record{{"\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00", 1004}})
	b.append(l, marker)
	zipped := batch.NewBuilder(batch.Gzip)
	zipped.ProducerID, zipped.ProducerEpoch, zipped.BaseSequence = 5, 1, 10
	b.append(l, build(t, zipped, []Record{{"k5", "v5", 1005}, {"k6", "v6", 1006}, {"k7", "v7", 1007}}))
	if err := l.Roll(); err != nil {
		t.Fatal(err)
	}
	if err := l.Rewrite(func(o kafka.Offset, _ []byte) bool { return o == 6 }); err != nil {
		t.Fatal(err)
	}
	got := ReadAll(t, l)
	if len(got) != 2 || got[0].Offset != 4 || got[1].Offset != 6 || string(got[1].Value) != "v6" {
		t.Fatalf("got %+v, want the marker at 4 and k6 at 6", got)
	}
	bytes, err := l.Read(nil, 5, 8, 10000, true)
	if err != nil {
		t.Fatal(err)
	}
	h := batch.Batch(bytes).Header()
	if h.BaseOffset != 5 || h.LastOffset() != 7 || h.Count != 1 || h.ProducerID != 5 || h.BaseSequence != 10 || h.MaxTimestamp != 1006 {
		t.Errorf("sparse batch: got %+v", h)
	}
	if err := l.Rewrite(func(kafka.Offset, []byte) bool { return false }); err != nil {
		t.Fatal(err)
	}
	bytes, err = l.Read(nil, 5, 8, 10000, true)
	if err != nil {
		t.Fatal(err)
	}
	if h := batch.Batch(bytes).Header(); h.LastOffset() != 7 || h.Count != 0 {
		t.Errorf("empty batch: got %+v, want no record and last offset 7", h)
	}
}

// testConcurrent has readers check every record they see, while the writer
// rolls and a third one retains and rewrites.
func testConcurrent(t *testing.T, b *bench) {
	cfg := small
	cfg.RetentionBytes = 3000
	l := b.log(cfg)
	b.fill(l, 1)
	stop := make(chan struct{})
	var running sync.WaitGroup
	loop := func(act func() error) {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := act(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		loop(func() error { return readThrough(l) })
	}
	loop(func() error {
		_, _, err := l.Retain(time.UnixMilli(0))
		if err == nil {
			err = l.Rewrite(func(o kafka.Offset, _ []byte) bool { return o%4 != 1 })
		}
		return err
	})
	loop(func() error { // deletes about half of what is there
		_, err := l.DeleteRecords((l.Start() + l.Durable()) / 2)
		return err
	})
	for range 100 {
		b.fill(l, 1)
	}
	close(stop)
	running.Wait()
	if _, _, err := l.Retain(time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	if l.End() != 202 || l.Start() == 0 {
		t.Errorf("got start %d, end %d, want more than 0, 202", l.Start(), l.End())
	}
}

// readThrough reads from the start to the durable end. The start may overtake
// it.
func readThrough(l store.PartitionLog) error {
	var buf []byte
	for from := l.Start(); from < l.Durable(); {
		var err error
		limit := l.Durable()
		buf, err = l.Read(buf[:0], from, limit, 500, true)
		if errors.Is(err, store.ErrOffsetOutOfRange) && from < l.Start() {
			return nil
		}
		if err != nil {
			return err
		}
		if len(buf) == 0 {
			return fmt.Errorf("nothing at %d, durable is %d", from, limit)
		}
		for rest := buf; len(rest) > 0; {
			var one batch.Batch
			if one, rest, err = batch.Split(rest); err != nil {
				return err
			}
			if err := one.Check(); err != nil {
				return err
			}
			if one.LastOffset() < from || one.NextOffset() > limit {
				return fmt.Errorf("read from %d to %d gave offsets %d to %d", from, limit, one.BaseOffset(), one.LastOffset())
			}
			from = one.NextOffset()
		}
	}
	return nil
}
