package group

import (
	"slices"
	"time"

	"schloss/kafka"
)

// HeartbeatRequest is a Heartbeat request.
type HeartbeatRequest struct {
	Group      string
	MemberID   string
	InstanceID string
	Generation int32
}

// Heartbeat keeps a member's session alive. The answer is there at once.
func (c *Coordinator) Heartbeat(now time.Time, r HeartbeatRequest) (kafka.ErrorCode, Effects) {
	c.begin(now)
	switch code := c.check(r.Group); {
	case code == kafka.ErrCoordinatorLoadInProgress:
		return kafka.NoError, c.end() // sessions begin when loading ends
	case code != kafka.NoError:
		return code, c.end()
	case r.Group == "":
		return kafka.ErrInvalidGroupID, c.end()
	}
	g := c.groups[r.Group]
	switch {
	case g == nil:
		return kafka.ErrUnknownMemberID, c.end()
	case g.state == Dead:
		return kafka.ErrCoordinatorNotAvailable, c.end()
	}
	m, code := g.find(r.MemberID, r.InstanceID)
	switch {
	case code != kafka.NoError:
		return code, c.end()
	case r.Generation != g.generation:
		return kafka.ErrIllegalGeneration, c.end()
	}
	m.heard(now)
	c.settle(g)
	if g.state == PreparingRebalance {
		return kafka.ErrRebalanceInProgress, c.end()
	}
	return kafka.NoError, c.end()
}

// expireSessions removes the members that were not heard of for too long.
func (c *Coordinator) expireSessions(g *group) {
	for _, m := range slices.Clone(g.members) {
		if reached(m.deadline(), c.now) && g.member(m.id) == m {
			c.removeAndRebalance(g, m)
		}
	}
}
