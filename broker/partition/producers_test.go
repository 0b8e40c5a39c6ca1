package partition

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

var t0 = time.UnixMilli(1_700_000_000_000)

// sent is a client's batch of count records.
func sent(id kafka.ProducerID, epoch int16, sequence, count int32) batch.Header {
	return batch.Header{
		ProducerID: id, ProducerEpoch: epoch, BaseSequence: sequence,
		Count: count, LastOffsetDelta: count - 1, MaxTimestamp: t0.UnixMilli(),
	}
}

func at(h batch.Header, base kafka.Offset) batch.Header {
	h.BaseOffset = base
	return h
}

func TestCheck(t *testing.T) {
	const max = math.MaxInt32
	cases := []struct {
		name    string
		log     []batch.Header // appended one behind the other, from offset 100
		batch   batch.Header
		want    Verdict
		wantErr error
	}{
		{name: "no producer id is always appended", batch: sent(-1, -1, -1, 3)},
		{name: "an unknown producer may start with 0", batch: sent(7, 0, 0, 3)},
		{name: "an unknown producer may start anywhere", batch: sent(7, 3, 41, 3)},
		{name: "the next sequence", log: []batch.Header{sent(7, 0, 0, 3)}, batch: sent(7, 0, 3, 1)},
		{name: "a gap", log: []batch.Header{sent(7, 0, 0, 3)}, batch: sent(7, 0, 4, 1), wantErr: kafka.ErrOutOfOrderSequenceNumber},
		{name: "an overlap that is no duplicate", log: []batch.Header{sent(7, 0, 0, 3)}, batch: sent(7, 0, 0, 2), wantErr: kafka.ErrOutOfOrderSequenceNumber},
		{name: "the last batch again", log: []batch.Header{sent(7, 0, 0, 3), sent(7, 0, 3, 2)}, batch: sent(7, 0, 3, 2),
			want: Verdict{Duplicate: true, Base: 103, End: 105, Timestamp: t0.UnixMilli()}},
		{name: "the fifth last batch again",
			log:   []batch.Header{sent(7, 0, 0, 2), sent(7, 0, 2, 1), sent(7, 0, 3, 1), sent(7, 0, 4, 1), sent(7, 0, 5, 1)},
			batch: sent(7, 0, 0, 2), want: Verdict{Duplicate: true, Base: 100, End: 102, Timestamp: t0.UnixMilli()}},
		{name: "the sixth last batch again",
			log:   []batch.Header{sent(7, 0, 0, 2), sent(7, 0, 2, 1), sent(7, 0, 3, 1), sent(7, 0, 4, 1), sent(7, 0, 5, 1), sent(7, 0, 6, 1)},
			batch: sent(7, 0, 0, 2), wantErr: kafka.ErrOutOfOrderSequenceNumber},
		{name: "another producer's batch is no duplicate", log: []batch.Header{sent(7, 0, 0, 3)}, batch: sent(8, 0, 0, 3)},
		{name: "the sequence wraps between batches", log: []batch.Header{sent(7, 0, max-1, 2)}, batch: sent(7, 0, 0, 1)},
		{name: "the sequence wraps inside a batch", log: []batch.Header{sent(7, 0, max-1, 4)}, batch: sent(7, 0, 2, 1)},
		{name: "a batch that wraps comes again", log: []batch.Header{sent(7, 0, max-1, 4)}, batch: sent(7, 0, max-1, 4),
			want: Verdict{Duplicate: true, Base: 100, End: 104, Timestamp: t0.UnixMilli()}},
		{name: "an old epoch", log: []batch.Header{sent(7, 2, 0, 3)}, batch: sent(7, 1, 3, 1), wantErr: kafka.ErrInvalidProducerEpoch},
		{name: "an old epoch's batch is no duplicate", log: []batch.Header{sent(7, 1, 0, 3), sent(7, 2, 0, 1)}, batch: sent(7, 1, 0, 3),
			wantErr: kafka.ErrInvalidProducerEpoch},
		{name: "a new epoch starts with 0", log: []batch.Header{sent(7, 1, 0, 3)}, batch: sent(7, 2, 0, 1)},
		{name: "a new epoch does not go on", log: []batch.Header{sent(7, 1, 0, 3)}, batch: sent(7, 2, 3, 1), wantErr: kafka.ErrOutOfOrderSequenceNumber},
		{name: "a producer id without epoch", batch: sent(7, -1, 0, 1), wantErr: kafka.ErrInvalidRecord},
		{name: "a producer id without sequence", batch: sent(7, 0, -1, 1), wantErr: kafka.ErrInvalidRecord},
		{name: "a negative producer id", batch: sent(-2, 0, 0, 1), wantErr: kafka.ErrInvalidRecord},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := NewProducers(time.Hour)
			end := kafka.Offset(100)
			for _, h := range c.log {
				p.Apply(at(h, end), t0)
				end += kafka.Offset(h.Count)
			}
			for range 2 { // a check changes nothing, so the second is as the first
				got, err := p.Check(c.batch, t0)
				if got != c.want || !errors.Is(err, c.wantErr) {
					t.Fatalf("got %+v, %v, want %+v, %v", got, err, c.want, c.wantErr)
				}
			}
		})
	}
}

