package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"schloss/client"
	"schloss/kafka"
	"schloss/security/keystore"
)

func TestExitCode(t *testing.T) {
	connect := func(step client.Step, err error) error {
		return fmt.Errorf("open: %w", &client.ConnectError{Addr: "h:1", Step: step, Err: err})
	}
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, 0},
		{"whoever read had enough", fmt.Errorf("write: %w", syscall.EPIPE), 0},
		{"anything", errors.New("odd"), 1},
		{"wrong usage", usage("no"), 2},
		{"a setting", &client.SettingError{Key: "acks"}, 2},
		{"an unknown topic", kafka.ErrUnknownTopicOrPartition, 3},
		{"the same in kgo's words", fmt.Errorf("read: %w", kerr.UnknownTopicOrPartition), 3},
		{"a group that is not there", &absentError{"group", "g"}, 3},
		{"denied", &client.DeniedError{Code: kafka.ErrTopicAuthorizationFailed}, 4},
		{"denied in kgo's words", kerr.GroupAuthorizationFailed, 4},
		{"a read-only profile", &readOnlyError{"p"}, 4},
		{"a handshake", connect(client.TLS, errors.New("bad certificate")), 5},
		{"a handshake that nobody answers", connect(client.TLS, client.ErrTimeout), 6},
		{"plaintext to TLS", connect(client.Protocol, client.ErrPlaintextToTLS), 5},
		{"a store's password", keystore.ErrWrongPassword, 5},
		{"nobody listens", connect(client.Connect, syscall.ECONNREFUSED), 6},
		{"no name", connect(client.Resolve, errors.New("no such host")), 6},
		{"too late", fmt.Errorf("list: %w", context.DeadlineExceeded), 6},
		{"the broker gave up", kafka.ErrRequestTimedOut, 6},
		{"some were done", several(1, []error{kafka.ErrUnknownTopicOrPartition}), 7},
		{"none was done, for one reason", several(0, []error{kafka.ErrUnknownTopicOrPartition, kafka.ErrUnknownTopicOrPartition}), 3},
		{"none was done, for several", several(0, []error{kafka.ErrUnknownTopicOrPartition, errors.New("odd")}), 7},
		{"a check", &exitError{code: exitCheck}, 8},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestPrintResult(t *testing.T) {
	rows := &table{columns: []string{"NAME", "N"}}
	rows.add("习", "1")
	rows.add("a\tb\n\x1b[31m", "22")
	for _, test := range []struct {
		name string
		form outputForm
		bold bool
		want string
	}{
		{"plain", plainForm, false, "习\t1\na\\tb\\n\x1b[31m\t22\n"},
		{"a table drives no terminal", tableForm, false, "NAME       N\n习         1\na b ?[31m  22\n"},
		{"bold is the head alone", tableForm, true, "\x1b[1mNAME       N\x1b[0m\n习         1\na b ?[31m  22\n"},
		{"JSON is the data", jsonForm, true, "[\n  \"<a>\"\n]\n"},
	} {
		var out bytes.Buffer
		if err := printResult(&out, test.form, test.bold, []string{"<a>"}, rows); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
