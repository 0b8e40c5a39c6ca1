package client

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka/wire"
	"schloss/security/ssl"
)

// preflightTimeout bounds the whole of Open.
const preflightTimeout = 5 * time.Second

// preflight finds a bootstrap server that speaks Kafka the way we are told to.
// Its error is that of the first.
func (d *dialer) preflight(ctx context.Context, bootstrap []string) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	var first error
	for i, addr := range bootstrap {
		deadline, _ := ctx.Deadline()
		share := time.Until(deadline) / time.Duration(len(bootstrap)-i)
		one, cancel := context.WithTimeout(ctx, share)
		err := d.try(one, addr)
		cancel()
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// try connects to one broker and asks for its versions. Where that fails in a
// way that the wrong protocol explains, it asks the other way to be sure.
func (d *dialer) try(ctx context.Context, addr string) error {
	// The greeting leaves some of the time to find out why it failed.
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(preflightTimeout)
	}
	greeting, cancel := context.WithTimeout(ctx, time.Until(deadline)*7/10)
	defer cancel()
	nc, err := d.dial(greeting, "tcp", addr)
	if err == nil {
		defer nc.Close()
		err = greet(greeting, nc)
	}
	if err == nil {
		return nil
	}
	var connect *ConnectError
	if errors.As(err, &connect) && connect.Step != TLS {
		return err
	}
	if d.stores == nil {
		return d.explainPlaintext(ctx, addr, err)
	}
	return d.explainTLS(ctx, addr, err)
}

// explainPlaintext says why a greeting in plaintext failed.
func (d *dialer) explainPlaintext(ctx context.Context, addr string, err error) error {
	if errors.Is(err, ErrPlaintextToTLS) || !answeredKafka(err) && speaksTLS(ctx, addr) {
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
	if hungUp && connect != nil && speaksPlaintext(ctx, addr) {
		return &ConnectError{addr, Protocol, ErrTLSToPlaintext}
	}
	return &ConnectError{addr, TLS, err}
}

// greet asks for the versions that the broker speaks, as every client does
// first, and checks that an answer of Kafka's comes back.
func greet(ctx context.Context, nc net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		nc.SetDeadline(deadline)
		defer nc.SetDeadline(time.Time{})
	}
	const correlation = 1
	frame := make([]byte, 4, 64)
	frame = wire.AppendRequestHeader(frame, wire.RequestHeader{Key: wire.ApiVersionsKey, CorrelationID: correlation, ClientID: "schloss"})
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := nc.Write(frame); err != nil {
		return greetError(err)
	}
	var head [8]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return greetError(err)
	}
	// A TLS peer answers plaintext with an alert: type 21, version 3.x.
	if head[0] == 21 && head[1] == 3 {
		return ErrPlaintextToTLS
	}
	size := int32(binary.BigEndian.Uint32(head[:4]))
	if size < 4 || size > 1<<20 || binary.BigEndian.Uint32(head[4:]) != correlation {
		return ErrNotKafka
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(nc, body); err != nil {
		return greetError(err)
	}
	var versions kmsg.ApiVersionsResponse
	if err := versions.ReadFrom(body); err != nil || versions.ErrorCode != 0 || len(versions.ApiKeys) == 0 {
		return ErrNotKafka
	}
	metadata := (&kmsg.MetadataRequest{}).Key()
	if !slices.ContainsFunc(versions.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == metadata }) {
		return ErrController
	}
	return nil
}

func greetError(err error) error {
	switch {
	case isTimeout(err):
		return ErrTimeout
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err):
		return ErrClosed
	}
	return err
}

// speaksTLS finds out whether the peer answers a TLS greeting. Nothing is
// sent after it and nothing that comes back is trusted.
func speaksTLS(ctx context.Context, addr string) bool {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	answered := errors.New("answered")
	t := tls.Client(nc, &tls.Config{
		InsecureSkipVerify: true, // the question is only whether this is TLS
		VerifyConnection:   func(tls.ConnectionState) error { return answered },
	})
	err = t.HandshakeContext(ctx)
	var alert tls.AlertError
	return errors.Is(err, answered) || errors.As(err, &alert)
}

// speaksPlaintext finds out whether the peer answers Kafka in plaintext.
func speaksPlaintext(ctx context.Context, addr string) bool {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	return greet(ctx, nc) == nil
}
