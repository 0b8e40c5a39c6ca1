package group

import (
	"cmp"
	"time"

	"schloss/kafka"
)

// JoinRequest is a JoinGroup request. An empty InstanceID is none.
type JoinRequest struct {
	Group            string
	MemberID         string // empty at the first join
	InstanceID       string // group.instance.id of a static member
	ClientID         string
	ClientHost       string // as Kafka prints it: "/127.0.0.1"
	SessionTimeout   time.Duration
	RebalanceTimeout time.Duration // version 0 has none: the session timeout
	ProtocolType     string
	Protocols        []Protocol
	RequireMemberID  bool // version 4 and later: MEMBER_ID_REQUIRED at the first join
	SkipAssignment   bool // version 9 and later: knows skip_assignment (KIP-814)
}

// Protocol is one assignor a member offers, with its subscription.
type Protocol struct {
	Name     string
	Metadata []byte
}

// JoinResponse answers a JoinRequest. An empty ProtocolType or Protocol is
// null from version 7 on and empty before.
type JoinResponse struct {
	Error          kafka.ErrorCode
	MemberID       string
	Generation     int32
	ProtocolType   string
	Protocol       string
	Leader         string
	SkipAssignment bool
	Members        []JoinMember // to the leader only
}

// JoinMember is what the leader learns of one member.
type JoinMember struct {
	ID         string
	InstanceID string // empty is null
	Metadata   []byte
}

// Join lets a member into a group, or answers why not. The reply may come
// with the effects of a later call.
func (c *Coordinator) Join(now time.Time, r JoinRequest, reply func(JoinResponse)) Effects {
	c.begin(now)
	if code := c.checkJoin(r); code != kafka.NoError {
		c.reply(func() { reply(joinError(r.MemberID, code)) })
		return c.end()
	}
	g := c.groups[r.Group]
	if g == nil {
		g = c.add(r.Group)
	}
	switch {
	case g.state == Dead:
		c.reply(func() { reply(joinError(r.MemberID, kafka.ErrCoordinatorNotAvailable)) })
	case !c.accepts(g, r.MemberID):
		c.refuseForSize(g, r.MemberID, reply)
	case !g.supports(r.ProtocolType, r.Protocols):
		c.reply(func() { reply(joinError(r.MemberID, kafka.ErrInconsistentGroupProtocol)) })
	case r.MemberID == "":
		c.joinNew(g, r, reply)
	default:
		c.joinKnown(g, r, reply)
	}
	c.settle(g)
	return c.end()
}

// checkJoin says what is wrong with a request before any member is looked at.
func (c *Coordinator) checkJoin(r JoinRequest) kafka.ErrorCode {
	if code := c.check(r.Group); code != kafka.NoError {
		return code
	}
	switch {
	case r.Group == "":
		return kafka.ErrInvalidGroupID
	case r.SessionTimeout < c.cfg.MinSessionTimeout || r.SessionTimeout > c.cfg.MaxSessionTimeout:
		return kafka.ErrInvalidSessionTimeout
	case len(r.InstanceID) > maxClientID: // its letters are the client's affair, as in Kafka
		return kafka.ErrInvalidConfig
	case c.groups[r.Group] == nil && r.MemberID != "":
		return kafka.ErrUnknownMemberID
	case len(r.ClientID) > maxClientID || len(r.ClientHost) > maxString:
		return kafka.ErrInvalidRequest
	}
	for _, p := range r.Protocols {
		if len(p.Name) > maxString {
			return kafka.ErrInconsistentGroupProtocol
		}
	}
	if len(r.ProtocolType) > maxString {
		return kafka.ErrInconsistentGroupProtocol
	}
	return kafka.NoError
}

// maxClientID leaves room for a UUID in a member id, which begins with a client
// or instance id.
const maxClientID = maxString - 64

// accepts says whether the group has room for the member. While it rebalances
// only those count that have joined again: the last ones find it full.
func (c *Coordinator) accepts(g *group, memberID string) bool {
	m := g.member(memberID)
	switch g.state {
	case PreparingRebalance:
		return m != nil && m.join != nil || g.joined() < c.cfg.MaxSize
	case CompletingRebalance, Stable:
		return m != nil || len(g.members) < c.cfg.MaxSize
	}
	return true
}

