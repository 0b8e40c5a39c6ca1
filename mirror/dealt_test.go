package mirror

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
	"schloss/mirror/rebuild"
)

// newDealtStream copies one partition, from offset 0 on, onto a shelf of several.
func newDealtStream(t *testing.T, partitions int32) (*stream, *partition, *shelf) {
	s, p, f := newTestStream(t, false)
	s.mirror.config.Partitioning = KeyHash
	s.mirror.mode = &byKey{atLeastOnce{s.mirror}}
	f.count, p.partitions = partitions, partitions
	p.appender = s.mirror.mode.open(0, &claim{p: p})
	return s, p, f
}

// TestSeveralPartitionsRefuse has each of them dislike its fourth record, and tell
// in another order each time: all others arrive once and in order, or all up to
// the one at which the mirror is to end.
func TestSeveralPartitionsRefuse(t *testing.T) {
	const partitions, records = 3, 60
	all, err := made{base: 0, records: records, value: "v", keyed: true}.build(t).Records(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	response := func() []byte {
		return concat(t, made{base: 0, records: 40, value: "v", keyed: true, codec: batch.Zstd}, made{base: 40, from: 40, records: 20, value: "v", keyed: true, codec: batch.Zstd})
	}
	for _, test := range []struct {
		name  string
		names bool
		dumb  []int32 // partitions that refuse
		abort bool
	}{
		{"named, left out", true, []int32{0, 1, 2}, false},
		{"not named, left out", false, []int32{0, 1, 2}, false},
		{"named, ends the mirror", true, []int32{1}, true},
		{"not named, ends the mirror", false, []int32{1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newDealtStream(t, partitions)
			s.mirror.config.AbortOnSendFailure = test.abort
			bad, end := make(map[int32]string), kafka.Offset(records)
			count := make(map[int32]int)
			want := make(map[int32][]string)
			for _, r := range all {
				to := rebuild.PartitionForKey(r.Key, partitions)
				if count[to]++; count[to] == 4 && slices.Contains(test.dumb, to) {
					if bad[to] = string(r.Value); test.abort {
						end = r.Offset
					}
				} else if r.Offset < end {
					want[to] = append(want[to], string(r.Value))
				}
			}
			got := make(map[int32][]string)
			for turn := int32(0); p.done < records && p.halt == nil && turn < 30; turn++ {
				fetch(t, s, p, response)
				copies := f.copies
				f.copies = nil
				f.answers.Lock()
				for i := range int32(partitions) {
					to := (i + turn) % partitions
					answerOne(t, copies, to, refuse(bad[to], test.names), func(r batch.Record) { got[to] = append(got[to], string(r.Value)) })
				}
				f.answers.Unlock()
				s.mirror.running.Wait()
			}
			for to := range want {
				arrived := got[to]
				if test.abort && bad[to] == "" { // it may be further than the one that refuses
					arrived = arrived[:min(len(arrived), len(want[to]))]
				}
				if !slices.Equal(arrived, want[to]) {
					t.Errorf("partition %d got %v, want %v", to, got[to], want[to])
				}
			}
			if (p.halt != nil) != test.abort || test.abort && (p.halt.Reason != UnfitRecord || p.halt.Offset != end) || p.done != end || p.backlog != 0 {
				t.Errorf("halt %v, done %d, backlog %d, want done %d", p.halt, p.done, p.backlog, end)
			}
			if !test.abort && (p.suspect.to != 0 || p.ahead.end != 0) {
				t.Errorf("suspect %+v, ahead %+v, want none", p.suspect, p.ahead)
			}
		})
	}
}

// answerOne answers for one partition of the target as target does.
func answerOne(t *testing.T, copies []Copy, to int32, target func(*span) error, arrive func(batch.Record)) {
	var refused error
	for _, c := range copies {
		if c.Partition() != to {
			continue
		}
		if refused == nil {
			refused = target(c.(*span))
		}
		if refused == nil {
			records, err := c.Batch().Records(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				arrive(r)
			}
		}
		c.Done(kafka.NoOffset, refused)
	}
}

// TestADealtResponse has what lies between batches, and what they are like, make
// no more of them than there are partitions.
func TestADealtResponse(t *testing.T) {
	old, err := os.ReadFile("../kafka/batch/testdata/old/m0.10.0-lz4.log") // records 0 to 5 of format v1
	if err != nil {
		t.Fatal(err)
	}
	keyed := func(base kafka.Offset, records int) made {
		return made{base: base, records: records, keyed: true, from: int(base)}
	}
	with := func(m made, change func(*made)) made { change(&m); return m }
	for _, test := range []struct {
		name     string
		at       kafka.Offset
		records  []byte
		batches  int
		count    int32 // records
		next     kafka.Offset
		halt     HaltReason
		position kafka.Offset // once all is acknowledged
	}{
		{"many small ones", 0, concat(t, keyed(0, 9), keyed(9, 9), keyed(18, 9), keyed(27, 9)), 3, 36, 36, "", 36},
		{"holes, and a position inside", 4, concat(t, keyed(0, 9), with(keyed(9, 9), func(m *made) { m.span = 15 })), 3, 14, 24, "", 24},
		{"markers between and behind", 0, concat(t, made{base: 0, producer: 7, marker: "commit"}, keyed(1, 20), made{base: 21, producer: 7, marker: "commit"}, keyed(22, 20), made{base: 42, producer: 7, marker: "commit"}), 3, 40, 43, "", 43},
		{"none has a key", 0, concat(t, made{base: 0, records: 9}, made{base: 9, records: 9}), 1, 18, 18, "", 18},
		{"another codec begins anew", 0, concat(t, keyed(0, 20), with(keyed(20, 20), func(m *made) { m.codec = batch.LZ4 })), 6, 40, 40, "", 40},
		{"an old format", 1, old, 2, 5, 6, "", 6},
		{"damage behind", 0, concat(t, keyed(0, 20), with(keyed(20, 20), func(m *made) { m.damaged = true }), keyed(40, 20)), 3, 20, 20, CorruptSource, 20},
		{"damage alone", 0, concat(t, with(keyed(0, 20), func(m *made) { m.damaged = true })), 0, 0, 0, CorruptSource, 0},
		{"a cut one at the end", 0, concat(t, keyed(0, 20), keyed(20, 20))[:200], 0, 0, 0, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPartition(test.at)
			p.partitions = 3
			memory := newPool(1 << 20).takeLocked(0)
			spans := take(p, fetchedRecords(test.records, 100), false, memory)
			var count int32
			var reason HaltReason
			for i, s := range spans {
				count += s.Batch().Count()
				p.settle(s.(*span), kafka.Offset(1000-i), true) // offsets of several partitions are in no order
			}
			if p.halt != nil {
				reason = p.halt.Reason
			}
			if len(spans) != test.batches || count != test.count || p.next != test.next || reason != test.halt || p.done != max(test.position, test.at) {
				t.Errorf("%d batches of %d records, next %d, halt %q, done %d, want %+v", len(spans), count, p.next, reason, p.done, test)
			}
			if memory.refs.Load() != 1 || p.offsets.Len() != 0 {
				t.Errorf("the response is held %d times, the map has %d segments, want 1 and none", memory.refs.Load(), p.offsets.Len())
			}
		})
	}
}

