package cli_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/cli"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/security/acl"
	"schloss/security/keystore"
)

const storePassword = "test1234"

// holder is a certificate with its key and the chain above it.
type holder struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

// certify signs a certificate, by parent or by itself, good for 127.0.0.1.
func certify(t *testing.T, name string, parent *holder, change func(*x509.Certificate)) *holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certifyKey(t, key, name, parent, change)
}

func certifyKey(t *testing.T, key crypto.Signer, name string, parent *holder, change func(*x509.Certificate)) *holder {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if parent == nil {
		c.IsCA, c.IPAddresses, c.KeyUsage = true, nil, x509.KeyUsageCertSign
	}
	if change != nil {
		change(c)
	}
	by, signer, above := c, key, []*x509.Certificate(nil)
	if parent != nil {
		by, signer, above = parent.chain[0], parent.key, parent.chain
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &holder{key: key, chain: append([]*x509.Certificate{leaf}, above...)}
}

func storeFile(t *testing.T, s *keystore.Store, format keystore.Format) string {
	t.Helper()
	data, err := keystore.Encode(s, format, storePassword, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.jks")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sslSettings name a key store, unless own is nil, and a trust store.
func sslSettings(t *testing.T, own, trusted *holder) map[string]string {
	t.Helper()
	p := map[string]string{"security.protocol": "SSL",
		"ssl.truststore.location": storeFile(t, &keystore.Store{Trusted: []keystore.TrustedEntry{{Alias: "caroot", Certificate: trusted.chain[0]}}}, keystore.PKCS12),
		"ssl.truststore.password": storePassword}
	if own != nil {
		p["ssl.keystore.location"] = storeFile(t, &keystore.Store{Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: own.key, Chain: own.chain}}}, keystore.PKCS12)
		p["ssl.keystore.password"] = storePassword
	}
	return p
}

func with(p map[string]string, more ...string) map[string]string {
	p = maps.Clone(p)
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

func settingsFile(t *testing.T, p map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.properties")
	testkit.WriteProperties(t, path, p)
	return path
}

// painLimit is how long an answer may take.
const painLimit = 6 * time.Second

// complain runs a command that must fail in time, and returns all that it said.
func complain(t *testing.T, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), painLimit)
	defer cancel()
	code := cli.Main(ctx, args, cli.IO{In: strings.NewReader("a message\n"), Out: &said, Err: &said}, nodeSide())
	if ctx.Err() != nil {
		t.Errorf("%s: no answer within %s", args, painLimit)
	}
	if code == 0 {
		t.Errorf("%s: it succeeded:\n%s", args, &said)
	}
	return said.String()
}

// says checks a text against regular expressions.
func says(t *testing.T, who, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !regexp.MustCompile("(?m)" + w).MatchString(text) {
			t.Errorf("%s does not say %q:\n%s", who, w, text)
		}
	}
}

// awaitLog waits until a broker's log says it; it is written behind the answer.
func awaitLog(t *testing.T, b *testkit.Broker, want string) {
	t.Helper()
	re := regexp.MustCompile(want)
	for deadline := time.Now().Add(10 * time.Second); !re.MatchString(b.Log.String()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the broker's log does not say %q:\n%s", want, b.Log)
		}
	}
}

// secured runs a broker with its own key and the authority of its clients.
func secured(t *testing.T, own, trusted *holder, more ...string) *testkit.Broker {
	t.Helper()
	p := sslSettings(t, own, trusted)
	delete(p, "security.protocol")
	p = with(p, "listeners", "SSL://127.0.0.1:0", "ssl.client.auth", "required", "security.inter.broker.protocol", "SSL")
	return testkit.Start(t, testkit.Options{TLS: true, Properties: with(p, more...)})
}

