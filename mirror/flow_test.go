package mirror

import (
	"context"
	"testing"
	"time"
)

func TestRoundTripIsTheShortestOfTheLast(t *testing.T) {
	var r roundTrip
	if got := r.shortest(); got != 0 {
		t.Errorf("nothing is measured: got %v, want 0", got)
	}
	r.note(150 * time.Millisecond) // a connection was made for it
	r.note(50 * time.Millisecond)
	if got := r.shortest(); got != 50*time.Millisecond {
		t.Errorf("got %v, want 50ms", got)
	}
	for range len(r.last) {
		r.note(90 * time.Millisecond)
	}
	if got := r.shortest(); got != 90*time.Millisecond {
		t.Errorf("the line has become longer: got %v, want 90ms", got)
	}
}

func TestFlowFollowsTheRoundTrip(t *testing.T) {
	for _, test := range []struct {
		trip        time.Duration
		set         bool // both sizes of fetches stand in the file
		connections int
		batch       int
		fetch       int32
		partition   int32
	}{
		{0, false, 1, 0, 2 << 20, 2 << 20},
		{time.Millisecond, false, 1, 0, 2 << 20, 2 << 20},
		{10 * time.Millisecond, false, 1, 64_000, 2 << 20, 2 << 20},
		{50 * time.Millisecond, false, 2, 320_000, 5_000_000, 5_000_000},
		{150 * time.Millisecond, false, 4, 960_000, 7_500_000, 7_500_000},
		{300 * time.Millisecond, false, 4, 1_920_000, 8 << 20, 8 << 20}, // bounded by the memory
		{150 * time.Millisecond, true, 4, 960_000, 2 << 20, 1 << 20},
	} {
		t.Run(test.trip.String(), func(t *testing.T) {
			m := &Mirror{source: newSource(nil, nil, time.Hour, time.Millisecond, func(string) {}), target: &shelf{}}
			m.settings = settings{memory: 32 << 20, fetchMaxBytes: defaultFetchBytes, fetchBytesSet: test.set,
				partitionFetchBytes: 1 << 20, partitionBytesSet: test.set}
			m.source.trip.note(test.trip)
			n := connections(test.trip)
			m.makeStreams(n)
			fetch := m.fetchBytes()
			if got := m.partitionFetchBytes(fetch); n != test.connections || batchFor(test.trip) != test.batch || fetch != test.fetch || got != test.partition {
				t.Errorf("%d connections, batches of %d, fetches of %d, %d of a partition, want %d, %d, %d, %d",
					n, batchFor(test.trip), fetch, got, test.connections, test.batch, test.fetch, test.partition)
			}
		})
	}
}

// What was rebuilt counts as memory until the target has answered, and is never
// received into.
func TestPoolCountsWhatWasRebuilt(t *testing.T) {
	p := newPool(100)
	rebuilt := p.adopt(make([]byte, 100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.get(ctx, 10); err == nil {
		t.Fatal("a buffer was given out beyond the limit")
	}
	rebuilt.release()
	if b, err := p.get(ctx, 10); err != nil || b == rebuilt {
		t.Errorf("after the release: got %v, %v, want another buffer", b, err)
	}
}
