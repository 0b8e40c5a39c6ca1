package broker

import (
	"encoding/binary"
	"sync"
	"time"
	"weak"

	"schloss/broker/fetchsession"
	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/wire"
	"schloss/security/acl"
)

// fetchSessions are the sessions of this broker's consumers.
type fetchSessions struct {
	mu    sync.Mutex // guards cache; nothing is locked under it
	cache *fetchsession.Cache[*fetchSession]
}

// fetchSession is one session. Its partitions are registered with their
// replicas for as long as it lives: an idle partition costs a fetch nothing.
type fetchSession struct {
	b     *Broker
	entry *fetchsession.Entry[*fetchSession] // set before its id is told to anyone

	mu     sync.Mutex // guards what follows; replicas' waitMu, wakeMu and fetchSessions.mu are taken under it
	state  *fetchsession.Session[*sessionWatch]
	open   int        // partitions that are registered
	rules  *acl.Rules // by which, and for whom, Topic.Allowed was judged
	host   string
	closed bool

	wakeMu sync.Mutex // guards what follows
	woken  []*sessionWatch
	parked *fetchWait
}

type (
	sessionPartition = fetchsession.Partition[*sessionWatch]
	sessionTopic     = fetchsession.Topic[*sessionWatch]
)

// sessionWatch is the registration of a session's partition with its replica.
type sessionWatch struct {
	session *fetchSession
	part    *sessionPartition
	r       *replica
	woken   bool // it is in session.woken; guarded by session.wakeMu
}

func newFetchSessions(slots int, newID func() [16]byte) fetchSessions {
	random := func() int32 {
		id := newID()
		return int32(binary.BigEndian.Uint32(id[12:])) // the end of a UUID is all random
	}
	return fetchSessions{cache: fetchsession.NewCache[*fetchSession](slots, random)}
}

// find is the caller's session of that id.
func (ss *fetchSessions) find(id int32, principal string) *fetchSession {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if e := ss.cache.Find(id, principal); e != nil {
		return e.Session
	}
	return nil
}

// add makes the entry of a session if there is room for it. What had to go
// must be ended by the caller.
func (ss *fetchSessions) add(c *call, s *fetchSession, size fetchsession.Size) (gone []*fetchsession.Entry[*fetchSession]) {
	// A weak pointer tells connections apart and does not keep them.
	maker := fetchsession.Maker{Principal: c.peer.Name, Connection: weak.Make[listener.Peer](c.peer)}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.entry, gone = ss.cache.Add(c.now, maker, size, s)
	return gone
}

func (ss *fetchSessions) grow(now time.Time, s *fetchSession, more int) (gone []*fetchsession.Entry[*fetchSession], ok bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.cache.Grow(now, s.entry, more)
}

func (ss *fetchSessions) touch(now time.Time, s *fetchSession) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.cache.Touch(now, s.entry, fetchsession.Size{Partitions: s.state.Size(), Bytes: s.state.Bytes()})
}

// end takes a session out and lets go of its partitions.
func (ss *fetchSessions) end(s *fetchSession) {
	ss.mu.Lock()
	ss.cache.Remove(s.entry)
	ss.mu.Unlock()
	s.close()
}

// join finds the session that the request goes on with, and takes in what the
// request changes of it.
func (f *fetchCall) join() kafka.ErrorCode {
	ss := &f.b.sessions
	old := ss.find(f.in.SessionID, f.peer.Name)
	switch f.in.SessionEpoch {
	case fetchsession.InitialEpoch, fetchsession.FinalEpoch:
		if old != nil {
			ss.end(old)
		}
		f.makes = f.in.SessionEpoch == fetchsession.InitialEpoch
		return kafka.NoError
	}
	if old == nil || f.in.ReplicaID >= 0 { // a replica has none
		return kafka.ErrFetchSessionIDNotFound
	}
	code, gone := old.take(f)
	for _, e := range gone {
		e.Session.close()
	}
	if code == kafka.ErrFetchSessionIDNotFound || code == kafka.NoError && f.session == nil {
		ss.end(old)
	}
	return code
}

