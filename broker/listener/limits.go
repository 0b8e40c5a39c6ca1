package listener

import (
	"fmt"
	"sync"
)

// Limits counts the connections of all listeners of a broker against
// max.connections and max.connections.per.ip. Zero means no limit.
type Limits struct {
	Max   int
	PerIP int

	mu    sync.Mutex // guards the counts
	total int
	byIP  map[string]int
}

func (l *Limits) admit(ip string) error {
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
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.byIP[ip]--; l.byIP[ip] <= 0 {
		delete(l.byIP, ip)
	}
}
