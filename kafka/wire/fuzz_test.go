package wire

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func FuzzReadFrame(f *testing.F) {
	f.Add(framed([]byte("abc")), int32(10))
	f.Add([]byte{0x16, 3, 1, 2}, int32(1000))
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0}, int32(1<<31-1))
	f.Fuzz(func(t *testing.T, in []byte, max int32) {
		frame, err := ReadFrame(bytes.NewReader(in), max, nil)
		if err == nil && !bytes.Equal(framed(frame), in[:4+len(frame)]) {
			t.Fatalf("got %x of %x", frame, in)
		}
	})
}

func FuzzParseRequestHeader(f *testing.F) {
	f.Add(AppendRequestHeader(nil, RequestHeader{3, 12, 5, "client"}))
	f.Add(AppendRequestHeader(nil, RequestHeader{18, 3, 5, ""}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := ParseRequestHeader(frame)
		if err != nil {
			return
		}
		again, rest, err := ParseRequestHeader(append(AppendRequestHeader(nil, h), body...))
		if again != h || !bytes.Equal(rest, body) || err != nil {
			t.Fatalf("got %+v, %v, want %+v", again, err, h)
		}
	})
}

// fuzzMessage expects that what decodes can be encoded and decoded again, and
// that kmsg takes it too. kmsg does not get the fuzzed bytes themselves: it
// would count up to 2^32 tagged fields within a tagged field that we skip.
func fuzzMessage(f *testing.F, s spoken, samples ...message) {
	for _, m := range samples {
		for _, version := range []int16{s.min, s.max - 6, s.max} {
			f.Add(version, m.Append(nil, version))
		}
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		m := s.empty()
		if m.Decode(version, body) != nil {
			return
		}
		encoded, again := m.Append(nil, version), s.empty()
		if err := s.unkmsg(version).ReadFrom(encoded); err != nil {
			t.Fatalf("%s v%d: kmsg does not read it: %v", s.name, version, err)
		}
		if err := again.Decode(version, encoded); err != nil {
			t.Fatalf("%s v%d: encoded again: %v", s.name, version, err)
		}
		if got := again.Append(nil, version); !bytes.Equal(got, encoded) {
			t.Fatalf("%s v%d: got %x, want %x", s.name, version, got, encoded)
		}
	})
}

func FuzzProduceRequest(f *testing.F) { fuzzMessage(f, allSpoken[0], sampleProduce()) }

func FuzzProduceResponse(f *testing.F) {
	fuzzMessage(f, allSpoken[1], &ProduceResponse{Topics: []ProducedTopic{{Name: "t", Partitions: []ProducedPartition{
		{Message: "m", RecordErrors: []ProducedRecordError{{1, "why"}, {2, ""}}}}}}})
}

func FuzzFetchRequest(f *testing.F) { fuzzMessage(f, allSpoken[2], sampleFetch()) }

func FuzzFetchResponse(f *testing.F) { fuzzMessage(f, allSpoken[3], sampleFetched()) }

func FuzzParser(f *testing.F) {
	for _, key := range []int16{3, 8, 11, 14, 18, 19, 30, 32, 36, 44, 57, 68, 75, 88} {
		request := kmsg.RequestForKey(key)
		request.SetVersion(request.MaxVersion())
		f.Add(key, request.MaxVersion(), request.AppendTo(nil))
	}
	f.Add(int16(3), int16(12), []byte("\x02\x00\x00\xff\xff\xff\xff\x0f"))
	p := Parser{Limit: 1 << 20}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		request, err := p.Parse(key, version, body)
		if err != nil {
			return
		}
		if _, err := p.Parse(key, version, request.AppendTo(nil)); err != nil {
			t.Fatalf("%s v%d: encoded again: %v", kmsg.NameForKey(key), version, err)
		}
	})
}