// take takes in what a request says. If nothing is left of the session then,
// the call goes on without it, as in Kafka. What had to go to make room is
// returned.
func (s *fetchSession) take(f *fetchCall) (code kafka.ErrorCode, gone []*fetchsession.Entry[*fetchSession]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return kafka.ErrFetchSessionIDNotFound, nil
	}
	if code := s.state.Check(f.in.SessionEpoch, f.byID()); code != kafka.NoError {
		return code, nil
	}
	more := 0
	f.each(func(name string, id kafka.TopicID, p *wire.FetchPartition) { more += s.state.Growth(name, id, p.Index) })
	gone, ok := s.b.sessions.grow(f.now, s, more)
	if !ok {
		return kafka.ErrFetchSessionIDNotFound, gone
	}
	f.each(func(name string, id kafka.TopicID, p *wire.FetchPartition) { s.state.Ask(name, id, p.Index, askOf(p)) })
	for _, t := range f.in.Forgotten {
		for _, index := range t.Partitions {
			if p := s.state.Forget(t.Name, t.ID, index); p != nil {
				s.unwatch(p)
			}
		}
	}
	if s.state.Size() == 0 {
		return kafka.NoError, gone
	}
	s.b.sessions.touch(f.now, s)
	f.session, f.epoch = s, s.state.Advance()
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.parked != nil { // overtaken: its answer has no place any more
		s.parked.fire()
	}
	return kafka.NoError, gone
}

// each calls do with each partition that the request names.
func (f *fetchCall) each(do func(name string, id kafka.TopicID, p *wire.FetchPartition)) {
	for i := range f.in.Topics {
		t := &f.in.Topics[i]
		for j := range t.Partitions {
			do(t.Name, t.ID, &t.Partitions[j])
		}
	}
}

func askOf(p *wire.FetchPartition) fetchsession.Ask {
	return fetchsession.Ask{LeaderEpoch: p.LeaderEpoch, Offset: p.Offset, LastFetchedEpoch: p.LastFetchedEpoch, MaxBytes: p.MaxBytes}
}

// gather resolves the partitions that may have news.
func (s *fetchSession) gather(f *fetchCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.state.Epoch() != f.epoch {
		return // answered says so
	}
	s.judge(f)
	s.wakeMu.Lock()
	for _, w := range s.woken {
		w.woken = false
		if w.part.Held == w {
			s.state.Look(w.part)
		}
	}
	s.woken = s.woken[:0]
	s.wakeMu.Unlock()
	for _, p := range s.state.Hot() {
		read := f.look(p.Topic.Name, p.Topic.ID, p.Index, p.Ask)
		read.part = p
		switch r, err := s.resolve(f, p); {
		case err == kafka.ErrInconsistentTopicID:
			f.fail(&read.out, err)
		case err != nil:
			f.deny(read, err)
		default:
			f.resolved(read, r)
		}
	}
	f.open, f.limits = s.open > 0, int(s.state.Limits())
}

// judge withdraws what the caller may no longer read. A decision depends on
// the rules and on who asks from where, and is asked for anew when one of them
// has changed; a denial is asked for, and told to the audit log, each time.
func (s *fetchSession) judge(f *fetchCall) {
	if s.rules == f.image.ACLs && s.host == f.peer.Host {
		return
	}
	s.rules, s.host = f.image.ACLs, f.peer.Host
	s.state.Topics(func(t *sessionTopic) {
		if t.Allowed && !f.sees(kafka.Read, kafka.Topic, t.Name) {
			t.Allowed = false
			t.Partitions(s.state.Look)
		}
	})
}

// resolve finds the replica of a partition and registers with it.
func (s *fetchSession) resolve(f *fetchCall, p *sessionPartition) (*replica, error) {
	t := p.Topic
	if t.Name == "" {
		open := f.b.topics.withID(t.ID)
		if open == nil {
			return nil, kafka.ErrUnknownTopicID
		}
		t.Name = open.name
	}
	if !t.Allowed && !f.mayRead(t) {
		s.unwatch(p)
		return nil, f.refuses(t.Name, s.state.ByID)
	}
	if w := p.Held; w != nil {
		if !w.r.gone.Load() {
			return w.r, nil
		}
		s.unwatch(p)
	}
	open := f.b.topics.named(t.Name)
	if s.state.ByID && open != nil && open.id != t.ID {
		return nil, kafka.ErrInconsistentTopicID // another one of that name
	}
	r := open.replica(p.Index)
	if r == nil || !s.watch(p, r) {
		return nil, kafka.ErrUnknownTopicOrPartition
	}
	return r, nil
}

// mayRead judges a topic of the session, once in a request.
func (f *fetchCall) mayRead(t *sessionTopic) bool {
	if _, told := f.denied[t.Name]; told {
		return false
	}
	if t.Allowed = f.allowed(kafka.Read, kafka.Topic, t.Name); !t.Allowed {
		if f.denied == nil {
			f.denied = make(map[string]struct{})
		}
		f.denied[t.Name] = struct{}{}
	}
	return t.Allowed
}

