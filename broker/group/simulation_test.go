package group

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/kafka"
)

// TestSimulation lets clients join, sync, beat, commit, leave, crash and come
// back, while time passes, appends fail and the broker restarts, all by chance
// from a seed. After every step the coordinator must agree with its log; at
// the end every request must have been answered once.
func TestSimulation(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for s.step = range 1500 {
				s.act()
				s.check()
			}
			s.drain()
		})
	}
}

// actor is a consumer, which knows what a real one knows.
type actor struct {
	name, group, instance string
	member                string
	generation            int32
	leads                 []JoinMember // whom it is to assign to
	state                 string       // idle, waiting, joined, stable
	lives                 int          // counts its crashes: answers to an older life are lost
}

type simulation struct {
	*harness
	r      *rand.Rand
	step   int
	actors []*actor

	// leaders tells who leads each generation of a group, as long as the
	// coordinator knows that group.
	leaders map[generation]string
	// newest are the log's newest records by key.
	newest map[string]kafka.Offset
	seen   kafka.Offset // the log's end when newest was made
}

type generation struct {
	group  *group
	number int32
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{harness: newHarness(t), r: rand.New(rand.NewPCG(seed, 3)), leaders: make(map[generation]string), newest: make(map[string]kafka.Offset)}
	s.cfg.InitialRebalanceDelay = time.Duration(s.r.IntN(3)) * time.Second
	s.cfg.OffsetsRetention = time.Hour
	s.cfg.MaxSize = 3 + s.r.IntN(4)
	s.start()
	for i := range 8 {
		a := &actor{name: fmt.Sprintf("c%d", i), group: []string{"g", "h"}[i%2], generation: -1, state: "idle"}
		if i%4 >= 2 {
			a.instance = fmt.Sprintf("i%d", i)
		}
		s.actors = append(s.actors, a)
	}
	return s
}

// act does one thing by chance.
func (s *simulation) act() {
	switch n := s.r.IntN(100); {
	case n < 55:
		s.actor(s.actors[s.r.IntN(len(s.actors))])
	case n < 75 && len(s.pending) > 0:
		codes := make([]kafka.ErrorCode, 1+s.r.IntN(len(s.pending)))
		for i := range codes {
			if s.r.IntN(12) == 0 {
				codes[i] = []kafka.ErrorCode{kafka.ErrMessageTooLarge, kafka.ErrRequestTimedOut}[s.r.IntN(2)]
			}
		}
		s.finishAll(codes, s.r.Perm(len(codes)))
	case n < 92:
		s.advance(time.Duration(s.r.IntN(3000)) * time.Millisecond)
	case n < 94:
		s.advance(time.Duration(s.r.IntN(20)) * time.Second)
	case n < 95 && s.r.IntN(10) == 0:
		s.advance(time.Duration(s.r.IntN(120)) * time.Minute)
	case n < 96:
		done := s.call("delete")
		s.run(s.c.Delete(s.now, []string{"g", "h", "simple"}[s.r.IntN(3)], func(kafka.ErrorCode) { done() }))
	case n < 97 && s.r.IntN(2) == 0:
		done := s.call("delete offsets")
		s.run(s.c.DeleteOffsets(s.now, []string{"g", "h", "simple"}[s.r.IntN(3)], []kafka.TopicPartition{{Topic: "t"}, {Topic: "u", Partition: 1}},
			func(DeleteOffsetsResponse) { done() }))
	case n < 97:
		s.run(s.c.ForgetTopics(s.now, func(topic string) bool { return topic == "t" }))
	case n < 99:
		s.commit(&actor{group: "simple", generation: -1})
	case s.r.IntN(4) == 0:
		s.restart()
	}
}

// restart loses what is not durable; who waited is told so.
func (s *simulation) restart() {
	s.run(s.c.Resign())
	s.balance("after a resignation")
	s.pending = nil
	s.start()
	clear(s.leaders)
}

