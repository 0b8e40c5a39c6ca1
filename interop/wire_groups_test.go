//go:build interop

package interop

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// subscription is what a consumer says that it reads.
func subscription(topics ...string) []byte {
	out := binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(len(topics)))
	for _, t := range topics {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(t))), t...)
	}
	return append(out, 0xff, 0xff, 0xff, 0xff)
}

// groupMember is a member as a client keeps it.
type groupMember struct {
	*player
	name       string // of its connection
	group      string
	instance   *string
	id         string
	generation int32
	protocols  string // names, by commas
	reads      []string
	version    int16 // of JoinGroup
	kind       string
}

func (p *player) member(name, group string, reads ...string) *groupMember {
	return &groupMember{player: p, name: name, group: group, generation: -1, protocols: "range", reads: reads, version: 9, kind: "consumer"}
}

func (p *player) static(name, group, instance string, reads ...string) *groupMember {
	m := p.member(name, group, reads...)
	m.instance = &instance
	return m
}

// label names an id that the broker chose by the client that it was given to.
func (p *player) label(id string) string {
	for _, prefix := range []string{"wire-", "one-", "two-", "three-", "no/slash-"} {
		if strings.HasPrefix(id, prefix) {
			return prefix + p.number(id)
		}
	}
	return id
}

func (p *player) number(id string) string {
	if p.members == nil {
		p.members = make(map[string]int)
	}
	if p.members[id] == 0 {
		p.members[id] = len(p.members) + 1
	}
	return fmt.Sprint(p.members[id])
}

