package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/principal"
)

func rules(t *testing.T, text string) principal.Rules {
	t.Helper()
	r, err := principal.ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// course are the settings of the course, with the stores that its own keytool
// and openssl commands made: version 1 leaves without SAN.
const course = `
ssl.keystore.location=../keystore/testdata/course/server.keystore.jks
ssl.keystore.password=test1234
ssl.key.password=test1234
ssl.truststore.location=../keystore/testdata/course/server.truststore.jks
ssl.truststore.password=test1234
`

func TestCoursesStoresServe(t *testing.T) {
	server := newServer(t, course+"ssl.client.auth=required\n")
	if got := server.Leaf().Version; got != 1 {
		t.Fatalf("the leaf has version %d, want the course's 1", got)
	}
	client := newClient(t, course+"ssl.endpoint.identification.algorithm=\n")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := client.Client("localhost")
		c.MaxVersion = version
		o := connect(t, server.Server(), c)
		if o.server != nil || o.client != nil {
			t.Fatalf("server %v, client %v", o.server, o.client)
		}
		got, err := Peer(o.serverState, rules(t, "DEFAULT"))
		if want := "User:CN=Xi Hu,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN"; err != nil || got.String() != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	// With the host check on, its certificate is for no host at all.
	var host *HostError
	if o := connect(t, server.Server(), newClient(t, course).Client("localhost")); !errors.As(o.client, &host) || host.Names[0] != "Xi Hu" {
		t.Errorf("got %v, want a host error", o.client)
	}
}

func TestPeer(t *testing.T) {
	leaf := issue(t, "alice", nil, nil).chain[0]
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	if p, err := Peer(tls.ConnectionState{}, rules(t, "DEFAULT")); err != nil || p != principal.Anonymous {
		t.Errorf("without certificate: got %v, %v", p, err)
	}
	if p, err := Peer(state, rules(t, "RULE:^CN=(.*)$/$1/U")); err != nil || p != principal.User("ALICE") {
		t.Errorf("mapped: got %v, %v", p, err)
	}
	var unmapped *UnmappedError
	if p, err := Peer(state, rules(t, "")); !errors.As(err, &unmapped) || unmapped.DN != "CN=alice" {
		t.Errorf("without rules: got %v, %v, want an error, never anonymous", p, err)
	}
}

func TestHandshakes(t *testing.T) {
	root := issue(t, "root", nil, authority)
	stranger := issue(t, "stranger", nil, authority)
	middle := issue(t, "middle", root, authority)
	good := issue(t, "good", root, nil)
	expired := func(c *x509.Certificate) {
		c.NotAfter = today.AddDate(0, 0, -1)
		c.NotBefore = c.NotAfter.AddDate(0, 0, -9)
	}
	future := func(c *x509.Certificate) { c.NotBefore = today.AddDate(0, 0, 1) }
	noNames := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }

	unknownCA, expiredErr, hostErr := new(*UnknownCAError), new(*ExpiredError), new(*HostError)
	tests := []struct {
		name           string
		server, client *identity
		serverTrusts   *identity
		clientTrusts   *identity
		host           string // "": localhost
		settings       string // of the server
		clientSettings string
		atServer       any  // nil, or what errors.As, or an error of what errors.Is
		atClient       any  // the same; an alert as its code
		late           bool // with TLS 1.3 the client learns it from its first read
		warns          string
	}{
		{name: "mutual", server: good, client: good},
		{name: "by address", server: good, client: good, host: "127.0.0.1"},
		{name: "an authority between", server: issue(t, "deep", middle, nil), client: issue(t, "deep", middle, nil)},
		{name: "client trusts another CA", server: good, client: good, clientTrusts: stranger, atClient: unknownCA, atServer: uint8(42)},
		{name: "server trusts another CA", server: good, client: good, serverTrusts: stranger, atServer: unknownCA, atClient: uint8(48), late: true},
		{name: "no client certificate", server: good, atServer: ErrNoClientCertificate, atClient: uint8(116), late: true},
		{name: "no client certificate, none needed", server: good, settings: "ssl.client.auth=none"},
		{name: "no client certificate, one welcome", server: good, settings: "ssl.client.auth=requested"},
		{name: "bad client certificate, one welcome", server: good, client: issue(t, "x", stranger, nil), settings: "ssl.client.auth=requested", atServer: unknownCA, atClient: uint8(48), late: true},
		{name: "wrong host", server: good, client: good, host: "example.com", atClient: hostErr, atServer: uint8(42)},
		{name: "wrong address", server: good, client: good, host: "127.0.0.2", atClient: hostErr, atServer: uint8(42)},
		{name: "wrong host, not checked", server: good, client: good, host: "example.com", clientSettings: "ssl.endpoint.identification.algorithm=", warns: "not for host \"example.com\" but for localhost"},
		{name: "not checked, yet another CA", server: good, client: good, clientTrusts: stranger, clientSettings: "ssl.endpoint.identification.algorithm=", atClient: unknownCA, atServer: uint8(42)},
		{name: "host in the CN alone", server: issue(t, "localhost", root, noNames), client: good, warns: "only in its CN"},
		{name: "host in the CN beside other names", server: issue(t, "localhost", root, func(c *x509.Certificate) { c.DNSNames = []string{"a.example.com"} }), client: good, atClient: hostErr, atServer: uint8(42)},
		{name: "address in the CN", server: issue(t, "127.0.0.1", root, noNames), client: good, host: "127.0.0.1", atClient: hostErr, atServer: uint8(42)},
		{name: "wildcard", server: issue(t, "x", root, func(c *x509.Certificate) { c.DNSNames = []string{"*.example.com"} }), client: good, host: "a.example.com"},
		{name: "expired server", server: issue(t, "x", root, expired), client: good, atClient: expiredErr, atServer: uint8(42), warns: "our own certificate"},
		{name: "expired client", server: good, client: issue(t, "x", root, expired), atServer: expiredErr, atClient: uint8(45), late: true, warns: "our own certificate"},
		{name: "client of tomorrow", server: good, client: issue(t, "x", root, future), atServer: expiredErr, atClient: uint8(45), late: true, warns: "our own certificate"},
		{name: "signed by a leaf", server: good, client: issue(t, "x", good, nil), atServer: unknownCA, atClient: uint8(48), late: true},
		{name: "server for servers alone as client", server: good, client: issue(t, "x", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), atServer: "incompatible key usage", atClient: uint8(42), late: true},
		{name: "client for clients alone as server", server: issue(t, "x", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), client: good, atClient: "incompatible key usage", atServer: uint8(42)},
		{name: "client key not for signing", server: good, client: issue(t, "x", root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), atServer: "does not allow signatures", atClient: uint8(42), late: true},
		{name: "server key not for signing", server: issue(t, "x", root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), client: good, atClient: "does not allow signatures", atServer: uint8(42)},
		{name: "signed with SHA-1", server: issue(t, "old", root, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }), client: good, atClient: new(*WeakError), atServer: uint8(42)},
		{name: "itself trusted", server: good, client: good, serverTrusts: good, clientTrusts: good},
		{name: "only TLS 1.2 at the server", server: good, client: good, settings: "ssl.enabled.protocols=TLSv1.2"},
		{name: "no version in common", server: good, client: good, settings: "ssl.enabled.protocols=TLSv1.2", clientSettings: "ssl.enabled.protocols=TLSv1.3", atServer: "no protocol version in common: the client offers TLS 1.3", atClient: uint8(70)},
		{name: "no suite in common", server: good, client: good, settings: "ssl.cipher.suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", clientSettings: "ssl.cipher.suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", atServer: "no cipher suite in common: the client offers TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", atClient: uint8(40)},
	}
	or := func(a, b *identity) *identity {
		if a != nil {
			return a
		}
		return b
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var warned []string
			warn := func(text string) { warned = append(warned, text) }
			auth := tt.settings
			if !strings.Contains(auth, "client.auth") {
				auth += "\nssl.client.auth=required"
			}
			server := newServer(t, side(t, tt.server, or(tt.serverTrusts, root))+auth+"\n")
			client := newClient(t, side(t, tt.client, or(tt.clientTrusts, root))+tt.clientSettings+"\n")
			server.Warn, client.Warn = warn, warn
			host := tt.host
			if host == "" {
				host = "localhost"
			}
			o := connect(t, server.Server(), client.Client(host))
			judge(t, "server", o.server, tt.atServer)
			judge(t, "client", o.client, tt.atClient)
			if o.late != tt.late {
				t.Errorf("the client learned it late: %v, want %v", o.late, tt.late)
			}
			if all := strings.Join(warned, "\n"); (all != "") != (tt.warns != "") || !strings.Contains(all, tt.warns) {
				t.Errorf("warned %q, want %q", all, tt.warns)
			}
		})
	}
}

