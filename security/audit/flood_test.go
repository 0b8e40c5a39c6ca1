package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// told sums the denials that lines tell of.
func told(t *testing.T, out *bytes.Buffer) (lineCount, denials int) {
	t.Helper()
	for _, entry := range lines(t, out) {
		lineCount++
		switch n, ok := entry["overflow"].(float64); {
		case ok:
			denials += int(n)
		case entry["repeated"] != nil:
			denials += int(entry["repeated"].(float64))
		default:
			denials++
		}
	}
	return lineCount, denials
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestFloodIsBounded notes many different denials with long names within
// a window, beside a writer that takes all it is given. What is remembered, and
// what is written, must not grow with them, and none may go uncounted.
func TestFloodIsBounded(t *testing.T) {
	var out bytes.Buffer
	clock := newFake()
	l := New(&out, clock.now)
	long := strings.Repeat("x", 200) // names may have 249 letters
	const flood = 200_000
	before := heap()
	for i := range flood {
		r := denial(fmt.Sprint("User:", i))
		r.Resource = fmt.Sprint(i, long)
		l.Denied(r)
	}
	if grown := int64(heap()) - int64(before); grown > capacity*2*maxText {
		t.Errorf("a flood of %d denials holds %d bytes, want at most %d", flood, grown, capacity*2*maxText)
	}
	clock.advance(window)
	check(t, l.Tick())
	size := out.Len()
	if n, denials := told(t, &out); n != capacity+1 || denials != flood {
		t.Errorf("wrote %d lines that tell of %d denials, want %d and %d", n, denials, capacity+1, flood)
	}
	if most := (capacity + 1) * maxText; size > most {
		t.Errorf("wrote %d bytes, want at most %d", size, most)
	}
	if len(l.open)+len(l.order)+len(l.pending) != 0 {
		t.Errorf("remembers %d, %d and %d when all is told", len(l.open), len(l.order), len(l.pending))
	}
}

// TestFloodThatLasts spreads different denials over many windows: each is
// closed once, by looking at nothing but what has ended.
func TestFloodThatLasts(t *testing.T) {
	var out bytes.Buffer
	clock := newFake()
	l := New(&out, clock.now)
	const flood = 20_000
	for i := range flood {
		l.Denied(denial(fmt.Sprint("User:", i)))
		l.Denied(denial(fmt.Sprint("User:", i)))
		clock.advance(window / (2 * capacity))
		if i%1000 == 0 {
			check(t, l.Tick())
		}
	}
	check(t, l.Flush())
	if _, denials := told(t, &out); denials != 2*flood {
		t.Errorf("lines tell of %d denials, want %d", denials, 2*flood)
	}
}

// stuckWriter is a pipe that nobody reads.
type stuckWriter struct {
	entered chan struct{}
	free    chan struct{}
	out     bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	select {
	case w.entered <- struct{}{}:
	default:
	}
	<-w.free
	return w.out.Write(p)
}

// TestStuckWriterHoldsNobodyUp notes many denials while a write does not
// return. They must not wait (the bubble would be deadlocked), must stay
// bounded, and must all be told once the writer goes on.
func TestStuckWriterHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuckWriter{entered: make(chan struct{}, 1), free: make(chan struct{})}
		l := New(w, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			l.Run(ctx, tick.C, func(err error) { t.Error(err) })
			close(ended)
		}()
		l.Denied(denial("User:first"))
		<-w.entered
		const flood = 100_000
		for i := range flood {
			l.Denied(denial(fmt.Sprint("User:", i)))
			if i%(flood/20) == 0 {
				time.Sleep(window / 4)
			}
		}
		if len(l.pending) > capacity || len(l.open) > capacity {
			t.Errorf("%d lines wait and %d denials are remembered, want at most %d", len(l.pending), len(l.open), capacity)
		}
		close(w.free)
		cancel()
		<-ended
		if n, denials := told(t, &w.out); denials != flood+1 {
			t.Errorf("%d lines tell of %d denials, want %d", n, denials, flood+1)
		}
	})
}

// fullDisk fails until there is space.
type fullDisk struct {
	full bool
	out  bytes.Buffer
}

var errFull = errors.New("no space left on device")

func (w *fullDisk) Write(p []byte) (int, error) {
	if w.full {
		return 0, errFull
	}
	return w.out.Write(p)
}

func TestWhatCouldNotBeWrittenIsCounted(t *testing.T) {
	w := &fullDisk{full: true}
	clock := newFake()
	l := New(w, clock.now)
	l.Denied(denial("User:a"))
	l.Denied(denial("User:a"))
	l.Denied(denial("User:b"))
	if err := l.Tick(); !errors.Is(err, errFull) {
		t.Fatalf("Tick = %v, want %v", err, errFull)
	}
	w.full = false
	clock.advance(window)
	check(t, l.Tick())
	got := lines(t, &w.out)
	if len(got) != 2 || got[0]["repeated"] != 1.0 || got[1]["overflow"] != 2.0 {
		t.Errorf("wrote %v, want one repetition of User:a and two denials of which only the number is known", got)
	}
}

// TestAFailureIsToldOnce lets writing fail, work and fail again.
func TestAFailureIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fullDisk{full: true}
		l := New(w, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		told := 0
		ended := make(chan struct{})
		go func() {
			l.Run(ctx, nil, func(error) { told++ })
			close(ended)
		}()
		for i, full := range []bool{true, true, false, true} {
			w.full = full
			l.Denied(denial(fmt.Sprint("User:", i)))
			synctest.Wait()
		}
		w.full = false
		cancel()
		<-ended
		if told != 2 {
			t.Errorf("told of %d failures, want 2: one for each time that writing began to fail", told)
		}
	})
}