func (m *groupMember) joinRequest() kmsg.Request {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = m.group, m.id, m.instance, m.kind
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 30000, 30000
	for _, name := range strings.Split(m.protocols, ",") {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscription(m.reads...)
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

func (m *groupMember) sendJoin() { m.send(m.name, m.joinRequest(), m.version) }

func (m *groupMember) joined(what string) {
	m.t.Helper()
	req := m.joinRequest()
	req.SetVersion(m.version)
	r := m.receive(m.name, req).(*kmsg.JoinGroupResponse)
	kind, protocol := "null", "null"
	if r.ProtocolType != nil {
		kind = *r.ProtocolType
	}
	if r.Protocol != nil {
		protocol = *r.Protocol
	}
	m.say("%s: join %s %s generation %d %s/%s leader %s skip %v", what, code(r.ErrorCode), m.label(r.MemberID), r.Generation, kind, protocol, m.label(r.LeaderID), r.SkipAssignment)
	var lines []string
	for _, o := range r.Members {
		instance := "null"
		if o.InstanceID != nil {
			instance = *o.InstanceID
		}
		lines = append(lines, fmt.Sprintf("    member %s %s", m.label(o.MemberID), instance))
	}
	sort.Strings(lines) // Kafka's order is a hash map's
	for _, l := range lines {
		m.say("%s", l)
	}
	if r.ErrorCode == 0 || r.ErrorCode == 79 {
		m.id, m.generation = r.MemberID, r.Generation
	}
}

func (m *groupMember) join(what string) { m.sendJoin(); m.joined(what) }

func (m *groupMember) syncRequest(to ...*groupMember) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = m.group, m.id, m.instance, m.generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr(m.kind), kmsg.StringPtr("range")
	for _, o := range to {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = o.id, []byte("for "+o.name)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return req
}

func (m *groupMember) sync(what string, to ...*groupMember) {
	m.t.Helper()
	req := m.syncRequest(to...)
	m.send(m.name, req, 5)
	m.synced(what, req)
}

func (m *groupMember) synced(what string, req *kmsg.SyncGroupRequest) {
	m.t.Helper()
	r := m.receive(m.name, req).(*kmsg.SyncGroupResponse)
	m.say("%s: sync %s %q", what, code(r.ErrorCode), r.MemberAssignment)
}

func (m *groupMember) beat(what string) {
	m.t.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = m.group, m.id, m.instance, m.generation
	m.send(m.name, req, 4)
	m.say("%s: heartbeat %s", what, code(m.receive(m.name, req).(*kmsg.HeartbeatResponse).ErrorCode))
}

func (m *groupMember) commit(what, topic string) {
	m.t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = m.group, m.id, m.instance, m.generation
	t, part := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	part.Offset = 1
	t.Topic, t.Partitions = topic, []kmsg.OffsetCommitRequestTopicPartition{part}
	req.Topics = append(req.Topics, t)
	m.send(m.name, req, 8)
	r := m.receive(m.name, req).(*kmsg.OffsetCommitResponse)
	m.say("%s: commit %s", what, code(r.Topics[0].Partitions[0].ErrorCode))
}

// leave takes members out as an administrator or they themselves do.
func (m *groupMember) leave(what string, members ...kmsg.LeaveGroupRequestMember) {
	m.t.Helper()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = m.group, members
	m.send(m.name, req, 5)
	r := m.receive(m.name, req).(*kmsg.LeaveGroupResponse)
	m.say("%s: leave %s", what, code(r.ErrorCode))
	for _, o := range r.Members {
		instance := "null"
		if o.InstanceID != nil {
			instance = *o.InstanceID
		}
		m.say("    %s %s %s", m.label(o.MemberID), instance, code(o.ErrorCode))
	}
}

func leaver(m *groupMember) kmsg.LeaveGroupRequestMember {
	l := kmsg.NewLeaveGroupRequestMember()
	l.MemberID, l.InstanceID, l.Reason = m.id, m.instance, kmsg.StringPtr("the play says so")
	return l
}

func instanceOnly(name string) kmsg.LeaveGroupRequestMember {
	l := kmsg.NewLeaveGroupRequestMember()
	l.InstanceID = &name
	return l
}

// ready waits until the broker coordinates groups.
func (p *player) ready(group string) {
	p.t.Helper()
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKeys = []string{group}
	eventually(p.t, 30*time.Second, func() error {
		if c := p.ask(req, 4).(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode; c != 0 {
			return fmt.Errorf("find the coordinator: %s", code(c))
		}
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Group = group
		if c := p.ask(fetch, 7).(*kmsg.OffsetFetchResponse).ErrorCode; c != 0 {
			return fmt.Errorf("ask the coordinator: %s", code(c))
		}
		return nil
	})
}

func (p *player) describe(group string, version int16) {
	p.t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	if !p.serves(req, version) {
		return
	}
	g := p.ask(req, version).(*kmsg.DescribeGroupsResponse).Groups[0]
	p.say("describe v%d: %s %s %q %q, %d members", version, code(g.ErrorCode), g.State, g.ProtocolType, g.Protocol, len(g.Members))
	var lines []string
	for _, m := range g.Members {
		instance := "null"
		if m.InstanceID != nil {
			instance = *m.InstanceID
		}
		lines = append(lines, fmt.Sprintf("    %s %s %q %q", p.label(m.MemberID), instance, m.ClientID, m.MemberAssignment))
	}
	sort.Strings(lines)
	for _, l := range lines {
		p.say("%s", l)
	}
}

func (p *player) list(what string, states, types []string) {
	p.t.Helper()
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter, req.TypesFilter = states, types
	r := p.ask(req, 5).(*kmsg.ListGroupsResponse)
	var lines []string
	for _, g := range r.Groups {
		if strings.HasPrefix(g.Group, p.mine) {
			lines = append(lines, fmt.Sprintf("    %s %q %s %s", g.Group, g.ProtocolType, g.GroupState, g.GroupType))
		}
	}
	sort.Strings(lines)
	p.say("list %s: %s", what, code(r.ErrorCode))
	for _, l := range lines {
		p.say("%s", l)
	}
}

func (p *player) deleteGroups(groups ...string) {
	p.t.Helper()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = groups
	var lines []string
	for _, g := range p.ask(req, 2).(*kmsg.DeleteGroupsResponse).Groups {
		lines = append(lines, fmt.Sprintf("    %s %s", g.Group, code(g.ErrorCode)))
	}
	sort.Strings(lines)
	p.say("delete groups\n%s", strings.Join(lines, "\n"))
}

func (p *player) deleteOffsets(what, group string, partitions ...asked) {
	p.t.Helper()
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	for _, a := range partitions {
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic, t.Partitions = a.topic, []kmsg.OffsetDeleteRequestTopicPartition{{Partition: a.partition}}
		req.Topics = append(req.Topics, t)
	}
	r := p.ask(req, 0).(*kmsg.OffsetDeleteResponse)
	var lines []string
	for _, t := range r.Topics {
		for _, part := range t.Partitions {
			lines = append(lines, fmt.Sprintf("    %s-%d %s", t.Topic, part.Partition, code(part.ErrorCode)))
		}
	}
	sort.Strings(lines)
	p.say("delete offsets %s: %s\n%s", what, code(r.ErrorCode), strings.Join(lines, "\n"))
}

func (p *player) deletions() {
	p.mine = "del-"
	p.create("dt", 2)
	p.create("du", 1)
	p.ready("del-g")
	p.describe("del-none", 5)
	p.describe("del-none", 6)
	p.deleteGroups("del-none")
	p.deleteGroups("")
	p.deleteOffsets("of no group", "del-none", asked{topic: "dt"})
	p.deleteOffsets("of no group and no topic", "del-none", asked{topic: "absent"})
	p.deleteOffsets("of a group without a name", "", asked{topic: "dt"})
	simple := p.member("", "del-simple")
	simple.commit("an offset", "dt")
	p.deleteOffsets("of a simple group", "del-simple", asked{topic: "dt"}, asked{topic: "dt", partition: 1}, asked{topic: "dt", partition: 7}, asked{topic: "absent"})
	simple.commit("an offset", "dt")
	m := p.member("m", "del-g", "dt")
	m.join("without an id")
	m.join("with it")
	p.describe("del-g", 5)
	m.sync("it leads", m)
	m.commit("what it reads", "dt")
	m.commit("what it does not", "du")
	p.deleteGroups("del-g", "del-simple")
	p.deleteOffsets("of a group with members", "del-g", asked{topic: "dt"}, asked{topic: "du"})
	p.list("all", nil, nil)
	p.list("stable", []string{"Stable"}, nil)
	p.list("stable in small letters", []string{"stable"}, nil)
	p.list("no state", []string{"Nonsense"}, nil)
	p.list("classic", nil, []string{"classic"})
	p.list("Classic", nil, []string{"Classic"})
	p.list("consumer", nil, []string{"consumer"})
	p.list("empty or dead", []string{"Empty", "Dead"}, nil)
	m.leave("it goes", leaver(m))
	p.describe("del-g", 5)
	p.list("all", nil, nil)
	p.deleteOffsets("of an empty group", "del-g", asked{topic: "dt"})
	p.deleteGroups("del-g", "del-g")
	p.deleteGroups("del-g")
	c := p.member("c", "del-connect")
	c.kind = "connect"
	c.version = 3
	c.join("another kind")
	c.sync("it leads", c)
	p.deleteOffsets("of another kind", "del-connect", asked{topic: "dt"})
	p.describe("del-connect", 5)
}

func (p *player) memberIDs() {
	p.mine = "ids-"
	p.ready("ids-g")
	for _, version := range []int16{0, 3, 4, 6, 7, 9} {
		m := p.member(fmt.Sprint("v", version), fmt.Sprintf("ids-v%d", version), "t")
		m.version = version
		m.join(fmt.Sprintf("v%d without an id", version))
		if m.generation < 0 {
			m.join(fmt.Sprintf("v%d with it", version))
		}
		m.beat("before the sync")
		m.sync("it leads", m)
		m.beat("after the sync")
		m.join("the leader again")
		m.sync("it leads", m)
		m.sync("it asks again")
		m.generation++
		m.beat("a generation to come")
		m.sync("a generation to come")
		m.commit("a generation to come", "absent")
	}
	m := p.member("x", "ids-g", "t")
	m.id = "made up"
	m.join("a made up id")
	m.beat("a made up id")
	m.sync("a made up id")
	m.leave("a made up id", leaver(m))
	m.id, m.group = "", ""
	m.join("no group")
	m.group, m.kind = "ids-g", ""
	m.join("no protocol type")
	m.kind, m.protocols = "consumer", "range"
	m.join("at last")
	m.join("at last")
	other := p.member("y", "ids-g", "t")
	other.protocols = "sticky"
	other.join("no protocol in common")
	other.protocols, other.kind = "range", "connect"
	other.join("another kind")
	m.sync("it leads", m)
	p.list("all", nil, nil)
}

func (p *player) staticMembers() {
	p.mine = "st-"
	p.create("st", 1)
	p.ready("st-g")
	one, two := p.static("one", "st-g", "one", "t"), p.static("two", "st-g", "two", "t")
	one.join("one")
	one.sync("one", one)
	two.sendJoin()
	time.Sleep(200 * time.Millisecond)
	one.beat("one")
	one.join("one again")
	two.joined("two")
	req := two.syncRequest()
	two.send("two", req, 5)
	one.sync("one", one, two)
	two.synced("two", req)
	p.describe("st-g", 5)

	// Its client starts anew: the same place, no rebalance.
	again := p.static("two again", "st-g", "two", "t")
	again.join("two comes back")
	two.beat("the old two")
	two.sync("the old two")
	two.commit("the old two", "st")
	two.leave("the old two", leaver(two))
	two.join("the old two")
	again.beat("two")
	again.sync("two")
	again.commit("two", "st")
	one.beat("one")
	made := p.static("one", "st-g", "one", "t")
	made.id = "made-up"
	made.join("an id made up for an instance")
	made.beat("an id made up for an instance")
	made.instance = kmsg.StringPtr("nobody")
	made.join("an instance made up")
	made.beat("an instance made up")
	made.commit("an instance made up", "st")

	// The leader starts anew: it leads, and assigns nothing.
	lead := p.static("one again", "st-g", "one", "t")
	lead.join("one comes back, v9")
	lead.sync("one", lead)
	old := p.static("one again, v8", "st-g", "one", "t")
	old.version = 8
	old.join("one comes back, v8")
	old.sync("one")
	again.beat("two")
	p.describe("st-g", 5)

	// Another subscription of one that starts anew goes unnoticed; of one that
	// says its id it is a rebalance.
	changed := p.static("two changed", "st-g", "two", "t", "u")
	changed.join("two with another subscription")
	changed.sync("two")
	old.beat("one")
	changed.reads = []string{"t", "u", "v"}
	changed.sendJoin()
	time.Sleep(300 * time.Millisecond)
	old.beat("one")
	old.join("one joins too")
	changed.joined("two with yet another subscription")
	req = changed.syncRequest()
	changed.send(changed.name, req, 5)
	old.sync("one", old, changed)
	changed.synced("two", req)

	// While the group rebalances, one that waits starts anew.
	changed.reads = []string{"t"}
	changed.sendJoin()
	time.Sleep(300 * time.Millisecond)
	newer := p.static("two newer", "st-g", "two", "t")
	newer.sendJoin()
	time.Sleep(300 * time.Millisecond)
	changed.joined("the two that waited")
	old.join("one joins too")
	newer.joined("the newer two")
	old.sync("one", old, newer)
	newer.sync("the newer two")
	changed = newer

	dynamic := p.member("three", "st-g", "t")
	dynamic.version = 3
	dynamic.sendJoin()
	time.Sleep(300 * time.Millisecond)
	changed.beat("two")

	// Leaving in one request, of static members and others.
	admin := p.member("admin", "st-g")
	wrong := leaver(old)
	wrong.MemberID = "another"
	admin.leave("some", instanceOnly("two"), instanceOnly("never"), wrong, instanceOnly("two"))
	old.sendJoin()
	dynamic.joined("three")
	old.joined("one")
	p.describe("st-g", 5)
	admin.leave("all", leaver(old), leaver(dynamic))
	p.describe("st-g", 5)

	bad := p.static("bad", "st-bad", "no/slash", "t")
	bad.join("a bad instance id")
	early := p.static("early", "st-early", "early", "t")
	early.version = 4
	early.join("v4 knows no instances")
	p.list("all", nil, nil)
}