func judge(t *testing.T, who string, got error, want any) {
	t.Helper()
	ok := false
	switch want := want.(type) {
	case nil:
		ok = got == nil
	case string:
		ok = got != nil && strings.Contains(got.Error(), want)
	case uint8:
		var alert *AlertError
		ok = errors.As(got, &alert) && alert.Code == want
	case error:
		ok = errors.Is(got, want)
	default:
		ok = got != nil && errors.As(got, want)
	}
	if !ok {
		t.Errorf("%s: got %v, want %T %v", who, got, want, want)
	}
}

func TestVersion12RefusesAtOnce(t *testing.T) {
	root := issue(t, "root", nil, authority)
	good := issue(t, "good", root, nil)
	server := newServer(t, side(t, good, root)+"ssl.client.auth=required\nssl.enabled.protocols=TLSv1.2\n")
	o := connect(t, server.Server(), newClient(t, side(t, nil, root)).Client("localhost"))
	judge(t, "server", o.server, ErrNoClientCertificate)
	judge(t, "client", o.client, uint8(40))
	if o.late {
		t.Error("the client learned it late")
	}
}

func TestNoSessionIsResumed(t *testing.T) {
	root := issue(t, "root", nil, authority)
	good := issue(t, "good", root, nil)
	server := newServer(t, side(t, good, root)+"ssl.client.auth=required\n").Server()
	client := newClient(t, side(t, good, root)).Client("localhost")
	client.SessionTicketsDisabled = false // a client that would like to
	client.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	for range 3 {
		o := connect(t, server, client)
		if o.server != nil || o.client != nil {
			t.Fatalf("server %v, client %v", o.server, o.client)
		}
		if o.serverState.DidResume || o.clientState.DidResume {
			t.Error("a session was resumed, past the verification")
		}
	}
}

