package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"

	"schloss/kafka"
)

func sampleProduce() *ProduceRequest {
	r := &ProduceRequest{Acks: -1, TimeoutMillis: 30000}
	for i := range 3 {
		topic := ProduceTopic{Name: fmt.Sprint("topic-", i), ID: kafka.TopicID{byte(i + 1)}}
		for j := range 4 {
			topic.Partitions = append(topic.Partitions, ProducePartition{Index: int32(j), Records: bytes.Repeat([]byte{byte(j)}, 1000)})
		}
		r.Topics = append(r.Topics, topic)
	}
	return r
}

func sampleFetched() *FetchResponse {
	r := new(FetchResponse)
	for i := range 3 {
		topic := FetchedTopic{Name: fmt.Sprint("topic-", i), ID: kafka.TopicID{byte(i + 1)}}
		for j := range 4 {
			topic.Partitions = append(topic.Partitions, FetchedPartition{Index: int32(j), PreferredReplica: -1,
				Aborted: make([]AbortedTransaction, j), Records: bytes.Repeat([]byte{byte(j)}, 1000)})
		}
		r.Topics = append(r.Topics, topic)
	}
	return r
}

func sampleFetch() *FetchRequest {
	r := &FetchRequest{ReplicaID: -1, MaxWaitMillis: 500, MaxBytes: 50 << 20, SessionID: 4, Rack: "a", ClusterID: nil}
	for i := range 3 {
		r.Topics = append(r.Topics, FetchTopic{Name: fmt.Sprint("topic-", i), ID: kafka.TopicID{byte(i + 1)}, Partitions: make([]FetchPartition, 4)})
	}
	r.Forgotten = []ForgottenTopic{{Name: "gone", ID: kafka.TopicID{9}, Partitions: []int32{1, 2}}}
	return r
}

func TestHotPathsDoNotAllocateWhenReused(t *testing.T) {
	var produce ProduceRequest
	var fetch FetchRequest
	var fetched FetchResponse
	var produced ProduceResponse
	answer := &ProduceResponse{Topics: []ProducedTopic{{Name: "topic", Partitions: make([]ProducedPartition, 4)}}}
	scratch, buffers := make([]byte, 0, 4096), make(net.Buffers, 0, 64)
	out := make([]byte, 0, 4096)
	for _, version := range []int16{9, 13} {
		produceBody := sampleProduce().Append(nil, version)
		producedBody := answer.Append(nil, version)
		fetchBody := sampleFetch().Append(nil, version+3)
		fetchedBody := sampleFetched().Append(nil, version+3)
		for _, c := range []struct {
			name string
			run  func()
		}{
			{"decode produce request", func() { produce.Decode(version, produceBody) }},
			{"decode produce response", func() { produced.Decode(version, producedBody) }},
			{"decode fetch request", func() { fetch.Decode(version+3, fetchBody) }},
			{"decode fetch response", func() { fetched.Decode(version+3, fetchedBody) }},
			{"encode produce request", func() { produce.Encode(buffers[:0], scratch[:0], version) }},
			{"encode fetch response", func() { fetched.Encode(buffers[:0], scratch[:0], version+3) }},
			{"append produce response", func() { produced.Append(out[:0], version) }},
			{"append fetch request", func() { fetch.Append(out[:0], version+3) }},
			{"append response header", func() { AppendResponseHeader(out[:0], FetchKey, 12, 7) }},
		} {
			if n := testing.AllocsPerRun(20, c.run); n != 0 {
				t.Errorf("%s v%d: %v allocations, want none", c.name, version, n)
			}
		}
	}
}

func TestRequestHeaderAllocatesNoMoreThanTheClientID(t *testing.T) {
	frame := AppendRequestHeader(nil, RequestHeader{FetchKey, 12, 5, "client"})
	if n := testing.AllocsPerRun(20, func() { ParseRequestHeader(frame) }); n > 1 {
		t.Errorf("%v allocations, want at most 1", n)
	}
}

func TestScatteredRecordsAreNotCopied(t *testing.T) {
	r := sampleFetched()
	// A scratch without room is moved many times while the pieces are made.
	buffers, _ := r.Encode(nil, nil, 12)
	if got, want := bytes.Join(buffers, nil), r.Append(nil, 12); !bytes.Equal(got, want) {
		t.Fatalf("scattered bytes differ")
	}
	if len(buffers) != 2*12+1 {
		t.Errorf("got %d buffers, want %d", len(buffers), 2*12+1)
	}
	if &buffers[1][0] != &r.Topics[0].Partitions[0].Records[0] {
		t.Error("the records were copied")
	}
}

func TestDecodedRecordsAliasTheBody(t *testing.T) {
	body := sampleProduce().Append(nil, 9)
	var r ProduceRequest
	if err := r.Decode(9, body); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if r.Topics[2].Partitions[3].Records[0] != 0 {
		t.Error("the records were copied")
	}
	if r.Topics[2].Name != "topic-2" {
		t.Errorf("the name was not: %q", r.Topics[2].Name)
	}
}

func TestEveryCutBodyIsAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		sent message
		into message
		max  int16
	}{
		{"produce request", sampleProduce(), new(ProduceRequest), MaxProduce},
		{"fetch request", sampleFetch(), new(FetchRequest), MaxFetch},
		{"fetch response", sampleFetched(), new(FetchResponse), MaxFetch},
	} {
		for version := c.max - 9; version <= c.max; version++ {
			body := c.sent.Append(nil, version)
			for n := range body {
				var e *DecodeError
				if err := c.into.Decode(version, body[:n]); !errors.As(err, &e) {
					t.Fatalf("%s v%d cut to %d of %d bytes: got %v, want a *DecodeError", c.name, version, n, len(body), err)
				}
			}
		}
	}
}

func TestUnknownVersionsAreRefused(t *testing.T) {
	for _, version := range []int16{-1, 0, 2, 19} {
		for _, m := range []message{new(ProduceRequest), new(ProduceResponse), new(FetchRequest), new(FetchResponse)} {
			if err := m.Decode(version, make([]byte, 100)); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%T v%d: got %v, want %v", m, version, err, ErrUnsupported)
			}
		}
	}
}

func TestClaimsCostNoMemory(t *testing.T) {
	for _, c := range []struct {
		name    string
		into    message
		version int16
		body    []byte
	}{
		{"2^31-1 topics", new(ProduceRequest), 3, []byte{0xff, 0xff, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}},
		{"-2 topics", new(ProduceRequest), 3, []byte{0xff, 0xff, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe}},
		{"2^32-2 topics", new(ProduceRequest), 9, []byte{0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"2^32-1 tagged fields", new(ProduceRequest), 9, []byte{0, 0, 1, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"null topics", new(ProduceRequest), 9, []byte{0, 0, 1, 0, 0, 0, 0, 0, 0}},
		{"records of 2^31-1 bytes", new(ProduceRequest), 3, []byte{0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := c.into.Decode(c.version, c.body)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 16<<10 {
				t.Errorf("%d bytes allocated", got)
			}
		})
	}
}