// answered leaves out of the call's answer what the client knows.
func (s *fetchSession) answered(f *fetchCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.out.SessionID = s.entry.ID
	if s.closed {
		f.reads, f.out.Error, f.out.SessionID = nil, kafka.ErrFetchSessionIDNotFound, 0
		return
	}
	if s.state.Epoch() != f.epoch { // another request came before the answer
		f.reads, f.out.Error = nil, kafka.ErrInvalidFetchSessionEpoch
		return
	}
	told := f.reads[:0]
	for i := range f.reads {
		if read := f.reads[i]; s.state.Answered(read.part, read.found()) {
			told = append(told, read)
		}
	}
	f.reads = told
}

func (read *fetchRead) found() fetchsession.Found {
	return fetchsession.Found{
		HighWatermark: read.out.HighWatermark, LogStart: read.out.LogStart,
		Records:   len(read.out.Records) > 0,
		More:      read.out.Error == kafka.NoError && read.from < read.seen,
		Failed:    read.out.Error != kafka.NoError,
		Diverging: read.out.Diverging != nil,
	}
}

// makeSession makes a session of what the call asked for and found. One that
// could read nothing gets none: whoever has no rights takes no room.
func (f *fetchCall) makeSession() {
	if !f.open || f.in.ReplicaID >= 0 {
		return
	}
	s := &fetchSession{b: f.b, state: fetchsession.New[*sessionWatch](f.byID()), rules: f.image.ACLs, host: f.peer.Host}
	size := fetchsession.Size{}
	f.each(func(name string, id kafka.TopicID, p *wire.FetchPartition) {
		size.Bytes += s.state.Growth(name, id, p.Index)
		size.Partitions++
	})
	gone := f.b.sessions.add(f.call, s, size)
	for _, e := range gone {
		e.Session.close()
	}
	if s.entry == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // it had to make room for another one already
		return
	}
	for i := range f.reads {
		s.remember(&f.reads[i])
	}
	f.b.sessions.touch(f.now, s)
	f.out.SessionID = s.entry.ID
}

// remember takes a partition, and what was found in it, into a new session.
func (s *fetchSession) remember(read *fetchRead) {
	p := s.state.Ask(read.name, read.id, read.out.Index,
		fetchsession.Ask{LeaderEpoch: read.epoch, Offset: read.from, LastFetchedEpoch: read.last, MaxBytes: int32(read.maxBytes)})
	s.state.Answered(p, read.found())
	if read.r == nil {
		return
	}
	p.Topic.Name, p.Topic.Allowed = read.r.topic.name, true
	if !s.watch(p, read.r) || read.r.log != nil && read.r.log.Durable() != read.seen {
		s.state.Look(p) // it changed before it was watched
	}
}

// watch registers a partition with its replica. It says whether that is still
// there.
func (s *fetchSession) watch(p *sessionPartition, r *replica) bool {
	s.unwatch(p)
	w := &sessionWatch{session: s, part: p, r: r}
	if !r.wait(w) {
		return false
	}
	p.Held = w
	s.open++
	return true
}

func (s *fetchSession) unwatch(p *sessionPartition) {
	if p.Held != nil {
		p.Held.r.unwait(p.Held)
		p.Held = nil
		s.open--
	}
}

// close lets go of the partitions of a session that is no longer in the cache.
func (s *fetchSession) close() {
	s.mu.Lock()
	s.closed = true
	s.state.Topics(func(t *sessionTopic) { t.Partitions(s.unwatch) })
	s.mu.Unlock()
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.parked != nil {
		s.parked.fire()
	}
}

// park has w told of what happens. It says whether something has happened
// already.
func (s *fetchSession) park(w *fetchWait) (late bool) {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	s.parked = w
	return len(s.woken) > 0
}

func (s *fetchSession) unpark(w *fetchWait) {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.parked == w {
		s.parked = nil
	}
}

// grew notes that a partition has news.
func (w *sessionWatch) grew(size int) {
	if parked := w.wake(); parked != nil {
		parked.grew(size)
	}
}

// fire notes that a partition failed or has gone.
func (w *sessionWatch) fire() {
	if parked := w.wake(); parked != nil {
		parked.fire()
	}
}

func (w *sessionWatch) wake() *fetchWait {
	s := w.session
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if !w.woken {
		w.woken = true
		s.woken = append(s.woken, w)
	}
	return s.parked
}
