package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// small rolls after a few of the batches that the cases append.
var small = store.LogConfig{SegmentBytes: 300, IndexInterval: 100, RetentionAge: -1}

// fill appends n batches of two records each; record i has key "k<i>" and
// timestamp 1000+i.
func (b *bench) fill(l store.PartitionLog, n int) {
	b.t.Helper()
	for range n {
		i := int64(l.End())
		b.append(l, Batch(b.t,
			Record{fmt.Sprintf("k%d", i), fmt.Sprintf("v%d", i), 1000 + i},
			Record{fmt.Sprintf("k%d", i+1), fmt.Sprintf("v%d", i+1), 1000 + i + 1}))
	}
}

// wantRecords checks that the log holds records with the keys k<i> at the
// offsets i.
func wantRecords(t *testing.T, l store.PartitionLog, offsets ...kafka.Offset) {
	t.Helper()
	got := ReadAll(t, l)
	if len(got) != len(offsets) {
		t.Fatalf("records: got %d, want %d", len(got), len(offsets))
	}
	for i, o := range offsets {
		r, key, value := got[i], fmt.Sprintf("k%d", o), fmt.Sprintf("v%d", o)
		if r.Offset != o || string(r.Key) != key || string(r.Value) != value || r.Timestamp != 1000+int64(o) {
			t.Fatalf("record %d: got offset %d, key %q, value %q, timestamp %d, want %d, %q, %q, %d",
				i, r.Offset, r.Key, r.Value, r.Timestamp, o, key, value, 1000+o)
		}
	}
}

func offsets(from, to kafka.Offset) []kafka.Offset {
	var out []kafka.Offset
	for o := from; o < to; o++ {
		out = append(out, o)
	}
	return out
}

func testAppend(t *testing.T, b *bench) {
	l := b.log(store.LogConfig{})
	two := append(append([]byte(nil), Batch(t, Record{Key: "a"}, Record{Key: "b"})...), Batch(t, Record{Key: "c"})...)
	if got := b.append(l, two); got != 0 {
		t.Errorf("first offset: got %d, want 0", got)
	}
	if got := b.append(l, Batch(t, Record{Key: "d"})); got != 3 {
		t.Errorf("second offset: got %d, want 3", got)
	}
	if l.Start() != 0 || l.End() != 4 || l.Durable() != 4 {
		t.Errorf("start, end, durable: got %d, %d, %d, want 0, 4, 4", l.Start(), l.End(), l.Durable())
	}
	bytes, err := l.Read(nil, 0, 4, 1000, false)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(bytes)) != l.Size() {
		t.Errorf("size: got %d, want %d", l.Size(), len(bytes))
	}
	first, rest, err := batch.Split(bytes)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := batch.Split(rest)
	if err != nil {
		t.Fatal(err)
	}
	if first.LeaderEpoch() != 7 || second.LeaderEpoch() != 7 || second.BaseOffset() != 2 {
		t.Errorf("stamps: got epochs %d, %d, base %d, want 7, 7, 2", first.LeaderEpoch(), second.LeaderEpoch(), second.BaseOffset())
	}
}

