package listener

import (
	"context"
	"fmt"
	"sync"
)

// Limits counts connections against max.connections and
// max.connections.per.ip, and paces new ones. Zero means no limit. Those of one listener count for
// the whole broker's too.
type Limits struct {
	Max    int
	PerIP  int
	Broker *Limits // nil: these are the broker's own
	Rate   Rate    // max.connection.creation.rate

	mu    sync.Mutex // guards the counts, and Max and PerIP once they are shared
	total int
	byIP  map[string]int
}

// Set changes the limits. Connections that stand above them stay.
func (l *Limits) Set(most, perIP int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Max, l.PerIP = most, perIP
}

// pace waits until one more connection is due. As in Kafka it is the acceptor
// that waits: connections queue in the system, and nobody is refused.
func (l *Limits) pace(ctx context.Context) {
	l.Rate.await(ctx)
	if l.Broker != nil {
		l.Broker.Rate.await(ctx)
	}
}

func (l *Limits) admit(ip string) error {
	if l.Broker != nil {
		if err := l.Broker.admit(ip); err != nil {
			return err
		}
	}
	err := l.count(ip)
	if err != nil && l.Broker != nil {
		l.Broker.leave(ip)
	}
	return err
}

func (l *Limits) count(ip string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Max > 0 && l.total >= l.Max {
		return fmt.Errorf("%d connections are open, max.connections allows no more", l.total)
	}
	if l.PerIP > 0 && l.byIP[ip] >= l.PerIP {
		return fmt.Errorf("%d connections from %s are open, max.connections.per.ip allows no more", l.byIP[ip], ip)
	}
	if l.byIP == nil {
		l.byIP = make(map[string]int)
	}
	l.total++
	l.byIP[ip]++
	return nil
}

func (l *Limits) leave(ip string) {
	if l.Broker != nil {
		defer l.Broker.leave(ip)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.byIP[ip]--; l.byIP[ip] <= 0 {
		delete(l.byIP, ip)
	}
}
