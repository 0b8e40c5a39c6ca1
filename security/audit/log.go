package audit

import (
	"io"
	"sync"
	"time"

	"schloss/kafka"
	"schloss/security/acl"
)

const (
	// window is how long identical denials are counted after the first has
	// been written.
	window = 10 * time.Second
	// capacity bounds the different denials that are remembered, and the lines
	// that wait for the writer; more than so many within a window are only
	// counted. One takes up to some hundred bytes besides its texts, which
	// maxText bounds.
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

// Log notes denials, and writes them when its owner says so. Its methods may be
// called from many goroutines.
type Log struct {
	now  func() time.Time
	wake chan struct{} // holds one value when lines wait

	mu       sync.Mutex // guards what follows; never held while a line is written
	open     map[Record]*occurrence
	order    []Record   // the keys of open, oldest first
	overflow occurrence // denials that found no room, or whose lines were not written
	pending  []entry

	writing sync.Mutex // guards w, and the order of lines
	w       io.Writer
}

// occurrence counts what came after the first denial of a window.
type occurrence struct {
	since    time.Time // when the window began
	repeated int
}

// ended says whether its window is over.
func (o *occurrence) ended(now time.Time) bool { return !now.Before(o.since.Add(window)) }

// New makes a log that writes whole lines to w.
func New(w io.Writer, now func() time.Time) *Log {
	return &Log{w: w, now: now, open: make(map[Record]*occurrence), wake: make(chan struct{}, 1)}
}

// Denied notes a denial. It never waits for the writer: what finds no room is
// counted.
func (l *Log) Denied(r Record) {
	e := entry{rules: r.Rules, counts: 1}
	e.whole = len(r.Principal) <= maxText && len(r.Resource) <= maxText
	r.Rules = nil // what is the same to the reader is counted together
	r.Principal, r.Host, r.Resource = clip(r.Principal), clip(r.Host), clip(r.Resource)
	e.record = r
	l.mu.Lock()
	defer l.mu.Unlock()
	e.at = l.now()
	l.closeEnded(e.at)
	o, seen := l.open[r]
	switch {
	case seen:
		o.repeated++
	case len(l.open) >= capacity:
		l.missed(e.at, 1)
	default:
		l.open[r] = &occurrence{since: e.at}
		l.order = append(l.order, r)
		l.enqueue(e)
	}
}

// closeEnded turns the counts of ended windows into lines, oldest first. All
// windows are equally long, so that they end in the order they began in, and
// a denial looks at no window but those that it closes.
func (l *Log) closeEnded(now time.Time) {
	for len(l.order) > 0 && l.open[l.order[0]].ended(now) {
		l.closeOldest(now)
	}
}

func (l *Log) closeOldest(now time.Time) {
	r := l.order[0]
	l.order[0] = Record{} // let go of its texts
	l.order = l.order[1:]
	o := l.open[r]
	delete(l.open, r)
	if o.repeated > 0 {
		l.enqueue(entry{at: now, record: r, since: o.since, repeated: o.repeated, counts: o.repeated})
	}
}

// enqueue hands a line to the writer, or counts what it would have told.
func (l *Log) enqueue(e entry) {
	if len(l.pending) >= capacity {
		l.missed(e.at, e.counts)
		return
	}
	l.pending = append(l.pending, e)
	select {
	case l.wake <- struct{}{}:
	default: // it knows
	}
}

// missed counts denials of which only the number will be told.
func (l *Log) missed(now time.Time, n int) {
	if l.overflow.repeated == 0 {
		l.overflow.since = now
	}
	l.overflow.repeated += n
}
