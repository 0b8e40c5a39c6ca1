package group

import (
	"time"

	"schloss/kafka"
)

// minRejoinWait is the least time between two tries to end a rebalance that
// nobody joined, whatever rebalance timeout the members have.
const minRejoinWait = time.Second

// rebalance begins a rebalance, or goes on with the one under way.
func (c *Coordinator) rebalance(g *group) {
	if g.state == PreparingRebalance {
		c.maybeCompleteJoin(g)
		return
	}
	c.prepareRebalance(g)
}

// prepareRebalance asks all members to join again. The first members of an
// empty group are given time to be more.
func (c *Coordinator) prepareRebalance(g *group) {
	if g.state == CompletingRebalance {
		c.failSyncs(g, kafka.ErrRebalanceInProgress)
	}
	for _, m := range g.members {
		m.unsynced = false
	}
	g.syncDeadline = time.Time{}
	initial := g.state == Empty
	g.become(PreparingRebalance, c.now)
	if initial {
		g.initial = true
		g.delay = c.cfg.InitialRebalanceDelay
		g.budget = max(g.rebalanceTimeout()-g.delay, 0)
		g.joinDeadline = c.now.Add(g.delay)
		return
	}
	g.joinDeadline = c.now.Add(g.rebalanceTimeout())
	c.maybeCompleteJoin(g)
}

// maybeCompleteJoin ends PreparingRebalance when all members have joined.
func (c *Coordinator) maybeCompleteJoin(g *group) {
	if g.state == PreparingRebalance && !g.initial && g.allJoined() {
		c.completeJoin(g)
	}
}

// joinTimeout ends PreparingRebalance, or extends the first one of a group
// that has grown meanwhile.
func (c *Coordinator) joinTimeout(g *group) {
	if g.initial && g.grown && g.budget > 0 {
		g.grown = false
		delay := min(c.cfg.InitialRebalanceDelay, g.budget)
		g.budget = max(g.budget-g.delay, 0)
		g.delay = delay
		g.joinDeadline = c.now.Add(delay)
		return
	}
	c.completeJoin(g)
}

// completeJoin begins the next generation with the members that have joined,
// and the static ones that have not: they keep their place until their session
// expires.
func (c *Coordinator) completeJoin(g *group) {
	for _, m := range append([]*member(nil), g.members...) {
		if m.join == nil && m.instanceID == "" {
			c.remove(g, m)
		}
	}
	if len(g.members) > 0 && !g.leaderJoined() {
		g.initial = false
		g.joinDeadline = c.now.Add(max(g.rebalanceTimeout(), minRejoinWait))
		return
	}
	g.generation++
	if len(g.members) == 0 {
		c.empty(g)
		return
	}
	g.protocol = g.elect()
	g.become(CompletingRebalance, c.now)
	for _, m := range g.members {
		m.fresh, m.unsynced = false, true
		m.heard(c.now)
		c.answerJoin(m, g.joinResponse(m))
	}
	g.syncDeadline = c.now.Add(g.rebalanceTimeout())
}

// leaderJoined makes a member the leader that has joined, if there is one; the
// old leader by preference.
func (g *group) leaderJoined() bool {
	if m := g.member(g.leader); m != nil && m.join != nil {
		return true
	}
	for _, m := range g.members {
		if m.join != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// empty is the generation without members. Nobody waits for its record: if it
// is not written, a restart finds the members before it, and their sessions
// expire.
func (c *Coordinator) empty(g *group) {
	g.protocol, g.leader = "", ""
	g.become(Empty, c.now)
	c.write(g, g.metadataRecord(nil), func(base kafka.Offset, code kafka.ErrorCode) {
		if code == kafka.NoError {
			g.record = base
		}
	})
}

// syncTimeout removes the members that joined this generation and did not ask
// for their assignment.
func (c *Coordinator) syncTimeout(g *group) {
	g.syncDeadline = time.Time{}
	for _, m := range append([]*member(nil), g.members...) {
		if m.unsynced {
			c.remove(g, m)
		}
	}
	c.prepareRebalance(g)
}

// remove takes a member out, and answers what it waits for.
func (c *Coordinator) remove(g *group, m *member) {
	c.answerJoin(m, joinError("", kafka.ErrUnknownMemberID))
	c.answerSync(m, SyncResponse{Error: kafka.ErrUnknownMemberID})
	g.removeMember(m)
}

func (c *Coordinator) removeAndRebalance(g *group, m *member) {
	c.remove(g, m)
	c.rebalance(g)
}