func TestPlaintextOnOneSide(t *testing.T) {
	root := issue(t, "root", nil, authority)
	good := issue(t, "good", root, nil)
	server := newServer(t, side(t, good, root)+"ssl.client.auth=required\n")
	client := newClient(t, side(t, good, root))

	t.Run("plaintext client", func(t *testing.T) {
		near, far := net.Pipe()
		go func() {
			near.Write([]byte{0, 0, 0, 20, 0, 18, 0, 3, 0, 0, 0, 1})
			near.Read(make([]byte, 64))
			near.Close()
		}()
		judge(t, "server", Explain(tls.Server(far, server.Server()).Handshake()), ErrPlaintextPeer)
		far.Close()
	})
	t.Run("plaintext server that hangs up", func(t *testing.T) {
		near, far := net.Pipe()
		go func() {
			far.Read(make([]byte, 4096))
			far.Close()
		}()
		judge(t, "client", Explain(tls.Client(near, client.Client("localhost")).Handshake()), ErrClosedInHandshake)
	})
	t.Run("plaintext server that answers", func(t *testing.T) {
		near, far := net.Pipe()
		go func() {
			far.Read(make([]byte, 4096))
			far.Write([]byte("SSH-2.0-OpenSSH\r\n"))
			far.Close()
		}()
		judge(t, "client", Explain(tls.Client(near, client.Client("localhost")).Handshake()), ErrPlaintextPeer)
	})
}

func TestExplainLeavesTheRestAlone(t *testing.T) {
	other := errors.New("no such host")
	if got := Explain(other); got != other {
		t.Errorf("got %v", got)
	}
	if got := Explain(nil); got != nil {
		t.Errorf("got %v for nil", got)
	}
	once := Explain(errors.New(noCertificate))
	if got := Explain(once); got != once {
		t.Errorf("explained twice: %v", got)
	}
}

func TestInlinePEM(t *testing.T) {
	root := issue(t, "root", nil, authority)
	good := issue(t, "good", root, nil)
	pem := func(s *keystore.Store) string {
		data, err := keystore.Encode(s, keystore.PEM, "", today)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", "\\n")
	}
	own := pem(&keystore.Store{Keys: []keystore.KeyEntry{{PrivateKey: good.key, Chain: good.chain}}})
	key, chain, _ := strings.Cut(own, "\\n-----BEGIN CERTIFICATE")
	text := "ssl.keystore.type=PEM\nssl.truststore.type=PEM\nssl.keystore.key=" + key + "\nssl.keystore.certificate.chain=-----BEGIN CERTIFICATE" + chain +
		"\nssl.truststore.certificates=" + pem(&keystore.Store{Trusted: []keystore.TrustedEntry{{Certificate: root.chain[0]}}}) + "\n"
	o := connect(t, newServer(t, text+"ssl.client.auth=required\n").Server(), newClient(t, text).Client("localhost"))
	if o.server != nil || o.client != nil {
		t.Errorf("server %v, client %v", o.server, o.client)
	}
	for _, missing := range []string{"ssl.keystore.key", "ssl.keystore.certificate.chain"} {
		cut := strings.Replace(text, missing+"=", "#", 1)
		if _, err := ClientConfig(values(t, config.Admin, cut)); err == nil || !strings.Contains(err.Error(), "need each other") {
			t.Errorf("without %s: got %v", missing, err)
		}
	}
}

// TestErrorsWriteNamesAsTheyAre: a DN escapes by backslashes, and is copied from
// errors into rules.
func TestErrorsWriteNamesAsTheyAre(t *testing.T) {
	const dn = `OU=YourDept\,CN\=Xi Hu,C=CN`
	for _, err := range []error{
		&UnknownCAError{Subject: dn}, &UnknownCAError{Issuer: dn}, &ExpiredError{Subject: dn}, &ExpiredError{Subject: dn, Now: today},
		&ExpiredError{Subject: dn, NotBefore: today.AddDate(1, 0, 0), Now: today}, &WeakError{Subject: dn}, &UnmappedError{DN: dn},
	} {
		if !strings.Contains(err.Error(), `"`+dn+`"`) {
			t.Errorf("got %s, want it to hold %s", err, dn)
		}
	}
	host := &HostError{Host: "localhost", Names: []string{"Xi Hu", "localhost", "a.example", "10.0.0.1"}}
	if got, want := strings.Join(host.Hosts(), ","), "localhost,a.example,10.0.0.1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
