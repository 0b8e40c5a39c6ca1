package wire

import (
	"net"

	"schloss/kafka"
)

// Versions of Fetch that Decode and Append know.
const (
	MinFetch int16 = 4
	MaxFetch int16 = 18

	flexibleFetch = 12
	fetchByID     = 13
)

// FetchRequest asks for record batches.
//
// Versions: 4 isolation, 5 log start, 7 sessions, 9 leader epoch, 10 zstd,
// 11 rack, 12 flexible and last fetched epoch, 13 names topics by id.
type FetchRequest struct {
	ClusterID     *string
	ReplicaID     int32 // -1 for consumers
	MaxWaitMillis int32
	MinBytes      int32
	MaxBytes      int32
	Isolation     int8 // 1: read committed
	SessionID     int32
	SessionEpoch  int32
	Topics        []FetchTopic
	Forgotten     []ForgottenTopic
	Rack          string
}

// FetchTopic is one topic of a FetchRequest: by name up to v12, by id from v13
// on.
type FetchTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []FetchPartition
}

// FetchPartition is one partition to read from.
type FetchPartition struct {
	Index            int32
	LeaderEpoch      kafka.Epoch
	Offset           kafka.Offset
	LastFetchedEpoch kafka.Epoch
	LogStart         kafka.Offset // of a follower
	MaxBytes         int32
}

// ForgottenTopic names partitions that leave the session.
type ForgottenTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []int32
}

// Tags of a FetchRequest.
const (
	clusterIDTag    = 0
	replicaStateTag = 1 // from v15 on, in place of the replica id
)

// Decode reads the body of a request. The slices of r are used again.
func (r *FetchRequest) Decode(version int16, body []byte) error {
	const message = "Fetch request"
	if version < MinFetch || version > MaxFetch {
		return unsupported(message, version)
	}
	in := newReader(body, version >= flexibleFetch)
	r.ReplicaID, r.SessionID, r.SessionEpoch, r.ClusterID = -1, 0, -1, nil
	if version < 15 {
		r.ReplicaID = in.int32()
	}
	r.MaxWaitMillis = in.int32()
	r.MinBytes = in.int32()
	r.MaxBytes = in.int32()
	r.Isolation = in.int8()
	if version >= 7 {
		r.SessionID = in.int32()
		r.SessionEpoch = in.int32()
	}
	r.Topics = resize(r.Topics, in.items(minTopic))
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Name, t.ID = in.topic(version >= fetchByID, t.Name)
		t.Partitions = resize(t.Partitions, in.items(4+8+4))
		for j := range t.Partitions {
			t.Partitions[j].read(&in, version)
		}
		in.tags(nil)
	}
	r.Forgotten = r.Forgotten[:0]
	if version >= 7 {
		r.readForgotten(&in, version)
	}
	if version >= 11 {
		r.Rack = in.string(r.Rack)
	} else {
		r.Rack = ""
	}
	in.tags(func(tag uint32, field *reader) {
		switch tag {
		case clusterIDTag:
			r.ClusterID = field.nullableString(nil)
		case replicaStateTag:
			r.ReplicaID = field.int32()
		}
	})
	return in.done(message, version)
}

func (p *FetchPartition) read(in *reader, version int16) {
	*p = FetchPartition{Index: in.int32(), LeaderEpoch: kafka.NoEpoch, LastFetchedEpoch: kafka.NoEpoch, LogStart: kafka.NoOffset}
	if version >= 9 {
		p.LeaderEpoch = kafka.Epoch(in.int32())
	}
	p.Offset = kafka.Offset(in.int64())
	if version >= 12 {
		p.LastFetchedEpoch = kafka.Epoch(in.int32())
	}
	if version >= 5 {
		p.LogStart = kafka.Offset(in.int64())
	}
	p.MaxBytes = in.int32()
	in.tags(nil)
}

func (r *FetchRequest) readForgotten(in *reader, version int16) {
	r.Forgotten = resize(r.Forgotten, in.items(minTopic))
	for i := range r.Forgotten {
		t := &r.Forgotten[i]
		t.Name, t.ID = in.topic(version >= fetchByID, t.Name)
		t.Partitions = resize(t.Partitions, in.items(4))
		for j := range t.Partitions {
			t.Partitions[j] = in.int32()
		}
		in.tags(nil)
	}
}

