package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/kafka/config"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// endpoint is one listener, with all that belongs to it.
type endpoint struct {
	config.Listener
	advertised config.Listener
	values     *config.Values // the broker's, under those of this listener
	tls        *ssl.Reloader  // nil for PLAINTEXT
	limits     *listener.Limits
	rules      principal.Rules
}

// endpointsOf reads the listeners and what belongs to them.
func endpointsOf(v *config.Values, log *slog.Logger) ([]endpoint, error) {
	listeners, err := config.Listeners(v)
	if err != nil {
		return nil, err
	}
	advertised, err := config.Advertised(v)
	if err != nil {
		return nil, err
	}
	var endpoints []endpoint
	for _, l := range listeners {
		e := endpoint{Listener: l, advertised: l, values: v.Listener(l.Name)}
		for _, a := range advertised {
			if a.Name == l.Name {
				e.advertised = a
			}
		}
		if err := e.secure(log); err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

// secure reads what the listener's security protocol needs.
func (e *endpoint) secure(log *slog.Logger) error {
	if e.Protocol == "PLAINTEXT" {
		return nil
	}
	var err error
	if e.tls, err = ssl.ServerConfig(e.values); err != nil {
		return err
	}
	e.tls.Warn = func(text string) { log.Warn(text, "listener", e.Name) }
	if e.rules, err = principal.ParseRules(e.values.String("ssl.principal.mapping.rules")); err != nil {
		return fmt.Errorf("read ssl.principal.mapping.rules: %w", err)
	}
	return nil
}

// shared is what the listeners of one process have together.
type shared struct {
	limits *listener.Limits
	pool   *listener.Pool
	budget *listener.Budget
}

// open binds the socket; nothing is accepted yet.
func (e *endpoint) open(h listener.Handler, whole shared, log *slog.Logger) (*listener.Listener, error) {
	socket, err := net.Listen("tcp", e.Address())
	if err != nil {
		return nil, &ListenError{Listener: e.Name, Address: e.Address(), Err: err}
	}
	e.limits = &listener.Limits{Max: e.values.Int("max.connections"), Broker: whole.limits}
	e.limits.Rate.Set(e.values.Int("max.connection.creation.rate"))
	cfg := listener.Config{
		Limits: e.limits, Pool: whole.pool, Budget: whole.budget, Log: log,
		Name: e.Name, Identify: e.identify,
		MaxFrame:    int32(e.values.Int("socket.request.max.bytes")),
		IdleTimeout: e.values.Duration("connections.max.idle.ms"),
	}
	if e.tls != nil {
		server := e.tls.Server()
		cfg.Secure = func(c net.Conn) net.Conn { return tls.Server(c, server) }
	}
	return listener.New(cfg, socket, h), nil
}

// identify settles who a peer is: by its certificate, where there is TLS.
func (e *endpoint) identify(ctx context.Context, c net.Conn) (principal.Principal, error) {
	secured, ok := c.(*tls.Conn)
	if !ok {
		return principal.Anonymous, nil
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		return principal.Principal{}, ssl.Explain(err)
	}
	return ssl.Peer(secured.ConnectionState(), e.rules)
}

// reached is where clients are told to connect.
func (e *endpoint) reached(bound net.Addr) broker.Endpoint {
	at := broker.Endpoint{Host: e.advertised.Host, Port: int32(e.advertised.Port)}
	if at.Port == 0 {
		if tcp, ok := bound.(*net.TCPAddr); ok {
			at.Port = int32(tcp.Port)
		}
	}
	if ip := net.ParseIP(at.Host); at.Host == "" || ip != nil && ip.IsUnspecified() {
		at.Host = "localhost"
		if name, err := os.Hostname(); err == nil {
			at.Host = name
		}
	}
	return at
}

// ListenError is a listener that could not be opened.
type ListenError struct {
	Listener, Address string
	Err               error
}

func (e *ListenError) Error() string {
	var sys *os.SyscallError
	if errors.As(e.Err, &sys) {
		return fmt.Sprintf("listen on %s://%s: %s", e.Listener, e.Address, sys.Err)
	}
	return fmt.Sprintf("listen on %s://%s: %s", e.Listener, e.Address, e.Err)
}

func (e *ListenError) Unwrap() error { return e.Err }
