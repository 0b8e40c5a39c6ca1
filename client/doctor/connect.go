package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"schloss/client"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// connection is the way to one address, as far as it led.
type connection struct {
	addr, host string
	stream     net.Conn // nil where it ended before
	findings   []Finding
	state      *tls.ConnectionState        // as the broker's certificate came, before it was judged
	asked      *tls.CertificateRequestInfo // nil: no client certificate was asked for
}

func (c *connection) add(f ...Finding) { c.findings = append(c.findings, f...) }

// connect resolves, connects and, with TLS, shakes hands.
func (e *examination) connect(ctx context.Context, addr string) connection {
	c := connection{addr: addr}
	var port string
	var err error
	if c.host, port, err = net.SplitHostPort(addr); err != nil {
		c.add(failed("settings", addr, &client.SettingError{Key: "bootstrap.servers", Value: addr, Problem: "want HOST:PORT"}))
		return c
	}
	resolving, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupHost(resolving, c.host)
	if err != nil {
		c.add(failed("dns", addr, &client.ConnectError{Addr: addr, Step: client.Resolve, Err: err}))
		return c
	}
	c.add(ok("dns", addr, strings.Join(ips[:min(len(ips), 4)], ", ")))
	connecting, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	sock, err := (&net.Dialer{}).DialContext(connecting, "tcp", net.JoinHostPort(c.host, port))
	if err != nil {
		c.add(failed("tcp", addr, &client.ConnectError{Addr: addr, Step: client.Connect, Err: connectReason(err)}))
		return c
	}
	c.add(ok("tcp", addr, "connected to "+sock.RemoteAddr().String()))
	if !e.secure {
		c.stream = sock
		return c
	}
	if e.stores == nil {
		sock.Close() // the settings told why
		return c
	}
	shaking, cancel := context.WithTimeout(ctx, tlsLimit)
	defer cancel()
	e.shake(shaking, &c, sock)
	return c
}

func connectReason(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens there: %w", syscall.ECONNREFUSED)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return client.ErrTimeout
	}
	return err
}

// shake does the handshake as a client does it, and keeps what it saw.
func (e *examination) shake(ctx context.Context, c *connection, sock net.Conn) {
	cfg := e.stores.Client(c.host)
	verify, choose := cfg.VerifyConnection, cfg.GetClientCertificate
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		c.state = &cs
		return verify(cs)
	}
	cfg.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked = r
		return choose(r)
	}
	t := tls.Client(sock, cfg)
	err := t.HandshakeContext(ctx)
	if c.state != nil {
		c.add(ok("tls", c.addr, fmt.Sprintf("%s, %s", tls.VersionName(c.state.Version), tls.CipherSuiteName(c.state.CipherSuite))))
		c.add(e.chain(c)...)
	}
	if err == nil {
		c.stream = t
		return
	}
	sock.Close()
	if Passed(c.findings) || c.state == nil {
		c.add(e.handshakeFailure(ctx, c, err))
	}
}

// handshakeFailure says why a handshake failed that the broker's certificate
// is not to blame for.
func (e *examination) handshakeFailure(ctx context.Context, c *connection, err error) Finding {
	err = ssl.Explain(err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		err = client.ErrTimeout
	}
	hungUp := errors.Is(err, ssl.ErrClosedInHandshake) || errors.Is(err, ssl.ErrPlaintextPeer) || errors.Is(err, client.ErrTimeout)
	if hungUp && client.SpeaksPlaintext(ctx, c.addr) {
		return failed("tls", c.addr, &client.ConnectError{Addr: c.addr, Step: client.Protocol, Err: client.ErrTLSToPlaintext})
	}
	f := e.refusal(c, &client.ConnectError{Addr: c.addr, Step: client.TLS, Err: err})
	if f.Code == NothingCommon {
		f.Evidence += e.taken(ctx, c)
	}
	return f
}

// taken is what a peer takes with which we have nothing in common: evidence
// alone, since nothing is verified.
func (e *examination) taken(ctx context.Context, c *connection) string {
	sock, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return ""
	}
	defer sock.Close()
	var seen tls.ConnectionState
	done := errors.New("seen enough")
	var suites []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	err = tls.Client(sock, &tls.Config{
		MinVersion: tls.VersionTLS10, CipherSuites: suites,
		InsecureSkipVerify: true, // nothing is said on this connection
		VerifyConnection: func(cs tls.ConnectionState) error {
			seen = cs
			sock.Close() // without an alert that would mislead whoever reads the broker's log
			return done
		},
	}).HandshakeContext(ctx)
	if !errors.Is(err, done) {
		return ""
	}
	offered := "ssl.enabled.protocols=" + e.Values.String("ssl.enabled.protocols")
	if e.Values.IsSet("ssl.cipher.suites") {
		offered += ", ssl.cipher.suites=" + e.Values.String("ssl.cipher.suites")
	}
	return fmt.Sprintf("; it would take %s with %s, and these settings offer %s", tls.VersionName(seen.Version), tls.CipherSuiteName(seen.CipherSuite), offered)
}