// Append appends the whole body to dst.
func (r *FetchRequest) Append(dst []byte, version int16) []byte {
	w := writer{dst: dst, flexible: version >= flexibleFetch}
	if version < 15 {
		w.int32(r.ReplicaID)
	}
	w.int32(r.MaxWaitMillis)
	w.int32(r.MinBytes)
	w.int32(r.MaxBytes)
	w.int8(r.Isolation)
	if version >= 7 {
		w.int32(r.SessionID)
		w.int32(r.SessionEpoch)
	}
	w.count(len(r.Topics))
	for i := range r.Topics {
		t := &r.Topics[i]
		w.topic(version >= fetchByID, t.Name, t.ID)
		w.count(len(t.Partitions))
		for j := range t.Partitions {
			t.Partitions[j].write(&w, version)
		}
		w.tags()
	}
	if version >= 7 {
		w.count(len(r.Forgotten))
		for _, t := range r.Forgotten {
			w.topic(version >= fetchByID, t.Name, t.ID)
			w.count(len(t.Partitions))
			for _, p := range t.Partitions {
				w.int32(p)
			}
			w.tags()
		}
	}
	if version >= 11 {
		w.string(r.Rack)
	}
	r.writeTags(&w, version)
	return w.dst
}

func (p *FetchPartition) write(w *writer, version int16) {
	w.int32(p.Index)
	if version >= 9 {
		w.int32(int32(p.LeaderEpoch))
	}
	w.int64(int64(p.Offset))
	if version >= 12 {
		w.int32(int32(p.LastFetchedEpoch))
	}
	if version >= 5 {
		w.int64(int64(p.LogStart))
	}
	w.int32(p.MaxBytes)
	w.tags()
}

func (r *FetchRequest) writeTags(w *writer, version int16) {
	if !w.flexible {
		return
	}
	state := version >= 15 && r.ReplicaID != -1
	n := uint32(0)
	if r.ClusterID != nil {
		n++
	}
	if state {
		n++
	}
	w.uvarint(n)
	if r.ClusterID != nil {
		field := writer{flexible: true}
		field.string(*r.ClusterID)
		w.uvarint(clusterIDTag)
		w.uvarint(uint32(len(field.dst)))
		w.dst = append(w.dst, field.dst...)
	}
	if state {
		w.uvarint(replicaStateTag)
		w.uvarint(4 + 8 + 1)
		w.int32(r.ReplicaID)
		w.int64(-1) // the follower's epoch: none
		w.tags()
	}
}

// FetchResponse answers a FetchRequest.
type FetchResponse struct {
	ThrottleMillis int32
	Error          kafka.ErrorCode
	SessionID      int32
	Topics         []FetchedTopic
}

// FetchedTopic is the answer for one topic.
type FetchedTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []FetchedPartition
}

// FetchedPartition is the answer for one partition.
type FetchedPartition struct {
	Index            int32
	Error            kafka.ErrorCode
	HighWatermark    kafka.Offset
	LastStable       kafka.Offset
	LogStart         kafka.Offset
	Aborted          []AbortedTransaction // nil for null
	PreferredReplica int32                // -1 for none
	Records          []byte               // nil for null
	Diverging        *EpochEnd            // from v12 on: the reader's log is not ours (KIP-595); nil for none
}

// EpochEnd says where the records of an epoch end.
type EpochEnd struct {
	Epoch     kafka.Epoch
	EndOffset kafka.Offset
}

// divergingTag is a tag of a partition in a FetchResponse.
const divergingTag = 0

// AbortedTransaction says from which offset on the batches of a producer are
// of an aborted transaction.
type AbortedTransaction struct {
	ProducerID  kafka.ProducerID
	FirstOffset kafka.Offset
}