// TestATargetThatShrinks is another topic of the name: what was under way for
// partitions that are gone goes where the keys go now.
func TestATargetThatShrinks(t *testing.T) {
	s, p, f := newDealtStream(t, 3)
	three := func() []byte { return concat(t, made{base: 0, records: 30, keyed: true}) }
	fetch(t, s, p, three)
	if n := len(f.copies); n != 3 {
		t.Fatalf("%d batches were sent, want one for each of 3 partitions", n)
	}
	f.count = 1
	var told []string
	s.mirror.config.Notice = func(text string) { told = append(told, text) }
	s.mirror.recount()
	f.answer(kafka.ErrUnknownTopicOrPartition)
	s.mirror.running.Wait()
	fetch(t, s, p, three)
	if len(f.copies) != 1 || f.copies[0].Partition() != 0 || f.copies[0].Batch().Count() != 30 || p.halt != nil {
		t.Errorf("%d batches were sent, halt %v, want all records in one", len(f.copies), p.halt)
	}
	if len(told) != 1 || !strings.Contains(told[0], "1 partitions on the target now, 3 before") {
		t.Errorf("told %q", told)
	}
}

// TestGrowthLosesNothing has a partition refuse what was dealt to two, when what
// was dealt to four behind it has arrived: of the first nothing may be taken for
// there because of the second.
func TestGrowthLosesNothing(t *testing.T) {
	s, p, f := newDealtStream(t, 2)
	first, second := made{base: 0, records: 20, keyed: true}, made{base: 20, from: 20, records: 20, keyed: true}
	arrived := make(map[string]int)
	arrive := func(r batch.Record) { arrived[string(r.Key)]++ }
	fetch(t, s, p, func() []byte { return concat(t, first) })
	f.count = 4
	s.mirror.recount()
	fetch(t, s, p, func() []byte { return concat(t, second) })
	if len(f.copies) != 6 {
		t.Fatalf("%d batches were sent, want 2 and 4", len(f.copies))
	}
	f.answers.Lock()
	answerOne(t, f.copies[:2], 1, func(*span) error { return nil }, arrive)
	for _, to := range []int32{3, 2, 1, 0} { // of what was dealt to four
		answerOne(t, f.copies[2:], to, func(*span) error { return nil }, arrive)
	}
	answerOne(t, f.copies[:2], 0, func(*span) error { return kafka.ErrCorruptMessage }, arrive)
	f.copies = nil
	f.answers.Unlock()
	s.mirror.running.Wait()
	fetch(t, s, p, func() []byte { return concat(t, first, second) })
	for to := range int32(4) {
		answerOne(t, f.copies, to, func(*span) error { return nil }, arrive)
	}
	if len(arrived) != 40 || p.done != 40 || p.halt != nil {
		t.Errorf("%d records arrived, done %d, halt %v, want all 40", len(arrived), p.done, p.halt)
	}
}

