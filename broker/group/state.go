package group

import (
	"maps"
	"slices"
	"time"

	"schloss/kafka"
)

// State is the state of a group.
type State int8

// The states, named as DescribeGroups prints them.
const (
	Empty State = iota
	PreparingRebalance
	CompletingRebalance
	Stable
	Dead
)

// String is Kafka's name of the state.
func (s State) String() string {
	return [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"}[s]
}

// group is one consumer group.
type group struct {
	id         string
	state      State
	since      time.Time // when it came into the state; zero if a loaded record does not say
	generation int32     // grows with each rebalance; 0 before the first

	protocolType string // of the members now or before; empty in groups that only store offsets
	protocol     string // chosen for this generation; empty without members
	leader       string // member id; empty exactly when there are no members

	members []*member            // in the order of their joining
	static  map[string]*member   // those with an instance id, by it
	pending map[string]time.Time // ids given with MEMBER_ID_REQUIRED, and when they lapse

	// joinDeadline ends PreparingRebalance, and is zero in other states.
	// initial says that the group was empty before: then the rebalance waits
	// for delay more whenever it has grown, as long as some of budget remains.
	joinDeadline  time.Time
	initial       bool
	grown         bool
	delay, budget time.Duration

	// syncDeadline is when members are removed that did not sync; zero when
	// all did.
	syncDeadline time.Time
	// assigning is the generation whose assignment is being written, or 0.
	assigning int32

	offsets    map[kafka.TopicPartition]committed
	committing map[kafka.TopicPartition]int // commits being written
	writes     int                          // all writes under way
	record     kafka.Offset                 // of the newest durable group metadata; NoOffset if none

	due   time.Time // deadline in the coordinator's timers
	timer int       // index there; -1 when out
}

// committed is a durable offset and where its record is.
type committed struct {
	offsetValue
	record kafka.Offset
}

func newGroup(id string) *group {
	return &group{
		id:         id,
		static:     make(map[string]*member),
		pending:    make(map[string]time.Time),
		offsets:    make(map[kafka.TopicPartition]committed),
		committing: make(map[kafka.TopicPartition]int),
		record:     kafka.NoOffset,
		timer:      -1,
	}
}

// unused says that nothing is known of the group: neither the log nor a client
// would miss it.
func (g *group) unused() bool {
	return g.state == Empty && len(g.members) == 0 && len(g.pending) == 0 && len(g.offsets) == 0 &&
		g.writes == 0 && g.record == kafka.NoOffset
}

func (g *group) deadline() time.Time {
	due := earlier(g.joinDeadline, g.syncDeadline)
	for _, lapse := range g.pending {
		due = earlier(due, lapse)
	}
	for _, m := range g.members {
		due = earlier(due, m.deadline())
	}
	return due
}

// become moves the group to another state.
func (g *group) become(s State, now time.Time) {
	g.state, g.since = s, now
	if s != PreparingRebalance {
		g.joinDeadline, g.initial, g.grown = time.Time{}, false, false
	}
}

func (g *group) member(id string) *member {
	for _, m := range g.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (g *group) addMember(m *member, protocolType string) {
	if len(g.members) == 0 {
		g.protocolType, g.leader = protocolType, m.id
	}
	g.members = append(g.members, m)
	if m.instanceID != "" {
		g.static[m.instanceID] = m
	}
}

// removeMember takes m out; if it led, the longest member leads.
func (g *group) removeMember(m *member) {
	g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
	if m.instanceID != "" && g.static[m.instanceID] == m {
		delete(g.static, m.instanceID)
	}
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

// find gives the member that a request speaks of, or why it may not speak for
// one (Kafka: ClassicGroup.validateMember).
func (g *group) find(memberID, instanceID string) (*member, kafka.ErrorCode) {
	if instanceID != "" {
		switch m := g.static[instanceID]; {
		case m == nil:
			return nil, kafka.ErrUnknownMemberID
		case m.id != memberID:
			return nil, kafka.ErrFencedInstanceID
		}
	}
	if m := g.member(memberID); m != nil {
		return m, kafka.NoError
	}
	return nil, kafka.ErrUnknownMemberID
}

// rebalanceTimeout is the largest of the members'.
func (g *group) rebalanceTimeout() time.Duration {
	var t time.Duration
	for _, m := range g.members {
		t = max(t, m.rebalance)
	}
	return t
}

// joined says how many members wait for the rebalance to end.
func (g *group) joined() int {
	n := 0
	for _, m := range g.members {
		if m.join != nil {
			n++
		}
	}
	return n
}

func (g *group) allJoined() bool { return g.joined() == len(g.members) && len(g.pending) == 0 }

// supports says whether a member with these protocols can be in the group: one
// of them must be known to all members.
func (g *group) supports(protocolType string, protocols []Protocol) bool {
	if len(g.members) == 0 {
		return protocolType != "" && len(protocols) > 0
	}
	return protocolType == g.protocolType && slices.ContainsFunc(protocols, func(p Protocol) bool { return g.common(p.Name) })
}

func (g *group) common(protocol string) bool {
	for _, m := range g.members {
		if !m.supports(protocol) {
			return false
		}
	}
	return true
}

// elect chooses the protocol of the next generation: each member votes for
// the first on its list that all have in common. Of several with most votes
// the one voted for first wins (in Kafka, any).
func (g *group) elect() string {
	votes := make(map[string]int)
	var order []string
	for _, m := range g.members {
		for _, p := range m.protocols {
			if !g.common(p.Name) {
				continue
			}
			if votes[p.Name]++; votes[p.Name] == 1 {
				order = append(order, p.Name)
			}
			break
		}
	}
	winner := ""
	for _, name := range order {
		if winner == "" || votes[name] > votes[winner] {
			winner = name
		}
	}
	return winner
}

// value is the group as a record holds it, with these assignments.
func (g *group) value(assignment func(*member) []byte) groupValue {
	v := groupValue{protocolType: g.protocolType, generation: g.generation, protocol: g.protocol, leader: g.leader, since: millis(g.since)}
	for _, m := range g.members {
		v.members = append(v.members, memberValue{
			id: m.id, instanceID: m.instanceID, clientID: m.clientID, clientHost: m.clientHost,
			rebalance: int32(m.rebalance.Milliseconds()), session: int32(m.session.Milliseconds()),
			subscription: m.metadata(g.protocol), assignment: assignment(m),
		})
	}
	return v
}

func (g *group) metadataRecord(assignment func(*member) []byte) []Record {
	return []Record{{Key: encodeGroupKey(g.id), Value: g.value(assignment).encode()}}
}

// millis is a time as records hold it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMilli()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
