package offsetmap

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"schloss/kafka"
)

func build(t *testing.T, copies ...[3]int64) *Map {
	t.Helper()
	m := &Map{}
	for _, c := range copies {
		if err := m.Add(kafka.Offset(c[0]), kafka.Offset(c[1]), c[2]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestTranslate(t *testing.T) {
	dense := [][3]int64{{10, 0, 5}, {15, 5, 5}}
	markers := [][3]int64{{0, 0, 6}, {8, 6, 3}}
	foreign := [][3]int64{{0, 0, 2}, {2, 9, 2}} // somebody else wrote to the target
	for _, tt := range []struct {
		name      string
		copies    [][3]int64
		offset    kafka.Offset
		target    kafka.Offset
		precision Precision
	}{
		{"nothing copied", nil, 5, 0, Unknown},
		{"before the first record", dense, 3, 0, Unknown},
		{"the first record", dense, 10, 0, Exact},
		{"inside a run of several batches", dense, 16, 6, Exact},
		{"at the end", dense, 20, 10, Beyond},
		{"behind the end", dense, 99, 10, Beyond},
		{"at a marker", markers, 6, 6, Exact},
		{"at the second marker", markers, 7, 6, Exact},
		{"behind the markers", markers, 9, 7, Exact},
		{"last before foreign records", foreign, 1, 1, Exact},
		{"first behind foreign records", foreign, 2, 9, Exact},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, precision := build(t, tt.copies...).ToTarget(tt.offset)
			if target != tt.target || precision != tt.precision {
				t.Errorf("ToTarget(%d) = %d, %v, want %d, %v", tt.offset, target, precision, tt.target, tt.precision)
			}
		})
	}
}

func TestDenseTopicsNeedOneSegment(t *testing.T) {
	m := &Map{}
	for i := range int64(10_000) {
		if err := m.Add(kafka.Offset(i*7), kafka.Offset(i*7), 7); err != nil {
			t.Fatal(err)
		}
	}
	if m.Len() != 1 || !m.Identical() {
		t.Errorf("%d segments, identical %v, want one that is", m.Len(), m.Identical())
	}
}

func TestCopiesOutOfOrderAreRefused(t *testing.T) {
	m := build(t, [3]int64{10, 10, 5})
	for _, c := range [][2]kafka.Offset{{14, 20}, {20, 14}, {0, 0}} {
		var order *OrderError
		if err := m.Add(c[0], c[1], 1); !errors.As(err, &order) {
			t.Errorf("Add(%d, %d) = %v, want an OrderError", c[0], c[1], err)
		}
	}
	if m.Len() != 1 {
		t.Errorf("%d segments after refusals, want 1", m.Len())
	}
}

func TestAForgottenPlaceIsNeverPassed(t *testing.T) {
	for _, tt := range []struct {
		name      string
		to        kafka.Offset
		offset    kafka.Offset
		target    kafka.Offset
		precision Precision
	}{
		{"no room for another place", 15, 12, 12, Exact},
		{"its first record", 18, 10, 10, Exact},
		{"inside", 18, 12, 10, Early},
		{"behind it", 18, 15, 18, Exact},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := build(t, [3]int64{0, 0, 10})
			if err := m.AddWithin(10, 5, 10, tt.to); err != nil {
				t.Fatal(err)
			}
			if err := m.Add(15, tt.to, 1); err != nil {
				t.Fatal(err)
			}
			if got, p := m.ToTarget(tt.offset); got != tt.target || p != tt.precision {
				t.Errorf("ToTarget(%d) = %d, %v, want %d, %v", tt.offset, got, p, tt.target, tt.precision)
			}
		})
	}
	m := build(t, [3]int64{0, 0, 10})
	var order *OrderError
	for _, c := range [][3]kafka.Offset{{10, 9, 20}, {10, 12, 12}, {9, 10, 30}} {
		if err := m.AddWithin(c[0], 5, c[1], c[2]); !errors.As(err, &order) {
			t.Errorf("AddWithin(%d, 5, %d, %d) = %v, want an OrderError", c[0], c[1], c[2], err)
		}
	}
}

