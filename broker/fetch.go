package broker

import (
	"encoding/binary"
	"time"

	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// Fetch reads record batches.
//
// Behavior: READ on each topic, before it is looked up; a topic id that does
// not exist is told first, as ids cannot be guessed. Whole batches are read as
// they are on disk, never at or past the high watermark. Partitions are served
// in the order of the request; the first batch comes whole even if it is longer
// than the limits, so that the consumer gets on (KIP-74). A request that finds
// less than min.bytes is parked on its partitions until there is more or
// max.wait is over.
//
// Versions: 7 brought sessions; every request is answered without one, which
// clients take as "send all partitions again". 12 is flexible, 13 names topics
// by id.
//
// Differs from Kafka: there are no followers; a replica with CLUSTER_ACTION
// gets NOT_LEADER_OR_FOLLOWER.

// firstRead is the least room of a buffer, which small partitions share.
const firstRead = 16 << 10

// fetchCall is a fetch request on its way.
type fetchCall struct {
	*call
	in     wire.FetchRequest
	out    wire.FetchResponse
	reads  []fetchRead
	pooled [][]byte
	spare  []byte // what is left of a pooled buffer
	total  int    // bytes of records read
	failed bool   // some partition has an error: answer at once
}

// fetchRead is one partition to read from.
type fetchRead struct {
	r        *replica
	out      *wire.FetchedPartition
	from     kafka.Offset
	maxBytes int
	seen     kafka.Offset // high watermark when it was read
}

func fetch(b *Broker, c *call, body []byte) {
	f := &fetchCall{call: c}
	if err := f.in.Decode(c.header.Version, body); err != nil {
		c.hangup(err)
		return
	}
	c.req.Release() // names are copies
	if f.in.SessionID != 0 || f.in.SessionEpoch > 0 {
		f.out.Error = kafka.ErrFetchSessionIDNotFound
		f.answer()
		return
	}
	f.resolve()
	f.read()
	wait := time.Duration(f.in.MaxWaitMillis) * time.Millisecond
	if f.total >= int(f.in.MinBytes) || f.failed || wait <= 0 || len(f.reads) == 0 || f.cutShort() {
		f.answer()
		return
	}
	f.park(wait)
}

// resolve authorizes every topic and finds its partitions.
func (f *fetchCall) resolve() {
	f.out.Topics = make([]wire.FetchedTopic, len(f.in.Topics))
	for i := range f.in.Topics {
		in, out := &f.in.Topics[i], &f.out.Topics[i]
		out.Name, out.ID = in.Name, in.ID
		out.Partitions = make([]wire.FetchedPartition, len(in.Partitions))
		t, refusal := f.authorizeTopic(in)
		for j := range in.Partitions {
			part := &out.Partitions[j]
			*part = wire.FetchedPartition{
				Index: in.Partitions[j].Index, HighWatermark: kafka.NoOffset, LastStable: kafka.NoOffset,
				LogStart: kafka.NoOffset, PreferredReplica: -1, Records: []byte{},
			}
			if refusal != nil {
				f.fail(part, refusal)
				continue
			}
			f.resolvePartition(t.replica(part.Index), &in.Partitions[j], part)
		}
	}
}

func (f *fetchCall) authorizeTopic(in *wire.FetchTopic) (*topic, error) {
	name := in.Name
	if f.header.Version >= 13 {
		byID := f.b.topics.withID(in.ID)
		if byID == nil {
			return nil, kafka.ErrUnknownTopicID
		}
		name = byID.name
	}
	if f.in.ReplicaID >= 0 {
		if !f.allowedCluster(kafka.ClusterAction) {
			return nil, kafka.ErrTopicAuthorizationFailed
		}
		return nil, kafka.ErrNotLeaderOrFollower
	}
	if !f.allowed(kafka.Read, kafka.Topic, name) {
		return nil, kafka.ErrTopicAuthorizationFailed
	}
	return f.b.topics.named(name), nil
}

func (f *fetchCall) resolvePartition(r *replica, in *wire.FetchPartition, out *wire.FetchedPartition) {
	if r == nil {
		f.fail(out, kafka.ErrUnknownTopicOrPartition)
		return
	}
	epoch, err := r.lead()
	if err == nil {
		err = checkEpoch(in.LeaderEpoch, epoch)
	}
	if err != nil {
		f.fail(out, err)
		return
	}
	f.reads = append(f.reads, fetchRead{r: r, out: out, from: in.Offset, maxBytes: int(in.MaxBytes)})
}

func (f *fetchCall) fail(out *wire.FetchedPartition, err error) {
	out.Error = codeOf(err)
	f.failed = true
}

// read reads every partition as far as the limits allow.
func (f *fetchCall) read() {
	left := min(int(f.in.MaxBytes), f.b.set.fetchMaxBytes)
	for i := range f.reads {
		left -= f.readPartition(&f.reads[i], left)
	}
}

// readPartition reads one partition and returns how many bytes it gave.
func (f *fetchCall) readPartition(read *fetchRead, left int) int {
	log, out := read.r.log, read.out
	read.seen = log.Durable()
	out.HighWatermark, out.LastStable, out.LogStart = read.seen, read.seen, log.Start()
	if f.in.Isolation == 1 {
		out.Aborted = []wire.AbortedTransaction{}
	}
	if read.from < out.LogStart || read.from > log.End() {
		f.fail(out, kafka.ErrOffsetOutOfRange)
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
	for i := range f.reads {
		f.reads[i].out.Records = []byte{}
	}
}

// answer ends the call; records go out as they were read.
func (f *fetchCall) answer() {
	scratch := f.begin()
	out, scratch := f.out.Encode(nil, scratch, f.header.Version)
	size := 0
	for _, b := range out {
		size += len(b)
	}
	binary.BigEndian.PutUint32(out[0], uint32(size-4))
	f.req.Answer(listener.Response{Buffers: out, Pooled: append(f.pooled, scratch)})
}
