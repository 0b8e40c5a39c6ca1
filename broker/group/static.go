package group

import "schloss/kafka"

// replaceStatic gives a static member that comes back without its member id
// (after a restart of the client) a new id and its old place. In a stable
// group it also gets its old assignment, without a rebalance, unless the
// group's protocol would change (KIP-345).
func (c *Coordinator) replaceStatic(g *group, m *member, id string, r JoinRequest, reply func(JoinResponse)) {
	old := *m
	led := g.leader == m.id
	c.answerJoin(m, joinError(m.id, kafka.ErrFencedInstanceID))
	c.answerSync(m, SyncResponse{Error: kafka.ErrFencedInstanceID})
	m.id = id
	if led {
		g.leader = id
	}
	c.update(m, r, reply)
	m.heard(c.now)

	switch {
	case g.state == Stable && g.elect() == g.protocol:
		c.persistStatic(g, m, old, r.SkipAssignment)
	case g.state == PreparingRebalance:
		c.maybeCompleteJoin(g)
	default:
		// In CompletingRebalance the leader may assign to the old id.
		c.prepareRebalance(g)
	}
}

// persistStatic writes the generation with the member's new id and answers it
// then. The write's failure gives the old id back.
func (c *Coordinator) persistStatic(g *group, m *member, old member, skipAssignment bool) {
	id, generation := m.id, g.generation
	records := g.metadataRecord(func(m *member) []byte { return m.assignment })
	c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
		if code == kafka.NoError {
			g.record = base
		}
		if g.state != Stable || g.generation != generation || m.id != id || g.member(id) != m {
			return // the member waits in a rebalance that began meanwhile, or was answered
		}
		if code != kafka.NoError {
			c.restoreStatic(g, m, old, answerFor(code, kafka.ErrUnknownServerError))
			return
		}
		answer := g.joinResponse(m)
		if id == g.leader {
			if skipAssignment {
				answer.SkipAssignment = true // KIP-814: it leads and must not assign
			} else {
				answer.Leader, answer.Members = old.id, nil // not its own id: it would assign
			}
		}
		m.heard(c.now)
		c.answerJoin(m, answer)
	})
}

func (c *Coordinator) restoreStatic(g *group, m *member, old member, code kafka.ErrorCode) {
	c.answerJoin(m, JoinResponse{
		Error: code, Generation: g.generation,
		ProtocolType: g.protocolType, Protocol: g.protocol, Leader: g.leader,
	})
	if g.leader == m.id {
		g.leader = old.id
	}
	m.id, m.protocols, m.session, m.rebalance = old.id, old.protocols, old.session, old.rebalance
	m.heard(c.now)
}
