package mirror

import (
	"fmt"
	"sync"

	"schloss/kafka"
)

// outages tells once of a broker that is lost, and once of its return.
type outages struct {
	side   string // source or target
	notice func(string)

	mu   sync.Mutex // guards lost
	lost map[kafka.NodeID]bool
}

func newOutages(side string, notice func(string)) *outages {
	return &outages{side: side, notice: notice, lost: make(map[kafka.NodeID]bool)}
}

func (o *outages) trouble(node kafka.NodeID, err error) {
	if o.mark(node, true) {
		o.notice(fmt.Sprintf("%s broker %d is lost: %v; trying again", o.side, node, err))
	}
}

func (o *outages) recovered(node kafka.NodeID) {
	if o.mark(node, false) {
		o.notice(fmt.Sprintf("%s broker %d is back", o.side, node))
	}
}

func (o *outages) mark(node kafka.NodeID, lost bool) (changed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	changed = o.lost[node] != lost
	o.lost[node] = lost
	return changed
}
