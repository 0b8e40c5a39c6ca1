package ssl

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schloss/kafka/config"
	"schloss/security/keystore"
)

// today is within the dates of the course's stores.
var today = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return today }

const password = "test1234"

// identity is a certificate with its key and the chain above it.
type identity struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

// issue makes a certificate under parent, or a self-signed one. change alters
// the template of a leaf that is good for localhost on both sides.
func issue(t *testing.T, name string, parent *identity, change func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(1, 0, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(c)
	}
	signer, above := crypto.Signer(key), []*x509.Certificate(nil)
	issuer := c
	if parent != nil {
		signer, above, issuer = parent.key, parent.chain, parent.chain[0]
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{key: key, chain: append([]*x509.Certificate{leaf}, above...)}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.DNSNames, c.IPAddresses = true, true, nil, nil
	c.KeyUsage = x509.KeyUsageCertSign
}

func writeStore(t *testing.T, path string, s *keystore.Store) {
	t.Helper()
	data, err := keystore.Encode(s, keystore.PKCS12, password, today)
	if err != nil {
		t.Fatal(err)
	}
	if err := keystore.WriteFile(path, data, 0o600, true); err != nil {
		t.Fatal(err)
	}
}

// side writes stores and gives the settings that name them. Either may be nil.
func side(t *testing.T, own, trusted *identity) string {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	if own != nil {
		path := filepath.Join(dir, "keystore.jks")
		writeStore(t, path, &keystore.Store{Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: own.key, Chain: own.chain}}})
		fmt.Fprintf(&text, "ssl.keystore.location=%s\nssl.keystore.password=%s\n", path, password)
	}
	if trusted != nil {
		path := filepath.Join(dir, "truststore.jks")
		writeStore(t, path, &keystore.Store{Trusted: []keystore.TrustedEntry{{Alias: "CARoot", Certificate: trusted.chain[0]}}})
		fmt.Fprintf(&text, "ssl.truststore.location=%s\nssl.truststore.password=%s\n", path, password)
	}
	return text.String()
}

func values(t *testing.T, table *config.Table, text string) *config.Values {
	t.Helper()
	p, err := config.Parse("test.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := table.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newServer(t *testing.T, text string) *Reloader {
	t.Helper()
	s, err := serverSettings(values(t, config.Server, text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := open(s, true, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newClient(t *testing.T, text string) *Reloader {
	t.Helper()
	s, err := clientSettings(values(t, config.Admin, text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := open(s, false, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is what both ends of one connection saw, explained.
type outcome struct {
	server, client           error // client: of the handshake, or of the first read
	serverState, clientState tls.ConnectionState
	late                     bool // the client learned it from the first read
}

// connect shakes hands over loopback, then the server sends one byte.
func connect(t *testing.T, server, client *tls.Config) outcome {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var o outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			o.server = err
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		c := tls.Server(nc, server)
		if o.server = Explain(c.Handshake()); o.server == nil {
			o.serverState = c.ConnectionState()
			c.Write([]byte{1})
		}
		nc.Read(make([]byte, 1)) // until the client has seen all
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	c := tls.Client(nc, client)
	if err := c.Handshake(); err != nil {
		o.client = Explain(err)
	} else {
		o.clientState = c.ConnectionState()
		_, err := c.Read(make([]byte, 1))
		o.client, o.late = Explain(err), err != nil
	}
	nc.Close()
	<-done
	return o
}
