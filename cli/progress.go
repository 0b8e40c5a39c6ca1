package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"schloss/mirror"
)

// How often a line is printed where it cannot be drawn over.
const plainInterval = 10 * time.Second

// progress shows a mirror at work: on a terminal one line that is drawn over,
// elsewhere a line from time to time. Notices have lines of their own.
type progress struct {
	w        io.Writer
	terminal bool

	mu     sync.Mutex // guards what follows, and w
	drawn  bool       // the cursor stands behind the line
	last   time.Time  // of the last plain line
	unsaid string     // the newest plain line, if it was not printed
}

func newProgress(w io.Writer, terminal bool) *progress { return &progress{w: w, terminal: terminal} }

func (p *progress) update(state mirror.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.terminal:
		// CR, erase the line, and no more than fits: a wrapped line could
		// not be drawn over.
		fmt.Fprintf(p.w, "\r\x1b[K%.79s", progressLine(state))
		p.drawn = true
	case state.At.Sub(p.last) >= plainInterval:
		p.last, p.unsaid = state.At, ""
		fmt.Fprintln(p.w, progressLine(state))
	default:
		p.unsaid = progressLine(state)
	}
}

func (p *progress) notice(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newLineLocked()
	fmt.Fprintf(p.w, "notice: %s\n", oneLine(text))
}

// trouble tells what stands in the way, and what would take it out of it.
func (p *progress) trouble(text, advice string) {
	p.notice(text)
	if advice == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newLineLocked()
	fmt.Fprintf(p.w, "hint: %s\n", oneLine(advice))
}

// end tells how it ended, and leaves the cursor on a line of its own.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newLineLocked()
	if p.unsaid != "" {
		fmt.Fprintln(p.w, p.unsaid)
	}
}

func (p *progress) newLineLocked() {
	if p.drawn {
		fmt.Fprintln(p.w)
		p.drawn = false
	}
}

func progressLine(s mirror.Progress) string {
	line := fmt.Sprintf("%d partitions, %s records, %s, %s/s, behind %s", s.Running(), count(s.Records), size(float64(s.Bytes)), size(s.ByteRate), count(s.Lag))
	if s.LagSeconds >= 1 {
		line += ", " + (time.Duration(s.LagSeconds) * time.Second).String()
	}
	if n := s.Halted(); n > 0 {
		line += fmt.Sprintf(", HALTED %d", n)
	}
	if s.Dropped > 0 {
		line += fmt.Sprintf(", lost %s", count(s.Dropped))
	}
	return line
}

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// counted writes 1 line, 2 lines.
func counted(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

func were(n int64) string {
	if n == 1 {
		return "1 was"
	}
	return count(n) + " were"
}

func size(bytes float64) string {
	const step = 1000
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	unit := 0
	for bytes >= step && unit < len(units)-1 {
		bytes /= step
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f %s", bytes, units[unit])
}
