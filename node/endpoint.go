package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/kafka/config"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// endpoint is one entry of listeners, with all that belongs to it.
type endpoint struct {
	name       string
	host       string // "" is every address
	port       int
	advertised *broker.Endpoint // nil: as it listens
	values     *config.Values   // the broker's, under those of this listener
	tls        *ssl.Reloader    // nil for PLAINTEXT
	rules      principal.Rules
}

// endpointsOf reads listeners and what belongs to them. Listeners of
// controllers are left out: there are none here.
func endpointsOf(v *config.Values, log *slog.Logger) ([]endpoint, error) {
	protocols := pairs(v.List("listener.security.protocol.map"))
	controllers := make(map[string]bool)
	for _, name := range v.List("controller.listener.names") {
		controllers[strings.ToUpper(name)] = true
	}
	advertised := make(map[string]*broker.Endpoint)
	for _, text := range v.List("advertised.listeners") {
		name, host, port, err := parseListener(text)
		if err != nil {
			return nil, fmt.Errorf("advertised.listeners (%s): %w", v.Origin("advertised.listeners"), err)
		}
		advertised[name] = &broker.Endpoint{Host: host, Port: int32(port)}
	}
	var endpoints []endpoint
	seen := make(map[string]bool)
	for _, text := range v.List("listeners") {
		name, host, port, err := parseListener(text)
		if err != nil {
			return nil, fmt.Errorf("listeners (%s): %w", v.Origin("listeners"), err)
		}
		if controllers[name] {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("listeners (%s): the name %s is given twice", v.Origin("listeners"), name)
		}
		seen[name] = true
		e := endpoint{name: name, host: host, port: port, advertised: advertised[name], values: listenerValues(v, name)}
		if err := e.secure(protocols, log); err != nil {
			return nil, fmt.Errorf("listener %s: %w", name, err)
		}
		endpoints = append(endpoints, e)
	}
	if len(endpoints) == 0 {
		return nil, fmt.Errorf("listeners (%s): there is none to open", v.Origin("listeners"))
	}
	return endpoints, nil
}

// listenerValues are the settings of one listener over the broker's.
func listenerValues(v *config.Values, name string) *config.Values {
	return v.Prefixed("listener.name." + strings.ToLower(name) + ".")
}

// pairs reads NAME:PROTOCOL items.
func pairs(items []string) map[string]string {
	m := make(map[string]string)
	for _, item := range items {
		if name, protocol, ok := strings.Cut(item, ":"); ok {
			m[strings.ToUpper(strings.TrimSpace(name))] = strings.ToUpper(strings.TrimSpace(protocol))
		}
	}
	return m
}

func parseListener(text string) (name, host string, port int, err error) {
	name, address, ok := strings.Cut(text, "://")
	if !ok {
		return "", "", 0, fmt.Errorf("%q is not NAME://HOST:PORT", text)
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", 0, fmt.Errorf("%q is not NAME://HOST:PORT", text)
	}
	port, err = strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return "", "", 0, fmt.Errorf("%q has no port between 0 and 65535", text)
	}
	return strings.ToUpper(name), host, port, nil
}

// secure reads what the listener's security protocol needs.
func (e *endpoint) secure(protocols map[string]string, log *slog.Logger) error {
	protocol, ok := protocols[e.name]
	if !ok {
		protocol = e.name
	}
	switch protocol {
	case "PLAINTEXT":
		return nil
	case "SSL":
	default:
		return fmt.Errorf("security protocol %s is not served; PLAINTEXT and SSL are", protocol)
	}
	var err error
	if e.tls, err = ssl.ServerConfig(e.values); err != nil {
		return err
	}
	e.tls.Warn = func(text string) { log.Warn(text, "listener", e.name) }
	if e.rules, err = principal.ParseRules(e.values.String("ssl.principal.mapping.rules")); err != nil {
		return fmt.Errorf("read ssl.principal.mapping.rules: %w", err)
	}
	return nil
}

// open binds the socket; nothing is accepted yet.
func (e *endpoint) open(h listener.Handler, whole *listener.Limits, pool *listener.Pool, log *slog.Logger) (*listener.Listener, error) {
	address := net.JoinHostPort(e.host, strconv.Itoa(e.port))
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &ListenError{Listener: e.name, Address: address, Err: err}
	}
	cfg := listener.Config{
		Limits: &listener.Limits{Max: e.values.Int("max.connections"), Broker: whole}, Pool: pool, Log: log,
		Name: e.name, Identify: e.identify,
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
	at := broker.Endpoint{Host: e.host, Port: int32(e.port)}
	if e.advertised != nil {
		at = *e.advertised
	}
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
