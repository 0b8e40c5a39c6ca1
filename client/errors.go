package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"schloss/kafka"
)

// Step is the stage of connecting that went wrong.
type Step string

// The steps, in the order they are taken.
const (
	Resolve  Step = "resolve"  // the host has no address
	Connect  Step = "connect"  // nobody listens, or nobody answers
	TLS      Step = "tls"      // the handshake, either side's certificate
	Protocol Step = "protocol" // the peer does not speak Kafka, or not the way we do
)

// What the peer of a failed connection turned out to be. A [ConnectError]
// wraps them where they are known.
var (
	ErrPlaintextToTLS = errors.New("the broker wants TLS on this port and security.protocol is PLAINTEXT")
	ErrTLSToPlaintext = errors.New("the broker speaks plaintext on this port and security.protocol is SSL")
	ErrClosed         = errors.New("the broker closed the connection without an answer")
	ErrNotKafka       = errors.New("the peer does not speak Kafka's protocol")
	ErrController     = errors.New("this is a controller's port, which serves no clients")
	ErrTimeout        = errors.New("no answer in time")
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

// AdvertisedError is a broker that answered, and sent us on to an address that
// cannot be reached, by it or by any other broker. Err is the *ConnectError.
type AdvertisedError struct {
	Node  kafka.NodeID
	Asked string // the bootstrap server that answered
	Err   error
}

func (e *AdvertisedError) Error() string {
	return fmt.Sprintf("%s answers and sends clients on to what broker %d advertises: %v", e.Asked, e.Node, e.Err)
}

func (e *AdvertisedError) Unwrap() error { return e.Err }

// SASLError is a listener that wants a login by SASL, of which we were told
// nothing.
type SASLError struct{ Mechanisms []string }

func (e *SASLError) Error() string {
	return "this listener wants a login by SASL (" + strings.Join(e.Mechanisms, ", ") + ") and security.protocol asks for none"
}

// DeniedError is a refusal by the broker's access rules: the operation that
// the principal lacks, and on what. Unwrap gives Kafka's error code.
type DeniedError struct {
	Operation    kafka.Operation
	ResourceType kafka.ResourceType
	Name         string
	Code         kafka.ErrorCode
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s on %s %q is denied: %v", e.Operation, e.ResourceType, e.Name, e.Code)
}

func (e *DeniedError) Unwrap() error { return e.Code }

// AnswerError is an error that the broker answered for one topic, group or
// other named thing. Unwrap gives Kafka's error code.
type AnswerError struct {
	Doing   string // "create topic"
	Name    string
	Code    kafka.ErrorCode
	Message string // the broker's own words, often empty
}

func (e *AnswerError) Error() string {
	s := e.Doing
	if e.Name != "" {
		s += fmt.Sprintf(" %q", e.Name)
	}
	s += ": " + e.Code.Error()
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

func (e *AnswerError) Unwrap() error { return e.Code }

// VersionError is a request that the broker is too old, or too new, to take.
type VersionError struct {
	API            string
	Min, Max       int16 // the broker's; both -1: it does not serve the API
	OurMin, OurMax int16
}

func (e *VersionError) Error() string {
	if e.Max < 0 {
		return fmt.Sprintf("the broker does not serve %s", e.API)
	}
	return fmt.Sprintf("the broker serves %s in versions %d to %d, not in %d to %d", e.API, e.Min, e.Max, e.OurMin, e.OurMax)
}

// SettingError is a client setting that cannot be honoured.
type SettingError struct {
	Key, Value, Problem string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("setting %s=%s: %s", e.Key, e.Value, e.Problem)
}

// Denied turns a refusal by the access rules, wherever it stands in err's
// chain, into a *DeniedError for what was being done. A refusal of another
// type of resource names that one: a topic cannot be created without a right
// on the cluster, say. Other errors stay.
func Denied(err error, op kafka.Operation, t kafka.ResourceType, name string) error {
	var code kafka.ErrorCode
	var k *kerr.Error
	switch {
	case errors.As(err, new(*DeniedError)):
		return err
	case errors.As(err, &k):
		code = kafka.ErrorCode(k.Code)
	case !errors.As(err, &code):
		return err
	}
	switch code {
	case kafka.ErrClusterAuthorizationFailed:
		if t != kafka.Cluster {
			t, name = kafka.Cluster, kafka.ClusterName
		}
	case kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed, kafka.ErrTransactionalIDAuthorizationFailed:
	default:
		return err
	}
	return &DeniedError{Operation: op, ResourceType: t, Name: name, Code: code}
}

// deed is what an administrative request was about, to make errors of codes.
type deed struct {
	doing string
	op    kafka.Operation
	on    kafka.ResourceType
}

// err is the error for a code that the broker answered, nil for none.
func (d deed) err(code int16, message *string, name string) error {
	if code == 0 {
		return nil
	}
	e := &AnswerError{Doing: d.doing, Name: name, Code: kafka.ErrorCode(code)}
	if message != nil {
		e.Message = *message
	}
	if denied := (*DeniedError)(nil); errors.As(Denied(e, d.op, d.on, name), &denied) {
		return denied
	}
	return e
}
