package broker

import (
	"encoding/binary"
	"slices"
	"time"

	"schloss/broker/fetchsession"
	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// Fetch reads record batches.
//
// Behavior: READ on each topic, with every request and before it is looked up,
// also for what a session remembers; a topic id that does not exist is told
// first, as ids cannot be guessed. Whole batches are read as they are on disk,
// never at or past the high watermark. Partitions are served in the order of
// the request, in a session those first that waited longest; the first batch
// comes whole even if it is longer than the limits, so that the consumer gets
// on (KIP-74). A request that finds less than min.bytes is parked until there
// is more or max.wait is over.
//
// Versions: 7 brought sessions, 12 the epoch of the last record that a reader
// has, 13 names topics by id, 18 brought what only replicas tell.
//
// Differs from Kafka: there are no followers; a replica with CLUSTER_ACTION
// gets NOT_LEADER_OR_FOLLOWER.

// firstRead is the least room of a buffer, which small partitions share.
const firstRead = 16 << 10

// fetchCall is a fetch request on its way.
type fetchCall struct {
	*call
	replica error // why a fetch as a replica is refused, once that is decided
	in      wire.FetchRequest
	session *fetchSession // nil without one
	epoch   int32         // of the session's next request
	makes   bool          // a session is to be made
	out     wire.FetchResponse
	reads   []fetchRead
	open    bool                // there is a partition that may grow
	limits  int                 // sum of what the partitions' limits allow
	denied  map[string]struct{} // topics whose denial has been told to the audit log
	pooled  [][]byte
	spare   []byte // what is left of a pooled buffer
	total   int    // bytes of records read
	refused bool   // a partition is not to be read
	failed  bool   // a partition cannot be read on: answer at once
}

// fetchRead is one partition that a fetch looks at.
type fetchRead struct {
	name     string
	id       kafka.TopicID
	part     *sessionPartition // nil without a session
	r        *replica          // nil where it is refused
	epoch    kafka.Epoch       // that the client believes in
	last     kafka.Epoch       // of the last record that it has
	ours     kafka.Epoch       // under which this broker leads
	from     kafka.Offset
	maxBytes int
	seen     kafka.Offset // high watermark when it was read
	out      wire.FetchedPartition
}

func fetch(b *Broker, c *call, body []byte) {
	f := &fetchCall{call: c}
	if err := c.read(func() error { return f.in.Decode(c.header.Version, body) }); err != nil {
		c.hangup(err)
		return
	}
	c.req.Release() // names are copies
	if code := f.join(); code != kafka.NoError {
		f.refuse(code, 0)
		return
	}
	f.gather()
	f.read()
	wait := time.Duration(f.in.MaxWaitMillis) * time.Millisecond
	if f.total >= int(f.in.MinBytes) || f.failed || wait <= 0 || !f.open || f.cutShort() {
		f.answer()
		return
	}
	f.park(wait)
}

func (f *fetchCall) byID() bool { return f.header.Version >= 13 }

// refuse answers with an error of the session.
func (f *fetchCall) refuse(code kafka.ErrorCode, id int32) {
	f.reads, f.out.Error, f.out.SessionID = nil, code, id
	f.send()
}

// gather resolves the partitions to look at: those of the request, or those of
// the session that may have news.
func (f *fetchCall) gather() {
	f.reads, f.open, f.failed = f.reads[:0], false, false
	if f.session != nil {
		f.session.gather(f)
		return
	}
	f.limits = 0
	named := 0
	for i := range f.in.Topics {
		named += len(f.in.Topics[i].Partitions)
	}
	f.reads = slices.Grow(f.reads, named)
	for i := range f.in.Topics {
		in := &f.in.Topics[i]
		t, refusal := f.authorizeTopic(in.Name, in.ID)
		for j := range in.Partitions {
			p := &in.Partitions[j]
			f.limits += max(int(p.MaxBytes), 0)
			read := f.look(in.Name, in.ID, p.Index, askOf(p))
			switch r := t.replica(p.Index); {
			case refusal != nil:
				f.deny(read, refusal)
			case r == nil:
				f.deny(read, kafka.ErrUnknownTopicOrPartition)
			default:
				f.resolved(read, r)
			}
		}
	}
}

// look adds a partition to those that the call looks at.
func (f *fetchCall) look(name string, id kafka.TopicID, index int32, ask fetchsession.Ask) *fetchRead {
	f.reads = append(f.reads, fetchRead{
		name: name, id: id, epoch: ask.LeaderEpoch, last: ask.LastFetchedEpoch, from: ask.Offset, maxBytes: int(ask.MaxBytes),
		out: nothing(index),
	})
	return &f.reads[len(f.reads)-1]
}

// authorizeTopic finds the topic of a request without a session, nil if there
// is none of that name.
func (f *fetchCall) authorizeTopic(name string, id kafka.TopicID) (*topic, error) {
	if f.in.ReplicaID >= 0 {
		return nil, f.refuseReplica()
	}
	name, refusal := f.mayTopic(kafka.Read, name, id, f.byID())
	if refusal != nil {
		return nil, refusal
	}
	return f.b.topics.named(name), nil
}

// refuseReplica is the answer to a fetch as a replica, decided once for the
// request whatever topics it names.
func (f *fetchCall) refuseReplica() error {
	if f.replica == nil {
		f.replica = kafka.ErrNotLeaderOrFollower
		if !f.allowedCluster(kafka.ClusterAction) {
			f.replica = kafka.ErrTopicAuthorizationFailed
		}
	}
	return f.replica
}

// resolved notes which replica a partition is read from, if this broker leads
// it.
func (f *fetchCall) resolved(read *fetchRead, r *replica) {
	read.r, f.open = r, true
	epoch, err := r.lead()
	if err == nil {
		err = checkEpoch(read.epoch, epoch)
	}
	if err != nil {
		f.fail(&read.out, err)
	}
	read.ours = epoch
}

// diverges says where the log of a reader that tells the epoch of its last
// record leaves ours: there it has to cut its own off (KIP-595). Consumers do
// not tell it.
func (read *fetchRead) diverges() (*wire.EpochEnd, error) {
	if read.last == kafka.NoEpoch {
		return nil, nil
	}
	epoch, end := read.r.endOf(read.last, read.ours)
	switch {
	case epoch == kafka.NoEpoch, end == kafka.NoOffset:
		return nil, kafka.ErrOffsetOutOfRange
	case epoch < read.last, end < read.from:
		return &wire.EpochEnd{Epoch: epoch, EndOffset: end}, nil
	}
	return nil, nil
}

// deny notes that a partition is not to be read.
func (f *fetchCall) deny(read *fetchRead, refusal error) {
	read.out.Error = codeOf(refusal)
	f.refused = true
}

func (f *fetchCall) fail(out *wire.FetchedPartition, err error) {
	*out = nothing(out.Index)
	out.Error = codeOf(err)
	f.failed = true
}

// nothing is the answer for a partition that nothing is known of.
func nothing(index int32) wire.FetchedPartition {
	return wire.FetchedPartition{
		Index: index, HighWatermark: kafka.NoOffset, LastStable: kafka.NoOffset,
		LogStart: kafka.NoOffset, PreferredReplica: -1, Records: []byte{},
	}
}

// read reads every partition as far as the limits allow.
func (f *fetchCall) read() {
	left := f.req.Grant(max(0, min(int(f.in.MaxBytes), f.b.set.fetchMaxBytes)))
	for i := range f.reads {
		if read := &f.reads[i]; read.r != nil && read.out.Error == kafka.NoError {
			left -= f.readPartition(read, left)
		}
	}
}

// readPartition reads one partition and returns how many bytes it gave.
func (f *fetchCall) readPartition(read *fetchRead, left int) int {
	log, out := read.r.log, &read.out
	read.seen = log.Durable()
	out.HighWatermark, out.LastStable, out.LogStart = read.seen, read.seen, log.Start()
	if f.in.Isolation == 1 {
		out.Aborted = []wire.AbortedTransaction{}
	}
	diverging, err := read.diverges()
	if err == nil && (read.from < out.LogStart || diverging == nil && read.from > log.End()) {
		err = kafka.ErrOffsetOutOfRange
	}
	if err != nil {
		f.fail(out, err)
		return 0
	}
	if out.Diverging = diverging; diverging != nil {
		f.failed = true
		return 0
	}
	limit := min(read.maxBytes, left)
	if read.from >= read.seen || limit <= 0 && f.total > 0 {
		return 0
	}
	// A consumer reads about as much as the one before: at the end little, far
	// behind it all that the limits allow.
	pool, usual := f.req.Pool(), int(read.r.lastRead.Load())
	buf, shared := f.spare, true
	if room := min(max(limit, 1), usual); room == 0 || room > cap(buf) {
		buf, shared = pool.Get(max(room, firstRead)), false
	}
	records, err := log.Read(buf, read.from, read.seen, max(limit, 0), f.total == 0)
	if err != nil {
		if !shared {
			pool.Put(buf)
		}
		f.fail(out, err)
		return 0
	}
	read.r.lastRead.Store(int64(len(records)))
	switch {
	case cap(records) == cap(buf):
		if !shared {
			f.pooled = append(f.pooled, buf)
		}
		f.spare = records[len(records):]
	default: // it was too small and has been replaced
		if !shared {
			pool.Put(buf)
		}
		f.pooled = append(f.pooled, records)
	}
	out.Records = records
	f.total += len(records)
	return len(records)
}

// cutShort says whether a limit keeps back records that are there: whole
// batches seldom fill it, and no waiting brings more.
func (f *fetchCall) cutShort() bool {
	for _, read := range f.reads {
		next := read.from
		for rest := read.out.Records; len(rest) > 0; {
			one, more, err := batch.Split(rest)
			if err != nil {
				return true // the client is to see it
			}
			next, rest = one.NextOffset(), more
		}
		if next < read.seen {
			return true
		}
	}
	return false
}

// unread takes back what was read, for a request that is read again.
func (f *fetchCall) unread() {
	for _, b := range f.pooled {
		f.req.Pool().Put(b)
	}
	f.pooled, f.spare, f.total = f.pooled[:0], nil, 0
	f.req.Grant(0)
	for i := range f.reads {
		f.reads[i].out.Records = []byte{}
	}
}

// answer ends the call. In a session only what has changed is told.
func (f *fetchCall) answer() {
	switch {
	case f.session != nil:
		f.session.answered(f)
	case f.makes:
		f.makeSession()
	}
	f.send()
}

// send answers with what is in reads, those that were refused behind the
// others as in Kafka; records go out as they were read.
func (f *fetchCall) send() {
	if f.refused {
		slices.SortStableFunc(f.reads, func(a, b fetchRead) int {
			switch {
			case (a.r == nil) == (b.r == nil):
				return 0
			case b.r == nil:
				return -1
			}
			return 1
		})
	}
	parts := make([]wire.FetchedPartition, len(f.reads))
	for i := range f.reads {
		read := &f.reads[i]
		parts[i] = read.out
		last := len(f.out.Topics) - 1
		if last < 0 || f.out.Topics[last].Name != read.name || f.out.Topics[last].ID != read.id {
			f.out.Topics = append(f.out.Topics, wire.FetchedTopic{Name: read.name, ID: read.id, Partitions: parts[i:i]})
			last++
		}
		t := &f.out.Topics[last]
		t.Partitions = t.Partitions[:len(t.Partitions)+1]
	}
	scratch := f.begin()
	out, scratch := f.out.Encode(nil, scratch, f.header.Version)
	size := 0
	for _, b := range out {
		size += len(b)
	}
	binary.BigEndian.PutUint32(out[0], uint32(size-4))
	f.req.Answer(listener.Response{Buffers: out, Pooled: append(f.pooled, scratch)})
}
