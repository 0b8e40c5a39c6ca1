package group

import (
	"time"

	"schloss/kafka"
)

// LeaveRequest is a LeaveGroup request; before version 3 it names one member.
type LeaveRequest struct {
	Group   string
	Members []Leaver
}

// Leaver is a member that leaves: a dynamic one by its member id, a static one
// by its instance id (and, if not empty, its member id as well).
type Leaver struct {
	MemberID   string
	InstanceID string
}

// LeaveResponse answers a LeaveRequest; before version 3 the error of the one
// member is the error of the whole.
type LeaveResponse struct {
	Error   kafka.ErrorCode
	Members []kafka.ErrorCode // one for each Leaver, when Error is NoError
}

// Leave removes members from a group. The answer is there at once.
func (c *Coordinator) Leave(now time.Time, r LeaveRequest) (LeaveResponse, Effects) {
	c.begin(now)
	g := c.groups[r.Group]
	code := c.check(r.Group)
	switch {
	case code != kafka.NoError:
	case r.Group == "":
		code = kafka.ErrInvalidGroupID
	case g != nil && g.state == Dead:
		code = kafka.ErrCoordinatorNotAvailable
	}
	if code != kafka.NoError {
		return LeaveResponse{Error: code}, c.end()
	}
	answer := LeaveResponse{Members: make([]kafka.ErrorCode, len(r.Members))}
	for i, l := range r.Members {
		answer.Members[i] = c.leave(g, l)
	}
	if g != nil {
		c.settle(g)
	}
	return answer, c.end()
}

func (c *Coordinator) leave(g *group, l Leaver) kafka.ErrorCode {
	if g == nil {
		return kafka.ErrUnknownMemberID
	}
	if _, ok := g.pending[l.MemberID]; ok && l.InstanceID == "" {
		delete(g.pending, l.MemberID)
		c.maybeCompleteJoin(g)
		return kafka.NoError
	}
	m, code := g.static[l.InstanceID], kafka.NoError
	if l.MemberID != "" || m == nil {
		// Without a member id an administrator removes whoever has the
		// instance id.
		if m, code = g.find(l.MemberID, l.InstanceID); code != kafka.NoError {
			return code
		}
	}
	c.removeAndRebalance(g, m)
	return kafka.NoError
}
