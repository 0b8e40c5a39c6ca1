package listener

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"schloss/security/principal"
)

// ended waits until the other end has closed.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Fatal("the connection still stands")
		}
	}
}

// alone waits until the listener has no connection.
func alone(t *testing.T, l *Listener) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		open := len(l.conns)
		l.mu.Unlock()
		l.limits.mu.Lock()
		counted := l.limits.total
		l.limits.mu.Unlock()
		if open == 0 && counted == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, %d counted", open, counted)
		}
	}
}

// reset closes with a reset instead of a goodbye.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func handshakes(ctx context.Context, c net.Conn) (principal.Principal, error) {
	return principal.Anonymous, c.(*tls.Conn).HandshakeContext(ctx)
}

func overTLS(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{}) }

// TestAHandshakeByteByByteIsCut sends a long ClientHello so slowly that it would
// take minutes.
func TestAHandshakeByteByByteIsCut(t *testing.T) {
	l, _ := serve(t, Config{Name: "T", HandshakeTimeout: 100 * time.Millisecond, Secure: overTLS, Identify: handshakes}, &Limits{},
		handle(func(*Request) { t.Error("a frame was handed over") }))
	c := dial(t, l)
	hello := append([]byte{0x16, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc, 3, 3}, make([]byte, 0x2000)...)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ended(t, c)
	}()
	for _, b := range hello {
		select {
		case <-gone:
			alone(t, l)
			return
		case <-time.After(5 * time.Millisecond):
		}
		_, _ = c.Write([]byte{b}) // fails when it has been cut
	}
	t.Error("the whole greeting was waited for")
}

// TestAFrameByteByByteIsCut sends bytes all the time, but never a whole frame.
func TestAFrameByteByByteIsCut(t *testing.T) {
	const idle = 100 * time.Millisecond
	l, _ := serve(t, Config{Name: "T", IdleTimeout: idle}, &Limits{}, handle(func(*Request) { t.Error("a frame was handed over") }))
	c := dial(t, l)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ended(t, c)
	}()
	bytes := append([]byte{0x06, 0x40, 0, 0}, make([]byte, 10000)...) // 100 MiB, it says
	began := time.Now()
	for _, b := range bytes {
		select {
		case <-gone:
			if took := time.Since(began); took < idle {
				t.Errorf("it was cut after %v, before the time that it has", took)
			}
			alone(t, l)
			return
		case <-time.After(2 * time.Millisecond):
		}
		_, _ = c.Write([]byte{b}) // fails when it has been cut
	}
	t.Error("the whole frame was waited for")
}

// TestAClaimTakesNoMemory claims frames of 100 MB from many connections and
// sends little of them.
func TestAClaimTakesNoMemory(t *testing.T) {
	const peers, sent, allowed = 10, 100 << 10, 10 * 512 << 10
	l, _ := serve(t, Config{Name: "T"}, &Limits{}, handle(func(*Request) { t.Error("a frame was handed over") }))
	before := live()
	var all []net.Conn
	for range peers {
		c := dial(t, l)
		if _, err := c.Write(append([]byte{0x06, 0x40, 0, 0}, make([]byte, sent)...)); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for deadline := time.Now().Add(10 * time.Second); reading(l) < peers && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := reading(l); got != peers {
		t.Fatalf("%d of %d frames arrive", got, peers)
	}
	if took := live() - before; took > allowed {
		t.Errorf("%d claims hold %d bytes, %d are allowed", peers, took, allowed)
	}
	for _, c := range all {
		reset(c)
	}
	alone(t, l)
}

// reading is how many connections have a large frame arriving.
func reading(l *Listener) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.reading.Load() != 0 {
			n++
		}
	}
	return n
}

func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestWhoNeverReadsIsCut asks and asks, and takes no answer.
func TestWhoNeverReadsIsCut(t *testing.T) {
	const each, bytes = 64 << 10, 1 << 20
	body := strings.Repeat("a", each)
	var most atomic.Int64
	l, _ := serve(t, Config{Name: "T", IdleTimeout: 300 * time.Millisecond, InFlightBytes: bytes}, &Limits{}, handle(func(r *Request) {
		r.conn.mu.Lock()
		held := int64(r.conn.bytes)
		r.conn.mu.Unlock()
		if held > most.Load() {
			most.Store(held)
		}
		answer(r, body)
	}))
	c := dial(t, l)
	for {
		if _, err := c.Write(frame("x")); err != nil {
			break // it was cut
		}
	}
	alone(t, l)
	if got := most.Load(); got > bytes+each {
		t.Errorf("%d bytes were in flight, %d are allowed", got, bytes+each)
	}
}

