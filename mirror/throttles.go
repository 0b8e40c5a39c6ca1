package mirror

import (
	"context"
	"fmt"
	"sync"
	"time"

	"schloss/client"
)

// throttles sums up for how long the brokers of one cluster have wanted
// connections to be silent, and tells once that this slows the mirror.
type throttles struct {
	side   string // source or target
	notice func(string)

	mu     sync.Mutex // guards what follows
	total  time.Duration
	minute time.Time     // when the one began that lately is of
	lately time.Duration // of total
	told   bool
}

// worthTelling is the silence within a minute, of all connections together, from
// which on a quota matters.
const worthTelling = 6 * time.Second

// keep keeps a connection silent for as long as its broker wants. Answers to
// what is under way may prolong it.
func (t *throttles) keep(ctx context.Context, conn *client.Conn) {
	keepSilent(ctx, conn, func(d time.Duration) {
		if t.add(d, time.Now()) {
			t.notice(fmt.Sprintf("the %s throttles the mirror: a quota of its user or client id has connections be silent for %v of a minute and more", t.side, worthTelling))
		}
	})
}

// keepSilent waits while the broker wants silence; note hears beforehand for how
// long. There may be no connection yet.
func keepSilent(ctx context.Context, conn *client.Conn, note func(time.Duration)) {
	for conn != nil {
		d := conn.Silent()
		if d <= 0 {
			return
		}
		note(d)
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return
		}
	}
}

// add counts a silence that begins now, and says whether it is to be told.
func (t *throttles) add(d time.Duration, now time.Time) (tell bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.minute) >= time.Minute {
		t.minute, t.lately = now, 0
	}
	t.total += d
	t.lately += d
	tell = !t.told && t.lately >= worthTelling
	t.told = t.told || tell
	return tell
}

// sum is the silence since the mirror's start.
func (t *throttles) sum() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}
