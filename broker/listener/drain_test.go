package listener

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// slowDeadline is a socket on which the reader has long noticed a deadline
// when setting it returns.
type slowDeadline struct{ net.Conn }

func (s slowDeadline) SetReadDeadline(at time.Time) error {
	err := s.Conn.SetReadDeadline(at)
	time.Sleep(time.Second)
	return err
}

// one is a listener's socket that gives one connection.
type one struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (o *one) Accept() (net.Conn, error) {
	select {
	case c := <-o.conn:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *one) Close() error {
	close(o.closed)
	return nil
}

func (o *one) Addr() net.Addr { return &net.UnixAddr{Name: "one", Net: "unix"} }

// TestAnswersThatAreOwedAreSentAtAStop stops while a request is open and its
// reader is quicker to hear of it than the connection.
func TestAnswersThatAreOwedAreSentAtAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		socket := &one{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		socket.conn <- slowDeadline{there}
		l := New(Config{Name: "T", Identify: anonymous}, socket, handle(func(r *Request) {
			go func() {
				time.Sleep(3 * time.Second)
				answer(r, "owed")
			}()
		}))
		go func() { _ = l.Serve() }()
		send(t, here, "x")
		synctest.Wait()
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			ended <- l.Shutdown(ctx)
		}()
		if got := receive(t, here); got != "owed" {
			t.Errorf("got %q", got)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsParkedDuringAStopIsGivenUp parks a request when its connection is
// being drained already: nobody would come to give it up.
func TestWhatIsParkedDuringAStopIsGivenUp(t *testing.T) {
	came, park, given := make(chan struct{}), make(chan struct{}), make(chan struct{})
	socket := &one{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	here, there := net.Pipe()
	socket.conn <- there
	l := New(Config{Name: "T", Identify: anonymous}, socket, handle(func(r *Request) {
		close(came)
		<-park
		r.OnAbandon(func() { close(given) })
	}))
	go func() { _ = l.Serve() }()
	send(t, here, "x")
	<-came
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.Shutdown(ctx) }()
	for drained := false; !drained; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		for c := range l.conns {
			c.mu.Lock()
			drained = c.closed
			c.mu.Unlock()
		}
		l.mu.Unlock()
	}
	close(park)
	select {
	case <-given:
	case <-time.After(5 * time.Second):
		t.Error("the request was not given up")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if ctx.Err() != nil {
		t.Error("the stop took all the time it had")
	}
}

// TestWhatParkedRequestsMayAnswerIsBounded parks requests whose answers may be
// long. When they would be too much together the connection is not read from.
func TestWhatParkedRequestsMayAnswerIsBounded(t *testing.T) {
	const most = 1000
	came := make(chan *Request, 8)
	l, _ := serve(t, Config{Name: "T", InFlightBytes: most}, &Limits{}, handle(func(r *Request) {
		r.Reserve(most/2 + 1)
		came <- r
	}))
	c := dial(t, l)
	send(t, c, "1", "2", "3")
	first, second := <-came, <-came
	select {
	case <-came:
		t.Fatal("a third request was read")
	case <-time.After(50 * time.Millisecond):
	}
	answer(first, "1")
	third := <-came
	answer(second, "2")
	answer(third, "3")
	for _, want := range []string{"1", "2", "3"} {
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
