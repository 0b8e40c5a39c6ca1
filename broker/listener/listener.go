package listener

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"schloss/security/acl"
	"schloss/security/principal"
)

// Config is what a Listener needs to know. Zero values mean the defaults named.
type Config struct {
	Limits *Limits      // shared with others; nil: none
	Pool   *Pool        // shared with others; nil: its own
	Budget *Budget      // shared with others; nil: none
	Log    *slog.Logger // nil: silent

	Name string // the listener's name, as Metadata and the log know it

	// Secure wraps an accepted socket before anything is read; nil is
	// plaintext. Identify then settles who the peer is: it runs the handshake.
	Secure   func(net.Conn) net.Conn
	Identify func(context.Context, net.Conn) (principal.Principal, error)
	// Local marks the Unix socket of this machine's users.
	Local bool

	MaxFrame         int32         // socket.request.max.bytes; 100 MiB
	HandshakeTimeout time.Duration // 10 s
	IdleTimeout      time.Duration // connections.max.idle.ms; 10 min, negative: none
	InFlight         int           // open requests of one connection; 64
	InFlightBytes    int           // their bytes, in and out; 64 MiB
}

func (c *Config) fill() {
	if c.Limits == nil {
		c.Limits = &Limits{}
	}
	if c.Pool == nil {
		c.Pool = &Pool{}
	}
	if c.Budget == nil {
		c.Budget = &Budget{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 100 << 20
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = 10 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 10 * time.Minute
	}
	if c.InFlight == 0 {
		c.InFlight = 64
	}
	if c.InFlightBytes == 0 {
		c.InFlightBytes = 64 << 20
	}
}

// Listener serves the connections of one socket.
type Listener struct {
	cfg     Config
	socket  net.Listener
	handler Handler
	limits  *Limits
	pool    *Pool
	budget  *Budget
	log     *slog.Logger
	told    notices

	ctx    context.Context // ends at Close: cuts handshakes
	cancel context.CancelFunc
	wg     sync.WaitGroup // accept loop and connections

	mu      sync.Mutex // guards conns, closing
	conns   map[*conn]struct{}
	closing bool
}

// New makes a Listener on an open socket, which it then owns. Serve starts it.
func New(cfg Config, socket net.Listener, h Handler) *Listener {
	cfg.fill()
	ctx, cancel := context.WithCancel(context.Background())
	return &Listener{
		cfg: cfg, socket: socket, handler: h, limits: cfg.Limits, pool: cfg.Pool, budget: cfg.Budget, log: cfg.Log.With("listener", cfg.Name),
		ctx: ctx, cancel: cancel, conns: make(map[*conn]struct{}), told: notices{now: time.Now},
	}
}

// Addr is the address of the socket.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Serve accepts connections until the listener is closed. It returns the
// reason when accepting failed for good, nil after Close.
func (l *Listener) Serve() error {
	const firstPause, maxPause = 5 * time.Millisecond, time.Second
	pause := firstPause
	for {
		sock, err := l.socket.Accept()
		switch {
		case err == nil:
			pause = firstPause
			l.limits.pace(l.ctx)
			if !l.enter() {
				_ = sock.Close() // closing: nothing was promised to this peer
				return nil
			}
			go func() {
				defer l.wg.Done()
				l.serve(sock)
			}()
		case l.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		default: // out of descriptors, most likely: others still work
			l.log.Error("accept connection", "error", err)
			select {
			case <-time.After(pause):
			case <-l.ctx.Done():
				return nil
			}
			pause = min(2*pause, maxPause)
		}
	}
}

// enter counts a connection in, unless the listener is closing.
func (l *Listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return false
	}
	l.wg.Add(1)
	return true
}

func (l *Listener) serve(sock net.Conn) {
	host := hostOf(sock.RemoteAddr())
	if err := l.limits.admit(host); err != nil {
		l.tell("connection refused", host, cause{reason: err.Error()})
		_ = sock.Close()
		return
	}
	defer l.limits.leave(host)
	c := &conn{listener: l, sock: sock, stream: sock, over: make(chan struct{})}
	c.ready.L, c.room.L = &c.mu, &c.mu
	if !l.add(c) {
		_ = sock.Close()
		return
	}
	defer l.remove(c)
	defer l.budget.leave(c)
	if l.cfg.Secure != nil {
		c.gather = newGatherConn(sock, l.pool)
		c.stream = l.cfg.Secure(c.gather)
	}
	who, err := l.identify(c.stream)
	if err != nil {
		l.refuse(host, err)
		_ = c.stream.Close()
		return
	}
	c.peer = Peer{Listener: l.cfg.Name, Principal: who, Name: who.String(), Host: host, Local: l.cfg.Local}
	if err := c.run(); err != nil {
		l.report(c, err)
	}
}

// add registers c, unless the listener is closing.
func (l *Listener) add(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

func (l *Listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// Shutdown stops accepting and reading, lets open requests end, and closes
// every connection when its last answer is out or when ctx ends.
func (l *Listener) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	l.closing = true
	open := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	err := l.socket.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	l.cancel()
	for _, c := range open {
		c.drain()
	}
	cut := context.AfterFunc(ctx, func() {
		for _, c := range open {
			c.fail(ctx.Err())
		}
	})
	defer cut()
	l.wg.Wait()
	return err
}

// hostOf is the address of a peer as ACLs name it.
func hostOf(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "unix"
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		return tcp.IP.String()
	}
	return acl.HostOf(ip.Unmap())
}
