package doctor

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/ssl"
)

// TestCodesAreExplained compares the codes with their explanations and with
// the manual.
func TestCodesAreExplained(t *testing.T) {
	manual, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, `"SL-`) {
			text, _ := strconv.Unquote(lit.Value)
			codes = append(codes, Code(text))
		}
		return true
	})
	if len(codes) != len(Entries) {
		t.Errorf("%d codes and %d entries", len(codes), len(Entries))
	}
	for i, code := range codes {
		if slices.Contains(codes[:i], code) {
			t.Errorf("%s is there twice", code)
		}
		e, ok := Explain(code)
		if !ok {
			t.Errorf("%s has no entry", code)
			continue
		}
		want := fmt.Sprintf("### %s: %s\n\nCause: %s\n\nCure: %s\n", e.Code, e.Title, e.Cause, e.Cure)
		if !strings.Contains(string(manual), want) {
			t.Errorf("docs/doctor.md does not hold:\n%s", want)
		}
	}
	if got := strings.Count(string(manual), "### SL-"); got != len(Entries) {
		t.Errorf("docs/doctor.md explains %d codes, want %d", got, len(Entries))
	}
}

func TestCodeOf(t *testing.T) {
	at := func(step client.Step, err error) error {
		return &client.ConnectError{Addr: "a:1", Step: step, Err: err}
	}
	other := errors.New("other")
	for _, test := range []struct {
		err  error
		want Code
	}{
		{nil, ""},
		{other, ""},
		{at(client.Resolve, other), NoAddress},
		{at(client.Connect, syscall.ECONNREFUSED), NobodyListens},
		{at(client.Connect, client.ErrTimeout), NoConnection},
		{at(client.TLS, client.ErrTimeout), HandshakeEnded},
		{at(client.Protocol, client.ErrTimeout), Silent},
		{at(client.Protocol, client.ErrClosed), HungUp},
		{at(client.Protocol, client.ErrController), Controller},
		{at(client.Protocol, &client.SASLError{}), WantsSASL},
		{at(client.TLS, &ssl.AlertError{Code: 116}), CertificateAsked},
		{at(client.TLS, &ssl.AlertError{Code: 46}), CertificateBad},
		{at(client.TLS, &ssl.AlertError{Code: 45}), OwnOutOfDates},
		{at(client.TLS, &ssl.AlertError{Code: 40}), NothingCommon},
		{at(client.TLS, &ssl.AlertError{Code: 80}), HandshakeEnded},
		{&client.AdvertisedError{Err: at(client.Resolve, other)}, AdvertisedDNS},
		{&client.AdvertisedError{Err: at(client.Connect, syscall.ECONNREFUSED)}, AdvertisedTCP},
		{&client.AdvertisedError{Err: at(client.TLS, &ssl.HostError{})}, AdvertisedTLS},
		{fmt.Errorf("x: %w", keystore.ErrWrongKeyPassword), WrongKeyPassword},
		{fmt.Errorf("x: %w", keystore.ErrPasswordNeeded), PasswordNeeded},
		{&keystore.FormatError{}, NoStoreFormat},
		{&keystore.FileError{Err: fs.ErrNotExist}, NoStore},
		{&config.FileError{Err: fs.ErrNotExist}, BadSettings},
		{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, ""}, // another file's
		{&config.UnknownError{}, BadSettings},
		{&client.SettingError{Key: "bootstrap.servers"}, BadServer},
		{&client.SettingError{Key: "security.protocol"}, NotBuilt},
		{&client.DeniedError{}, Denied},
		{kafka.ErrLeaderNotAvailable, NoLeader},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
}

func TestParseTask(t *testing.T) {
	for text, want := range map[string]Task{
		"produce:orders": {Produce, "orders", ""}, "consume:orders:g": {Consume, "orders", "g"}, "consume:orders:a:b": {Consume, "orders", "a:b"},
		"mirror:orders": {Mirror, "orders", ""}, "admin": {Kind: Admin},
	} {
		if got, err := ParseTask(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "produce", "produce:", "produce:a:b", "consume:a", "consume::g", "consume:a:", "admin:x", "mirror", "eat:a"} {
		if got, err := ParseTask(text); err == nil || !strings.Contains(err.Error(), Forms) {
			t.Errorf("%s: got %v, %v, want an error with the forms", text, got, err)
		}
	}
}

// A server that says nothing must not hold the examination up.
func TestExaminationEndsInTime(t *testing.T) {
	addr := silent(t)
	begin := time.Now()
	found := Examine(t.Context(), Config{Values: values(t, "bootstrap.servers="+addr+",localhost,"+addr+"\n"), Tasks: []Task{{Kind: Admin}}, Now: time.Now})
	if took := time.Since(begin); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	var codes []Code
	for _, f := range found {
		if f.Status == Bad {
			codes = append(codes, f.Code)
		}
	}
	if want := []Code{BadServer, Silent, Silent}; !slices.Equal(codes, want) || Passed(found) {
		t.Errorf("got %v, want %v:\n%+v", codes, want, found)
	}
}

// silent accepts and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { nc.Close() })
		}
	}()
	return l.Addr().String()
}

func values(t *testing.T, text string) *config.Values {
	t.Helper()
	p, err := config.Parse("client.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := config.Admin.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