func testRead(t *testing.T, b *bench) {
	l := b.log(store.LogConfig{})
	b.fill(l, 4) // offsets 0-7, two a batch
	size := int(l.Size()) / 4
	cases := []struct {
		name        string
		from, limit kafka.Offset
		max         int
		atLeastOne  bool
		first       kafka.Offset
		batches     int
	}{
		{"everything", 0, 8, 1000, false, 0, 4},
		{"from within a batch the whole batch comes", 3, 8, 1000, false, 2, 3},
		{"not past the limit", 0, 4, 1000, false, 0, 2},
		{"no batch that the limit cuts", 0, 5, 1000, false, 0, 2},
		{"no more bytes than allowed", 0, 8, 2*size + 1, false, 0, 2},
		{"nothing when the first is too long", 0, 8, size - 1, false, 0, 0},
		{"the first although it is too long", 0, 8, size - 1, true, 0, 1},
		{"the first but not past the limit", 2, 3, 1, true, 0, 0},
		{"nothing at the end", 8, 8, 1000, true, 0, 0},
		{"nothing with a limit before", 4, 2, 1000, true, 0, 0},
		{"a limit past the end", 0, 100, 1000, false, 0, 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dst := []byte("before")
			got, err := l.Read(dst, c.from, c.limit, c.max, c.atLeastOne)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(got, dst) || len(got)-len(dst) != c.batches*size {
				t.Fatalf("got %d bytes, want %d behind what was there", len(got), c.batches*size)
			}
			if c.batches > 0 && batch.Batch(got[len(dst):]).BaseOffset() != c.first {
				t.Errorf("first offset: got %d, want %d", batch.Batch(got[len(dst):]).BaseOffset(), c.first)
			}
		})
	}
}

func testReadRange(t *testing.T, b *bench) {
	l := b.log(store.LogConfig{})
	b.fill(l, 1)
	for _, from := range []kafka.Offset{-1, 3} {
		if _, err := l.Read(nil, from, 10, 100, true); !errors.Is(err, store.ErrOffsetOutOfRange) {
			t.Errorf("read at %d: got %v, want %v", from, err, store.ErrOffsetOutOfRange)
		}
	}
}

func testDurable(t *testing.T, b *bench) {
	l := b.log(store.LogConfig{})
	told := make(chan error, 3)
	l.AwaitDurable(2, func(err error) { told <- err }) // not appended yet
	b.append(l, Batch(t, Record{Key: "a"}))
	select {
	case err := <-told:
		t.Fatalf("told before the second record was there: %v", err)
	default:
	}
	b.append(l, Batch(t, Record{Key: "b"}))
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	l.AwaitDurable(1, func(err error) { told <- err })
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if l.Durable() != 2 {
		t.Errorf("durable: got %d, want 2", l.Durable())
	}
	l.AwaitDurable(3, func(err error) { told <- err })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, store.ErrClosed) {
		t.Errorf("waiting on a closed log: got %v, want %v", err, store.ErrClosed)
	}
}

