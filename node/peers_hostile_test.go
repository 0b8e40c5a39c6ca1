package node_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schloss/internal/testkit"
	"schloss/kafka/wire"
	"schloss/node"
	"schloss/security/keystore"
)

// castle is a broker with TLS whose authority also signs what no honest one would.
type castle struct {
	addr string
	log  *testkit.Output
	own  tls.Certificate // trusted by the broker
	root *x509.Certificate
	key  *ecdsa.PrivateKey // of root
}

// junk makes a certificate of whatever the caller likes.
func junk(t *testing.T, subject pkix.Name, parent *x509.Certificate, signer *ecdsa.PrivateKey, authority bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if authority {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func newCastle(t *testing.T) *castle {
	t.Helper()
	dir := t.TempDir()
	c := &castle{log: &testkit.Output{}}
	c.root, c.key = junk(t, pkix.Name{CommonName: "root"}, nil, nil, true)
	leaf, key := junk(t, pkix.Name{CommonName: "castle"}, c.root, c.key, false)
	c.own = tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}
	const password = "test1234"
	for name, s := range map[string]*keystore.Store{
		"key":   {Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: key, Chain: []*x509.Certificate{leaf, c.root}}}},
		"trust": {Trusted: []keystore.TrustedEntry{{Alias: "root", Certificate: c.root}}},
	} {
		data, err := keystore.Encode(s, keystore.PKCS12, password, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := keystore.WriteFile(filepath.Join(dir, name), data, 0o600, false); err != nil {
			t.Fatal(err)
		}
	}
	p := map[string]string{
		"listeners": "SSL://127.0.0.1:0", "log.dirs": filepath.Join(dir, "data"), "security.inter.broker.protocol": "SSL", "ssl.client.auth": "required",
		"ssl.keystore.location": filepath.Join(dir, "key"), "ssl.keystore.password": password, "ssl.key.password": password,
		"ssl.truststore.location": filepath.Join(dir, "trust"), "ssl.truststore.password": password,
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan node.Started, 1), make(chan error, 1)
	go func() {
		ended <- node.Run(ctx, node.Config{Properties: properties(t, p), Stdout: io.Discard, Stderr: c.log, Ready: func(s node.Started) { ready <- s }})
	}()
	select {
	case s := <-ready:
		c.addr = s.Listeners["SSL"]
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// asks says whether a client that comes with a configuration is served.
func (c *castle) asks(t *testing.T, cfg *tls.Config) error {
	t.Helper()
	sock, err := net.Dial("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	_ = sock.SetDeadline(time.Now().Add(patience))
	cfg.InsecureSkipVerify = true // what the broker makes of the client is tried here
	conn := tls.Client(sock, cfg)
	return greet(conn)
}

// greet asks for ApiVersions.
func greet(conn io.ReadWriter) error {
	frame := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: wire.ApiVersionsKey})
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := conn.Write(frame); err != nil {
		return err
	}
	_, err := wire.ReadFrame(conn, 1<<20, nil)
	return err
}

// serves fails unless an honest client is served.
func (c *castle) serves(t *testing.T) {
	t.Helper()
	if err := c.asks(t, &tls.Config{Certificates: []tls.Certificate{c.own}}); err != nil {
		t.Errorf("an honest client is not served any more: %v", err)
	}
}

func TestHostileGreetings(t *testing.T) {
	c := newCastle(t)
	with := func(change func(*tls.Config)) *tls.Config {
		cfg := &tls.Config{Certificates: []tls.Certificate{c.own}}
		change(cfg)
		return cfg
	}
	chain := func(n int) tls.Certificate {
		one := tls.Certificate{Certificate: c.own.Certificate, PrivateKey: c.own.PrivateKey}
		other, _ := junk(t, pkix.Name{CommonName: "root"}, nil, nil, true) // takes the root's name
		for range n {
			one.Certificate = append(one.Certificate[:len(one.Certificate):len(one.Certificate)], other.Raw)
		}
		return one
	}
	named := func(size int) tls.Certificate {
		leaf, key := junk(t, pkix.Name{CommonName: strings.Repeat("x", size)}, c.root, c.key, false)
		return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}
	}
	protocols := func(n int) (all []string) {
		for range n {
			all = append(all, strings.Repeat("p", 200))
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		cfg    *tls.Config
		served bool
	}{
		{"a name that is not ours", with(func(cfg *tls.Config) { cfg.ServerName = "elsewhere.example" }), true},
		{"a name of 250 bytes", with(func(cfg *tls.Config) { cfg.ServerName = strings.Repeat("a", 250) }), true},
		{"a name with line breaks", with(func(cfg *tls.Config) { cfg.ServerName = "a\nlevel=ERROR msg=forged" }), true},
		{"protocols nobody speaks", with(func(cfg *tls.Config) { cfg.NextProtos = []string{"h2", "http/1.1"} }), true},
		{"thousands of protocols", with(func(cfg *tls.Config) { cfg.NextProtos = protocols(250) }), true},
		{"more protocols than a greeting holds", with(func(cfg *tls.Config) { cfg.NextProtos = protocols(320) }), false},
		{"a chain of hundreds", with(func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{chain(400)} }), true},
		{"a chain of thousands", with(func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{chain(5000)} }), false},
		{"a DN of 100 KB, signed", with(func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{named(100 << 10)} }), true},
		{"a DN of 1 MB, signed", with(func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{named(1 << 20)} }), false},
		{"TLS 1.2", with(func(cfg *tls.Config) { cfg.MaxVersion = tls.VersionTLS12 }), true},
		{"TLS 1.1", with(func(cfg *tls.Config) { cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := c.asks(t, tt.cfg); (err == nil) != tt.served {
				t.Errorf("got %v, served: %v", err, tt.served)
			}
			c.serves(t)
		})
	}
	if strings.Contains(c.log.String(), "\nlevel=ERROR msg=forged") {
		t.Error("a peer has written a line of the log")
	}
}

