package mirror

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/wire"
)

// quotaBroker is a broker that answers every Fetch and Produce at once, one
// after the other with these throttle times, and then no more. It notes how long
// after the beginning each of them came.
type quotaBroker struct {
	t         *testing.T
	begin     time.Time
	throttles []time.Duration

	mu   sync.Mutex // guards came
	came []time.Duration
}

func (b *quotaBroker) dial() *client.Conn {
	ours, theirs := net.Pipe()
	b.t.Cleanup(func() { ours.Close() })
	b.begin = time.Now()
	go func() {
		for {
			frame, err := wire.ReadFrame(ours, 1<<20, nil)
			if err != nil {
				return
			}
			h, body, err := wire.ParseRequestHeader(frame)
			if err != nil {
				b.t.Error(err)
				return
			}
			if answer := b.answer(h, body); answer != nil {
				out := wire.AppendResponseHeader(make([]byte, 4), h.Key, h.Version, h.CorrelationID)
				out = append(out, answer...)
				binary.BigEndian.PutUint32(out, uint32(len(out)-4))
				ours.Write(out)
			}
		}
	}()
	return client.NewConn(theirs)
}

func (b *quotaBroker) answer(h wire.RequestHeader, body []byte) []byte {
	if h.Key == wire.ApiVersionsKey {
		var resp kmsg.ApiVersionsResponse
		for key, newest := range map[int16]int16{wire.ProduceKey: 12, wire.FetchKey: 12} {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: newest})
		}
		return resp.AppendTo(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came = append(b.came, time.Since(b.begin))
	if len(b.came) > len(b.throttles) {
		return nil
	}
	throttle := int32(b.throttles[len(b.came)-1].Milliseconds())
	if h.Key == wire.FetchKey {
		return (&wire.FetchResponse{ThrottleMillis: throttle}).Append(nil, h.Version)
	}
	var req wire.ProduceRequest
	if err := req.Decode(h.Version, body); err != nil {
		b.t.Error(err)
	}
	resp := wire.ProduceResponse{ThrottleMillis: throttle}
	for _, topic := range req.Topics {
		done := wire.ProducedTopic{Name: topic.Name}
		for _, p := range topic.Partitions {
			done.Partitions = append(done.Partitions, wire.ProducedPartition{Index: p.Index})
		}
		resp.Topics = append(resp.Topics, done)
	}
	return resp.Append(nil, h.Version)
}

// wantSilence runs what sends until the broker has answered as often as it does,
// and checks that each request waited for the end of the silence before it.
func (b *quotaBroker) wantSilence(run func(context.Context), counted *throttles, told *[]string) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan struct{})
	go func() { run(ctx); close(ended) }()
	want := []time.Duration{0}
	var sum time.Duration
	for _, d := range b.throttles {
		sum += d
		want = append(want, sum)
	}
	time.Sleep(sum + time.Second)
	b.mu.Lock()
	if !slices.Equal(b.came, want) {
		b.t.Errorf("requests came after %v, want %v", b.came, want)
	}
	b.mu.Unlock()
	if got := counted.sum(); got != sum {
		b.t.Errorf("counted %v of silence, want %v", got, sum)
	}
	if len(*told) != 1 || !strings.Contains((*told)[0], counted.side+" throttles the mirror") {
		b.t.Errorf("told %q, want once that the %s throttles", *told, counted.side)
	}
	cancel()
	<-ended
}

// quotas make it worth telling with the second answer; the last is a minute
// later.
var quotas = []time.Duration{2 * time.Second, 5 * time.Second, 0, time.Minute, 9 * time.Second}

func TestThrottledFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := newTestStream(t, true)
		var told []string
		s.mirror.source.throttles.notice = func(text string) { told = append(told, text) }
		b := &quotaBroker{t: t, throttles: quotas}
		f := newFetcher(s, -1)
		f.conn = b.dial()
		b.wantSilence(f.run, s.mirror.source.throttles, &told)
	})
}

func TestThrottledProduces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told, log []string
		tp := kafka.TopicPartition{Topic: "t"}
		target := &clusterTarget{acks: -1, requestSize: 1 << 20, leaders: map[kafka.TopicPartition]kafka.NodeID{tp: 1},
			throttles: &throttles{side: "target", notice: func(text string) { told = append(told, text) }}}
		b := &quotaBroker{t: t, throttles: quotas}
		s := &sender{target: target, ctx: t.Context(), lanes: make(map[kafka.NodeID]*lane)}
		l := &lane{sender: s, node: 1, wake: make(chan struct{}, 1), conn: b.dial()}
		s.lanes[1] = l
		a := &appender{sender: s, box: &outbox{tp: tp, window: 1, who: &identity{id: 9, epoch: 1}, node: -1, last: new(int)}}
		var copies []Copy
		for range len(quotas) + 2 {
			copies = append(copies, &note{name: "x", batch: made{records: 1, value: "x"}.build(t), log: &log})
		}
		a.Append(copies)
		b.wantSilence(l.run, target.throttles, &told)
		if len(log) != len(quotas) {
			t.Errorf("%d batches were acknowledged, want %d", len(log), len(quotas))
		}
	})
}

// A quota that is hardly ever felt is no news.
func TestRareThrottlingIsNotTold(t *testing.T) {
	q := &throttles{side: "source"}
	now := time.UnixMilli(1_700_000_000_000)
	for i := range 100 {
		if q.add(worthTelling/2, now.Add(time.Duration(i)*time.Minute)) {
			t.Fatalf("told in minute %d", i)
		}
	}
	if !q.add(worthTelling/2, now.Add(99*time.Minute+time.Second)) || q.add(worthTelling, now.Add(99*time.Minute+2*time.Second)) {
		t.Error("want that it is told once, when it adds up within a minute")
	}
	if got, want := q.sum(), 51*worthTelling+worthTelling/2; got != want {
		t.Errorf("counted %v, want %v", got, want)
	}
}