func testRoll(t *testing.T, b *bench) {
	l := b.log(store.LogConfig{})
	for range 3 {
		b.fill(l, 2)
		if err := l.Roll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Roll(); err != nil { // nothing to roll
		t.Fatal(err)
	}
	wantRecords(t, l, offsets(0, 12)...)
	bytes, err := l.Read(nil, 3, 9, 10000, false) // across segments
	if err != nil {
		t.Fatal(err)
	}
	if want := l.Size() / 6 * 3; int64(len(bytes)) != want {
		t.Errorf("read across segments: got %d bytes, want %d", len(bytes), want)
	}
}

func testReopen(t *testing.T, b *bench) {
	b.fill(b.log(small), 10)
	for range 2 {
		b.stop()
		b.start()
		l := b.log(small)
		wantRecords(t, l, offsets(0, l.End())...)
		b.fill(l, 1)
	}
	b.stop()
	b.start()
	l := b.log(small)
	if l.End() != 24 || l.Durable() != 24 {
		t.Errorf("end, durable: got %d, %d, want 24, 24", l.End(), l.Durable())
	}
	wantRecords(t, l, offsets(0, 24)...)
}

func testReplica(t *testing.T, b *bench) {
	apply := func(l store.PartitionLog, n int) {
		for range n {
			i := l.End()
			b.fill(l, 1)
			b.replica.Apply(batch.Header{BaseOffset: i, LastOffsetDelta: 1, Count: 2})
		}
	}
	apply(b.log(small), 10)
	for i := range int64(2) {
		b.stop()
		b.start()
		l := b.log(small)
		if b.replica.Next != l.End() || b.replica.Records != 20+6*i {
			t.Errorf("replica: got next %d, %d records, want %d, %d", b.replica.Next, b.replica.Records, l.End(), 20+6*i)
		}
		if b.replica.Replayed > 2 {
			t.Errorf("replayed %d batches after a clean close, want at most those of the active segment", b.replica.Replayed)
		}
		apply(l, 3)
	}
}

func testTimes(t *testing.T, b *bench) {
	l := b.log(small)
	if _, _, found, err := l.OffsetForTime(0); found || err != nil {
		t.Errorf("empty log: got %v, %v, want nothing", found, err)
	}
	if _, _, found, err := l.MaxTimestamp(); found || err != nil {
		t.Errorf("empty log: got %v, %v, want nothing", found, err)
	}
	b.fill(l, 10)
	b.append(l, Batch(t, Record{"late", "", 1005})) // offset 20, older than those before
	for _, reopened := range []bool{false, true} {
		if reopened {
			b.stop()
			b.start()
			l = b.log(small)
		}
		cases := []struct {
			ts     int64
			offset kafka.Offset
			stamp  int64
			found  bool
		}{
			{0, 0, 1000, true}, {1000, 0, 1000, true}, {1001, 1, 1001, true}, {1010, 10, 1010, true},
			{1019, 19, 1019, true}, {1020, -1, -1, false},
		}
		for _, c := range cases {
			offset, stamp, found, err := l.OffsetForTime(c.ts)
			if err != nil || offset != c.offset || stamp != c.stamp || found != c.found {
				t.Errorf("time %d: got %d, %d, %v, %v, want %d, %d, %v", c.ts, offset, stamp, found, err, c.offset, c.stamp, c.found)
			}
		}
		offset, stamp, found, err := l.MaxTimestamp()
		if err != nil || offset != 19 || stamp != 1019 || !found {
			t.Errorf("max timestamp: got %d, %d, %v, %v, want 19, 1019", offset, stamp, found, err)
		}
	}
}

func testEpochs(t *testing.T, b *bench) {
	l := b.log(small)
	if e, o := l.EpochEnd(3); e != kafka.NoEpoch || o != kafka.NoOffset {
		t.Errorf("empty log: got %d, %d, want none", e, o)
	}
	for _, epoch := range []kafka.Epoch{2, 2, 5, 9} {
		if _, err := l.Append(Batch(t, Record{Key: "a"}, Record{Key: "b"}), epoch); err != nil {
			t.Fatal(err)
		}
	}
	b.stop()
	b.start()
	l = b.log(small)
	ends := []struct {
		epoch, want kafka.Epoch
		end         kafka.Offset
	}{{-1, -1, -1}, {1, 1, 0}, {2, 2, 4}, {3, 2, 4}, {5, 5, 6}, {8, 5, 6}, {9, 9, 8}, {10, -1, -1}}
	for _, c := range ends {
		if e, o := l.EpochEnd(c.epoch); e != c.want || o != c.end {
			t.Errorf("end of epoch %d: got %d, %d, want %d, %d", c.epoch, e, o, c.want, c.end)
		}
	}
	for o, want := range map[kafka.Offset]kafka.Epoch{0: 2, 3: 2, 4: 5, 7: 9, 8: 9} {
		if got := l.EpochAt(o); got != want {
			t.Errorf("epoch at %d: got %d, want %d", o, got, want)
		}
	}
}

func testRetain(t *testing.T, b *bench) {
	cfg := small
	l := b.log(cfg)
	b.fill(l, 12)
	size := l.Size()
	if start, n, err := l.Retain(time.UnixMilli(1e12)); start != 0 || n != 0 || err != nil {
		t.Fatalf("without limits: got %d, %d, %v, want 0, 0", start, n, err)
	}
	cfg.RetentionBytes = size / 2
	l.Configure(cfg)
	start, n, err := l.Retain(time.UnixMilli(0))
	if err != nil || start == 0 || n == 0 || size-n < size/2 || size-n > size/2+300 {
		t.Fatalf("by size: got start %d, %d of %d bytes gone, %v", start, n, size, err)
	}
	wantRecords(t, l, offsets(start, 24)...)
	if _, err := l.Read(nil, start-1, 24, 100, true); !errors.Is(err, store.ErrOffsetOutOfRange) {
		t.Errorf("read before the start: got %v, want %v", err, store.ErrOffsetOutOfRange)
	}
	cfg.RetentionBytes, cfg.RetentionAge = -1, 10*time.Millisecond
	l.Configure(cfg)
	second, _, err := l.Retain(time.UnixMilli(1000 + 28))
	if err != nil || second <= start || second > 18 {
		t.Fatalf("by time: got start %d, %v, want it above %d, but no record newer than 1018 gone", second, err, start)
	}
	last, _, err := l.Retain(time.UnixMilli(5000))
	if err != nil || last != 24 || l.End() != 24 {
		t.Fatalf("all by time: got start %d, end %d, %v, want 24, 24", last, l.End(), err)
	}
	b.stop()
	b.start()
	l = b.log(cfg)
	if l.Start() != 24 || l.End() != 24 {
		t.Errorf("opened again: got start %d, end %d, want 24, 24", l.Start(), l.End())
	}
	b.fill(l, 1)
	wantRecords(t, l, 24, 25)
}

func testRetainCompacted(t *testing.T, b *bench) {
	cfg := small
	cfg.Compacted, cfg.RetentionBytes, cfg.RetentionAge = true, 1, time.Millisecond
	l := b.log(cfg)
	b.fill(l, 6)
	if start, n, err := l.Retain(time.UnixMilli(1e12)); start != 0 || n != 0 || err != nil {
		t.Errorf("got %d, %d, %v, want 0, 0", start, n, err)
	}
	wantRecords(t, l, offsets(0, 12)...)
}

func testDelete(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 8)
	told := make(chan error, 1)
	l.AwaitDurable(100, func(err error) { told <- err })
	if err := b.store.Logs().Delete(partition); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, store.ErrClosed) {
		t.Errorf("waiting on a deleted log: got %v, want %v", err, store.ErrClosed)
	}
	if _, err := l.Read(nil, 0, 8, 100, true); !errors.Is(err, store.ErrClosed) {
		t.Errorf("read of a deleted log: got %v, want %v", err, store.ErrClosed)
	}
	if err := b.store.Logs().Delete(partition); err != nil {
		t.Errorf("delete again: %v", err)
	}
	if _, _, err := b.store.Logs().Open(partition, topicID, small, nil, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open a deleted log: got %v, want %v", err, fs.ErrNotExist)
	}
	l = b.log(small)
	if l.End() != 0 {
		t.Errorf("made anew: got end %d, want 0", l.End())
	}
	b.fill(l, 2)
	b.stop()
	b.start()
	wantRecords(t, b.log(small), offsets(0, 4)...)
}

func testClosed(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 2)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, appendErr := l.Append(Batch(t, Record{Key: "a"}), 7)
	_, readErr := l.Read(nil, 0, 4, 100, true)
	_, _, retainErr := l.Retain(time.UnixMilli(0))
	errs := map[string]error{"append": appendErr, "read": readErr, "retain": retainErr, "roll": l.Roll(),
		"rewrite": l.Rewrite(func(kafka.Offset, []byte) bool { return true })}
	for name, err := range errs {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want %v", name, err, store.ErrClosed)
		}
	}
}

func testBadAppend(t *testing.T, b *bench) {
	l := b.log(small)
	b.fill(l, 1)
	good := Batch(t, Record{Key: "a"})
	cases := map[string][]byte{
		"nothing":       nil,
		"a cut batch":   good[:len(good)-1],
		"half a second": append(append([]byte(nil), good...), good[:30]...),
		"zeros":         make([]byte, 100),
	}
	for name, bytes := range cases {
		if _, err := l.Append(bytes, 7); err == nil || errors.Is(err, store.ErrFailed) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	b.fill(l, 1)
	wantRecords(t, l, offsets(0, 4)...)
}