// protocol asks for ApiVersions. With TLS 1.3 it is here that a broker refuses
// a client's certificate.
func (e *examination) protocol(ctx context.Context, c *connection) error {
	err := client.Greet(ctx, c.stream)
	if err == nil {
		c.add(e.clientCertificate(c)...)
		c.add(ok("protocol", c.addr, "answers ApiVersions as a broker of Kafka's"))
		return nil
	}
	if !e.secure && !errors.Is(err, client.ErrNotKafka) && !errors.Is(err, client.ErrController) && client.SpeaksTLS(ctx, c.addr) {
		err = client.ErrPlaintextToTLS
	}
	if errors.Is(err, client.ErrPlaintextToTLS) {
		c.add(failed("tls", c.addr, &client.ConnectError{Addr: c.addr, Step: client.Protocol, Err: err}))
		return err
	}
	step := client.Protocol
	if err = ssl.Explain(err); isA[*ssl.AlertError](err) {
		step = client.TLS
	}
	c.add(e.refusal(c, &client.ConnectError{Addr: c.addr, Step: step, Err: err}))
	return err
}

// refusal is a failure in which our certificate may have a part.
func (e *examination) refusal(c *connection, err error) Finding {
	f := failed("protocol", c.addr, err)
	if isA[*ssl.AlertError](err) {
		f.Step = "tls"
	}
	leaf := e.leaf()
	switch {
	case f.Code == CertificateBad && leaf == nil:
		f.Code = CertificateAsked
		fallthrough
	case f.Code == CertificateAsked:
		f.Step = "client cert"
		f.Evidence += "; the settings name no key store" + accepted(c)
	case f.Code == CertificateBad:
		f.Step = "client cert"
		f.Evidence += fmt.Sprintf("; ours is \"%s\", issued by \"%s\"", nameOf(leaf), dn(leaf.RawIssuer)) + accepted(c)
	}
	return f
}

// clientCertificate says whether one was asked for, and who we are to the
// broker.
func (e *examination) clientCertificate(c *connection) []Finding {
	if !e.secure {
		return nil
	}
	leaf := e.leaf()
	switch {
	case c.asked == nil && leaf == nil:
		return []Finding{ok("client cert", c.addr, fmt.Sprintf("not asked for: we are %s", principal.Anonymous))}
	case c.asked == nil:
		return []Finding{warning("client cert", c.addr, Nameless, fmt.Sprintf("not asked for, so ours was not shown: we are %s", principal.Anonymous), "set ssl.client.auth=required at the broker")}
	case leaf == nil:
		return []Finding{warning("client cert", c.addr, Nameless, fmt.Sprintf("asked for, not required, and the settings name no key store: we are %s%s", principal.Anonymous, accepted(c)), "set ssl.keystore.location")}
	}
	return []Finding{ok("client cert", c.addr, fmt.Sprintf("asked for and taken: we are %s, unless ssl.principal.mapping.rules of the broker say otherwise%s", e.whoWeAre(true), accepted(c)))}
}

// accepted names the authorities that the broker asked for.
func accepted(c *connection) string {
	if c.asked == nil || len(c.asked.AcceptableCAs) == 0 {
		return ""
	}
	const most = 3
	var names []string
	for i, raw := range c.asked.AcceptableCAs {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(c.asked.AcceptableCAs)-most))
			break
		}
		names = append(names, fmt.Sprintf("\"%s\"", dn(raw)))
	}
	return "; the broker accepts certificates of " + strings.Join(names, ", ")
}

func (e *examination) leaf() *x509.Certificate {
	if e.stores == nil {
		return nil
	}
	return e.stores.Leaf()
}

// whoWeAre is our principal as a broker without mapping rules sees it.
func (e *examination) whoWeAre(asked bool) string {
	leaf := e.leaf()
	if leaf == nil || !asked {
		return principal.Anonymous.String()
	}
	return principal.User(nameOf(leaf)).String()
}

func nameOf(c *x509.Certificate) string { return dn(c.RawSubject) }

// dn is a distinguished name as Java writes it.
func dn(raw []byte) string {
	name, err := principal.NameFromDN(raw)
	if err != nil {
		return fmt.Sprintf("%x", raw)
	}
	return name
}
