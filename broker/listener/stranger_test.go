package listener

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"testing"
	"time"

	"schloss/security/principal"
)

// TestAStrangerCostsLittle opens connections that begin no handshake and
// counts what they hold in memory.
func TestAStrangerCostsLittle(t *testing.T) {
	const strangers, each = 200, 24 << 10
	l, _ := serve(t, Config{
		Name:   "T",
		Secure: func(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{}) },
		Identify: func(ctx context.Context, c net.Conn) (principal.Principal, error) {
			return principal.Anonymous, c.(*tls.Conn).HandshakeContext(ctx)
		},
	}, &Limits{}, handle(func(*Request) {}))
	held := func() int64 {
		runtime.GC()
		runtime.GC() // what pools held goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := held()
	for range strangers {
		c := dial(t, l)
		if _, err := c.Write([]byte{0x16, 3, 1}); err != nil { // a record that never comes
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		open := len(l.conns)
		l.mu.Unlock()
		if open == strangers {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d connections are open", open, strangers)
		}
	}
	if took := (held() - before) / strangers; took > each {
		t.Errorf("a connection before its handshake holds %d bytes, %d are allowed", took, each)
	} else {
		t.Logf("a connection before its handshake holds %d bytes", took)
	}
}
