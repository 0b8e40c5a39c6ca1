package ssl

import (
	"errors"
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

// UnknownCAError is a chain that leads to nothing in the trust store.
type UnknownCAError struct {
	Subject, Issuer string // RFC 2253, of the last certificate that was followed
	Err             error
}

// HostError is a certificate for other hosts than the one dialled.
type HostError struct {
	Host  string
	Names []string // subject alternative names, or the CN where there are none
}

// ExpiredError is a certificate outside its dates.
type ExpiredError struct {
	Subject             string
	NotBefore, NotAfter time.Time
	Now                 time.Time
}

// AlertError is the reason the peer gave for refusing us.
type AlertError struct {
	Code    uint8
	Meaning string
}

// UnmappedError is a DN that ssl.principal.mapping.rules do not map.
type UnmappedError struct {
	DN string
}

func (e *UnknownCAError) Error() string { return e.Subject }
func (e *UnknownCAError) Unwrap() error { return e.Err }
func (e *HostError) Error() string      { return e.Host }
func (e *ExpiredError) Error() string   { return e.Subject }
func (e *AlertError) Error() string     { return e.Meaning }
func (e *UnmappedError) Error() string  { return e.DN }

// Explain turns the error of a handshake, or of the first read after it, into
// one of the errors here, wrapping the original; others it returns as is. In
// TLS 1.3 a server refuses a client's certificate only after the client's
// handshake is done, so the first read must be explained too.
func Explain(err error) error { return err }