// What one partition has refused is not forgotten when another refuses something
// behind it.
func TestASuspectIsNotForgotten(t *testing.T) {
	p := newTestPartition(0)
	named := func(index int32) error {
		return &recordErrors{&client.AnswerError{Code: kafka.ErrInvalidRecord}, []wire.ProducedRecordError{{BatchIndex: index, Message: "bad"}}}
	}
	one := &span{p: p, offset: 0, records: 10, runs: []rebuild.Run{{Source: 0, Length: 10}}}
	other := &span{p: p, offset: 20, records: 10, runs: []rebuild.Run{{Source: 20, Length: 10}}}
	if !p.doubt(one, named(3), false) || !p.doubt(other, named(2), false) {
		t.Fatal("nothing is left to try")
	}
	if got := slices.Sorted(maps.Keys(p.suspect.bad)); p.suspect.from != 0 || p.suspect.to != 30 || !slices.Equal(got, []kafka.Offset{3, 22}) {
		t.Errorf("suspect from %d to %d without %v, want 0, 30 and 3, 22", p.suspect.from, p.suspect.to, got)
	}
}

// A batch that was built here of records that were whole is not left out, however
// often the target calls it damaged.
func TestWhatIsRebuiltIsNotWithheld(t *testing.T) {
	s, p, f := newDealtStream(t, 2)
	for range 2 {
		if p.halt != nil {
			t.Fatalf("halted at the first refusal: %v", p.halt)
		}
		fetch(t, s, p, func() []byte { return concat(t, made{base: 0, records: 20, keyed: true}) })
		f.answer(kafka.ErrCorruptMessage)
		s.mirror.running.Wait()
	}
	if p.halt == nil || p.halt.Reason != TargetRefused || p.done != 0 || p.dropped != 0 {
		t.Errorf("halt %v, done %d, dropped %d, want %s at 0", p.halt, p.done, p.dropped, TargetRefused)
	}
}
