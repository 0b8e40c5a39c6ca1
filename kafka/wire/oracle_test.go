package wire

import (
	"bytes"
	"math/rand/v2"
	"net"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// The tests here take kmsg as the oracle: ours is translated to kmsg's by
// field name, so two fields that are swapped in Decode and Append alike are
// found.

func kmsgProduceRequest(r *ProduceRequest, version int16) kmsg.Request {
	out := kmsg.NewPtrProduceRequest()
	out.Version, out.TransactionID, out.Acks, out.TimeoutMillis = version, r.TransactionalID, r.Acks, r.TimeoutMillis
	for _, t := range r.Topics {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic, topic.TopicID = t.Name, t.ID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceRequestTopicPartition()
			partition.Partition, partition.Records = p.Index, p.Records
			topic.Partitions = append(topic.Partitions, partition)
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func kmsgProduceResponse(r *ProduceResponse, version int16) kmsg.Response {
	out := kmsg.NewPtrProduceResponse()
	out.Version, out.ThrottleMillis = version, r.ThrottleMillis
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Name, t.ID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.CurrentLeader.Default()
			partition.Partition, partition.ErrorCode, partition.BaseOffset = p.Index, int16(p.Error), int64(p.BaseOffset)
			partition.LogAppendTime, partition.LogStartOffset, partition.ErrorMessage = p.LogAppendTime, int64(p.LogStart), nullable(p.Message)
			for _, e := range p.RecordErrors {
				record := kmsg.NewProduceResponseTopicPartitionErrorRecord()
				record.RelativeOffset, record.ErrorMessage = e.BatchIndex, nullable(e.Message)
				partition.ErrorRecords = append(partition.ErrorRecords, record)
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

func kmsgFetchRequest(r *FetchRequest, version int16) kmsg.Request {
	out := kmsg.NewPtrFetchRequest()
	out.Version, out.ClusterID, out.ReplicaID, out.Rack = version, r.ClusterID, r.ReplicaID, r.Rack
	if version >= 15 {
		out.ReplicaState.ID = r.ReplicaID
	}
	out.MaxWaitMillis, out.MinBytes, out.MaxBytes, out.IsolationLevel = r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.Isolation
	out.SessionID, out.SessionEpoch = r.SessionID, r.SessionEpoch
	for _, t := range r.Topics {
		topic := kmsg.NewFetchRequestTopic()
		topic.Topic, topic.TopicID = t.Name, t.ID
		for _, p := range t.Partitions {
			partition := kmsg.NewFetchRequestTopicPartition()
			partition.Partition, partition.CurrentLeaderEpoch, partition.FetchOffset = p.Index, int32(p.LeaderEpoch), int64(p.Offset)
			partition.LastFetchedEpoch, partition.LogStartOffset, partition.PartitionMaxBytes = int32(p.LastFetchedEpoch), int64(p.LogStart), p.MaxBytes
			topic.Partitions = append(topic.Partitions, partition)
		}
		out.Topics = append(out.Topics, topic)
	}
	for _, t := range r.Forgotten {
		topic := kmsg.NewFetchRequestForgottenTopic()
		topic.Topic, topic.TopicID, topic.Partitions = t.Name, t.ID, t.Partitions
		out.ForgottenTopics = append(out.ForgottenTopics, topic)
	}
	return out
}

func kmsgFetchResponse(r *FetchResponse, version int16) kmsg.Response {
	out := kmsg.NewPtrFetchResponse()
	out.Version, out.ThrottleMillis, out.ErrorCode, out.SessionID = version, r.ThrottleMillis, int16(r.Error), r.SessionID
	for _, t := range r.Topics {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = t.Name, t.ID
		for _, p := range t.Partitions {
			partition := kmsg.NewFetchResponseTopicPartition()
			partition.Partition, partition.ErrorCode, partition.RecordBatches = p.Index, int16(p.Error), p.Records
			partition.HighWatermark, partition.LastStableOffset, partition.LogStartOffset = int64(p.HighWatermark), int64(p.LastStable), int64(p.LogStart)
			partition.PreferredReadReplica = p.PreferredReplica
			if p.Diverging != nil {
				partition.DivergingEpoch.Epoch, partition.DivergingEpoch.EndOffset = int32(p.Diverging.Epoch), int64(p.Diverging.EndOffset)
			}
			if p.Aborted != nil {
				partition.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
			}
			for _, a := range p.Aborted {
				aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
				aborted.ProducerID, aborted.FirstOffset = int64(a.ProducerID), int64(a.FirstOffset)
				partition.AbortedTransactions = append(partition.AbortedTransactions, aborted)
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

type message interface {
	Decode(version int16, body []byte) error
	Append(dst []byte, version int16) []byte
}

type encoder interface {
	Encode(dst net.Buffers, scratch []byte, version int16) (net.Buffers, []byte)
}

// spoken is one of the four messages and how it is called in kmsg.
type spoken struct {
	name     string
	min, max int16
	empty    func() message
	kmsg     func(m message, version int16) interface{ AppendTo([]byte) []byte }
	unkmsg   func(version int16) interface{ ReadFrom([]byte) error }
}

var allSpoken = []spoken{
	{"produce request", MinProduce, MaxProduce, func() message { return new(ProduceRequest) },
		func(m message, v int16) interface{ AppendTo([]byte) []byte } {
			return kmsgProduceRequest(m.(*ProduceRequest), v)
		},
		func(v int16) interface{ ReadFrom([]byte) error } { return &kmsg.ProduceRequest{Version: v} }},
	{"produce response", MinProduce, MaxProduce, func() message { return new(ProduceResponse) },
		func(m message, v int16) interface{ AppendTo([]byte) []byte } {
			return kmsgProduceResponse(m.(*ProduceResponse), v)
		},
		func(v int16) interface{ ReadFrom([]byte) error } { return &kmsg.ProduceResponse{Version: v} }},
	{"fetch request", MinFetch, MaxFetch, func() message { return new(FetchRequest) },
		func(m message, v int16) interface{ AppendTo([]byte) []byte } {
			return kmsgFetchRequest(m.(*FetchRequest), v)
		},
		func(v int16) interface{ ReadFrom([]byte) error } { return &kmsg.FetchRequest{Version: v} }},
	{"fetch response", MinFetch, MaxFetch, func() message { return new(FetchResponse) },
		func(m message, v int16) interface{ AppendTo([]byte) []byte } {
			return kmsgFetchResponse(m.(*FetchResponse), v)
		},
		func(v int16) interface{ ReadFrom([]byte) error } { return &kmsg.FetchResponse{Version: v} }},
}

func TestMessagesAgreeWithKmsg(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range allSpoken {
		reused := s.empty()
		for version := s.min; version <= s.max; version++ {
			for range 200 {
				m := s.empty()
				randomize(rng, reflect.ValueOf(m).Elem())
				want := s.kmsg(m, version).AppendTo(nil)
				if got := m.Append(nil, version); !bytes.Equal(got, want) {
					t.Fatalf("%s v%d: encoded %+v\nto   %x,\nwant %x", s.name, version, m, got, want)
				}
				if e, ok := m.(encoder); ok {
					buffers, _ := e.Encode(nil, []byte("head"), version)
					if got := bytes.Join(buffers, nil); !bytes.Equal(got, append([]byte("head"), want...)) {
						t.Fatalf("%s v%d: scattered to %x, want %x", s.name, version, got, want)
					}
				}
				if err := s.unkmsg(version).ReadFrom(want); err != nil {
					t.Fatalf("%s v%d: kmsg does not read it: %v", s.name, version, err)
				}
				if err := reused.Decode(version, want); err != nil {
					t.Fatalf("%s v%d: %v", s.name, version, err)
				}
				if got := s.kmsg(reused, version).AppendTo(nil); !bytes.Equal(got, want) {
					t.Fatalf("%s v%d: decoded to %+v, want %+v", s.name, version, reused, m)
				}
			}
		}
	}
}

func TestAbsentFieldsHaveTheirDefaults(t *testing.T) {
	// Values that an older message must not leave behind when it is reused.
	old := FetchRequest{ReplicaID: 5, SessionID: 5, SessionEpoch: 5, Rack: "r", ClusterID: nullable("c"),
		Topics:    []FetchTopic{{ID: kafka.TopicID{1}, Partitions: []FetchPartition{{LeaderEpoch: 5, LastFetchedEpoch: 5, LogStart: 5}}}},
		Forgotten: []ForgottenTopic{{Name: "x"}}}
	body := (&FetchRequest{ReplicaID: -1, Topics: []FetchTopic{{Name: "t", Partitions: make([]FetchPartition, 1)}}}).Append(nil, 4)
	if err := old.Decode(4, body); err != nil {
		t.Fatal(err)
	}
	want := FetchRequest{ReplicaID: -1, SessionEpoch: -1, Forgotten: []ForgottenTopic{},
		Topics: []FetchTopic{{Name: "t", Partitions: []FetchPartition{{LeaderEpoch: -1, LastFetchedEpoch: -1, LogStart: -1}}}}}
	if !reflect.DeepEqual(old, want) {
		t.Errorf("got %+v, want %+v", old, want)
	}
	fetched := FetchResponse{Error: 3, SessionID: 3, Topics: []FetchedTopic{{Partitions: []FetchedPartition{{LogStart: 3, PreferredReplica: 3, Aborted: make([]AbortedTransaction, 1), Diverging: &EpochEnd{}}}}}}
	if err := fetched.Decode(4, (&FetchResponse{Topics: []FetchedTopic{{Partitions: make([]FetchedPartition, 1)}}}).Append(nil, 4)); err != nil {
		t.Fatal(err)
	}
	if p := fetched.Topics[0].Partitions[0]; p.LogStart != -1 || p.PreferredReplica != -1 || p.Aborted != nil || p.Diverging != nil || fetched.Error != 0 || fetched.SessionID != 0 {
		t.Errorf("got %+v", fetched)
	}
	if err := new(FetchRequest).Decode(15, (&FetchRequest{ReplicaID: -1}).Append(nil, 15)); err != nil {
		t.Error(err)
	}
}

func TestUnknownTagsAreSkipped(t *testing.T) {
	tags := func(t *kmsg.Tags) {
		t.Set(3, []byte("later"))
		t.Set(200, nil)
	}
	fetched := kmsgFetchResponse(&FetchResponse{Topics: []FetchedTopic{{ID: kafka.TopicID{1}, Partitions: []FetchedPartition{{Records: []byte("r"), Aborted: make([]AbortedTransaction, 1)}}}}}, 16).(*kmsg.FetchResponse)
	plain := fetched.AppendTo(nil)
	p := &fetched.Topics[0].Partitions[0]
	p.CurrentLeader.LeaderID, p.SnapshotID.Epoch = 4, 4
	fetched.Brokers = []kmsg.FetchResponseBroker{{NodeID: 1, Host: "h"}}
	tags(&p.UnknownTags)
	tags(&p.AbortedTransactions[0].UnknownTags)
	tags(&fetched.Topics[0].UnknownTags)
	tags(&fetched.UnknownTags)
	var r FetchResponse
	if err := r.Decode(16, fetched.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	if got := r.Append(nil, 16); !bytes.Equal(got, plain) {
		t.Errorf("fetch response: got %x, want %x", got, plain)
	}

	produce := kmsgProduceRequest(&ProduceRequest{Topics: []ProduceTopic{{Name: "t", Partitions: []ProducePartition{{Records: []byte("r")}}}}}, 11).(*kmsg.ProduceRequest)
	plain = produce.AppendTo(nil)
	tags(&produce.Topics[0].Partitions[0].UnknownTags)
	tags(&produce.Topics[0].UnknownTags)
	tags(&produce.UnknownTags)
	var q ProduceRequest
	if err := q.Decode(11, produce.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	if got := q.Append(nil, 11); !bytes.Equal(got, plain) {
		t.Errorf("produce request: got %x, want %x", got, plain)
	}
}
