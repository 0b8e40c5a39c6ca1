package node

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a writer that can be stuck, and broken.
type gate struct {
	open chan struct{} // closed: writes go through

	mu     sync.Mutex // guards what follows
	text   bytes.Buffer
	broken bool
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken {
		return 0, errors.New("broken pipe")
	}
	return g.text.Write(p)
}

// TestAStuckLogHoldsNobodyUp logs far more than is kept while nobody reads.
func TestAStuckLogHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		s := newLogStream(g)
		log := slog.New(slog.NewTextHandler(s, nil))
		const lines = 20000
		for i := range lines {
			log.Info(strings.Repeat("x", 200), "i", i)
		}
		s.mu.Lock()
		kept := len(s.pending)
		s.mu.Unlock()
		if kept > logBuffer {
			t.Errorf("%d bytes wait", kept)
		}
		close(g.open)
		synctest.Wait()
		s.close()
		text := g.text.String()
		var told int
		at := strings.Index(text, "count=")
		if _, err := fmt.Sscanf(text[max(at, 0):], "count=%d", &told); err != nil {
			t.Fatalf("what was lost is not told: %v", err)
		}
		if got := strings.Count(text, "x i=") + told; got != lines {
			t.Errorf("%d lines are written or told as lost, want %d", got, lines)
		}
		if !strings.Contains(text, "i=0\n") || strings.Contains(text, fmt.Sprintf("i=%d\n", lines-1)) {
			t.Error("the first lines must be there, and the last lost")
		}
	})
}

// TestAStopDoesNotWaitForAStuckLog closes while nobody reads.
func TestAStopDoesNotWaitForAStuckLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		s := newLogStream(g)
		fmt.Fprintln(s, "x")
		began := time.Now()
		s.close()
		if took := time.Since(began); took != logTimeout {
			t.Errorf("it took %v, want %v", took, logTimeout)
		}
		close(g.open) // else its goroutine stays
	})
}

// TestALogThatCannotBeWrittenIsCounted breaks the writer for a while.
func TestALogThatCannotBeWrittenIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}), broken: true}
		close(g.open)
		s := newLogStream(g)
		fmt.Fprintln(s, "one")
		synctest.Wait()
		fmt.Fprintln(s, "two")
		synctest.Wait()
		g.mu.Lock()
		g.broken = false
		g.mu.Unlock()
		fmt.Fprintln(s, "three")
		s.close()
		if text := g.text.String(); !strings.HasPrefix(text, "three\n") || !strings.Contains(text, "count=2") {
			t.Errorf("got %q", text)
		}
	})
}
