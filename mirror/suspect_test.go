package mirror

import (
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// refuse answers as a target that takes no record with the value bad: with the
// index of the record where it names records, else without.
func refuse(bad string, names bool) func(*span) error {
	return func(s *span) error {
		records, err := s.batch.Records(1 << 20)
		if err != nil {
			return err
		}
		var named []wire.ProducedRecordError
		for i, r := range records {
			if string(r.Value) == bad {
				named = append(named, wire.ProducedRecordError{BatchIndex: int32(i), Message: "a bad value"})
			}
		}
		if named == nil {
			return nil
		}
		var refusal error = &client.AnswerError{Doing: "produce", Code: kafka.ErrInvalidRecord}
		if names {
			refusal = &recordErrors{refusal, named}
		}
		return refusal
	}
}

// TestARefusedRecordIsFound has a target that dislikes one record of a batch:
// all others arrive, in order, whether it says which one or not.
func TestARefusedRecordIsFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		names bool
		abort bool
		want  string // values that arrive
		halt  HaltReason
	}{
		{"named, left out", true, false, "x0 x1 x3 y0", ""},
		{"not named, left out", false, false, "x0 x1 x3 y0", ""},
		{"named, ends the mirror", true, true, "x0 x1", UnfitRecord},
		{"not named, ends the mirror", false, true, "x0 x1", UnfitRecord},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newTestStream(t, test.abort)
			var told []string
			s.mirror.config.Notice = func(text string) { told = append(told, text) }
			respond := func() []byte {
				return concat(t, made{base: 10, records: 4, value: "x", codec: batch.LZ4}, made{base: 14, records: 1, value: "y"})
			}
			target := refuse("x2", test.names)
			var arrived []string
			for range 12 {
				if p.halt != nil || p.done == 15 {
					break
				}
				fetch(t, s, p, respond)
				copies := f.copies
				f.copies = nil
				var refused error
				for _, c := range copies {
					if refused == nil {
						refused = target(c.(*span))
					}
					if refused == nil {
						records, err := c.Batch().Records(1 << 20)
						if err != nil {
							t.Fatal(err)
						}
						for _, r := range records {
							arrived = append(arrived, string(r.Value))
						}
					}
					c.Done(kafka.Offset(len(arrived)-int(c.Batch().Count())), refused)
				}
				s.mirror.running.Wait()
			}
			if got := strings.Join(arrived, " "); got != test.want {
				t.Errorf("arrived %q, want %q", got, test.want)
			}
			if test.halt != "" {
				if p.halt == nil || p.halt.Reason != test.halt || p.halt.Offset != 12 || p.done != 12 {
					t.Errorf("halt %v, done %d, want %s at 12", p.halt, p.done, test.halt)
				}
				return
			}
			if p.halt != nil || p.done != 15 || p.dropped != 1 || p.suspect.to != 0 {
				t.Errorf("halt %v, done %d, dropped %d, suspect %+v, want none, 15, 1, none", p.halt, p.done, p.dropped, p.suspect)
			}
			if !slices.ContainsFunc(told, func(n string) bool { return strings.Contains(n, "offset 12") }) {
				t.Errorf("nobody was told of offset 12: %q", told)
			}
			if got, precision := p.offsets.ToTarget(13); got != 2 || precision.String() != "exact" {
				t.Errorf("offset 13 is at %d, %v in the target, want exactly 2", got, precision)
			}
		})
	}
}

// TestSmallBatchesBecomeOne behind a long round trip, once the window is full.
func TestSmallBatchesBecomeOne(t *testing.T) {
	for _, test := range []struct {
		name string
		trip time.Duration
		sent int
	}{{"short", time.Millisecond, 40}, {"long", 50 * time.Millisecond, 1}} {
		t.Run(test.name, func(t *testing.T) {
			s, p, f := newTestStream(t, true)
			f.trip = test.trip
			batches := func(from kafka.Offset, n int) (all []made) {
				for i := range kafka.Offset(n) {
					all = append(all, made{base: from + 3*i, records: 3, codec: batch.Zstd})
				}
				return all
			}
			fetch(t, s, p, func() []byte { return concat(t, batches(0, maxInFlight)...) })
			f.copies = nil // they stay under way
			fetch(t, s, p, func() []byte { return concat(t, batches(15, 40)...) })
			if len(f.copies) != test.sent || p.next != 135 {
				t.Fatalf("%d batches were sent up to %d, want %d up to 135", len(f.copies), p.next, test.sent)
			}
			var records int32
			for _, c := range f.copies {
				records += c.Batch().Count()
			}
			if records != 120 {
				t.Errorf("they hold %d records, want 120", records)
			}
		})
	}
}

// What follows a batch at which the partition halts is not sent, also where it
// begins with another codec.
func TestSmallBatchesEndWhereItHalts(t *testing.T) {
	task := task{limits: Limits{}, strict: true, coalesce: 1 << 20}
	got := task.read(fetchedRecords(concat(t, made{base: 0, records: 3}, made{base: 3, records: 3, damaged: true}, made{base: 6, records: 3, codec: batch.LZ4}), 9))
	if len(got.spans) != 1 || got.spans[0].next != 3 || got.halt == nil || got.halt.Reason != CorruptSource || got.halt.Offset != 3 || got.next != 3 {
		t.Errorf("%d are sent, next is %d, halt %v, want one, and a halt at 3", len(got.spans), got.next, got.halt)
	}
}