// TestALongPrincipalMakesNoLongLines has a peer with a name of 100 KB do wrong.
func TestALongPrincipalMakesNoLongLines(t *testing.T) {
	c := newCastle(t)
	leaf, key := junk(t, pkix.Name{CommonName: strings.Repeat("x", 100<<10)}, c.root, c.key, false)
	conn, err := tls.Dial("tcp", c.addr, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Fatal("it was answered")
	}
	for deadline := time.Now().Add(patience); !strings.Contains(c.log.String(), "connection closed"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is told:\n%s", c.log)
		}
	}
	for in := bufio.NewScanner(strings.NewReader(c.log.String())); in.Scan(); {
		if len(in.Text()) > 4<<10 {
			t.Errorf("a line of %d bytes: %.100s", len(in.Text()), in.Text())
		}
	}
}

// TestAGreetingAmongRequestsIsCut sends a second ClientHello, as a renegotiation
// would, and other records that have no place in a session.
func TestAGreetingAmongRequestsIsCut(t *testing.T) {
	c := newCastle(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, record := range map[string][]byte{
			"a ClientHello":  append([]byte{0x16, 3, 3, 0, 8}, 1, 0, 0, 4, 3, 3, 0, 0),
			"a HelloRequest": append([]byte{0x16, 3, 3, 0, 4}, 0, 0, 0, 0),
			"plaintext":      append([]byte{0x17, 3, 3, 0, 8}, 0, 0, 0, 4, 0, 18, 0, 0),
			"no record":      []byte("GET / HTTP/1.1\r\n\r\n"),
		} {
			sock, err := net.Dial("tcp", c.addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = sock.SetDeadline(time.Now().Add(patience))
			conn := tls.Client(sock, &tls.Config{Certificates: []tls.Certificate{c.own}, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
			if err := greet(conn); err != nil {
				t.Fatal(err)
			}
			if _, err := sock.Write(record); err != nil {
				t.Fatal(err)
			}
			if err := greet(conn); err == nil {
				t.Errorf("%s in TLS %#x: the next request was served", name, version)
			}
			_ = sock.Close()
		}
	}
	c.serves(t)
}