// TestPains are the 23 pains of newcomers: what is built answers each with its
// cause, the evidence and the command that mends it, within six seconds, in the
// tools, the doctor and the broker's log.
//
// P12 is answered where the broker starts (node, TestStartTellsWhatIsRarelyMeant).
// P14 cannot apply: SASL is not served, and a SASL listener is refused at start.
// P17, P18 and P21 cannot apply: topics keep their names, no offsets are kept
// outside the groups, and a mirror has two files and no arrows.
func TestPains(t *testing.T) {
	ca := certify(t, "castle", nil, nil)
	otherCA := certify(t, "other castle", nil, nil)
	sameName := certify(t, "castle", nil, nil)
	alice := certify(t, "alice", ca, nil)
	server := certify(t, "server", ca, nil)
	good := secured(t, server, ca)

	t.Run("P01 P05 the broker refuses our certificate", func(t *testing.T) {
		file := settingsFile(t, sslSettings(t, certify(t, "mallory", otherCA, nil), ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", file, "--list"),
			`^error: .*tls: the peer refused: unknown certificate authority \(alert 48\) \(SL-TLS-11\)$`,
			`^hint: put the certificate of 'CN=other castle', which signed ours, into the broker's ssl.truststore.location: keytool`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"),
			`^bad   client cert .*ours is "CN=mallory", issued by "CN=other castle"; the broker accepts certificates of "CN=castle" \(SL-TLS-11\)$`, `^ +try: .*keytool`)
		awaitLog(t, good, `reason="client certificate \\"CN=mallory\\": its issuer \\"CN=other castle\\" is not trusted" fault=.* hint=".*keytool`)
	})
	t.Run("P02 the certificate is for another host", func(t *testing.T) {
		b := secured(t, certify(t, "x", ca, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = []string{"broker.example", "localhost"}, nil
		}), ca)
		file := settingsFile(t, sslSettings(t, alice, ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", b.Addr, "--command-config", file, "--list"),
			`^error: connect to 127.0.0.1:\d+: tls: the certificate is not for host "127.0.0.1" but for broker.example, localhost \(SL-TLS-04\)$`,
			`^hint: .*schloss certs issue --replace --host 127.0.0.1,broker.example,localhost`)
		text := complain(t, "schloss", "doctor", b.Addr, "--command-config", file, "-o", "table")
		says(t, "doctor", text, `^ok    chain `, `^bad   names .*"127.0.0.1" but for broker.example, localhost \(SL-TLS-04\)$`, `^ +try: .*--host 127.0.0.1,broker.example,localhost`, `^ok    dates `)
		awaitLog(t, b, `the peer refused: bad certificate \(alert 42\).*hint=".*schloss doctor`)
		awaitLog(t, b, `told to connect to 127.0.0.1, and will refuse this`)
	})
	t.Run("P02 the advertised name is not in the certificate", func(t *testing.T) {
		b := secured(t, server, ca, "advertised.listeners", "SSL://localhost:0")
		_, port, _ := net.SplitHostPort(b.Addr)
		file := settingsFile(t, sslSettings(t, alice, ca))
		at := "127.0.0.1:" + port
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", at, "--command-config", file, "--list"),
			`^error: `+at+` answers and sends clients on to what broker 0 advertises: connect to localhost:`+port+`: tls: the certificate is not for host "localhost" but for .*127.0.0.1 \(SL-ADV-03\)$`,
			`^hint: at the broker, .*schloss certs issue --replace --host localhost,127.0.0.1`)
		says(t, "doctor", complain(t, "schloss", "doctor", at, "--command-config", file, "-o", "table"), `^ok    metadata `, `^bad   advertised   broker 0: it tells clients to go on to localhost:`+port+`, and that fails at names: .*\(SL-ADV-03\)$`)
	})
	t.Run("P03 the issuer is not trusted", func(t *testing.T) {
		file := settingsFile(t, sslSettings(t, alice, otherCA))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", file, "--list"),
			`^error: .*certificate "CN=server": its issuer "CN=castle" is not trusted \(SL-TLS-03\)$`, `^hint: put the certificate of 'CN=castle' into the trust store: keytool .*-importcert`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"),
			`^bad   chain .*sent "CN=server" < "CN=castle".*missing in the trust store: "CN=castle"; it holds caroot = "CN=other castle" \(SL-TLS-03\)$`, `^ +try: keytool -keystore .*store.jks -alias CARoot -importcert`)
		file = settingsFile(t, sslSettings(t, alice, sameName))
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"), `its entry caroot has that name and another key, good until \d{4}`)
	})
	t.Run("P04 stores", func(t *testing.T) {
		base := sslSettings(t, alice, ca)
		wrong := settingsFile(t, with(base, "ssl.keystore.password", "not-this-one"))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", wrong, "--list"), `^error: ssl.keystore.location .*store.jks" \(PKCS12\): wrong store password \(SL-KEY-02\)$`, `^hint: check ssl.keystore.password`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", wrong, "-o", "table"), `^bad   stores .*\(PKCS12\): wrong store password \(SL-KEY-02\)$`, `^ +try: check ssl.keystore.password`, `^ok    tcp `)
		told := settingsFile(t, with(base, "ssl.keystore.type", "JKS", "ssl.truststore.password", "not-this-one"))
		text := complain(t, "schloss", "doctor", good.Addr, "--command-config", told, "-o", "table")
		says(t, "doctor", text, `^bad   stores .*ssl.truststore.location.*wrong store password`)
		if strings.Contains(text, "not-this-one") {
			t.Errorf("a password is printed:\n%s", text)
		}
		code, out, _ := run(t, "", "schloss", "doctor", good.Addr, "--command-config", settingsFile(t, with(base, "ssl.keystore.type", "JKS")), "-o", "table")
		says(t, "doctor", out, `^warn  stores .*ssl.keystore.type=JKS, and its content is PKCS12 \(SL-KEY-07\)$`, `^ +try: set ssl.keystore.type=PKCS12`)
		if code != 0 {
			t.Errorf("a warning ends with %d, want 0", code)
		}
		text1 := filepath.Join(t.TempDir(), "notes.txt")
		if err := os.WriteFile(text1, []byte("no store"), 0o600); err != nil {
			t.Fatal(err)
		}
		none := settingsFile(t, with(base, "ssl.keystore.location", text1))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", none, "--list"), `neither JKS nor PKCS12 nor PEM \(SL-KEY-05\)$`, `^hint: .*keytool -list`)
	})
	t.Run("P05 no client certificate", func(t *testing.T) {
		file := settingsFile(t, sslSettings(t, nil, ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", file, "--list"),
			`^error: .*certificate required \(alert 116\) \(SL-TLS-10\)$`, `^hint: the broker wants a client certificate: set ssl.keystore.location`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"),
			`^bad   client cert .*the settings name no key store; the broker accepts certificates of "CN=castle" \(SL-TLS-10\)$`, `^ +try: .*ssl.keystore.location`)
		awaitLog(t, good, `showed no client certificate.*fault=peer.*hint=".*PrivateKeyEntry`)
		trust := sslSettings(t, nil, ca)
		file = settingsFile(t, with(trust, "ssl.keystore.location", trust["ssl.truststore.location"], "ssl.keystore.password", storePassword))
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"), `^bad   stores .*it holds no private key; this PKCS12 store has only trusted entries: caroot = "CN=castle" \(SL-KEY-06\)$`, `^ +try: .*ssl.keystore.location`)
	})
	t.Run("P06 dates", func(t *testing.T) {
		old := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-2, 0, 0), c.NotBefore }
		b := secured(t, certify(t, "old", ca, old), ca)
		file := settingsFile(t, sslSettings(t, alice, ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", b.Addr, "--command-config", file, "--list"), `^error: .*"CN=old" expired on \S+Z; the clock here says \S+Z \(SL-TLS-05\)$`, `^hint: issue it anew: schloss certs issue --replace .*date`)
		says(t, "doctor", complain(t, "schloss", "doctor", b.Addr, "--command-config", file, "-o", "table"), `^ok    chain `, `^bad   dates .*"CN=old" is good from \S+Z to \S+Z; the clock here says \S+Z \(\S+ \S+ \S+\) \(SL-TLS-05\)$`, `^ +try: .*schloss certs issue`)
		file = settingsFile(t, sslSettings(t, certify(t, "late", ca, old), ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--command-config", file, "--list"), `\(alert 45\) \(SL-TLS-13\)$`, `our own certificate is good only from`, `^hint: .*schloss certs issue`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", file, "-o", "table"), `^bad   stores .*our certificate "CN=late" is good from .*\(SL-TLS-13\)$`)
		awaitLog(t, good, `client certificate \\"CN=late\\" expired on .* fault=peer hint="issue the peer's certificate anew`)
		b = secured(t, certify(t, "future", ca, func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(0, 1, 0) }), ca)
		file = settingsFile(t, sslSettings(t, alice, ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", b.Addr, "--command-config", file, "--list"), `"CN=future" is good only from \S+Z; the clock here says \S+Z \(SL-TLS-05\)$`)
	})
	t.Run("P07 nothing in common and weak keys", func(t *testing.T) {
		b := secured(t, server, ca, "ssl.enabled.protocols", "TLSv1.2")
		file := settingsFile(t, with(sslSettings(t, alice, ca), "ssl.enabled.protocols", "TLSv1.3"))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", b.Addr, "--command-config", file, "--list"), `protocol version not supported \(alert 70\) \(SL-TLS-07\)$`, `^hint: .*ssl.enabled.protocols`)
		says(t, "doctor", complain(t, "schloss", "doctor", b.Addr, "--command-config", file, "-o", "table"), `it would take TLS 1.2 with TLS_\w+, and these settings offer ssl.enabled.protocols=TLSv1.3 \(SL-TLS-07\)$`)
		awaitLog(t, b, `no protocol version in common: the client offers TLS 1.3`)
		weak := secured(t, certify(t, "sha1", ca, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }), ca)
		file = settingsFile(t, sslSettings(t, alice, ca))
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", weak.Addr, "--command-config", file, "--list"), `"CN=sha1" is signed with ECDSA-SHA1.*\(SL-TLS-08\)$`, `^hint: .*schloss certs issue`)
		small, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		weak = secured(t, certifyKey(t, small, "small", ca, nil), ca)
		_, out, _ := run(t, "", "schloss", "doctor", weak.Addr, "--command-config", file, "-o", "table")
		says(t, "doctor", out, `^warn  chain .*the RSA key of "CN=small" has 1024 bits \(SL-TLS-08\)$`)
	})
	t.Run("P08 plaintext and TLS", func(t *testing.T) {
		good, open := secured(t, server, ca), testkit.Start(t, testkit.Options{})
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", good.Addr, "--list"), `the broker wants TLS on this port and security.protocol is PLAINTEXT \(SL-TLS-01\)$`, `^hint: set security.protocol=SSL`)
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "-o", "table"), `^bad   tls .*\(SL-TLS-01\)$`, `^ +try: set security.protocol=SSL`)
		awaitLog(t, good, `peer=127.0.0.1 reason="the peer speaks plaintext, this listener TLS" fault=peer hint="set security.protocol=SSL`)
		file := settingsFile(t, sslSettings(t, alice, ca))
		says(t, "tool", complain(t, "kafka-console-consumer", "--bootstrap-server", open.Addr, "--topic", "t", "--command-config", file), `the broker speaks plaintext on this port and security.protocol is SSL \(SL-TLS-02\)$`, `^hint: set security.protocol=PLAINTEXT`)
		says(t, "doctor", complain(t, "schloss", "doctor", open.Addr, "--command-config", file, "-o", "table"), `^bad   tls .*\(SL-TLS-02\)$`)
		awaitLog(t, open, `peer=127.0.0.1 .*reason="the peer speaks TLS, this listener plaintext" fault=peer hint="set security.protocol=PLAINTEXT`)
		if strings.Contains(open.Log.String(), "alert") || strings.Contains(good.Log.String(), "bad certificate (alert 42)") {
			t.Errorf("a probe of ours reads as a fault:\n%s\n%s", open.Log, good.Log)
		}
	})
	t.Run("P09 the advertised address cannot be reached", func(t *testing.T) {
		var ports ports
		at := "127.0.0.1:" + ports.take(t)
		testkit.Start(t, testkit.Options{Properties: map[string]string{"listeners": "PLAINTEXT://" + at, "advertised.listeners": "PLAINTEXT://localhost:1"}})
		for _, args := range [][]string{{"kafka-topics", "--list"}, {"kafka-topics", "--create", "--topic", "t"}, {"kafka-console-producer", "--topic", "t"}, {"kafka-console-consumer", "--topic", "t", "--group", "g"}} {
			says(t, args[0], complain(t, append(args, "--bootstrap-server", at)...),
				`^error: `+at+` answers and sends clients on to what broker 0 advertises: connect to localhost:1: connect: nobody listens there: connection refused \(SL-ADV-02\)$`,
				`^hint: at broker 0, set advertised.listeners to an address that clients reach, as 127.0.0.1; all addresses: schloss doctor `+at)
		}
		says(t, "doctor", complain(t, "schloss", "doctor", at, "-o", "table"), `^ok    metadata .*1 broker: 0 at localhost:1$`, `^bad   advertised   broker 0: it tells clients to go on to localhost:1, and that fails at tcp: nobody listens there.*\(SL-ADV-02\)$`, `^ +try: set advertised.listeners`)
		at = "127.0.0.1:" + ports.take(t)
		testkit.Start(t, testkit.Options{Properties: map[string]string{"listeners": "PLAINTEXT://" + at, "advertised.listeners": "PLAINTEXT://3f2a9c1d77e0.invalid:9092"}})
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", at, "--list"), `^error: .*connect to 3f2a9c1d77e0.invalid:9092: resolve: .*\(SL-ADV-01\)$`)
		says(t, "doctor", complain(t, "schloss", "doctor", at, "-o", "table"), `^bad   advertised .*fails at dns: .*\(SL-ADV-01\)$`)
	})
	t.Run("P10 no leader", func(t *testing.T) {
		addr := leaderless(t)
		says(t, "doctor", complain(t, "schloss", "doctor", addr, "--as", "produce:orders", "-o", "table"), `^bad   topic .*Topic orders: no leader for 1 of 1 partition, the first is 0 \(SL-TOPIC-02\)$`, `^ +try: start the broker that holds it: kafka-topics --describe`)
		says(t, "producer", complain(t, "kafka-console-producer", "--bootstrap-server", addr, "--topic", "orders"), `^error: 1 message was not delivered: LEADER_NOT_AVAILABLE.*\(SL-TOPIC-02\)$`, `^hint: .*kafka-topics --bootstrap-server `+addr+` --describe --unavailable-partitions`)
		var said testkit.Output
		ctx, cancel := context.WithTimeout(t.Context(), painLimit)
		defer cancel()
		go func() {
			for ctx.Err() == nil && !strings.Contains(said.String(), "hint: ") {
				time.Sleep(10 * time.Millisecond)
			}
			cancel()
		}()
		cli.Main(ctx, []string{"kafka-console-consumer", "--bootstrap-server", addr, "--topic", "orders"}, cli.IO{In: strings.NewReader(""), Out: &said, Err: &said}, nodeSide())
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("nothing was said within %s", painLimit)
		}
		says(t, "consumer", said.String(), `^warning: partition orders-0 has no leader \(LEADER_NOT_AVAILABLE, SL-TOPIC-02\), one of 1; still trying$`, `^hint: start the broker that holds it: kafka-topics --describe --topic orders`)
	})
	t.Run("P11 denied", func(t *testing.T) {
		certs := testkit.NewCerts(t)
		bob := certs.Issue(t, "bob")
		audit := filepath.Join(t.TempDir(), "audit.log")
		b := testkit.Start(t, testkit.Options{TLS: true, Authorizer: true, Certs: certs, Properties: map[string]string{"audit.log": audit},
			ACLs: []acl.Binding{{ResourceType: kafka.Topic, Name: "ord", Pattern: kafka.Literal, Principal: bob, Host: "*", Operation: kafka.Write, Permission: kafka.Allow}}})
		file := b.Client(t, "bob")
		grant := ` --add --allow-principal 'User:CN=bob' --operation Write --topic 'orders'`
		says(t, "tool", complain(t, "kafka-console-producer", "--bootstrap-server", b.Addr, "--topic", "orders", "--command-config", file),
			`^error: .*Write on Topic "orders" is denied: TOPIC_AUTHORIZATION_FAILED \(SL-ACL-01\)$`, `^hint: .*--bootstrap-server `+b.Addr+` .*`+grant)
		says(t, "doctor", complain(t, "schloss", "doctor", b.Addr, "--command-config", file, "--as", "produce:orders", "--as", "consume:ord:g", "--as", "admin", "-o", "table"),
			`^ok    client cert .*we are User:CN=bob`, `^bad   rights       Topic orders: Write is not allowed to User:CN=bob \(SL-ACL-01\)$`, `^ +try: .*`+grant,
			`^bad   rights       Group g: Read is not allowed`, `^bad   rights       cluster: Alter is not allowed`)
		content, err := os.ReadFile(audit)
		if err != nil {
			t.Fatal(err)
		}
		says(t, "audit log", string(content), `"principal":"User:CN=bob","host":"127.0.0.1".*"operation":"(WRITE|DESCRIBE)","resourceType":"TOPIC","resource":"orders".*"nearest":\{.*"name":"ord".*"misses":"pattern: LITERAL.*PREFIXED`,
			`"grant":"kafka-acls.sh --bootstrap-server HOST:PORT .*--add --allow-principal 'User:CN=bob' --operation (Write|Describe) --topic 'orders'"`)
	})
	t.Run("P13 the broker's own principal", func(t *testing.T) {
		p := with(sslSettings(t, server, ca), "listeners", "SSL://127.0.0.1:0", "security.inter.broker.protocol", "SSL", "ssl.client.auth", "required",
			"authorizer.class.name", "kafka.security.auth.SimpleAclAuthorizer", "log.dirs", t.TempDir(), "zookeeper.connect", "localhost:2181")
		delete(p, "security.protocol")
		says(t, "broker", complain(t, "kafka-server-start", settingsFile(t, p)), `^error: the broker's own principal User:CN=server may not act on the cluster: ClusterAction`, `^hint: allow it: .*--add --allow-principal 'User:CN=server' --operation All --cluster$`)
	})
	t.Run("P15 a listener with SASL", func(t *testing.T) {
		c, err := kfake.NewCluster(kfake.Ports(0), kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "a", "b"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		says(t, "tool", complain(t, "kafka-topics", "--bootstrap-server", c.ListenAddrs()[0], "--list"), `^error: .*this listener wants a login by SASL \(.*PLAIN.*\) and security.protocol asks for none \(SL-SASL-01\)$`, `^hint: take a listener of the cluster without SASL`)
		says(t, "doctor", complain(t, "schloss", "doctor", c.ListenAddrs()[0], "-o", "table"), `^bad   sasl .*wants a login by SASL.*\(SL-SASL-01\)$`)
		says(t, "doctor", complain(t, "schloss", "doctor", c.ListenAddrs()[0], "--command-config", settingsFile(t, map[string]string{"security.protocol": "SASL_SSL"}), "-o", "table"), `^bad   settings .*SASL_SSL.*\(SL-CFG-0[13]\)$`)
	})
	t.Run("P16 settings behind the wrong flag", func(t *testing.T) {
		says(t, "producer", complain(t, "kafka-console-producer", "--bootstrap-server", good.Addr, "--topic", "t", "--consumer.config", "x"), `^error: consumer.config is not a recognized option`, `^hint: did you mean --producer.config\?$`)
		says(t, "consumer", complain(t, "kafka-console-consumer", "--bootstrap-server", good.Addr, "--topic", "t", "--producer.config", "x"), `^error: producer.config is not a recognized option`, `^hint: did you mean --consumer.config\?$`)
		bad := filepath.Join(t.TempDir(), "bad.properties")
		if err := os.WriteFile(bad, []byte("security.protocol=SSL\nssl.truststore.lokation=x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, "doctor", complain(t, "schloss", "doctor", good.Addr, "--command-config", bad, "-o", "table"), `^bad   settings .*bad.properties:2.*ssl.truststore.lokation.*\(SL-CFG-01\)$`, `^ +try: did you mean ssl.truststore.location\?`)
	})
	t.Run("P19 one cluster as source and target; sides of a mirror", func(t *testing.T) {
		open := testkit.Start(t, testkit.Options{})
		source := settingsFile(t, map[string]string{"bootstrap.servers": open.Addr, "group.id": "m"})
		same := settingsFile(t, map[string]string{"bootstrap.servers": strings.Replace(open.Addr, "127.0.0.1", "localhost", 1)})
		says(t, "mirror", complain(t, "kafka-mirror-maker", "--consumer.config", source, "--producer.config", same, "--include", ".*"), `^error: .*source and target are one cluster`, `^hint: name the other cluster: bootstrap.servers in the file of --producer.config`)
		untrusted := settingsFile(t, with(sslSettings(t, alice, otherCA), "bootstrap.servers", good.Addr))
		says(t, "mirror", complain(t, "kafka-mirror-maker", "--consumer.config", source, "--producer.config", untrusted, "--include", ".*"), `^error: reach the target: connect to `+good.Addr+`: tls: .*issuer "CN=castle" is not trusted \(SL-TLS-03\)$`, `^hint: .*keytool`)
		plain := settingsFile(t, map[string]string{"bootstrap.servers": good.Addr, "group.id": "m"})
		says(t, "mirror", complain(t, "kafka-mirror-maker", "--consumer.config", plain, "--producer.config", source, "--include", ".*"), `^error: reach the source: .*wants TLS.*\(SL-TLS-01\)$`, `^hint: set security.protocol=SSL and the ssl settings in \S*`+regexp.QuoteMeta(filepath.Base(plain)))
	})
	t.Run("P20 a record that the target does not take", func(t *testing.T) {
		from, to := testkit.Start(t, testkit.Options{}), testkit.Start(t, testkit.Options{})
		for _, args := range [][]string{{from.Addr}, {to.Addr, "--config", "max.message.bytes=1000"}} {
			if code, _, errs := run(t, "", append([]string{"kafka-topics", "--create", "--topic", "big", "--bootstrap-server"}, args...)...); code != 0 {
				t.Fatal(errs)
			}
		}
		if code, _, errs := run(t, strings.Repeat("x", 5000)+"\n", "kafka-console-producer", "--bootstrap-server", from.Addr, "--topic", "big"); code != 0 {
			t.Fatal(errs)
		}
		source := settingsFile(t, map[string]string{"bootstrap.servers": from.Addr, "group.id": "m", "auto.offset.reset": "earliest"})
		target := settingsFile(t, map[string]string{"bootstrap.servers": to.Addr})
		says(t, "mirror", complain(t, "kafka-mirror-maker", "--consumer.config", source, "--producer.config", target, "--include", "big"),
			`^error: send big-0 at offset 0 to the target: .*\d+ bytes.* 1000 \(max.message.bytes\)`, `^hint: change what the target's topic takes: .*kafka-configs --bootstrap-server `+to.Addr+` --alter --entity-type topics --entity-name big --add-config max.message.bytes=`)
	})
	t.Run("P22 stores in one step", func(t *testing.T) {
		dir := t.TempDir()
		code, out, errs := run(t, "", "schloss", "certs", "create", "--dir", dir, "--dname", "CN=castle", "--password", storePassword)
		if code != 0 {
			t.Fatal(errs)
		}
		says(t, "certs", out, `^server: User:CN=castle$`, `kafka-acls .*--add --allow-principal 'User:CN=castle'`)
		code, out, _ = run(t, "", "schloss", "doctor", good.Addr, "--command-config", filepath.Join(dir, "client.properties"), "-o", "json")
		says(t, "doctor", out, `"passed": false`, `"code": "SL-TLS-03"`, `"cure": "keytool `)
		if code != 8 {
			t.Errorf("it ends with %d, want 8", code)
		}
		for _, args := range [][]string{{"a:1", "b:1"}, {"a:1", "--as", "eat"}, {}, {"--explain", "SL-TLS-99"}, {"a:1", "--bootstrap-server", "b:1"}} {
			if code, _, errs := run(t, "", append([]string{"schloss", "doctor"}, args...)...); code != 2 || !strings.Contains(errs, "\nhint: ") {
				t.Errorf("%s: it ends with %d and %s, want 2 and a hint", args, code, errs)
			}
		}
	})
	t.Run("P23 host names are not checked", func(t *testing.T) {
		b := secured(t, certify(t, "x", ca, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"broker.example"}, nil }), ca)
		file := settingsFile(t, with(sslSettings(t, alice, ca), "ssl.endpoint.identification.algorithm", ""))
		code, _, errs := run(t, "", "kafka-topics", "--bootstrap-server", b.Addr, "--command-config", file, "--list")
		says(t, "tool", errs, `^warning: the certificate is not for host "127.0.0.1" but for broker.example; it is taken all the same, since ssl.endpoint.identification.algorithm is empty`)
		if code != 0 {
			t.Errorf("it ends with %d, want 0", code)
		}
		_, out, _ := run(t, "", "schloss", "doctor", b.Addr, "--command-config", file, "-o", "table")
		says(t, "doctor", out, `^warn  settings .*\(SL-TLS-09\)$`, `^warn  names .*but for broker.example; nobody checks.*\(SL-TLS-09\)$`, `^ +try: .*--host 127.0.0.1`)
	})
}

// leaderless is a cluster whose topic orders has a partition without a leader.
func leaderless(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.Ports(0), kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	host, port, err := net.SplitHostPort(c.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked := req.(*kmsg.MetadataRequest)
		resp := asked.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.Host, b.Port = host, int32(number(t, port))
		resp.Brokers = append(resp.Brokers, b)
		for _, topic := range asked.Topics {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Leader, p.ErrorCode = -1, int16(kafka.ErrLeaderNotAvailable)
			answer := kmsg.NewMetadataResponseTopic()
			answer.Topic, answer.AuthorizedOperations = topic.Topic, 1<<kafka.Write
			answer.Partitions = append(answer.Partitions, p)
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, int16(kafka.ErrNotLeaderOrFollower)
				answer.Partitions = append(answer.Partitions, p)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	return c.ListenAddrs()[0]
}

func number(t *testing.T, text string) int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Errorf("%q is no number", text)
		return 0
	}
	return int(n.Int64())
}
