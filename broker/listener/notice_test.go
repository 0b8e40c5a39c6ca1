package listener

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"schloss/kafka/wire"
	"schloss/security/ssl"
)

// TestCausesNameSideAndCure are the pains of newcomers as the broker's log has
// them.
func TestCausesNameSideAndCure(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name                string
		err                 error
		reason, fault, hint string
	}{
		{"P01 an alert, decoded", &ssl.AlertError{Code: 42, Meaning: "bad certificate"}, "the peer refused: bad certificate (alert 42): it does not accept this broker's certificate", eithersFault, "schloss doctor"},
		{"P03 unknown authority", &ssl.UnknownCAError{Subject: "CN=a", Issuer: "CN=castle"}, `client certificate "CN=a": its issuer "CN=castle" is not trusted`, eithersFault, "keytool -keystore TRUSTSTORE"},
		{"P05 no client certificate", fmt.Errorf("%w: tls", ssl.ErrNoClientCertificate), "showed no client certificate", peersFault, "ssl.keystore.location"},
		{"P06 expired", &ssl.ExpiredError{Subject: "CN=a", NotAfter: day}, `client certificate "CN=a" expired on 2026-01-02T00:00:00Z`, peersFault, "schloss certs issue --replace"},
		{"P06 ours is expired", &ssl.AlertError{Code: 45, Meaning: "expired certificate"}, "out of date for it", eithersFault, "date"},
		{"P07 nothing in common", &ssl.NothingCommonError{What: "cipher suite", Offered: []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}}, "no cipher suite in common: the client offers TLS_RSA_WITH_AES_128_CBC_SHA", eithersFault, "ssl.cipher.suites"},
		{"P07 a weak signature", &ssl.WeakError{Subject: "CN=a", Algorithm: "SHA1-RSA"}, "signed with SHA1-RSA", peersFault, "SHA-256"},
		{"P08 TLS on a plaintext port", &wire.FrameError{Err: wire.ErrTLSRecord}, "the peer speaks TLS, this listener plaintext", peersFault, "security.protocol=PLAINTEXT"},
		{"P08 plaintext on a TLS port", ssl.Explain(tls.RecordHeaderError{Msg: "x"}), "the peer speaks plaintext, this listener TLS", peersFault, "security.protocol=SSL"},
		{"a browser", &wire.FrameError{Err: wire.ErrHTTP}, "HTTP", peersFault, "wrong port"},
		{"no rule for the name", &ssl.UnmappedError{DN: "CN=a"}, `no rule of ssl.principal.mapping.rules matches "CN=a"`, ourFault, "DEFAULT"},
		{"something else", errors.New("read frame: odd"), "read frame: odd", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := causeOf(test.err)
			if !strings.Contains(got.reason, test.reason) || got.fault != test.fault || !strings.Contains(got.hint, test.hint) || got.hint == "" != (test.hint == "") {
				t.Errorf("got %+v, want reason %q, fault %q, hint %q", got, test.reason, test.fault, test.hint)
			}
		})
	}
}

func TestRepeatedNoticesAreCounted(t *testing.T) {
	l, log := serve(t, Config{Name: "T"}, &Limits{}, handle(func(*Request) {}))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l.told.now = func() time.Time { return now }
	err := &wire.FrameError{Err: wire.ErrTLSRecord}
	for range 1500 {
		l.refuse("10.0.0.1", err)
	}
	if got := strings.Count(log.String(), "\n"); got != 4 { // 1, 10, 100, 1000
		t.Errorf("1500 refusals made %d lines, want 4:\n%s", got, log)
	}
	if !strings.Contains(log.String(), "times=1000") {
		t.Errorf("no line counts to 1000:\n%s", log)
	}
	for i := range 100 * maxNotices {
		l.refuse(fmt.Sprint("10.1.", i/256, ".", i%256), fmt.Errorf("certificate %d: %s", i, strings.Repeat("x", 1<<12)))
	}
	text := log.String()
	if got, most := strings.Count(text, "\n"), maxNotices+20; got > most {
		t.Errorf("a flood made %d lines, %d are the most", got, most)
	}
	if !strings.Contains(text, "count=100000") || len(text) > 1<<20 {
		t.Errorf("%d bytes, with the others counted: %v", len(text), strings.Contains(text, "count=100000"))
	}
	now = now.Add(noticesForget)
	before := strings.Count(text, "\n")
	l.refuse("10.0.0.1", err)
	if got := strings.Count(log.String(), "\n"); got != before+1 {
		t.Errorf("the next hour began with %d lines, want 1", got-before)
	}
}
