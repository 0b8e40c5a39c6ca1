package mirror

import (
	"errors"
	"testing"

	"schloss/kafka/batch"
)

// TestWhatIsLeftOutIsKept sends what a compacted target does not take.
func TestWhatIsLeftOutIsKept(t *testing.T) {
	s, p, f := newTestStream(t, false)
	p.limits.Compacted = true
	full := errors.New("full")
	var kept []Quarantined
	s.mirror.config.Quarantine = func(q Quarantined) error {
		if full != nil {
			return full
		}
		q.Batch = append(batch.Batch(nil), q.Batch...)
		kept = append(kept, q)
		return nil
	}
	// Holes have it unpacked; none of its records has a key.
	response := func() []byte {
		return concat(t, made{base: 0, records: 2}, made{base: 2, records: 1, span: 3}, made{base: 5, records: 2, span: 3, damaged: true}, made{base: 8, records: 1})
	}
	fetch(t, s, p, response)
	if p.halt == nil || p.halt.Reason != NotQuarantined || !errors.Is(p.halt, full) || p.halt.Offset != 2 || p.next != 0 || len(f.copies) != 0 || p.dropped != 0 {
		t.Fatalf("halt %v, next %d, %d sent, want that nothing is passed over", p.halt, p.next, len(f.copies))
	}
	full, p.halt = nil, nil
	fetch(t, s, p, response)
	if p.halt != nil || p.next != 9 || len(f.copies) != 2 || p.dropped != 3 || len(kept) != 2 {
		t.Fatalf("halt %v, next %d, %d sent, %d dropped, kept %+v", p.halt, p.next, len(f.copies), p.dropped, kept)
	}
	if records, err := kept[0].Batch.Records(1000); err != nil || len(records) != 1 || records[0].Offset != 2 || kept[0].Records != 1 || kept[0].Offset != 2 {
		t.Errorf("kept %+v, %v", records, err)
	}
	damaged := made{base: 5, records: 2, span: 3, damaged: true}.build(t)
	if string(kept[1].Batch) != string(damaged) || kept[1].Offset != 5 || kept[1].Records != 2 {
		t.Errorf("kept %+v, want the damaged batch as it was", kept[1])
	}
}
