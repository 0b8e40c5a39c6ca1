package mirror_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands before a broker, cuts its connections and slows them down.
type proxy struct {
	listener net.Listener
	to       atomic.Value // string
	slow     atomic.Int64 // nanoseconds for each read

	mu    sync.Mutex             // guards conns
	conns map[net.Conn]time.Time // until when what they say is held back
}

func newProxy(t *testing.T, at string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, conns: make(map[net.Conn]time.Time)}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve(c net.Conn) {
	to, _ := p.to.Load().(string)
	b, err := net.Dial("tcp", to)
	if err != nil {
		c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[b] = time.Time{}, time.Time{}
	p.mu.Unlock()
	go p.pump(c, b)
	p.pump(b, c)
}

func (p *proxy) pump(from, to net.Conn) {
	defer p.drop(from, to)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		time.Sleep(time.Duration(p.slow.Load()) + max(0, time.Until(p.held(from))))
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold has all that is said on the connections that there are arrive later, even
// if who has said it is dead by then.
func (p *proxy) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		p.conns[c] = time.Now().Add(d)
	}
}

func (p *proxy) held(c net.Conn) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[c]
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		c.Close()
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}