func (c *Coordinator) refuseForSize(g *group, memberID string, reply func(JoinResponse)) {
	delete(g.pending, memberID)
	if m := g.member(memberID); m != nil {
		c.remove(g, m)
	}
	c.reply(func() { reply(joinError("", kafka.ErrGroupMaxSizeReached)) })
	c.maybeCompleteJoin(g)
}

// joinNew lets in a member that has no id yet.
func (c *Coordinator) joinNew(g *group, r JoinRequest, reply func(JoinResponse)) {
	id := cmp.Or(r.InstanceID, r.ClientID) + "-" + c.cfg.NewUUID()
	switch m := g.static[r.InstanceID]; {
	case m != nil:
		c.replaceStatic(g, m, id, r, reply)
	case r.RequireMemberID && r.InstanceID == "":
		g.pending[id] = c.now.Add(r.SessionTimeout)
		c.reply(func() { reply(joinError(id, kafka.ErrMemberIDRequired)) })
	default:
		c.joinAs(g, id, r, reply)
	}
}

// joinAs adds a member and rebalances.
func (c *Coordinator) joinAs(g *group, id string, r JoinRequest, reply func(JoinResponse)) {
	m := &member{
		id: id, instanceID: r.InstanceID, clientID: r.ClientID, clientHost: r.ClientHost,
		fresh: true,
	}
	m.heard(c.now)
	c.update(m, r, reply)
	g.addMember(m, r.ProtocolType)
	delete(g.pending, id)
	g.grown = g.initial
	c.rebalance(g)
}

// joinKnown lets a member in again that says its id.
func (c *Coordinator) joinKnown(g *group, r JoinRequest, reply func(JoinResponse)) {
	if _, ok := g.pending[r.MemberID]; ok && r.InstanceID == "" {
		c.joinAs(g, r.MemberID, r, reply)
		return
	}
	m, code := g.find(r.MemberID, r.InstanceID)
	switch {
	case code != kafka.NoError:
		c.reply(func() { reply(joinError(r.MemberID, code)) })
	case g.state == PreparingRebalance, !m.matches(r.Protocols), g.state == Stable && g.leader == m.id:
		// The leader may always ask for a new generation: what it assigns by
		// may have changed without a change of its own metadata.
		c.update(m, r, reply)
		c.rebalance(g)
	default:
		// It did not get its first answer, or asks for no change.
		answer := g.joinResponse(m)
		c.reply(func() { reply(answer) })
	}
}

// update takes what a member says with its JoinGroup, which waits from now on.
// A JoinGroup of the same member that waited already is told to try again.
//
// Differs from Kafka: there the older one is never answered.
func (c *Coordinator) update(m *member, r JoinRequest, reply func(JoinResponse)) {
	c.answerJoin(m, joinError(m.id, kafka.ErrRebalanceInProgress))
	m.protocols = r.Protocols
	m.session, m.rebalance = r.SessionTimeout, max(r.RebalanceTimeout, 0)
	m.join = reply
}

func (c *Coordinator) answerJoin(m *member, answer JoinResponse) {
	if reply := m.join; reply != nil {
		m.join = nil
		c.reply(func() { reply(answer) })
	}
}

// joinResponse is the answer to a member of this generation.
func (g *group) joinResponse(m *member) JoinResponse {
	answer := JoinResponse{
		MemberID: m.id, Generation: g.generation,
		ProtocolType: g.protocolType, Protocol: g.protocol, Leader: g.leader,
	}
	if m.id == g.leader {
		for _, o := range g.members {
			answer.Members = append(answer.Members, JoinMember{ID: o.id, InstanceID: o.instanceID, Metadata: o.metadata(g.protocol)})
		}
	}
	return answer
}

func joinError(memberID string, code kafka.ErrorCode) JoinResponse {
	return JoinResponse{Error: code, MemberID: memberID, Generation: -1}
}
