package mirror

import (
	"os"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

func newTestPartition(at kafka.Offset) *partition {
	p := &partition{tp: kafka.TopicPartition{Topic: "t"}}
	p.start(somewhere(at, -1, nil))
	return p
}

func fetchedRecords(records []byte, end kafka.Offset) *wire.FetchedPartition {
	return &wire.FetchedPartition{Records: records, HighWatermark: end, LastStable: end}
}

// take does with a response what its stream does.
func take(p *partition, r *wire.FetchedPartition, committedOnly bool, memory *buffer) []Copy {
	return p.accept(p.task(&settings{committedOnly: committedOnly}, true).read(r), memory, time.Now())
}

func TestPartitionTake(t *testing.T) {
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	old, err := os.ReadFile("../kafka/batch/testdata/old/m0.10.0-lz4.log") // records 0 to 5 of format v1
	if err != nil {
		t.Fatal(err)
	}
	old[7] += 2 // records 2 to 7: the offset is outside the CRC
	for _, test := range []struct {
		name    string
		at      kafka.Offset
		records []byte
		sent    int
		next    kafka.Offset
		halt    HaltReason
	}{
		{"nothing", 0, nil, 0, 0, ""},
		{"all", 0, concat(t, made{base: 0, records: 2}, made{base: 2, records: 3}), 2, 5, ""},
		{"a cut batch at the end waits", 0, cut(concat(t, made{base: 0, records: 2}, made{base: 2, records: 3}), 1), 1, 2, ""},
		{"only a cut batch", 0, cut(concat(t, made{base: 0, records: 2}), 1), 0, 0, ""},
		{"a position inside a batch cuts it", 3, concat(t, made{base: 0, records: 5}, made{base: 5, records: 1}), 2, 6, ""},
		{"what lies before the position is not sent", 5, concat(t, made{base: 0, records: 5}, made{base: 5, records: 1}), 1, 6, ""},
		{"gaps between batches", 0, concat(t, made{base: 4, records: 1}, made{base: 9, records: 1}), 2, 10, ""},
		{"a marker at the end is skipped", 0, concat(t, made{base: 0, records: 2}, made{base: 2, producer: 7, marker: "commit"}), 1, 3, ""},
		{"markers alone", 0, concat(t, made{base: 0, producer: 7, marker: "abort"}, made{base: 1, producer: 7, marker: "abort"}), 0, 2, ""},
		{"a batch with holes is rebuilt", 0, concat(t, made{base: 0, records: 2}, made{base: 2, records: 1, span: 3}, made{base: 5, records: 1}), 3, 6, ""},
		{"halts before what is damaged", 0, concat(t, made{base: 0, records: 2}, made{base: 2, records: 1, span: 3, damaged: true}, made{base: 5, records: 1}), 1, 2, CorruptSource},
		{"messages of an old format become a batch", 0, append(concat(t, made{base: 0, records: 2}), old...), 2, 8, ""},
		{"a position inside messages of an old format", 4, old, 1, 8, ""},
		{"cut messages of an old format wait", 0, cut(old, 1), 0, 0, ""},
		{"damaged messages of an old format", 0, append(make([]byte, 16), make([]byte, 20)...), 0, 0, CorruptSource},
		{"rubbish", 0, append(make([]byte, 16), 9, 0, 0), 0, 0, CorruptSource},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPartition(test.at)
			memory := newPool(1 << 20).takeLocked(0)
			spans := take(p, fetchedRecords(test.records, 100), false, memory)
			var reason HaltReason
			if p.halt != nil {
				reason = p.halt.Reason
			}
			if len(spans) != test.sent || p.next != test.next || reason != test.halt {
				t.Errorf("got %d sent, next %d, halt %q, want %d, %d, %q", len(spans), p.next, reason, test.sent, test.next, test.halt)
			}
			want := int32(1)
			for _, s := range spans {
				if s.(*span).raw {
					want++
				}
			}
			if held := memory.refs.Load(); held != want {
				t.Errorf("the buffer is held %d times, want %d", held, want)
			}
		})
	}
}

func TestPartitionPositionFollowsAcknowledgements(t *testing.T) {
	p := newTestPartition(10)
	memory := newPool(1 << 20).takeLocked(0)
	p.end = 22
	spans := take(p, fetchedRecords(concat(t,
		made{base: 10, records: 5}, made{base: 15, records: 5},
		made{base: 20, producer: 7, marker: "commit"},
		made{base: 21, records: 1}), 22), false, memory)
	if len(spans) != 3 || p.done != 10 || p.lag() != 12 {
		t.Fatalf("got %d spans, done %d, lag %d", len(spans), p.done, p.lag())
	}
	steps := []struct {
		settle   int
		appended bool
		done     kafka.Offset
	}{
		{1, true, 10}, // the first one is not acknowledged yet
		{0, true, 21}, // and now the marker behind the second one is passed as well
		{2, false, 21},
	}
	for _, s := range steps {
		p.settle(spans[s.settle].(*span), kafka.NoOffset, s.appended)
		if p.done != s.done {
			t.Errorf("after batch %d: done %d, want %d", s.settle, p.done, s.done)
		}
	}
	if p.backlog != 0 {
		t.Errorf("%d bytes still count as under way", p.backlog)
	}
	p.rewind()
	if p.next != 21 || len(p.under) != 0 {
		t.Errorf("rewound to %d with %d under way, want 21 and none", p.next, len(p.under))
	}
}

func TestPartitionReadCommitted(t *testing.T) {
	p := newTestPartition(0)
	memory := newPool(1 << 20).takeLocked(0)
	r := fetchedRecords(concat(t,
		made{base: 0, records: 2, producer: 7, attributes: batch.TransactionalBit},
		made{base: 2, producer: 7, marker: "abort"},
		made{base: 3, records: 1}), 9)
	r.LastStable, r.Aborted = 4, []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 0}}
	spans := take(p, r, true, memory)
	if len(spans) != 1 || p.done != 3 || p.next != 4 {
		t.Errorf("got %d sent, done %d, next %d, want 1, 3, 4", len(spans), p.done, p.next)
	}
}

func TestPoolWaitsAndPoisons(t *testing.T) {
	p := newPool(100)
	poisoned := 0
	p.poison = func(b []byte) {
		poisoned++
		for i := range b {
			b[i] = 0xdd
		}
	}
	a, err := p.get(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	a.bytes = a.bytes[:60]
	got := make(chan *buffer)
	go func() { b, _ := p.get(t.Context(), 50); got <- b }()
	a.hold()
	a.release()
	select {
	case <-got:
		t.Fatal("a buffer was given out beyond the limit")
	default:
	}
	if poisoned != 0 {
		t.Fatal("a held buffer was put back")
	}
	a.release()
	b := <-got
	if b != a || poisoned != 1 || b.bytes[0] != 0xdd {
		t.Errorf("got another buffer, or one that was not put back")
	}
}
