package listener

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"schloss/kafka/wire"
	"schloss/security/principal"
)

// handle is a Handler from a function.
type handle func(*Request)

func (h handle) Handle(r *Request) { h(r) }

type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func anonymous(context.Context, net.Conn) (principal.Principal, error) {
	return principal.Anonymous, nil
}

// serve runs a listener on loopback and returns its address.
func serve(t *testing.T, cfg Config, limits *Limits, h Handler) (*Listener, *output) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Identify == nil {
		cfg.Identify = anonymous
	}
	log := &output{}
	cfg.Limits, cfg.Log = limits, slog.New(slog.NewTextHandler(log, nil))
	l := New(cfg, socket, h)
	served := make(chan error, 1)
	go func() { served <- l.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l, log
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func frame(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func answer(r *Request, body string) {
	out := append(r.Pool().Get(0), frame(body)...)
	r.Answer(Response{Buffers: net.Buffers{out}, Pooled: [][]byte{out}})
}

func send(t *testing.T, c net.Conn, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := c.Write(frame(b)); err != nil {
			t.Fatal(err)
		}
	}
}

func receive(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := wire.ReadFrame(c, 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswersLeaveInTheOrderOfRequests(t *testing.T) {
	var mu sync.Mutex
	var held []*Request
	l, _ := serve(t, Config{Name: "T"}, &Limits{}, handle(func(r *Request) {
		mu.Lock()
		defer mu.Unlock()
		held = append(held, r)
		if len(held) < 3 {
			return
		}
		for i := len(held) - 1; i >= 0; i-- { // the last comes first
			answer(held[i], "re "+string(held[i].Frame))
		}
	}))
	c := dial(t, l)
	send(t, c, "a", "b", "c")
	for _, want := range []string{"re a", "re b", "re c"} {
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	came := make(chan *Request, 10)
	l, _ := serve(t, Config{Name: "T", InFlight: 2}, &Limits{}, handle(func(r *Request) { came <- r }))
	c := dial(t, l)
	send(t, c, "a", "b", "c")
	first, second := <-came, <-came
	select {
	case <-came:
		t.Fatal("a third request was taken while two were open")
	case <-time.After(50 * time.Millisecond): // nothing must happen: there is nothing to wait for
	}
	answer(first, "1")
	answer(second, "2")
	answer(<-came, "3")
	for _, want := range []string{"1", "2", "3"} {
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSilenceAndHangup(t *testing.T) {
	l, _ := serve(t, Config{Name: "T"}, &Limits{}, handle(func(r *Request) {
		switch string(r.Frame) {
		case "silent":
			r.Silence()
		case "bad":
			r.Hangup(errors.New("no"))
		default:
			answer(r, "ok")
		}
	}))
	c := dial(t, l)
	send(t, c, "silent", "x", "bad")
	if got := receive(t, c); got != "ok" {
		t.Errorf("got %q, want the answer to the second request", got)
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want the connection closed after what was owed", err)
	}
}

func TestFramesThatCannotBeOnesCloseTheConnection(t *testing.T) {
	tests := []struct {
		name  string
		sends []byte
		says  string
	}{
		{"longer than allowed", []byte{0x00, 0x10, 0x00, 0x01}, ""},
		{"negative length", []byte{0xff, 0xff, 0xff, 0xff}, ""},
		{"a TLS greeting", []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}, "security.protocol=PLAINTEXT"},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\n\r\n"), "HTTP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, log := serve(t, Config{Name: "T", MaxFrame: 1 << 20}, &Limits{}, handle(func(*Request) { t.Error("a frame was handed over") }))
			c := dial(t, l)
			if _, err := c.Write(tt.sends); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Fatal("got an answer, want the connection closed")
			}
			for i := 0; i < 100 && !strings.Contains(log.String(), "connection closed"); i++ {
				time.Sleep(10 * time.Millisecond) // the log line follows the close
			}
			if !strings.Contains(log.String(), tt.says) {
				t.Errorf("log %q does not say %q", log, tt.says)
			}
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	l, _ := serve(t, Config{Name: "T", IdleTimeout: 30 * time.Millisecond}, &Limits{}, handle(func(r *Request) { answer(r, "ok") }))
	c := dial(t, l)
	send(t, c, "x")
	receive(t, c)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("got data, want the idle connection closed")
	}
}

func TestLimitsRefuseConnections(t *testing.T) {
	whole := &Limits{Max: 1}
	l, _ := serve(t, Config{Name: "T"}, &Limits{Broker: whole}, handle(func(r *Request) { answer(r, "ok") }))
	first := dial(t, l)
	send(t, first, "x")
	receive(t, first)
	second := dial(t, l)
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Fatal("a second connection was served, one is allowed")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the place is free as soon as the first has been taken apart
		c := dial(t, l)
		if _, err := c.Write(frame("x")); err == nil {
			if _, err := wire.ReadFrame(c, 1<<20, nil); err == nil {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("no connection was served after the first had gone")
}

func TestShutdownLetsOwedAnswersOutAndGivesUpParkedOnes(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := make(chan *Request, 2)
	gaveUp := make(chan struct{})
	l := New(Config{Name: "T", Identify: anonymous}, socket, handle(func(r *Request) {
		if string(r.Frame) == "park" {
			r.OnAbandon(func() { close(gaveUp) })
		}
		open <- r
	}))
	go func() { _ = l.Serve() }()
	owed, parked := dial(t, l), dial(t, l)
	send(t, owed, "owe")
	owedRequest := <-open
	send(t, parked, "park")
	<-open
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		done <- l.Shutdown(ctx)
	}()
	<-gaveUp
	answer(owedRequest, "late")
	if got := receive(t, owed); got != "late" {
		t.Errorf("got %q, want the answer that was owed", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPoolGivesRoomAndTakesEverythingBack(t *testing.T) {
	var p Pool
	for _, n := range []int{0, 1, 4096, 4097, 1 << 20, 64 << 20, 64<<20 + 1} {
		b := p.Get(n)
		if len(b) != 0 || cap(b) < n {
			t.Errorf("Get(%d): length %d, capacity %d", n, len(b), cap(b))
		}
		p.Put(b)
	}
	p.Put(nil)
	p.Put(make([]byte, 5000)) // not a power of two: serves as 4096
	if b := p.Get(8000); cap(b) < 8000 {
		t.Errorf("Get(8000) has room for %d", cap(b))
	}
}