func TestExpire(t *testing.T) {
	p := NewProducers(time.Hour)
	p.Apply(at(sent(7, 0, 0, 1), 0), t0)
	p.Apply(at(sent(8, 0, 0, 1), 1), t0.Add(30*time.Minute))
	gap7, gap8 := sent(7, 0, 9, 1), sent(8, 0, 9, 1)

	p.Expire(t0.Add(time.Hour - 1))
	if _, err := p.Check(gap7, t0.Add(time.Hour-1)); err == nil {
		t.Error("producer 7 is forgotten before its time")
	}
	if _, err := p.Check(gap7, t0.Add(time.Hour)); err != nil {
		t.Errorf("producer 7 counts past its time: %v", err)
	}
	p.Expire(t0.Add(time.Hour))
	if _, ok := p.producers[7]; ok {
		t.Error("producer 7 takes memory past its time")
	}
	if _, err := p.Check(gap8, t0.Add(time.Hour)); err == nil {
		t.Error("producer 8 is forgotten before its time")
	}
}

func TestExpireCountsFromTheRestart(t *testing.T) {
	old := NewProducers(time.Hour)
	old.Apply(at(sent(7, 0, 0, 1), 0), t0)
	p := NewProducers(time.Hour)
	if err := p.Restore(old.Snapshot()); err != nil {
		t.Fatal(err)
	}
	restart := t0.Add(100 * time.Hour)
	p.Expire(restart)
	p.Expire(restart.Add(time.Hour - 1))
	if len(p.producers) != 1 {
		t.Error("the producer is forgotten before its time")
	}
	p.Expire(restart.Add(time.Hour))
	if len(p.producers) != 0 {
		t.Error("the producer is remembered past its time")
	}
}

// naive keeps every batch ever appended and finds verdicts by looking at all.
type naive struct{ log []batch.Header }

func (n *naive) check(h batch.Header) (base kafka.Offset, duplicate bool, err error) {
	epoch, last := int16(-1), int64(-1)
	var mine []batch.Header
	for _, b := range n.log {
		if b.ProducerID != h.ProducerID {
			continue
		}
		if b.ProducerEpoch != epoch {
			mine = nil
		}
		epoch, last = b.ProducerEpoch, (int64(b.BaseSequence)+int64(b.LastOffsetDelta))%(math.MaxInt32+1)
		mine = append(mine, b)
	}
	for _, b := range mine[max(0, len(mine)-5):] {
		if b.ProducerEpoch == h.ProducerEpoch && b.BaseSequence == h.BaseSequence && b.Count == h.Count {
			return b.BaseOffset, true, nil
		}
	}
	switch {
	case epoch < 0:
		return 0, false, nil
	case h.ProducerEpoch < epoch:
		return 0, false, kafka.ErrInvalidProducerEpoch
	case h.ProducerEpoch > epoch && h.BaseSequence == 0:
		return 0, false, nil
	case h.ProducerEpoch == epoch && int64(h.BaseSequence) == (last+1)%(math.MaxInt32+1):
		return 0, false, nil
	}
	return 0, false, kafka.ErrOutOfOrderSequenceNumber
}

// TestCheckAgainstModel lets producers send, resend, skip, wrap and change
// epochs at random, with appends that fail, and compares every verdict.
func TestCheckAgainstModel(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	for run := range 200 {
		p, model := NewProducers(time.Hour), &naive{}
		var tried []batch.Header
		end := kafka.Offset(r.IntN(1000))
		next := [3]int32{0, math.MaxInt32 - 20, 5}
		for step := range 150 {
			id := kafka.ProducerID(r.IntN(3))
			h := sent(id, 0, next[id], 1+r.Int32N(4))
			switch r.IntN(8) {
			case 0: // again what was sent at some time
				if len(tried) > 0 {
					h = tried[len(tried)-1-r.IntN(min(len(tried), 12))]
				}
			case 1:
				h.BaseSequence = int32((int64(h.BaseSequence) + int64(r.IntN(5))) & math.MaxInt32)
			case 2:
				h.ProducerEpoch = int16(r.IntN(3))
				h.BaseSequence = []int32{0, h.BaseSequence}[r.IntN(2)]
			}
			tried = append(tried, h)
			base, duplicate, wantErr := model.check(h)
			got, err := p.Check(h, t0)
			if !errors.Is(err, wantErr) || got.Duplicate != duplicate || duplicate && got.Base != base {
				t.Fatalf("seed %d run %d step %d: %+v: got %+v, %v, want duplicate %v of %d, %v",
					seed, run, step, h, got, err, duplicate, base, wantErr)
			}
			if err != nil || duplicate || r.IntN(10) == 0 { // the last: the append failed
				continue
			}
			h.BaseOffset = end
			end += kafka.Offset(h.Count)
			p.Apply(h, t0)
			model.log = append(model.log, h)
			next[h.ProducerID] = int32((int64(h.BaseSequence) + int64(h.Count)) & math.MaxInt32)
		}
	}
}
