package listener

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFramesOfAllConnectionsAreBounded holds a large request back. Another has
// to wait for it, small ones need not.
func TestFramesOfAllConnectionsAreBounded(t *testing.T) {
	large := strings.Repeat("x", 200<<10)
	came := make(chan *Request, 4)
	l, _ := serve(t, Config{Name: "T", Budget: &Budget{Most: 300 << 10}}, &Limits{}, handle(func(r *Request) {
		if len(r.Frame) < uncounted {
			answer(r, "small")
			return
		}
		came <- r
	}))
	first, second, third := dial(t, l), dial(t, l), dial(t, l)
	send(t, first, large)
	held := <-came
	go func() { _, _ = second.Write(frame(large)) }()
	for range 20 {
		send(t, third, "x")
		receive(t, third)
	}
	select {
	case <-came:
		t.Fatal("a second large request was read")
	case <-time.After(50 * time.Millisecond): // nothing must happen: there is nothing to wait for
	}
	answer(held, "1")
	answer(<-came, "2")
	receive(t, first)
	receive(t, second)
	for _, c := range []net.Conn{first, second, third} {
		_ = c.Close()
	}
	emptied(t, l)
}

// emptied waits until nothing counts any more.
func emptied(t *testing.T, l *Listener) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.budget.mu.Lock()
		used, holders := l.budget.used, len(l.budget.holders)
		l.budget.mu.Unlock()
		if used == 0 && holders == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes of %d connections are still counted", used, holders)
		}
	}
}

// TestWhoeverTakesLongestIsCut claims all room for a frame that never comes.
func TestWhoeverTakesLongestIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := &one{conn: make(chan net.Conn, 2), closed: make(chan struct{})}
		l := New(Config{Name: "T", Identify: anonymous, Budget: &Budget{Most: 300 << 10}}, socket, handle(func(r *Request) { answer(r, "ok") }))
		go func() { _ = l.Serve() }()
		slow, there := net.Pipe()
		socket.conn <- there
		if _, err := slow.Write(frame(strings.Repeat("x", 200<<10))[:100]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		good, there := net.Pipe()
		socket.conn <- there
		go func() { _, _ = good.Write(frame(strings.Repeat("y", 200<<10))) }()
		began := time.Now()
		if got := receive(t, good); got != "ok" {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took < stuckAfter || took > 3*stuckAfter {
			t.Errorf("it took %v until there was room, want about %v", took, stuckAfter)
		}
		if _, err := slow.Write([]byte("x")); err == nil {
			t.Error("the slow peer was not cut")
		}
		if err := l.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestAnswersGetTheRoomThatIsLeft asks for more than there is.
func TestAnswersGetTheRoomThatIsLeft(t *testing.T) {
	got := make(chan int, 8)
	came := make(chan *Request, 8)
	l, _ := serve(t, Config{Name: "T", Budget: &Budget{Most: 1 << 20}}, &Limits{}, handle(func(r *Request) {
		got <- r.Grant(600 << 10)
		came <- r
	}))
	var conns []net.Conn
	for _, want := range []int{600 << 10, 424 << 10, uncounted, uncounted} {
		c := dial(t, l)
		conns = append(conns, c)
		send(t, c, "x")
		if n := <-got; n != want {
			t.Errorf("granted %d bytes, want %d", n, want)
		}
	}
	first := <-came
	first.Grant(0)
	c := dial(t, l)
	send(t, c, "x")
	if n := <-got; n != 1<<20-424<<10-2*uncounted {
		t.Errorf("granted %d bytes of what was given back", n)
	}
	answer(first, "ok")
	receive(t, conns[0])
	for range len(conns) - 1 { // they go without an answer
		(<-came).Hangup(errors.New("no"))
	}
	(<-came).Silence()
	for _, c := range append(conns, c) {
		_ = c.Close()
	}
	emptied(t, l)
}

// TestNewConnectionsArePaced takes places at one instant and after rests.
func TestNewConnectionsArePaced(t *testing.T) {
	var r Rate
	now := time.Unix(1000, 0)
	if wait := r.take(now); wait != 0 {
		t.Errorf("without a rate: wait %v", wait)
	}
	r.Set(10)
	for i := range 10 {
		if wait := r.take(now); wait > 0 {
			t.Errorf("connection %d of a second waits %v", i, wait)
		}
	}
	for i := 1; i <= 3; i++ {
		if wait, want := r.take(now), time.Duration(i)*100*time.Millisecond; wait != want {
			t.Errorf("connection %d beyond the rate waits %v, want %v", i, wait, want)
		}
	}
	now = now.Add(time.Hour)
	late := 0
	for range 20 {
		if r.take(now) > 0 {
			late++
		}
	}
	if late != 10 {
		t.Errorf("after an hour %d of 20 wait, want 10", late)
	}
}

// TestTheAcceptorWaits has more connections come than a second may bring.
func TestTheAcceptorWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := &one{conn: make(chan net.Conn, 30), closed: make(chan struct{})}
		limits := &Limits{Broker: &Limits{}}
		limits.Broker.Rate.Set(10)
		l := New(Config{Name: "T", Identify: anonymous, Limits: limits}, socket, handle(func(r *Request) { answer(r, "ok") }))
		go func() { _ = l.Serve() }()
		began := time.Now()
		for range 30 {
			_, there := net.Pipe()
			socket.conn <- there
		}
		for open := 0; open < 30; time.Sleep(time.Millisecond) {
			l.mu.Lock()
			open = len(l.conns)
			l.mu.Unlock()
		}
		if took := time.Since(began); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("30 connections at 10 a second, 10 of them at once, took %v", took)
		}
		if err := l.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
