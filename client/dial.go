package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/security/ssl"
	"schloss/security/tlsrecord"
)

// dialTimeout bounds address look-up, connect and handshake of one broker.
const dialTimeout = 5 * time.Second

// dialer opens connections to brokers.
type dialer struct {
	stores *ssl.Reloader // nil for plaintext
	warn   func(string)  // may be nil

	mu   sync.Mutex // guards kept
	kept *greeted   // for whoever dials its address next; may be nil
}

// greeted is a connection that preflight has found to be good. A handshake costs
// more than all that most tools ask, so it is not thrown away.
type greeted struct {
	net.Conn
	addr  string
	until time.Time // brokers close what is idle
}

const keptFor = 5 * time.Second

func (d *dialer) keep(addr string, nc net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = &greeted{nc, addr, time.Now().Add(keptFor)}
}

// take is the kept connection, if it is one to that address and still good.
func (d *dialer) take(addr string) net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.kept
	if k == nil || k.addr != addr {
		return nil
	}
	d.kept = nil
	if time.Now().After(k.until) {
		k.Close()
		return nil
	}
	return k.Conn
}

// drop closes the kept connection.
func (d *dialer) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept != nil {
		d.kept.Close()
		d.kept = nil
	}
}

// dial connects and, with TLS, shakes hands, or takes the connection that was
// kept. Its signature fits kgo.Dialer. Its error is a *ConnectError.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if nc := d.take(addr); nc != nil {
		return nc, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, dialError(addr, err)
	}
	if d.stores == nil {
		return nc, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		nc.Close()
		return nil, &ConnectError{addr, Resolve, err}
	}
	if _, err := d.stores.Reload(); err != nil && d.warn != nil { // told once for each change
		d.warn(fmt.Sprintf("%v; what was read before stays in use", err))
	}
	secured, err := secure(ctx, nc, d.stores.Client(host))
	if err != nil {
		nc.Close()
		return nil, &ConnectError{addr, TLS, handshakeError(err)}
	}
	return secured, nil
}

// secure shakes hands.
func secure(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		bulk, err := newBulkConn(tcp)
		if err != nil {
			return nil, err
		}
		nc = bulk
	}
	return tlsrecord.Client(ctx, nc, config)
}

// dialError finds out which step of reaching an address went wrong.
func dialError(addr string, err error) error {
	var dns *net.DNSError
	var parse *net.AddrError
	switch {
	case errors.As(err, &dns) || errors.As(err, &parse):
		return &ConnectError{addr, Resolve, err}
	case isTimeout(err):
		return &ConnectError{addr, Connect, &worded{error: ErrTimeout, cause: err}}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &ConnectError{addr, Connect, &worded{error: fmt.Errorf("nobody listens there: %w", syscall.ECONNREFUSED), cause: err}}
	}
	return &ConnectError{addr, Connect, err}
}

func handshakeError(err error) error {
	if isTimeout(err) {
		return &worded{error: ErrTimeout, cause: os.ErrDeadlineExceeded}
	}
	return ssl.Explain(err)
}

// worded is an error in our words that keeps Go's own: by that alone kgo knows
// a broker that is away for the moment, and tries again.
type worded struct {
	error
	cause error
}

func (e *worded) Unwrap() []error { return []error{e.error, e.cause} }

// Passing says whether err may mend itself, as that of a broker that starts
// anew: kgo goes on trying beside it.
func Passing(err error) bool {
	var op *net.OpError
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) || errors.As(err, &op) && op.Op == "dial"
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
