package client

import (
	"errors"
	"fmt"

	"schloss/kafka"
)

// Step is the stage of connecting that went wrong.
type Step string

// The steps, in the order they are taken.
const (
	Resolve       Step = "resolve"       // the host has no address
	Connect       Step = "connect"       // nobody listens, or nobody answers
	TLS           Step = "tls"           // the handshake, either side's certificate
	Protocol      Step = "protocol"      // the peer does not speak Kafka, or not the way we do
	Authorization Step = "authorization" // the peer knows us and does not serve us
)

// What the peer of a failed connection turned out to be. [ConnectError] wraps
// them where they are known.
var (
	// ErrPlaintextToTLS: we spoke plaintext and the peer wants TLS.
	ErrPlaintextToTLS = errors.New("the broker wants TLS on this port and security.protocol is PLAINTEXT")
	// ErrTLSToPlaintext: we spoke TLS and the peer speaks plaintext.
	ErrTLSToPlaintext = errors.New("the broker does not speak TLS on this port and security.protocol is SSL")
	// ErrClosed: the peer closed the connection instead of answering.
	ErrClosed = errors.New("the broker closed the connection without an answer")
	// ErrNotKafka: the peer answered something that is no Kafka response.
	ErrNotKafka = errors.New("the peer does not speak Kafka's protocol")
	// ErrTimeout: the peer did not answer in time.
	ErrTimeout = errors.New("no answer in time")
)

// ConnectError says which broker could not be reached and at which step.
type ConnectError struct {
	Addr string
	Step Step
	Err  error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connect to %s: %s: %v", e.Addr, e.Step, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

// DeniedError is a refusal by the broker's access rules: the operation that
// the principal lacks, and on what. Unwrap gives Kafka's error code.
type DeniedError struct {
	Operation    kafka.Operation
	ResourceType kafka.ResourceType
	Name         string
	Code         kafka.ErrorCode
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s on %s %q is denied: %s", e.Operation, e.ResourceType, e.Name, e.Code)
}

func (e *DeniedError) Unwrap() error { return e.Code }

// TopicError is an error that the broker gave for one topic, group or other
// named thing. Unwrap gives Kafka's error code.
type TopicError struct {
	Doing   string // "create topic"
	Name    string
	Code    kafka.ErrorCode
	Message string // the broker's own words, often empty
}

func (e *TopicError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("%s %q: %s", e.Doing, e.Name, e.Code)
	}
	return fmt.Sprintf("%s %q: %s: %s", e.Doing, e.Name, e.Code, e.Message)
}

func (e *TopicError) Unwrap() error { return e.Code }

// SettingError is a client setting that cannot be honoured.
type SettingError struct {
	Key, Value, Problem string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("setting %s=%s: %s", e.Key, e.Value, e.Problem)
}

// Denied turns a refusal by the access rules, wherever it stands in err's
// chain, into a *DeniedError for what was being done. Other errors stay.
func Denied(err error, op kafka.Operation, t kafka.ResourceType, name string) error { return err }
