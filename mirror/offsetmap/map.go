package offsetmap

import (
	"fmt"
	"slices"
	"sort"

	"schloss/kafka"
)

// Segment is a run of records, each at the same distance from the first on
// both sides. A coarse segment was merged of several to save memory: only its
// beginning and its end are known.
type Segment struct {
	Source, Target             kafka.Offset // of the first record
	SourceLength, TargetLength int64        // how many offsets it spans; equal unless it is coarse
	Coarse                     bool
}

func (s *Segment) sourceEnd() kafka.Offset { return s.Source + kafka.Offset(s.SourceLength) }
func (s *Segment) targetEnd() kafka.Offset { return s.Target + kafka.Offset(s.TargetLength) }

// Map is the offset map of one partition. The zero value is empty.
type Map struct {
	segments []Segment // ordered, disjoint on both sides
}

// OrderError is a copy that does not stand behind all before it.
type OrderError struct {
	Source, Target       kafka.Offset // of the copy
	SourceEnd, TargetEnd kafka.Offset // of the map
}

func (e *OrderError) Error() string {
	return fmt.Sprintf("source offset %d was copied to target offset %d, behind %d and %d", e.Source, e.Target, e.SourceEnd, e.TargetEnd)
}

// Add notes that n records from source on were copied to target on. Copies
// come in order; anything else is an *OrderError and changes nothing.
func (m *Map) Add(source, target kafka.Offset, n int64) error {
	if n <= 0 {
		return nil
	}
	if len(m.segments) == 0 {
		m.segments = append(m.segments, Segment{Source: source, Target: target, SourceLength: n, TargetLength: n})
		return nil
	}
	last := &m.segments[len(m.segments)-1]
	switch {
	case source < last.sourceEnd() || target < last.targetEnd():
		return &OrderError{source, target, last.sourceEnd(), last.targetEnd()}
	case source == last.sourceEnd() && target == last.targetEnd() && !last.Coarse:
		last.SourceLength += n
		last.TargetLength += n
	default:
		m.segments = append(m.segments, Segment{Source: source, Target: target, SourceLength: n, TargetLength: n})
	}
	return nil
}

// AddWithin notes that what the source has in n offsets from source on was
// copied to somewhere between from and to of the target: a target may forget
// where it has put a batch. It is exact when there is room for no other place.
func (m *Map) AddWithin(source kafka.Offset, n int64, from, to kafka.Offset) error {
	if n == int64(to-from) {
		return m.Add(source, from, n)
	}
	sourceEnd, targetEnd, _ := m.End()
	if source < sourceEnd || from < targetEnd || to <= from || n <= 0 {
		return &OrderError{source, from, sourceEnd, targetEnd}
	}
	m.segments = append(m.segments, Segment{source, from, n, int64(to - from), true})
	return nil
}

// Precision says how good a translation is.
type Precision int8

const (
	Unknown Precision = iota // before the first record that was copied, or the map is empty
	Exact                    // a consumer goes on with the very next record
	Early                    // in a coarse segment: some records will be read again, none is missed
	Beyond                   // at or behind the end: nothing of it has been copied yet
)

func (p Precision) String() string {
	return [...]string{"unknown", "exact", "early", "beyond"}[p]
}

// ToTarget is the position in the target of a consumer that stands at offset
// in the source. A position in a gap is exact: the next record is the first
// behind the gap. Beyond the end it is the end. What is Unknown is the
// beginning of the map, or 0 without one.
func (m *Map) ToTarget(offset kafka.Offset) (kafka.Offset, Precision) {
	return m.translate(offset, func(s *Segment) Segment { return *s })
}

// ToSource is ToTarget for the way back.
func (m *Map) ToSource(offset kafka.Offset) (kafka.Offset, Precision) {
	return m.translate(offset, func(s *Segment) Segment {
		return Segment{s.Target, s.Source, s.TargetLength, s.SourceLength, s.Coarse}
	})
}

// translate works from the Source side of the segments as seen by side.
func (m *Map) translate(offset kafka.Offset, side func(*Segment) Segment) (kafka.Offset, Precision) {
	if len(m.segments) == 0 {
		return 0, Unknown
	}
	next := sort.Search(len(m.segments), func(i int) bool { return side(&m.segments[i]).Source > offset })
	if next == 0 {
		return side(&m.segments[0]).Target, Unknown
	}
	s := side(&m.segments[next-1])
	switch within := int64(offset - s.Source); {
	case within < s.SourceLength && (!s.Coarse || within == 0):
		return s.Target + kafka.Offset(within), Exact
	case within < s.SourceLength:
		return s.Target, Early
	case next < len(m.segments):
		return side(&m.segments[next]).Target, Exact
	}
	return s.targetEnd(), Beyond
}

// End is the position behind the last copy, on both sides; ok is false for an
// empty map.
func (m *Map) End() (source, target kafka.Offset, ok bool) {
	if len(m.segments) == 0 {
		return 0, 0, false
	}
	last := &m.segments[len(m.segments)-1]
	return last.sourceEnd(), last.targetEnd(), true
}

// Identical says that every offset of the map is the same on both sides, so
// that consumers need no translation.
func (m *Map) Identical() bool {
	for _, s := range m.segments {
		if s.Source != s.Target || s.Coarse {
			return false
		}
	}
	return true
}

// Len is the number of segments.
func (m *Map) Len() int { return len(m.segments) }

// Clone is a copy that further changes of m do not reach.
func (m *Map) Clone() Map { return Map{slices.Clone(m.segments)} }

// Segments is a copy of the segments, in order.
func (m *Map) Segments() []Segment { return slices.Clone(m.segments) }

// Trim forgets what lies wholly before the log start offset of the target:
// nobody can be sent there any more.
func (m *Map) Trim(start kafka.Offset) {
	gone := sort.Search(len(m.segments), func(i int) bool { return m.segments[i].targetEnd() > start })
	m.segments = slices.Delete(m.segments, 0, gone)
}

// Cut forgets everything from a source offset on: the source has lost it, and
// will use those offsets for other records.
func (m *Map) Cut(source kafka.Offset) {
	keep := sort.Search(len(m.segments), func(i int) bool { return m.segments[i].Source >= source })
	m.segments = m.segments[:keep]
	if keep == 0 {
		return
	}
	switch last := &m.segments[keep-1]; {
	case last.sourceEnd() <= source:
	case last.Coarse:
		last.SourceLength = int64(source - last.Source)
	default:
		last.SourceLength = int64(source - last.Source)
		last.TargetLength = last.SourceLength
	}
}

// Shorten merges the oldest segments in pairs until at most limit are left.
// Translations in what was merged turn Early: records may be read again, but
// none is missed.
func (m *Map) Shorten(limit int) {
	for limit = max(limit, 1); len(m.segments) > limit; {
		pairs := min(len(m.segments)-limit, len(m.segments)/2)
		merged := m.segments[:0]
		for i := 0; i < 2*pairs; i += 2 {
			merged = append(merged, join(m.segments[i], m.segments[i+1]))
		}
		m.segments = append(merged, m.segments[2*pairs:]...)
	}
}

// join makes one segment of two neighbours and the gap between them, which is
// as good as one run when both sides skip as much.
func join(a, b Segment) Segment {
	return Segment{
		Source: a.Source, SourceLength: int64(b.sourceEnd() - a.Source),
		Target: a.Target, TargetLength: int64(b.targetEnd() - a.Target),
		Coarse: a.Coarse || b.Coarse || b.Source-a.Source != b.Target-a.Target,
	}
}