// Decode reads the body of a response. Records alias it; the slices of r are
// used again. Tagged fields that tell of other leaders are skipped: metadata
// tells it too.
func (r *FetchResponse) Decode(version int16, body []byte) error {
	const message = "Fetch response"
	if version < MinFetch || version > MaxFetch {
		return unsupported(message, version)
	}
	in := newReader(body, version >= flexibleFetch)
	r.ThrottleMillis = in.int32()
	r.Error, r.SessionID = kafka.NoError, 0
	if version >= 7 {
		r.Error = kafka.ErrorCode(in.int16())
		r.SessionID = in.int32()
	}
	r.Topics = resize(r.Topics, in.items(minTopic))
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Name, t.ID = in.topic(version >= fetchByID, t.Name)
		t.Partitions = resize(t.Partitions, in.items(4+2+8+8+1+1))
		for j := range t.Partitions {
			t.Partitions[j].read(&in, version)
		}
		in.tags(nil)
	}
	in.tags(nil)
	return in.done(message, version)
}

func (p *FetchedPartition) read(in *reader, version int16) {
	p.Index = in.int32()
	p.Error = kafka.ErrorCode(in.int16())
	p.HighWatermark = kafka.Offset(in.int64())
	p.LastStable = kafka.Offset(in.int64())
	p.LogStart = kafka.NoOffset
	if version >= 5 {
		p.LogStart = kafka.Offset(in.int64())
	}
	p.readAborted(in)
	p.PreferredReplica = -1
	if version >= 11 {
		p.PreferredReplica = in.int32()
	}
	p.Records = in.bytes()
	p.Diverging = nil
	in.tags(func(tag uint32, field *reader) {
		if tag == divergingTag {
			p.Diverging = &EpochEnd{Epoch: kafka.Epoch(field.int32()), EndOffset: kafka.Offset(field.int64())}
			field.tags(nil)
		}
	})
}

func (p *FetchedPartition) readAborted(in *reader) {
	n, null := in.count(8 + 8)
	if null {
		p.Aborted = nil
		return
	}
	if p.Aborted = resize(p.Aborted, n); p.Aborted == nil {
		p.Aborted = []AbortedTransaction{}
	}
	for i := range p.Aborted {
		a := &p.Aborted[i]
		a.ProducerID = kafka.ProducerID(in.int64())
		a.FirstOffset = kafka.Offset(in.int64())
		in.tags(nil)
	}
}

// Append appends the whole body to dst, records copied.
func (r *FetchResponse) Append(dst []byte, version int16) []byte {
	w := writer{dst: dst}
	r.write(&w, version)
	return w.dst
}

// Encode appends to dst the pieces of the body, as ProduceRequest.Encode does.
func (r *FetchResponse) Encode(dst net.Buffers, scratch []byte, version int16) (net.Buffers, []byte) {
	w := writer{dst: scratch, buffers: dst, scatter: true}
	r.write(&w, version)
	w.flush()
	return w.buffers, w.dst
}

func (r *FetchResponse) write(w *writer, version int16) {
	w.flexible = version >= flexibleFetch
	w.int32(r.ThrottleMillis)
	if version >= 7 {
		w.error(r.Error)
		w.int32(r.SessionID)
	}
	w.count(len(r.Topics))
	for i := range r.Topics {
		t := &r.Topics[i]
		w.topic(version >= fetchByID, t.Name, t.ID)
		w.count(len(t.Partitions))
		for j := range t.Partitions {
			t.Partitions[j].write(w, version)
		}
		w.tags()
	}
	w.tags()
}

func (p *FetchedPartition) write(w *writer, version int16) {
	w.int32(p.Index)
	w.error(p.Error)
	w.int64(int64(p.HighWatermark))
	w.int64(int64(p.LastStable))
	if version >= 5 {
		w.int64(int64(p.LogStart))
	}
	if p.Aborted == nil {
		w.count(-1)
	} else {
		w.count(len(p.Aborted))
	}
	for _, a := range p.Aborted {
		w.int64(int64(a.ProducerID))
		w.int64(int64(a.FirstOffset))
		w.tags()
	}
	if version >= 11 {
		w.int32(p.PreferredReplica)
	}
	w.records(p.Records)
	if p.Diverging == nil || !w.flexible {
		w.tags()
		return
	}
	w.uvarint(1)
	w.uvarint(divergingTag)
	w.uvarint(4 + 8 + 1)
	w.int32(int32(p.Diverging.Epoch))
	w.int64(int64(p.Diverging.EndOffset))
	w.tags()
}