// random makes a map and the list of its copies, a pair of offsets for each
// record.
func random(r *rand.Rand) (*Map, [][2]kafka.Offset) {
	m := &Map{}
	var pairs [][2]kafka.Offset
	source, target := kafka.Offset(r.IntN(5)), kafka.Offset(r.IntN(5))
	for range r.IntN(40) {
		source += kafka.Offset(r.IntN(3))
		target += kafka.Offset(r.IntN(2))
		n := 1 + r.Int64N(6)
		if err := m.Add(source, target, n); err != nil {
			panic(err)
		}
		for i := range kafka.Offset(n) {
			pairs = append(pairs, [2]kafka.Offset{source + i, target + i})
		}
		source, target = source+kafka.Offset(n), target+kafka.Offset(n)
	}
	return m, pairs
}

// TestNoTranslationMissesARecord compares both directions with the plain list
// of records: what is exact is the next record, and nothing is ever past it,
// also after the map was shortened, trimmed and stored.
func TestNoTranslationMissesARecord(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		m, pairs := random(r)
		switch r.IntN(3) {
		case 1:
			m.Shorten(1 + r.IntN(8))
		case 2:
			if len(pairs) > 0 { // what is trimmed is nobody's any more
				m.Trim(pairs[r.IntN(len(pairs))][1])
				first := m.Segments()[0].Target
				pairs = slices.DeleteFunc(pairs, func(p [2]kafka.Offset) bool { return p[1] < first })
			}
		}
		stored, err := Parse(m.Append(nil))
		if err != nil || !slices.Equal(stored.Segments(), m.Segments()) {
			t.Fatalf("seed %d: stored and read back: %v, %v", seed, stored, err)
		}
		for _, direction := range []struct {
			name      string
			from, to  int
			translate func(kafka.Offset) (kafka.Offset, Precision)
		}{{"to target", 0, 1, m.ToTarget}, {"to source", 1, 0, m.ToSource}} {
			for offset := kafka.Offset(0); offset < 260; offset++ {
				got, precision := direction.translate(offset)
				behind := func(side int, at kafka.Offset) int {
					return slices.IndexFunc(pairs, func(p [2]kafka.Offset) bool { return p[side] >= at })
				}
				next, reached := behind(direction.from, offset), behind(direction.to, got)
				switch {
				case precision == Beyond && next >= 0:
					t.Fatalf("seed %d, %s: %d is said to be beyond the end, but a record follows", seed, direction.name, offset)
				case precision == Exact && (next < 0 || reached != next):
					t.Fatalf("seed %d, %s: %d is said to be exactly %d, record %d, want %d", seed, direction.name, offset, got, reached, next)
				case precision == Early && (next < 0 || reached > next):
					t.Fatalf("seed %d, %s: %d goes to %d and misses records", seed, direction.name, offset, got)
				}
			}
		}
	}
}

func TestShortenKeepsBothEnds(t *testing.T) {
	m, pairs := random(rand.New(rand.NewPCG(7, 7)))
	source, target, _ := m.End()
	m.Shorten(2)
	if m.Len() > 2 {
		t.Errorf("%d segments, want at most 2", m.Len())
	}
	gotSource, gotTarget, _ := m.End()
	if gotSource != source || gotTarget != target {
		t.Errorf("the end has moved from %d, %d to %d, %d", source, target, gotSource, gotTarget)
	}
	if got, p := m.ToTarget(pairs[0][0]); got != pairs[0][1] || p != Exact {
		t.Errorf("the first record is at %d, %v, want %d", got, p, pairs[0][1])
	}
}

func FuzzParse(f *testing.F) {
	for seed := range uint64(8) {
		m, _ := random(rand.New(rand.NewPCG(seed, 3)))
		m.Shorten(5)
		f.Add(m.Append(nil))
	}
	f.Add([]byte{encodingVersion, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(m.Append(nil))
		if err != nil || !slices.Equal(again.Segments(), m.Segments()) {
			t.Fatalf("read %v, wrote and read again %v, %v", m.Segments(), again, err)
		}
		if source, target, ok := m.End(); ok {
			if got, _ := m.ToTarget(source); got != target {
				t.Errorf("the end %d is translated to %d, want %d", source, got, target)
			}
		}
		if len(m.segments) > 0 && bytes.Equal(b, m.Append(nil)) {
			m.Shorten(1)
		}
	})
}
