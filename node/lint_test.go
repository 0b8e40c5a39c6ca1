package node_test

import (
	"strings"
	"testing"

	"schloss/internal/testkit"
)

// TestStartTellsWhatIsRarelyMeant are the pains 2, 9, 12 and 23 of newcomers,
// as the broker tells them before a client does.
func TestStartTellsWhatIsRarelyMeant(t *testing.T) {
	const anonymousSuper = "User:CN=castle,O=Test;User:ANONYMOUS"
	tests := []struct {
		name    string
		options testkit.Options
		says    []string // each in one line of the log
		not     string
	}{
		{"P12 nothing to say", testkit.Options{TLS: true, Authorizer: true}, []string{`authorizer="0 ACLs" super.users="User:`, "plaintext=none"}, "level=WARN"},
		{"P12 no authorizer", testkit.Options{}, []string{
			`open door: no authorizer.class.name.*hint="set authorizer.class.name=`, `plaintext=PLAINTEXT`, "super.users=none"}, "advertised"},
		{"P12 everyone where no ACL is", testkit.Options{TLS: true, Authorizer: true, Properties: map[string]string{"allow.everyone.if.no.acl.found": "true"}},
			[]string{"open door: allow.everyone.if.no.acl.found=true.*hint="}, "ANONYMOUS"},
		{"P12 anonymous is a super user", testkit.Options{Authorizer: true, Properties: map[string]string{"super.users": anonymousSuper}},
			[]string{"listener=PLAINTEXT.*User:ANONYMOUS", "User:ANONYMOUS, who is a super user.*remove User:ANONYMOUS from super.users"}, "without a certificate"},
		{"P12 a certificate is not required", testkit.Options{TLS: true, Authorizer: true, Properties: map[string]string{"ssl.client.auth": "requested"}},
			[]string{"open door: who comes without a certificate is User:ANONYMOUS.*listener=SSL.*ssl.client.auth=required"}, "super user"},
		{"P23 plaintext for everyone", testkit.Options{Properties: map[string]string{"listeners": "PLAINTEXT://0.0.0.0:0", "advertised.listeners": "PLAINTEXT://broker.example:9092"}},
			[]string{"open door: whatever goes over this plaintext listener can be read and changed.*listener=PLAINTEXT"}, "told to connect"},
		{"P09 localhost told to the world", testkit.Options{Properties: map[string]string{"listeners": "PLAINTEXT://:0", "advertised.listeners": "PLAINTEXT://localhost:0"}},
			[]string{"clients on other machines are told to connect to localhost, which is their own.*hint=\"set advertised.listeners=PLAINTEXT://NAME"}, "refuse"},
		{"P02 a name that the certificate lacks", testkit.Options{TLS: true, Authorizer: true, Properties: map[string]string{"advertised.listeners": "SSL://broker.example:9093"}},
			[]string{`told to connect to broker.example, and will refuse this: the certificate is not for host .*broker.example.* but for localhost, 127.0.0.1.*schloss certs issue --replace --host broker.example,localhost,127.0.0.1`}, "open door"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			log := testkit.Start(t, test.options).Log.String()
			for _, want := range test.says {
				if !inOneLine(log, strings.Split(want, ".*")) {
					t.Errorf("no line says %q:\n%s", want, log)
				}
			}
			if strings.Contains(log, test.not) {
				t.Errorf("it says %q:\n%s", test.not, log)
			}
		})
	}
	if err := refused(t, map[string]string{"listeners": "PLAINTEXT://:0", "advertised.listeners": "PLAINTEXT://0.0.0.0:9092", "log.dirs": t.TempDir()}); !strings.Contains(err.Error(), "an address that clients can connect to, and not 0.0.0.0") {
		t.Errorf("P09 got %v", err)
	}
}

// inOneLine says whether one line holds all parts in their order.
func inOneLine(text string, parts []string) bool {
	for line := range strings.Lines(text) {
		found := true
		for _, part := range parts {
			var ok bool
			if _, line, ok = strings.Cut(line, part); !ok {
				found = false
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}
