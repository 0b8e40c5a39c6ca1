package broker

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"schloss/broker/listener"
	"schloss/kafka/wire"
	"schloss/security/principal"
	"schloss/store"
)

type onlyImage struct{ store.Metadata }

func (onlyImage) Image() *store.Image { return &store.Image{} }

// TestAPanicWhileReadingCostsOneConnection has a decoder panic, and then a
// handler that may have changed something.
func TestAPanicWhileReadingCostsOneConnection(t *testing.T) {
	const reads, changes, good = 901, 902, 903
	b := &Broker{meta: onlyImage{}, now: time.Now, apis: map[int16]*api{
		reads: {key: reads, name: "Reads", handle: func(_ *Broker, c *call, body []byte) {
			_ = c.read(func() error { _ = body[len(body)]; return nil })
		}},
		changes: {key: changes, name: "Changes", handle: func(_ *Broker, c *call, _ []byte) {
			_ = c.read(func() error { return nil })
			panic("half changed")
		}},
		good: {key: good, name: "Good", handle: func(_ *Broker, c *call, _ []byte) {
			out := c.begin()
			out[3] = byte(len(out) - 4)
			c.req.Answer(listener.Response{Buffers: net.Buffers{out}})
		}},
	}}
	passed := make(chan any, 1)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	l := listener.New(listener.Config{
		Name: "T", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Identify: func(context.Context, net.Conn) (principal.Principal, error) { return principal.Anonymous, nil },
	}, socket, handlerFunc(func(r *listener.Request) {
		defer func() {
			if value := recover(); value != nil { // as the end of the process would
				passed <- value
				r.Silence()
			}
		}()
		b.Handle(r)
	}))
	go func() { _ = l.Serve() }()
	defer func() { _ = l.Shutdown(context.Background()) }()
	ask := func(key int16) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		frame := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: key})
		frame[3] = byte(len(frame) - 4)
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range 3 {
		if _, err := ask(reads).Read(make([]byte, 1)); err == nil {
			t.Error("a request that panics was answered")
		}
	}
	if _, err := wire.ReadFrame(ask(good), 100, nil); err != nil {
		t.Errorf("the next request: %v", err)
	}
	ask(changes)
	if value := <-passed; value != "half changed" {
		t.Errorf("got %v, want the panic that may have left something half changed", value)
	}
	if err := l.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Count(text, "index out of range") != 1 || !strings.Contains(text, "panic_hostile_test.go") || !strings.Contains(text, `Reads request of version 0`) {
		t.Errorf("it must be told once, and where it was: %s", text)
	}
}

type handlerFunc func(*listener.Request)

func (h handlerFunc) Handle(r *listener.Request) { h(r) }
