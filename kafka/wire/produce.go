package wire

import (
	"net"

	"schloss/kafka"
)

// Versions of Produce that Decode and Append know.
const (
	MinProduce int16 = 3
	MaxProduce int16 = 13

	flexibleProduce = 9
	produceByID     = 13
)

// ProduceRequest appends record batches to partitions.
//
// Versions: 5 asks for the log start, 7 allows zstd, 8 tells of single
// records, 9 is flexible, 12 is of KIP-890, 13 names topics by id.
type ProduceRequest struct {
	TransactionalID *string
	Acks            int16 // -1 all, 0 none, 1 leader
	TimeoutMillis   int32
	Topics          []ProduceTopic
}

// ProduceTopic is one topic of a ProduceRequest: by name up to v12, by id from
// v13 on.
type ProduceTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []ProducePartition
}

// ProducePartition is what one partition is to append.
type ProducePartition struct {
	Index   int32
	Records []byte // nil for null
}

// Decode reads the body of a request. Records alias it; the slices of r are
// used again.
func (r *ProduceRequest) Decode(version int16, body []byte) error {
	const message = "Produce request"
	if version < MinProduce || version > MaxProduce {
		return unsupported(message, version)
	}
	in := newReader(body, version >= flexibleProduce)
	r.TransactionalID = in.nullableString(r.TransactionalID)
	r.Acks = in.int16()
	r.TimeoutMillis = in.int32()
	r.Topics = resize(r.Topics, in.items(minTopic))
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Name, t.ID = in.topic(version >= produceByID, t.Name)
		t.Partitions = resize(t.Partitions, in.items(4+1))
		for j := range t.Partitions {
			p := &t.Partitions[j]
			p.Index = in.int32()
			p.Records = in.bytes()
			in.tags(nil)
		}
		in.tags(nil)
	}
	in.tags(nil)
	return in.done(message, version)
}

// Append appends the whole body to dst, records copied.
func (r *ProduceRequest) Append(dst []byte, version int16) []byte {
	w := writer{dst: dst}
	r.write(&w, version)
	return w.dst
}

// Encode appends to dst the pieces of the body: the records as they are, what
// stands between them from scratch. What scratch held before comes first, so
// a caller may begin it with length and header. Neither scratch nor the
// records may change until dst has been written; the returned scratch is for
// the next message.
func (r *ProduceRequest) Encode(dst net.Buffers, scratch []byte, version int16) (net.Buffers, []byte) {
	w := writer{dst: scratch, buffers: dst, scatter: true}
	r.write(&w, version)
	w.flush()
	return w.buffers, w.dst
}

func (r *ProduceRequest) write(w *writer, version int16) {
	w.flexible = version >= flexibleProduce
	w.nullableString(r.TransactionalID)
	w.int16(r.Acks)
	w.int32(r.TimeoutMillis)
	w.count(len(r.Topics))
	for i := range r.Topics {
		t := &r.Topics[i]
		w.topic(version >= produceByID, t.Name, t.ID)
		w.count(len(t.Partitions))
		for j := range t.Partitions {
			p := &t.Partitions[j]
			w.int32(p.Index)
			w.records(p.Records)
			w.tags()
		}
		w.tags()
	}
	w.tags()
}

// ProduceResponse answers a ProduceRequest.
type ProduceResponse struct {
	Topics         []ProducedTopic
	ThrottleMillis int32
}

// ProducedTopic is the answer for one topic.
type ProducedTopic struct {
	Name       string
	ID         kafka.TopicID
	Partitions []ProducedPartition
}

// ProducedPartition is the answer for one partition.
type ProducedPartition struct {
	Index         int32
	Error         kafka.ErrorCode
	BaseOffset    kafka.Offset
	LogAppendTime int64 // -1 unless the broker's clock counts
	LogStart      kafka.Offset
	RecordErrors  []ProducedRecordError
	Message       string // "" is null
}

// ProducedRecordError says what is wrong with one record (KIP-467).
type ProducedRecordError struct {
	BatchIndex int32
	Message    string // "" is null
}

// Decode reads the body of a response. The slices of r are used again. Tagged
// fields, which tell of other leaders, are skipped: metadata tells it too.
func (r *ProduceResponse) Decode(version int16, body []byte) error {
	const message = "Produce response"
	if version < MinProduce || version > MaxProduce {
		return unsupported(message, version)
	}
	in := newReader(body, version >= flexibleProduce)
	r.Topics = resize(r.Topics, in.items(minTopic))
	for i := range r.Topics {
		t := &r.Topics[i]
		t.Name, t.ID = in.topic(version >= produceByID, t.Name)
		t.Partitions = resize(t.Partitions, in.items(4+2+8+8))
		for j := range t.Partitions {
			t.Partitions[j].read(&in, version)
		}
		in.tags(nil)
	}
	r.ThrottleMillis = in.int32()
	in.tags(nil)
	return in.done(message, version)
}

func (p *ProducedPartition) read(in *reader, version int16) {
	p.Index = in.int32()
	p.Error = kafka.ErrorCode(in.int16())
	p.BaseOffset = kafka.Offset(in.int64())
	p.LogAppendTime = in.int64()
	p.LogStart = kafka.NoOffset
	if version >= 5 {
		p.LogStart = kafka.Offset(in.int64())
	}
	p.RecordErrors = p.RecordErrors[:0]
	if version >= 8 {
		p.RecordErrors = resize(p.RecordErrors, in.items(4+1))
		for i := range p.RecordErrors {
			e := &p.RecordErrors[i]
			e.BatchIndex = in.int32()
			e.Message = in.message(e.Message)
			in.tags(nil)
		}
		p.Message = in.message(p.Message)
	} else {
		p.Message = ""
	}
	in.tags(nil)
}

// Append appends the whole body to dst.
func (r *ProduceResponse) Append(dst []byte, version int16) []byte {
	w := writer{dst: dst, flexible: version >= flexibleProduce}
	w.count(len(r.Topics))
	for i := range r.Topics {
		t := &r.Topics[i]
		w.topic(version >= produceByID, t.Name, t.ID)
		w.count(len(t.Partitions))
		for j := range t.Partitions {
			t.Partitions[j].write(&w, version)
		}
		w.tags()
	}
	w.int32(r.ThrottleMillis)
	w.tags()
	return w.dst
}

func (p *ProducedPartition) write(w *writer, version int16) {
	w.int32(p.Index)
	w.error(p.Error)
	w.int64(int64(p.BaseOffset))
	w.int64(p.LogAppendTime)
	if version >= 5 {
		w.int64(int64(p.LogStart))
	}
	if version >= 8 {
		w.count(len(p.RecordErrors))
		for _, e := range p.RecordErrors {
			w.int32(e.BatchIndex)
			w.message(e.Message)
			w.tags()
		}
		w.message(p.Message)
	}
	w.tags()
}
