package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"time"

	"schloss/security/ssl"
)

// preflightTimeout bounds the whole of Open.
const preflightTimeout = 5 * time.Second

// preflight finds a bootstrap server that speaks Kafka the way we are told to,
// and sees that a broker can be reached by the address that it is advertised
// with, since that is where every client goes on to. Its error is that of the
// first bootstrap server.
func (d *dialer) preflight(ctx context.Context, bootstrap []string) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	var first error
	for i, addr := range bootstrap {
		deadline, _ := ctx.Deadline()
		share := time.Until(deadline) / time.Duration(len(bootstrap)-i)
		one, cancel := context.WithTimeout(ctx, share)
		nodes, err := d.try(one, addr)
		cancel()
		if err == nil {
			err = d.goOn(ctx, addr, nodes)
		}
		if err == nil {
			return nil
		}
		d.drop()
		if first == nil {
			first = err
		}
	}
	return first
}

// goOn connects to the advertised addresses, unless the one that we came by is
// among them. One that can be reached is enough: brokers may be down. The error
// is an *AdvertisedError for the first.
func (d *dialer) goOn(ctx context.Context, came string, nodes []Node) error {
	if slices.ContainsFunc(nodes, func(n Node) bool { return n.Address() == came }) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	nodes = nodes[:min(len(nodes), mostTried)]
	errs := make([]error, len(nodes))
	reached := make(chan bool, len(nodes))
	for i, n := range nodes {
		go func() {
			nc, err := d.dial(ctx, "tcp", n.Address())
			if err == nil {
				nc.Close()
			}
			errs[i] = err
			reached <- err == nil
		}()
	}
	for range nodes {
		if <-reached {
			return nil
		}
	}
	if len(nodes) == 0 {
		return nil // a cluster that is starting; it is asked again
	}
	return &AdvertisedError{Node: nodes[0].ID, Asked: came, Err: errs[0]}
}

// mostTried bounds the advertised addresses that are tried at once.
const mostTried = 16

// try connects to one broker, asks for its versions and where the others are.
// Where that fails in a way that the wrong protocol explains, it asks the other
// way to be sure.
func (d *dialer) try(ctx context.Context, addr string) ([]Node, error) {
	// The greeting leaves some of the time to find out why it failed.
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(preflightTimeout)
	}
	greeting, cancel := context.WithTimeout(ctx, time.Until(deadline)*7/10)
	defer cancel()
	nc, err := d.dial(greeting, "tcp", addr)
	if err == nil {
		if err = Greet(greeting, nc); err != nil {
			nc.Close()
		}
	}
	if err == nil {
		nodes, err := AdvertisedNodes(greeting, nc)
		if err == nil {
			d.keep(addr, nc)
			return nodes, nil
		}
		nc.Close()
		if errors.Is(err, ErrClosed) {
			err = d.explainSilence(ctx, addr)
		}
		return nil, &ConnectError{addr, Protocol, err}
	}
	var connect *ConnectError
	if errors.As(err, &connect) && connect.Step != TLS {
		return nil, err
	}
	if d.stores == nil {
		return nil, d.explainPlaintext(ctx, addr, err)
	}
	return nil, d.explainTLS(ctx, addr, err)
}

// explainSilence says why a broker answered the first question and hung up at
// the second: it wants a login, or it does not.
func (d *dialer) explainSilence(ctx context.Context, addr string) error {
	nc, err := d.dial(ctx, "tcp", addr)
	if err != nil {
		return ErrClosed
	}
	defer nc.Close()
	mechanisms, err := Mechanisms(ctx, nc)
	if err != nil || len(mechanisms) == 0 {
		return ErrClosed
	}
	return &SASLError{Mechanisms: mechanisms}
}

// explainPlaintext says why a greeting in plaintext failed.
func (d *dialer) explainPlaintext(ctx context.Context, addr string, err error) error {
	if errors.Is(err, ErrPlaintextToTLS) || !answeredKafka(err) && SpeaksTLS(ctx, addr) {
		return &ConnectError{addr, Protocol, ErrPlaintextToTLS}
	}
	return &ConnectError{addr, Protocol, err}
}

// answeredKafka says that an answer came, of whatever kind, so that the
// security of the connection is not to blame.
func answeredKafka(err error) bool {
	return errors.Is(err, ErrNotKafka) || errors.Is(err, ErrController)
}

// explainTLS says why a handshake, or the greeting after it, failed.
func (d *dialer) explainTLS(ctx context.Context, addr string, err error) error {
	var connect *ConnectError
	if errors.As(err, &connect) {
		err = connect.Err
	} else if err = ssl.Explain(err); answeredKafka(err) {
		return &ConnectError{addr, Protocol, err}
	}
	hungUp := errors.Is(err, ssl.ErrClosedInHandshake) || errors.Is(err, ssl.ErrPlaintextPeer) || errors.Is(err, ErrTimeout)
	if hungUp && connect != nil && SpeaksPlaintext(ctx, addr) {
		return &ConnectError{addr, Protocol, ErrTLSToPlaintext}
	}
	return &ConnectError{addr, TLS, err}
}

// SpeaksTLS finds out whether the peer answers a TLS greeting. Nothing is
// sent after it and nothing that comes back is trusted.
func SpeaksTLS(ctx context.Context, addr string) bool {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	answered := errors.New("answered")
	t := tls.Client(nc, &tls.Config{
		InsecureSkipVerify: true, // the question is only whether this is TLS
		VerifyConnection: func(tls.ConnectionState) error {
			nc.Close() // or an alert would tell the broker of a fault that there is not
			return answered
		},
	})
	err = t.HandshakeContext(ctx)
	var alert tls.AlertError
	return errors.Is(err, answered) || errors.As(err, &alert)
}

// SpeaksPlaintext finds out whether the peer answers Kafka in plaintext.
func SpeaksPlaintext(ctx context.Context, addr string) bool {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	return Greet(ctx, nc) == nil
}
