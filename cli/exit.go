package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/ssl"
)

// The exit codes of the native commands. The tools that go by Kafka's names
// keep Kafka's.
const (
	exitFailure        = 1
	exitUsage          = 2
	exitNotFound       = 3
	exitDenied         = 4
	exitAuthentication = 5
	exitUnreachable    = 6
	exitPartial        = 7
	exitCheck          = 8
)

// exitCode is the one place where an error becomes the exit code of a native
// command.
func exitCode(err error) int {
	var exit *exitError
	switch {
	case err == nil, brokenPipe(err):
		return 0
	case errors.As(err, &exit):
		return exit.code
	case wrongUsage(err):
		return exitUsage
	case denied(err):
		return exitDenied
	case unauthenticated(err):
		return exitAuthentication
	case absent(err):
		return exitNotFound
	case unreachable(err):
		return exitUnreachable
	}
	return exitFailure
}

// wrongUsage is about the command line, or about a settings file that it names.
func wrongUsage(err error) bool {
	return isOf[*usageError](err) || isOf[*client.SettingError](err) || isOf[*principalError](err) ||
		isOf[*config.SyntaxError](err) || isOf[*config.UnknownError](err) || isOf[*config.ValueError](err)
}

func denied(err error) bool {
	return isOf[*client.DeniedError](err) || isOf[*readOnlyError](err) || brokerSaid(err, kafka.ErrTopicAuthorizationFailed, kafka.ErrGroupAuthorizationFailed,
		kafka.ErrClusterAuthorizationFailed, kafka.ErrTransactionalIDAuthorizationFailed)
}

// unauthenticated is all that keeps two sides from knowing each other: stores
// that do not open, certificates, and TLS met by plaintext.
func unauthenticated(err error) bool {
	var connect *client.ConnectError
	if errors.As(err, &connect) && connect.Step == client.TLS && !errors.Is(err, client.ErrTimeout) {
		return true
	}
	for _, cause := range []error{client.ErrPlaintextToTLS, client.ErrTLSToPlaintext, ssl.ErrNoClientCertificate, ssl.ErrNoKeyStore, ssl.ErrNoTrustStore,
		ssl.ErrNoPrivateKey, keystore.ErrWrongPassword, keystore.ErrWrongKeyPassword, keystore.ErrPasswordNeeded} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return isOf[*keystore.FileError](err) || isOf[*keystore.FormatError](err) || isOf[*ssl.UnknownCAError](err) || isOf[*ssl.HostError](err) ||
		isOf[*ssl.ExpiredError](err) || isOf[*ssl.AlertError](err)
}

func absent(err error) bool {
	return isOf[*absentError](err) || isOf[*missingError](err) ||
		brokerSaid(err, kafka.ErrUnknownTopicOrPartition, kafka.ErrUnknownTopicID, kafka.ErrGroupIDNotFound)
}

func unreachable(err error) bool {
	return isOf[*client.ConnectError](err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrTimeout) ||
		errors.Is(err, kgo.ErrRecordTimeout) || errors.Is(err, kgo.ErrRecordRetries) ||
		brokerSaid(err, kafka.ErrRequestTimedOut, kafka.ErrBrokerNotAvailable, kafka.ErrNetworkException,
			kafka.ErrCoordinatorNotAvailable, kafka.ErrLeaderNotAvailable)
}

func isOf[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// brokerSaid says whether a broker answered one of the codes.
func brokerSaid(err error, codes ...kafka.ErrorCode) bool {
	return slices.ContainsFunc(codes, func(code kafka.ErrorCode) bool { return answered(err, code) })
}

// absentError is a thing that should have been there: a "group", a "profile".
type absentError struct{ kind, name string }

func (e *absentError) Error() string { return "there is no " + e.kind + " " + e.name }

// several is the exit of a command that was asked for many things: failed is
// why some of them were not done, all told already.
func several(done int, failed []error) error {
	if len(failed) == 0 {
		return nil
	}
	code := exitCode(failed[0])
	for _, err := range failed {
		if done > 0 || exitCode(err) != code {
			code = exitPartial
		}
	}
	return &exitError{code: code, err: failed[0], quiet: true}
}

// exitCodesTopic is the page of "schloss help exit-codes".
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean",
		Long: `Exit codes of schloss's own commands. The tools that go by Kafka's names keep
Kafka's codes: 1 for whatever goes wrong.

    0  done; also when whoever read the output had enough (head)
    1  it went wrong in a way that has no code of its own
    2  the command line, or a settings file that it names, makes no sense
    3  not found: a topic, a group, a profile
    4  denied by the cluster's access rules, or by a read-only profile
    5  TLS or key stores: the two sides do not know each other
    6  unreachable, or no answer within --timeout
    7  partly done: some of the things asked for were, some were not
    8  a check did not pass: doctor, acl explain of what is denied
  130  ended by Ctrl-C (128 and the number of the signal)`,
	}
}
