package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"schloss/kafka"
	"schloss/security/acl"
)

const (
	// window is how long identical denials are counted after the first has
	// been written.
	window = 10 * time.Second
	// capacity bounds the different denials that are remembered; more than so
	// many within a window are only counted. One takes up to some hundred
	// bytes besides its texts, which maxText bounds.
	capacity = 4096
	// maxText bounds each text of a line, in bytes: names come from requests.
	maxText = 1024
)

// Record is one denied request, or one denied element of it.
type Record struct {
	Principal    string
	Host         string
	API          string // Kafka's name of the API, such as Produce
	Operation    kafka.Operation
	ResourceType kafka.ResourceType
	Resource     string
	Decision     acl.Decision
	// Rules are those that decided; the line then tells the nearest of them
	// and what would allow the request. It may be nil.
	Rules *acl.Rules
}

// Log writes denials. Its methods may be called from many goroutines.
type Log struct {
	now func() time.Time

	mu       sync.Mutex // guards what follows, and the order of lines
	w        io.Writer
	open     map[Record]*occurrence
	overflow occurrence // denials that found no room in open
	nextEnd  time.Time  // no window ends before; zero when none is open
}

// occurrence counts what came after the first denial of a window.
type occurrence struct {
	since    time.Time // when the window began
	repeated int
}

// New makes a log that writes whole lines to w.
func New(w io.Writer, now func() time.Time) *Log {
	return &Log{w: w, now: now, open: make(map[Record]*occurrence)}
}

// Denied notes a denial. A returned error says that lines could not be
// written; the denial stands all the same.
func (l *Log) Denied(r Record) error {
	rules := r.Rules
	r.Rules = nil // what is the same to the reader is counted together
	clipped := len(r.Principal) > maxText || len(r.Resource) > maxText
	r.Principal, r.Host, r.Resource = clip(r.Principal), clip(r.Host), clip(r.Resource)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	err := l.closeEnded(now)
	switch o, seen := l.open[r]; {
	case seen:
		o.repeated++
		return err
	case len(l.open) >= capacity:
		if l.overflow.repeated == 0 {
			l.overflow.since = now
			l.wake(now.Add(window))
		}
		l.overflow.repeated++
		return err
	}
	l.open[r] = &occurrence{since: now}
	l.wake(now.Add(window))
	entry := newLine(now, r)
	if !clipped {
		entry.advise(rules, r)
	}
	return firstError(err, l.write(entry))
}

// Tick writes the counts of the windows that have ended. Denied does so too;
// a timer that calls Tick makes the last counts of a burst appear in time.
func (l *Log) Tick() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closeEnded(l.now())
}

// Flush writes the counts of all open windows and closes them.
func (l *Log) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.close(l.now(), func(time.Time) bool { return true })
}

func (l *Log) wake(at time.Time) {
	if l.nextEnd.IsZero() || at.Before(l.nextEnd) {
		l.nextEnd = at
	}
}

func (l *Log) closeEnded(now time.Time) error {
	if l.nextEnd.IsZero() || now.Before(l.nextEnd) {
		return nil
	}
	return l.close(now, func(since time.Time) bool { return !now.Before(since.Add(window)) })
}

// close writes the counts of the windows that ended says have, oldest first,
// and forgets those windows.
func (l *Log) close(now time.Time, ended func(since time.Time) bool) error {
	l.nextEnd = time.Time{}
	records := slices.SortedFunc(maps.Keys(l.open), func(a, b Record) int { return l.open[a].since.Compare(l.open[b].since) })
	var err error
	for _, r := range records {
		o := l.open[r]
		if !ended(o.since) {
			l.wake(o.since.Add(window))
			continue
		}
		delete(l.open, r)
		if o.repeated > 0 {
			repeated := newLine(now, r)
			repeated.Repeated, repeated.Since = o.repeated, stamp(o.since)
			err = firstError(err, l.write(repeated))
		}
	}
	switch {
	case l.overflow.repeated == 0:
	case !ended(l.overflow.since):
		l.wake(l.overflow.since.Add(window))
	default:
		err = firstError(err, l.write(line{Time: stamp(now), Event: "denied", Overflow: l.overflow.repeated, Since: stamp(l.overflow.since)}))
		l.overflow = occurrence{}
	}
	return err
}

func (l *Log) write(entry line) error {
	data, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("encode audit line: %w", err)
	}
	if _, err := l.w.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	return nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
