package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/kafka/config"
	"schloss/security/principal"
	"schloss/store/local"
)

// ErrRunning says that a broker holds the data directories.
var ErrRunning = errors.New("a broker runs on these data directories")

// Offline serves the access rules of a broker that does not run, in process,
// to whoever dials. It holds the data directories until it is closed; when a
// broker holds them the error is ErrRunning, and SocketDial leads to it.
func Offline(properties *config.Properties) (func(context.Context) (net.Conn, error), io.Closer, error) {
	values, _, err := config.Server.Read(properties)
	if err != nil {
		return nil, nil, err
	}
	s, err := openStore(values)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	denials, err := openAudit(values, os.Stderr, log)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	// No authorizer: whoever may write the files may write the rules in them.
	b := newBroker(broker.Config{Values: values}, s, denials.log, log)
	pipe := newPipe()
	cfg := listener.Config{Log: log, Name: "OFFLINE", Local: true, Identify: func(context.Context, net.Conn) (principal.Principal, error) {
		return localUser(os.Getuid()), nil
	}}
	l := listener.New(cfg, pipe, b)
	served := make(chan error, 1)
	go func() { served <- l.Serve() }()
	return pipe.dial, &offline{listener: l, served: served, broker: b, audit: denials, store: s}, nil
}

// localUser is the principal of someone on this machine.
func localUser(uid int) principal.Principal { return principal.User("local:" + strconv.Itoa(uid)) }

// offline is what Offline has started.
type offline struct {
	once     sync.Once
	err      error
	listener *listener.Listener
	served   chan error
	broker   *broker.Broker
	audit    *auditSink
	store    *local.Store
}

// Close gives the data directories back.
func (o *offline) Close() error {
	o.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		o.err = errors.Join(o.listener.Shutdown(ctx), <-o.served, o.broker.Close(), o.audit.close(), o.store.Close())
	})
	return o.err
}

// pipe is a listener whose connections never leave the process.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