// balance checks that every request so far was answered once.
func (s *simulation) balance(when string) {
	for what, n := range s.asked {
		if s.answered[what] != n {
			s.t.Fatalf("step %d, %s: %d of %d requests were answered: %s", s.step, when, s.answered[what], n, what)
		}
	}
}

// drain lets everything end without a restart.
func (s *simulation) drain() {
	for range 100 {
		for len(s.pending) > 0 {
			s.finish(kafka.NoError)
		}
		s.advance(time.Minute)
		s.check()
	}
	s.balance("at the end")
	if len(s.c.groups) > 0 {
		for range 3 {
			s.advance(2 * time.Hour)
			for len(s.pending) > 0 {
				s.finish(kafka.NoError)
			}
		}
		s.check()
	}
	if l := s.c.List(); len(l) > 0 {
		s.t.Fatalf("groups outlive their retention: %+v", l)
	}
}

// actor lets a client do what it would do next, or something else.
func (s *simulation) actor(a *actor) {
	switch n := s.r.IntN(100); {
	case n < 3: // crash; dynamic members forget their id, as do static ones
		a.lives++
		a.state, a.member, a.generation = "idle", "", -1
		return
	case n < 5: // its connection breaks: it asks again
		a.lives++
		if a.state == "waiting" {
			a.state = []string{"idle", "joined"}[s.r.IntN(2)]
		}
		return
	case n < 6 && a.instance != "": // an administrator removes it
		_, fx := s.c.Leave(s.now, LeaveRequest{Group: a.group, Members: []Leaver{{InstanceID: a.instance}}})
		s.run(fx)
		return
	case a.state == "waiting":
		return
	case n < 8 && a.member != "":
		s.leave(a)
		return
	case n < 15:
		s.commit(a)
		return
	case n < 18: // a rejoin without need
		s.join(a)
		return
	}
	switch a.state {
	case "idle":
		s.join(a)
	case "joined":
		s.sync(a)
	case "stable":
		code, fx := s.c.Heartbeat(s.now, HeartbeatRequest{Group: a.group, MemberID: a.member, InstanceID: a.instance, Generation: a.generation})
		s.run(fx)
		s.told(a, code)
	}
}

// told lets a client draw its conclusions from an error.
func (s *simulation) told(a *actor, code kafka.ErrorCode) {
	switch code {
	case kafka.NoError:
	case kafka.ErrUnknownMemberID, kafka.ErrFencedInstanceID, kafka.ErrGroupMaxSizeReached, kafka.ErrCoordinatorNotAvailable:
		a.state, a.member, a.generation = "idle", "", -1
	default:
		a.state = "idle"
	}
}

// identity is the client behind a member id.
func identity(member string) string { return member[:strings.LastIndex(member, "-")] }

func (s *simulation) join(a *actor) {
	r := JoinRequest{Group: a.group, MemberID: a.member, InstanceID: a.instance, ClientID: a.name,
		SessionTimeout: 10 * time.Second, RebalanceTimeout: time.Duration(s.r.IntN(30)) * time.Second, ProtocolType: "consumer",
		Protocols:       []Protocol{{Name: "range", Metadata: []byte{byte(s.r.IntN(2))}}},
		RequireMemberID: s.r.IntN(2) == 0, SkipAssignment: s.r.IntN(2) == 0}
	if s.r.IntN(3) == 0 {
		r.Protocols = append(r.Protocols, Protocol{Name: "sticky"})
	}
	life, done := a.lives, s.call("join")
	a.state = "waiting"
	s.run(s.c.Join(s.now, r, func(j JoinResponse) {
		done()
		if j.Error == kafka.NoError {
			s.joined(a, j)
		}
		if a.lives != life {
			return
		}
		a.state, a.leads = "idle", nil
		switch j.Error {
		case kafka.NoError:
			a.state, a.member, a.generation = "joined", j.MemberID, j.Generation
			if j.Leader == j.MemberID && !j.SkipAssignment {
				a.leads = j.Members
			}
		case kafka.ErrMemberIDRequired:
			a.member = j.MemberID
		default:
			s.told(a, j.Error)
		}
	}))
}

