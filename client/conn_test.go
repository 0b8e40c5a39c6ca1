package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// script is a broker that answers as it is told. Each request goes to answer,
// which returns the body of the response, or nil for none.
func script(t *testing.T, answer func(h wire.RequestHeader, body []byte) []byte) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	go func() {
		for {
			frame, err := wire.ReadFrame(ours, 1<<24, nil)
			if err != nil {
				return
			}
			h, body, err := wire.ParseRequestHeader(frame)
			if err != nil {
				t.Errorf("parse request header: %v", err)
				return
			}
			if resp := answer(h, body); resp != nil {
				respond(ours, h, resp)
			}
		}
	}()
	return theirs
}

func respond(to io.Writer, h wire.RequestHeader, body []byte) {
	frame := wire.AppendResponseHeader(make([]byte, 4), h.Key, h.Version, h.CorrelationID)
	frame = append(frame, body...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	to.Write(frame) // a test that closes early does not care
}

// versions is the body of an ApiVersions response.
func versions(ranges map[int16]versionRange) []byte {
	var resp kmsg.ApiVersionsResponse
	for key, r := range ranges {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = key, r.min, r.max
		resp.ApiKeys = append(resp.ApiKeys, k)
	}
	return resp.AppendTo(nil)
}

var everything = versions(map[int16]versionRange{0: {3, 13}, 1: {4, 18}, 3: {0, 12}, 18: {0, 4}})

func TestConnVersions(t *testing.T) {
	for _, test := range []struct {
		name   string
		broker versionRange
		want   int16
		err    bool
	}{
		{"newest of a new broker is ours", versionRange{3, 13}, 12, false},
		{"newest of an old broker is its own", versionRange{0, 7}, 7, false},
		{"a broker before zstd and v2 batches", versionRange{0, 2}, 0, true},
		{"a broker of the future", versionRange{14, 20}, 0, true},
		{"a broker that does not produce", versionRange{-1, -1}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ranges := map[int16]versionRange{18: {0, 4}}
			if test.broker.max >= 0 {
				ranges[0] = test.broker
			}
			c := NewConn(script(t, func(h wire.RequestHeader, _ []byte) []byte { return versions(ranges) }))
			defer c.Close()
			got, err := c.version(t.Context(), wire.ProduceKey, wire.MinProduce, newestProduce)
			var ve *VersionError
			if got != test.want || errors.As(err, &ve) != test.err {
				t.Fatalf("got %d, %v, want %d, error %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestConnFetchReusesTheBuffer(t *testing.T) {
	records := bytes.Repeat([]byte("r"), 100_000)
	c := NewConn(script(t, func(h wire.RequestHeader, body []byte) []byte {
		if h.Key == wire.ApiVersionsKey {
			return everything
		}
		var req wire.FetchRequest
		if err := req.Decode(h.Version, body); err != nil || req.Topics[0].Name != "t" {
			t.Errorf("decode fetch: %v, %+v", err, req)
		}
		resp := wire.FetchResponse{Topics: []wire.FetchedTopic{{Name: "t", Partitions: []wire.FetchedPartition{{Records: records}}}}}
		return resp.Append(nil, h.Version)
	}))
	defer c.Close()
	req := &wire.FetchRequest{ReplicaID: -1, Topics: []wire.FetchTopic{{Name: "t", Partitions: []wire.FetchPartition{{Index: 0}}}}}
	var resp wire.FetchResponse
	buf, err := c.Fetch(t.Context(), req, &resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := &buf[:1][0]
	if buf, err = c.Fetch(t.Context(), req, &resp, buf); err != nil {
		t.Fatal(err)
	}
	if &buf[:1][0] != first {
		t.Error("a buffer that is large enough was replaced")
	}
	if got := resp.Topics[0].Partitions[0].Records; !bytes.Equal(got, records) {
		t.Errorf("got %d bytes of records, want %d", len(got), len(records))
	}
}

func TestConnProducePipelines(t *testing.T) {
	const n = 5
	var waiting []wire.RequestHeader
	all := make(chan struct{})
	ours, theirs := net.Pipe()
	go func() {
		for {
			frame, err := wire.ReadFrame(ours, 1<<24, nil)
			if err != nil {
				return
			}
			h, _, _ := wire.ParseRequestHeader(frame)
			if h.Key == wire.ApiVersionsKey {
				respond(ours, h, everything)
				continue
			}
			if waiting = append(waiting, h); len(waiting) == n {
				close(all)
				for i, h := range waiting {
					resp := wire.ProduceResponse{Topics: []wire.ProducedTopic{{Name: "t", Partitions: []wire.ProducedPartition{{BaseOffset: kafka.Offset(i)}}}}}
					respond(ours, h, resp.Append(nil, h.Version))
				}
			}
		}
	}()
	c := NewConn(theirs)
	defer c.Close()
	got := make(chan kafka.Offset, n)
	for range n {
		err := c.Produce(t.Context(), produceOne(make([]byte, 61)), func(resp *wire.ProduceResponse, err error) {
			if err != nil {
				t.Error(err)
				got <- -1
				return
			}
			got <- resp.Topics[0].Partitions[0].BaseOffset
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	<-all // no answer came before the last request had left
	for want := range kafka.Offset(n) {
		if offset := <-got; offset != want {
			t.Errorf("got answer %d, want %d", offset, want)
		}
	}
}

func produceOne(records []byte) *wire.ProduceRequest {
	return &wire.ProduceRequest{Acks: -1, TimeoutMillis: 1000, Topics: []wire.ProduceTopic{{Name: "t", Partitions: []wire.ProducePartition{{Records: records}}}}}
}

// The caller may overwrite its records as soon as done is called; done must
// not be called while a write still reads them, whatever ends the connection.
func TestConnKeepsRecordsUntilTheWriteHasEnded(t *testing.T) {
	nc := &slowConn{closed: make(chan struct{}), writing: make(chan struct{}), reading: make(chan struct{}), script: versionsAnswer(1)}
	c := NewConn(nc)
	if _, err := c.version(t.Context(), wire.ProduceKey, 3, 12); err != nil {
		t.Fatal(err)
	}
	nc.slow.Store(true)
	done := make(chan error, 1)
	nc.before = func() { // everybody else has had a thousand turns since the connection was closed
		if len(done) > 0 {
			t.Error("done was called while the records were being written")
		}
	}
	go c.Produce(t.Context(), produceOne(make([]byte, 1<<20)), func(_ *wire.ProduceResponse, err error) { done <- err })
	<-nc.writing
	c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
}

func versionsAnswer(correlation int32) []byte {
	frame := wire.AppendResponseHeader(make([]byte, 4), wire.ApiVersionsKey, 0, correlation)
	frame = append(frame, everything...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// slowConn answers from a script; its next write hangs until some time after
// Close.
type slowConn struct {
	net.Conn
	script  []byte
	asked   atomic.Bool
	slow    atomic.Bool
	reading chan struct{}
	writing chan struct{}
	before  func() // the write returns
	closed  chan struct{}
	once    atomic.Bool
}

func (c *slowConn) Read(b []byte) (int, error) {
	<-c.reading
	if len(c.script) > 0 {
		n := copy(b, c.script)
		c.script = c.script[n:]
		return n, nil
	}
	<-c.closed
	return 0, net.ErrClosed
}

func (c *slowConn) Write(b []byte) (int, error) {
	if !c.slow.Load() {
		if c.asked.CompareAndSwap(false, true) {
			close(c.reading)
		}
		return len(b), nil
	}
	close(c.writing)
	<-c.closed
	for range 1000 {
		runtime.Gosched()
	}
	c.before()
	return 0, net.ErrClosed
}

func (c *slowConn) Close() error {
	if c.once.CompareAndSwap(false, true) {
		close(c.closed)
	}
	return nil
}

func (c *slowConn) SetReadDeadline(time.Time) error  { return nil }
func (c *slowConn) SetWriteDeadline(time.Time) error { return nil }

func TestConnEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(h wire.RequestHeader) []byte // whole frames
		want   string
	}{
		{"wrong correlation id", func(h wire.RequestHeader) []byte {
			return append([]byte{0, 0, 0, 4}, 0, 0, 0, 99)
		}, "correlation id 99"},
		{"no header", func(wire.RequestHeader) []byte { return []byte{0, 0, 0, 2, 0, 0} }, "response header v0: byte 0: it is cut short"},
		{"negative length", func(wire.RequestHeader) []byte { return []byte{0xff, 0, 0, 0, 0} }, ""},
		{"cut short", func(wire.RequestHeader) []byte { return []byte{0, 0, 0, 9, 0} }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				frame, _ := wire.ReadFrame(ours, 1<<20, nil)
				h, _, _ := wire.ParseRequestHeader(frame)
				ours.Write(test.answer(h))
				ours.Close()
			}()
			c := NewConn(theirs)
			defer c.Close()
			_, err := c.Request(t.Context(), kmsg.NewPtrMetadataRequest())
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte(test.want)) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if _, again := c.Request(t.Context(), kmsg.NewPtrMetadataRequest()); again == nil {
				t.Error("a connection that failed answers again")
			}
		})
	}
}

func TestConnTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, ours) // it listens, and is silent
		c := NewConn(theirs)
		begin := time.Now()
		_, err := c.Request(t.Context(), kmsg.NewPtrMetadataRequest())
		if !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v, want %v", err, ErrTimeout)
		}
		if waited := time.Since(begin); waited != time.Duration(defaultRequestTimeout) {
			t.Errorf("waited %v, want %v", waited, time.Duration(defaultRequestTimeout))
		}
		c.Close()
		ours.Close()
	})
}
