package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"schloss/security/acl"
)

// entry is a line on its way to the writer.
type entry struct {
	at       time.Time
	record   Record
	rules    *acl.Rules
	whole    bool      // the texts of record are as they came, so that a command can be made of them
	since    time.Time // with repeated or overflow
	repeated int
	overflow int
	counts   int // denials that this line tells of
}

// line is the entry in words. Making it may cost a search of the rules, which
// is why the writer does so and not the request.
func (e *entry) line() line {
	if e.overflow > 0 {
		return line{Time: stamp(e.at), Event: "denied", Overflow: e.overflow, Since: stamp(e.since)}
	}
	l := newLine(e.at, e.record)
	if e.repeated > 0 {
		l.Repeated, l.Since = e.repeated, stamp(e.since)
	} else if e.whole {
		l.advise(e.rules, e.record)
	}
	return l
}

// Run writes what has been noted until ctx ends, and then the counts of all
// open windows. A tick, every second or so, lets it look for windows that have
// ended. failed is told once when lines can no longer be written, and again only
// after some could.
func (l *Log) Run(ctx context.Context, tick <-chan time.Time, failed func(error)) {
	broken := false
	for ctx.Err() == nil {
		select {
		case <-l.wake:
		case <-tick:
		case <-ctx.Done():
		}
		err := l.Tick()
		if err != nil && !broken {
			failed(err)
		}
		broken = err != nil
	}
	if err := l.Flush(); err != nil && !broken {
		failed(err)
	}
}

// Tick writes what waits, and the counts of the windows that have ended. A
// returned error says that lines could not be written; their denials are
// counted, and told when writing is possible again.
func (l *Log) Tick() error { return l.write(false) }

// Flush writes what waits and the counts of all open windows, and closes them.
func (l *Log) Flush() error { return l.write(true) }

func (l *Log) write(all bool) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	batch := l.take(all)
	for i := range batch {
		if err := l.writeOne(&batch[i]); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, e := range batch[i:] {
				l.missed(e.at, e.counts)
			}
			return err
		}
	}
	return nil
}

// take empties the queue. What was only counted comes last, here and not when
// its window ends, since then the queue may have no room for it.
func (l *Log) take(all bool) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.closeEnded(now)
	for all && len(l.order) > 0 {
		l.closeOldest(now)
	}
	batch := l.pending
	l.pending = nil
	if o := l.overflow; o.repeated > 0 && (all || o.ended(now)) {
		l.overflow = occurrence{}
		batch = append(batch, entry{at: now, since: o.since, overflow: o.repeated, counts: o.repeated})
	}
	return batch
}

func (l *Log) writeOne(e *entry) error {
	data, err := json.Marshal(e.line())
	if err != nil {
		return fmt.Errorf("encode audit line: %w", err)
	}
	if _, err := l.w.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	return nil
}