// joined checks what a member is told: one leader per generation, of which it
// alone knows the members.
func (s *simulation) joined(a *actor, j JoinResponse) {
	if identity(j.MemberID) != a.name && identity(j.MemberID) != a.instance {
		s.t.Fatalf("step %d: %s is told to be %s", s.step, a.name, j.MemberID)
	}
	of, leader := generation{s.c.groups[a.group], j.Generation}, identity(j.Leader)
	if known, ok := s.leaders[of]; ok && known != leader {
		s.t.Fatalf("step %d: generation %d of %s is led by %s and %s", s.step, j.Generation, a.group, known, leader)
	}
	s.leaders[of] = leader
	if of.number > 1 && s.leaders[generation{of.group, of.number + 1}] != "" {
		s.t.Fatalf("step %d: generation %d of %s comes after the next", s.step, j.Generation, a.group)
	}
	if (len(j.Members) > 0) != (j.Leader == j.MemberID) {
		s.t.Fatalf("step %d: leader %s: %s is told of %d members", s.step, j.Leader, j.MemberID, len(j.Members))
	}
}

func (s *simulation) sync(a *actor) {
	r := SyncRequest{Group: a.group, MemberID: a.member, InstanceID: a.instance, Generation: a.generation, ProtocolType: "consumer"}
	leads := a.leads
	if g := s.c.groups[a.group]; g != nil && a.member != "" && g.leader == a.member && len(leads) == 0 {
		leads = g.joinResponse(g.member(a.member)).Members // as the answer it lost said
	}
	for _, m := range leads {
		r.Assignments = append(r.Assignments, Assignment{MemberID: m.ID, Data: fmt.Appendf(nil, "%d %s", a.generation, identity(m.ID))})
	}
	life, done := a.lives, s.call("sync")
	a.state = "waiting"
	s.run(s.c.Sync(s.now, r, func(y SyncResponse) {
		done()
		if y.Error == kafka.NoError {
			s.assigned(r, y)
		}
		if a.lives == life {
			a.state = "stable"
			s.told(a, y.Error)
		}
	}))
}

// assigned checks that a member gets what its generation's leader assigned to
// it, and that the log has it.
func (s *simulation) assigned(r SyncRequest, y SyncResponse) {
	if want := fmt.Sprintf("%d %s", r.Generation, identity(r.MemberID)); string(y.Assignment) != want {
		s.t.Fatalf("step %d: %s is assigned %q, want %q", s.step, r.MemberID, y.Assignment, want)
	}
	s.durable(encodeGroupKey(r.Group), r.MemberID, func(value []byte) bool {
		v, err := decodeGroupValue(value)
		return err == nil && v.generation == r.Generation && slices.ContainsFunc(v.members, func(m memberValue) bool {
			return m.id == r.MemberID && bytes.Equal(m.assignment, y.Assignment)
		})
	})
}

// durable checks that the log holds what was answered.
func (s *simulation) durable(key []byte, what any, is func(value []byte) bool) {
	for o := s.end - 1; o >= 0; o-- {
		if r := s.log[o]; r.Value != nil && bytes.Equal(r.Key, key) && is(r.Value) {
			return
		}
	}
	s.t.Fatalf("step %d: %+v is answered, and not in the log", s.step, what)
}

func (s *simulation) leave(a *actor) {
	answer, fx := s.c.Leave(s.now, LeaveRequest{Group: a.group, Members: []Leaver{{MemberID: a.member, InstanceID: a.instance}}})
	s.run(fx)
	if answer.Error == kafka.NoError {
		a.state, a.member, a.generation = "idle", "", -1
	}
}