// TestAStormOfConnectionsIsBounded connects and resets as fast as it can while
// somebody else works.
func TestAStormOfConnectionsIsBounded(t *testing.T) {
	const storms, each, most = 8, 250, 40
	limits := &Limits{Max: most}
	l, _ := serve(t, Config{Name: "T", HandshakeTimeout: time.Second}, limits, handle(func(r *Request) { answer(r, "ok") }))
	good := dial(t, l)
	send(t, good, "x")
	receive(t, good)
	before := runtime.NumGoroutine()
	done := make(chan struct{})
	var all sync.WaitGroup
	for range storms {
		all.Go(func() {
			for i := range each {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					continue // the queue of the system is full
				}
				if i%3 == 0 {
					_, _ = c.Write([]byte{0, 0, 0, 9, 'x'})
				}
				reset(c)
			}
		})
	}
	go func() {
		all.Wait()
		close(done)
	}()
	var took []time.Duration
	highest := 0
	for storm := true; storm; {
		select {
		case <-done:
			storm = false
		default:
		}
		began := time.Now()
		send(t, good, "x")
		receive(t, good)
		took = append(took, time.Since(began))
		limits.mu.Lock()
		highest = max(highest, limits.total)
		limits.mu.Unlock()
	}
	slices.Sort(took)
	t.Logf("%d answers during the storm, the slowest after %v, the median after %v; at most %d connections", len(took), took[len(took)-1], took[len(took)/2], highest)
	if highest > most {
		t.Errorf("%d connections were open, %d are allowed", highest, most)
	}
	_ = good.Close()
	alone(t, l)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// TestGarbageIsNothingToTLS sends what is no handshake, or too much of one.
func TestGarbageIsNothingToTLS(t *testing.T) {
	record := func(kind byte, body []byte) []byte {
		return append([]byte{kind, 3, 1, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	huge := []byte{1, 0xff, 0xff, 0xff} // a ClientHello of 16 MB
	tests := []struct {
		name  string
		sends []byte
	}{
		{"zeros", make([]byte, 4096)},
		{"a ClientHello that claims 16 MB", append(record(0x16, append(huge, make([]byte, 16000)...)), record(0x16, make([]byte, 16000))...)},
		{"a ClientHello of nothing", record(0x16, []byte{1, 0, 0, 0})},
		{"alerts before a greeting", record(0x15, []byte{1, 0})},
		{"records of no length", slices.Repeat(record(0x16, nil), 2000)},
		{"a record longer than TLS has", []byte{0x16, 3, 1, 0xff, 0xff, 1}},
		{"application data first", record(0x17, []byte("GET /"))},
		{"SSL 2", []byte{0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := serve(t, Config{Name: "T", HandshakeTimeout: 300 * time.Millisecond, Secure: overTLS, Identify: handshakes}, &Limits{},
				handle(func(*Request) { t.Error("a frame was handed over") }))
			c := dial(t, l)
			_, _ = c.Write(tt.sends) // may be cut within
			ended(t, c)
			alone(t, l)
		})
	}
}

// TestManyConnectionsCostLittle opens connections that have asked once, and
// counts what each holds.
func TestManyConnectionsCostLittle(t *testing.T) {
	const peers, each = 300, 48 << 10
	l, _ := serve(t, Config{Name: "T"}, &Limits{}, handle(func(r *Request) { answer(r, "ok") }))
	before := live()
	for range peers {
		c := dial(t, l)
		send(t, c, "x")
		receive(t, c)
	}
	if took := (live() - before) / peers; took > each {
		t.Errorf("an idle connection holds %d bytes, %d are allowed", took, each)
	} else {
		t.Logf("an idle connection holds %d bytes, its peer's end included", took)
	}
}
