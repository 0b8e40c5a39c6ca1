package group

import (
	"time"

	"schloss/kafka"
)

// SyncRequest is a SyncGroup request. Empty ProtocolType and Protocol are
// absent (before version 5) and not checked.
type SyncRequest struct {
	Group        string
	MemberID     string
	InstanceID   string
	Generation   int32
	ProtocolType string
	Protocol     string
	Assignments  []Assignment // from the leader only
}

// Assignment is what one member is to do.
type Assignment struct {
	MemberID string
	Data     []byte
}

// SyncResponse answers a SyncRequest. Empty ProtocolType and Protocol are null.
type SyncResponse struct {
	Error        kafka.ErrorCode
	ProtocolType string
	Protocol     string
	Assignment   []byte
}

// Sync takes the leader's assignment and gives each member its own, once the
// assignment is durable.
func (c *Coordinator) Sync(now time.Time, r SyncRequest, reply func(SyncResponse)) Effects {
	c.begin(now)
	g, m, code := c.checkSync(r)
	if code != kafka.NoError {
		c.reply(func() { reply(SyncResponse{Error: code}) })
		return c.end()
	}
	m.unsynced = false
	if g.allSynced() {
		g.syncDeadline = time.Time{}
	}
	if g.state == Stable {
		m.heard(now)
		answer := g.syncResponse(m)
		c.reply(func() { reply(answer) })
	} else {
		c.answerSync(m, SyncResponse{Error: kafka.ErrRebalanceInProgress}) // of an earlier try
		m.sync = reply
		if m.id == g.leader && g.assigning != g.generation {
			c.assign(g, r.Assignments)
		}
	}
	c.settle(g)
	return c.end()
}

func (c *Coordinator) checkSync(r SyncRequest) (*group, *member, kafka.ErrorCode) {
	switch code := c.check(r.Group); {
	case code == kafka.ErrCoordinatorLoadInProgress:
		return nil, nil, kafka.ErrRebalanceInProgress // what clients of all ages understand here
	case code != kafka.NoError:
		return nil, nil, code
	case r.Group == "":
		return nil, nil, kafka.ErrInvalidGroupID
	}
	g := c.groups[r.Group]
	switch {
	case g == nil:
		return nil, nil, kafka.ErrUnknownMemberID
	case g.state == Dead:
		return nil, nil, kafka.ErrCoordinatorNotAvailable
	}
	m, code := g.find(r.MemberID, r.InstanceID)
	switch {
	case code != kafka.NoError:
		return nil, nil, code
	case r.Generation != g.generation:
		return nil, nil, kafka.ErrIllegalGeneration
	case r.ProtocolType != "" && r.ProtocolType != g.protocolType, r.Protocol != "" && r.Protocol != g.protocol:
		return nil, nil, kafka.ErrInconsistentGroupProtocol
	case g.state == PreparingRebalance:
		return nil, nil, kafka.ErrRebalanceInProgress
	}
	return g, m, kafka.NoError
}

// assign writes the leader's assignment. Members it does not name get none;
// those that it names and the group does not know are left out.
func (c *Coordinator) assign(g *group, assignments []Assignment) {
	data := make(map[string][]byte, len(assignments))
	for _, a := range assignments {
		data[a.MemberID] = a.Data
	}
	generation := g.generation
	g.assigning = generation
	records := g.metadataRecord(func(m *member) []byte { return data[m.id] })
	c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
		if code == kafka.NoError {
			g.record = base
		}
		if g.state != CompletingRebalance || g.generation != generation {
			return // a rebalance began meanwhile: who waited for this was told
		}
		if code != kafka.NoError {
			c.failSyncs(g, answerFor(code, kafka.ErrUnknownServerError))
			c.prepareRebalance(g)
			return
		}
		g.become(Stable, c.now)
		for _, m := range g.members {
			m.assignment = data[m.id]
			c.answerSync(m, g.syncResponse(m))
		}
	})
}

// failSyncs answers the members that wait for an assignment that will not come.
func (c *Coordinator) failSyncs(g *group, code kafka.ErrorCode) {
	for _, m := range g.members {
		m.assignment = nil
		c.answerSync(m, SyncResponse{Error: code})
	}
}

// answerSync answers a member that waits, whose session begins anew: until now
// it could not speak.
func (c *Coordinator) answerSync(m *member, answer SyncResponse) {
	if reply := m.sync; reply != nil {
		m.sync = nil
		m.heard(c.now)
		c.reply(func() { reply(answer) })
	}
}

func (g *group) syncResponse(m *member) SyncResponse {
	return SyncResponse{ProtocolType: g.protocolType, Protocol: g.protocol, Assignment: m.assignment}
}

func (g *group) allSynced() bool {
	for _, m := range g.members {
		if m.unsynced {
			return false
		}
	}
	return true
}