func (s *simulation) commit(a *actor) {
	r := CommitRequest{Group: a.group, MemberID: a.member, Generation: a.generation}
	if a.member != "" {
		r.InstanceID = a.instance
	}
	for p := range 1 + s.r.Int32N(3) {
		r.Offsets = append(r.Offsets, PartitionOffset{Partition: kafka.TopicPartition{Topic: []string{"t", "u"}[p%2], Partition: p},
			Offset: kafka.Offset(s.r.IntN(1000)), Metadata: fmt.Sprint(s.step)})
	}
	done := s.call("commit")
	s.run(s.c.Commit(s.now, r, func(answer CommitResponse) {
		done()
		for i, code := range answer.Errors {
			if o := r.Offsets[i]; code == kafka.NoError {
				s.durable(encodeOffsetKey(r.Group, o.Partition), o, func(value []byte) bool {
					v, err := decodeOffsetValue(value)
					return err == nil && v.offset == o.Offset && v.metadata == o.Metadata
				})
			}
		}
	}))
}

// follow reads what was appended since it was called last.
func (s *simulation) follow() {
	for ; s.seen < s.end; s.seen++ {
		s.newest[string(s.log[s.seen].Key)] = s.seen
	}
}

// check compares the coordinator with the log, and itself with itself.
func (s *simulation) check() {
	s.follow()
	for key, at := range s.newest {
		r := s.log[at]
		k, err := decodeKey([]byte(key))
		if err != nil {
			s.t.Fatal(err)
		}
		if got, want := s.c.IsLive(r.Key, at), r.Value != nil; got != want {
			s.t.Fatalf("step %d: record %d (%s): live is %v, want %v", s.step, at, describeRecord(r), got, want)
		}
		if k.kind == groupKeyV2 {
			continue
		}
		got, want := s.c.CommittedOffsets(k.group, []kafka.TopicPartition{k.partition})[0].Offset, kafka.NoOffset
		if r.Value != nil {
			v, err := decodeOffsetValue(r.Value)
			if err != nil {
				s.t.Fatal(err)
			}
			want = v.offset
		}
		if got != want {
			s.t.Fatalf("step %d: %s of %s is %d, the log has %d", s.step, k.partition, k.group, got, want)
		}
	}
	if s.step%50 == 0 {
		for at, r := range s.log {
			if s.newest[string(r.Key)] != at && s.c.IsLive(r.Key, at) {
				s.t.Fatalf("step %d: superseded record %d (%s) is live", s.step, at, describeRecord(r))
			}
		}
	}
	for _, g := range s.c.groups {
		s.checkGroup(g)
	}
}

// checkGroup holds a group to the invariants of its type.
func (s *simulation) checkGroup(g *group) {
	static, dynamic := 0, 0
	for _, m := range g.members {
		if m.instanceID == "" {
			dynamic++
		} else {
			static++
			if g.static[m.instanceID] != m {
				s.t.Fatalf("step %d: instance %s is lost", s.step, m.instanceID)
			}
		}
		if m.sync != nil && g.state != CompletingRebalance || m.join != nil && g.state == CompletingRebalance ||
			m.join != nil && g.state == Stable && g.writes == 0 {
			s.t.Fatalf("step %d: member %s waits for nothing in a group that is %v", s.step, m.id, g.state)
		}
	}
	members := len(g.members) > 0
	broken := ""
	switch {
	case members != (g.member(g.leader) != nil):
		broken = "leader"
	case members && (g.state == Empty || g.state == Dead):
		broken = "members"
	case !members && (g.state == Stable || g.state == CompletingRebalance):
		broken = "no members"
	case len(g.static) != static:
		broken = "static members"
	case g.joinDeadline.IsZero() == (g.state == PreparingRebalance):
		broken = "join deadline"
	case !g.syncDeadline.IsZero() && g.state != CompletingRebalance && g.state != Stable:
		broken = "sync deadline"
	case g.state == PreparingRebalance && !g.initial && members && g.allJoined():
		broken = "a rebalance that nobody waits for"
	case g.unused():
		broken = "no use"
	case g.deadline().IsZero() != (g.timer < 0) || g.timer >= 0 && !g.due.Equal(g.deadline()):
		broken = "timer"
	case dynamic > s.cfg.MaxSize && g.state != PreparingRebalance: // static ones may keep a place they lost
		broken = "size"
	}
	if broken != "" {
		s.t.Fatalf("step %d: group %s, %v: %s: %+v", s.step, g.id, g.state, broken, g)
	}
}
