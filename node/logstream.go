package node

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// logBuffer is how many bytes of the log wait for a writer that is slow.
	logBuffer = 1 << 20
	// logTimeout is for lines that wait at a stop.
	logTimeout = 2 * time.Second
)

// logStream keeps a reader of the log that reads no more, such as a stuck pipe,
// from holding up who logs: lines wait in bounded memory, and what finds no room
// is counted and told when there is some.
type logStream struct {
	wake chan struct{} // holds one value when there is something to do

	mu      sync.Mutex // guards what follows; never held while a line is written
	pending []byte
	lost    int             // lines
	waiting []chan struct{} // closed when what was pending is written
	closed  bool
}

func newLogStream(w io.Writer) *logStream {
	s := &logStream{wake: make(chan struct{}, 1)}
	go s.run(w)
	return s
}

// Write takes one line. It never waits, and never fails.
func (s *logStream) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.pending)+len(line) > logBuffer {
		s.lost++
		return len(line), nil
	}
	s.pending = append(s.pending, line...)
	s.notify()
	return len(line), nil
}

func (s *logStream) notify() {
	select {
	case s.wake <- struct{}{}:
	default: // it knows
	}
}

// settle waits until all that was logged is written. A writer that is stuck is
// not waited for: nobody is there who could be told.
func (s *logStream) settle() { s.await(false) }

// close settles, and takes no more.
func (s *logStream) close() { s.await(true) }

func (s *logStream) await(closing bool) {
	written := make(chan struct{})
	s.mu.Lock()
	s.closed = s.closed || closing
	s.waiting = append(s.waiting, written)
	s.notify()
	s.mu.Unlock()
	patience := time.NewTimer(logTimeout)
	defer patience.Stop()
	select {
	case <-written:
	case <-patience.C:
	}
}

func (s *logStream) run(w io.Writer) {
	var spare []byte
	for range s.wake {
		lines, lost, waiting, closed := s.take(spare)
		told := bytes.NewBuffer(lines)
		if lost > 0 {
			slog.New(slog.NewTextHandler(told, nil)).Warn("lines of this log were lost, because it was not read fast enough", "count", lost)
		}
		if told.Len() > 0 {
			if _, err := w.Write(told.Bytes()); err != nil {
				s.missed(bytes.Count(lines, []byte("\n")) + lost)
			}
		}
		for _, w := range waiting {
			close(w)
		}
		if closed {
			return
		}
		spare = lines[:0]
	}
}

func (s *logStream) take(spare []byte) (lines []byte, lost int, waiting []chan struct{}, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, lost, waiting, closed = s.pending, s.lost, s.waiting, s.closed
	s.pending, s.lost, s.waiting = spare, 0, nil
	return lines, lost, waiting, closed
}

// missed counts lines that could not be written; they are told with the next
// that can be.
func (s *logStream) missed(lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += lines
}
