package ssl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Errors of a handshake that carry nothing but themselves.
var (
	// ErrNoClientCertificate: the client showed none where one is required.
	ErrNoClientCertificate = errors.New("no client certificate")
	// ErrPlaintextPeer: what answered or called does not speak TLS.
	ErrPlaintextPeer = errors.New("the peer does not speak TLS")
	// ErrClosedInHandshake: the peer hung up before TLS was agreed; a Kafka
	// PLAINTEXT port does so, reading our greeting as an absurd length.
	ErrClosedInHandshake = errors.New("the peer closed the connection during the TLS handshake")
)

// Settings that lack what they are for.
var (
	ErrNoKeyStore   = errors.New("ssl.keystore.location is not set: a listener needs a certificate")
	ErrNoTrustStore = errors.New("ssl.truststore.location is not set: ssl.client.auth needs to know whom to trust")
	ErrNoPrivateKey = errors.New("it holds no private key")
)

// Distinguished names stand in plain quotes here: they escape by backslashes,
// which a %q would double.

// UnknownCAError is a chain that leads to nothing in the trust store.
type UnknownCAError struct {
	Subject string // RFC 2253, of the leaf
	Issuer  string // of the last certificate that was followed: what is missing
	Err     error
}

func (e *UnknownCAError) Error() string {
	return fmt.Sprintf(`certificate "%s": its issuer "%s" is not trusted`, e.Subject, e.Issuer)
}

func (e *UnknownCAError) Unwrap() error { return e.Err }

// HostError is a certificate for other hosts than the one dialled.
type HostError struct {
	Host  string
	Names []string // subject alternative names, or the CN where there are none
}

// Hosts are the names for a certificate that is issued anew: the one dialled,
// and those that it has already, but for a CN that is no host's.
func (e *HostError) Hosts() []string {
	hosts := []string{e.Host}
	for _, name := range e.Names {
		if !strings.ContainsAny(name, " ,/") && name != e.Host {
			hosts = append(hosts, name)
		}
	}
	return hosts
}

func (e *HostError) Error() string {
	if len(e.Names) == 0 {
		return fmt.Sprintf("the certificate is not for host %q: it names none", e.Host)
	}
	return fmt.Sprintf("the certificate is not for host %q but for %s", e.Host, strings.Join(e.Names, ", "))
}

// ExpiredError is a certificate outside its dates. Now is zero where it is not
// known when that was found.
type ExpiredError struct {
	Subject             string
	NotBefore, NotAfter time.Time
	Now                 time.Time
}

func (e *ExpiredError) Error() string {
	if !e.Now.IsZero() && e.Now.Before(e.NotBefore) {
		return fmt.Sprintf(`certificate "%s" is good only from %s; the clock here says %s`, e.Subject, e.NotBefore.UTC().Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339))
	}
	if e.Now.IsZero() {
		return fmt.Sprintf(`certificate "%s" expired on %s`, e.Subject, e.NotAfter.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf(`certificate "%s" expired on %s; the clock here says %s`, e.Subject, e.NotAfter.UTC().Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339))
}

// AlertError is the reason the peer gave for refusing us.
type AlertError struct {
	Code    uint8 // RFC 8446, section 6
	Meaning string
	Err     error
}

func (e *AlertError) Error() string {
	return fmt.Sprintf("the peer refused: %s (alert %d)", e.Meaning, e.Code)
}

func (e *AlertError) Unwrap() error { return e.Err }

// NothingCommonError is a client that offers no protocol version, or no cipher
// suite, that the server has.
type NothingCommonError struct {
	What    string   // "protocol version" or "cipher suite"
	Offered []string // by the client; suites and versions that have no name as numbers
	Err     error
}

func (e *NothingCommonError) Error() string {
	return fmt.Sprintf("no %s in common: the client offers %s", e.What, strings.Join(e.Offered, ", "))
}

func (e *NothingCommonError) Unwrap() error { return e.Err }

// WeakError is a certificate whose signature nobody should trust any more. It
// is refused before its issuer is looked for.
type WeakError struct {
	Subject   string
	Algorithm string // "SHA1-RSA"
	Err       error
}

func (e *WeakError) Error() string {
	return fmt.Sprintf(`certificate "%s" is signed with %s, which is too weak to be taken`, e.Subject, e.Algorithm)
}

func (e *WeakError) Unwrap() error { return e.Err }

// UnmappedError is a DN that ssl.principal.mapping.rules do not map.
type UnmappedError struct {
	DN string
}

func (e *UnmappedError) Error() string {
	return fmt.Sprintf(`no rule of ssl.principal.mapping.rules matches "%s"`, e.DN)
}

// Explain turns the error of a handshake, or of the first read after it, into
// one of the errors here, wrapping the original; others it returns as is. In
// TLS 1.3 a server refuses a client's certificate only after the client's
// handshake is done, so the first read must be explained too.
func Explain(err error) error {
	var record tls.RecordHeaderError
	var chain *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case err == nil, errors.Is(err, ErrNoClientCertificate), errors.Is(err, ErrPlaintextPeer), errors.Is(err, ErrClosedInHandshake):
		return err
	case errors.As(err, &chain):
		return explainChain(chain.UnverifiedCertificates, nil, chain.Err)
	case errors.As(err, &record):
		return fmt.Errorf("%w: %w", ErrPlaintextPeer, err)
	case errors.As(err, &op) && op.Op == "remote error":
		return explainAlert(op)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: %w", ErrClosedInHandshake, err)
	case err.Error() == noCertificate:
		return fmt.Errorf("%w: %w", ErrNoClientCertificate, err)
	}
	return explainOffer(err)
}

// explainOffer reads what the client had to offer from the text in which alone
// crypto/tls tells it: a list of hexadecimal numbers in brackets.
func explainOffer(err error) error {
	e := &NothingCommonError{Err: err}
	var list string
	var ours bool
	if list, ours = strings.CutPrefix(err.Error(), offeredSuites); ours {
		e.What = "cipher suite"
	} else if list, ours = strings.CutPrefix(err.Error(), offeredVersions); ours {
		e.What = "protocol version"
	} else {
		return err
	}
	for _, text := range strings.Fields(strings.Trim(list, "[]")) {
		id, err := strconv.ParseUint(text, 16, 16)
		switch {
		case err != nil:
		case e.What == "cipher suite":
			e.Offered = append(e.Offered, tls.CipherSuiteName(uint16(id)))
		default:
			e.Offered = append(e.Offered, tls.VersionName(uint16(id)))
		}
	}
	return e
}

const (
	offeredSuites   = "tls: no cipher suite supported by both client and server; client offered: "
	offeredVersions = "tls: client offered only unsupported versions: "
)

// noCertificate is all that crypto/tls says of it.
const noCertificate = "tls: client didn't provide a certificate"

// explainAlert finds the code of an alert by its text, since crypto/tls keeps
// its type to itself.
func explainAlert(op *net.OpError) error {
	text := op.Err.Error()
	for code := range 256 {
		if alert := tls.AlertError(code); alert.Error() == text {
			return &AlertError{Code: uint8(code), Meaning: strings.TrimPrefix(text, "tls: "), Err: op}
		}
	}
	return op
}
