package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// randomize fills every exported field of a message; arrays get 0 to 3
// elements, so that a message stays small.
func randomize(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Type().Field(i).IsExported() && name != "Version" && name != "UnknownTags" {
				randomize(rng, v.Field(i))
			}
		}
	case reflect.Pointer:
		if rng.IntN(3) == 0 {
			v.SetZero()
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		randomize(rng, v.Elem())
	case reflect.Slice:
		n := rng.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			randomize(rng, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			randomize(rng, v.Index(i))
		}
	case reflect.String:
		v.SetString(strings.Repeat("x", rng.IntN(5)*rng.IntN(50)))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(rng.Float64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(rng.Uint64() & (1<<v.Type().Bits() - 1))
	default:
		v.SetInt(int64(rng.Uint64()) >> (64 - v.Type().Bits()))
	}
}

// everyRequest calls f for every version of every request that kmsg knows.
func everyRequest(f func(key, version int16)) {
	for key := range int16(kmsg.MaxKey + 1) {
		request := kmsg.RequestForKey(key)
		if request == nil {
			continue
		}
		for version := range request.MaxVersion() + 1 {
			f(key, version)
		}
	}
}

func TestLayoutsHoldForEveryRequest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var p Parser
	everyRequest(func(key, version int16) {
		if !walkable(key) {
			return
		}
		for range 30 {
			want := kmsg.RequestForKey(key)
			want.SetVersion(version)
			randomize(rng, reflect.ValueOf(want).Elem())
			body := want.AppendTo(nil)
			r := newReader(body, want.IsFlexible())
			p.layout(key, version).walk(&r)
			if r.fault != "" || len(r.rest) > 0 {
				t.Fatalf("%s v%d: walked to %d of %d bytes: %s", kmsg.NameForKey(key), version, len(body)-len(r.rest), len(body), r.fault)
			}
			got, err := p.Parse(key, version, body)
			if err != nil {
				t.Fatalf("%s v%d: %v", kmsg.NameForKey(key), version, err)
			}
			if again := got.AppendTo(nil); string(again) != string(body) {
				t.Fatalf("%s v%d: parsed and encoded again to %x, want %x", kmsg.NameForKey(key), version, again, body)
			}
		}
	})
}

func TestLayoutsSeeTaggedFieldsAtEveryPlace(t *testing.T) {
	var p Parser
	request := kmsg.NewPtrMetadataRequest()
	request.SetVersion(12)
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr("t")
	topic.UnknownTags.Set(7, []byte("inner"))
	request.Topics = append(request.Topics, topic)
	request.UnknownTags.Set(9, []byte("outer"))
	got, err := p.Parse(3, 12, request.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, request) {
		t.Errorf("got %+v, want %+v", got, request)
	}
}

func TestParserRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ key, version int16 }{{-1, 0}, {999, 0}, {3, -1}, {3, 99}, {ProduceKey, 9}, {FetchKey, 12}, {63, 1}} {
		if _, err := new(Parser).Parse(c.key, c.version, make([]byte, 100)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("key %d v%d: got %v, want %v", c.key, c.version, err, ErrUnsupported)
		}
	}
}

func TestHostileRequestsCostLittle(t *testing.T) {
	uvarints := func(vs ...uint64) (b []byte) {
		for _, v := range vs {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	padded := func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }
	for _, c := range []struct {
		name         string
		key, version int16
		body         []byte
	}{
		{"2^32-1 tagged fields", 3, 12, append(uvarints(1), append([]byte{0, 0}, uvarints(1<<32-1)...)...)},
		{"tagged fields of no length", 3, 12, padded(append(uvarints(1), append([]byte{0, 0}, uvarints(65)...)...))},
		{"array of 2^31-1", 3, 0, []byte{0x7f, 0xff, 0xff, 0xff}},
		{"compact array of 2^32-2", 3, 12, uvarints(1<<32-1, 0)},
		{"as many topics as bytes", 3, 8, padded([]byte{0, 0x10, 0, 0})},
		{"as many members as bytes", 14, 3, padded(append([]byte{0, 1, 'g', 0, 0, 0, 1, 0, 1, 'm', 0, 0}, 0, 0x10, 0, 0))},
		{"text longer than the request", 10, 0, []byte{0x7f, 0xff, 'g'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Parser
			p.layout(c.key, c.version)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := p.Parse(c.key, c.version, c.body)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("%d bytes allocated for a request of %d", got, len(c.body))
			}
			if took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestParserHoldsItsLimit(t *testing.T) {
	request := kmsg.NewPtrMetadataRequest()
	request.SetVersion(8)
	for i := range 1000 {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(fmt.Sprint(i))
		request.Topics = append(request.Topics, topic)
	}
	body := request.AppendTo(nil)
	if _, err := new(Parser).Parse(3, 8, body); err != nil {
		t.Error(err)
	}
	small := Parser{Limit: 10_000}
	if _, err := small.Parse(3, 8, body); err == nil || !strings.Contains(err.Error(), "10000 are allowed") {
		t.Errorf("limit of 10,000: got %v", err)
	}
}
