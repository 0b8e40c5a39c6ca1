package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka/config"
	"schloss/kafka/wire"
	"schloss/security/ssl"
)

// signed is a certificate with its key, by parent or by itself.
type signed struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func sign(t *testing.T, parent *signed, change func(*x509.Certificate)) *signed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: t.Name()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: parent == nil,
	}
	change(template)
	by := &signed{template, key}
	if parent != nil {
		by = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signed{cert, key}
}

func (s *signed) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{s.cert.Raw}, PrivateKey: s.key}
}

func (s *signed) pemFile(t *testing.T, withKey bool) string {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
	if withKey {
		der, err := x509.MarshalPKCS8PrivateKey(s.key)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	path := filepath.Join(t.TempDir(), "store.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kafkaListener answers ApiVersions as a broker does, and hangs up on what is
// no frame, as Kafka does. On a TLS listener it shakes hands first.
func kafkaListener(t *testing.T, config *tls.Config, apis []byte) string {
	return advertisingListener(t, config, apis, "")
}

// advertisingListener sends clients on to an address; "" is its own.
func advertisingListener(t *testing.T, config *tls.Config, apis []byte, advertised string) string {
	t.Helper()
	return listener(t, func(nc net.Conn) {
		at := advertised
		if at == "" {
			at = nc.LocalAddr().String()
		}
		if config != nil {
			nc = tls.Server(nc, config)
			defer nc.Close()
		}
		for {
			frame, err := wire.ReadFrame(nc, 1<<20, nil)
			if err != nil {
				return
			}
			h, _, err := wire.ParseRequestHeader(frame)
			if err != nil {
				return
			}
			switch h.Key {
			case int16(kmsg.Metadata):
				respond(nc, h, metadataOf(at))
			default:
				respond(nc, h, apis)
			}
		}
	})
}

// metadataOf is a Metadata response of version 1 with one broker, 7.
func metadataOf(addr string) []byte {
	host, port, _ := net.SplitHostPort(addr)
	b := kmsg.NewMetadataResponseBroker()
	b.NodeID, b.Host = 7, host
	n, _ := strconv.Atoi(port)
	b.Port = int32(n)
	resp := kmsg.MetadataResponse{Version: 1, Brokers: []kmsg.MetadataResponseBroker{b}}
	return resp.AppendTo(nil)
}

// saslListener answers ApiVersions, and hangs up on whoever does not log in.
func saslListener(t *testing.T) string {
	return listener(t, func(nc net.Conn) {
		for {
			frame, err := wire.ReadFrame(nc, 1<<20, nil)
			if err != nil {
				return
			}
			h, _, err := wire.ParseRequestHeader(frame)
			if err != nil {
				return
			}
			switch h.Key {
			case int16(kmsg.ApiVersions):
				respond(nc, h, everything)
			case int16(kmsg.SASLHandshake):
				resp := kmsg.SASLHandshakeResponse{ErrorCode: 33, SupportedMechanisms: []string{"SCRAM-SHA-256", "PLAIN"}}
				respond(nc, h, resp.AppendTo(nil))
			default:
				return
			}
		}
	})
}

func listener(t *testing.T, serve func(net.Conn)) string {
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
			go func() { defer nc.Close(); serve(nc) }()
		}
	}()
	return l.Addr().String()
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	ca := sign(t, nil, func(*x509.Certificate) {})
	otherCA := sign(t, nil, func(*x509.Certificate) {})
	local := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	leaf := sign(t, ca, local)
	elsewhere := sign(t, ca, func(c *x509.Certificate) { c.DNSNames = []string{"elsewhere.example"} })
	old := sign(t, ca, func(c *x509.Certificate) {
		local(c)
		c.NotBefore, c.NotAfter = c.NotBefore.Add(-48*time.Hour), c.NotBefore.Add(-24*time.Hour)
	})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server := func(s *signed) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{s.tls()}} }
	mutual := server(leaf)
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, pool
	mutual12 := mutual.Clone()
	mutual12.MaxVersion = tls.VersionTLS12

	const plaintext = "security.protocol=PLAINTEXT\n"
	trusting := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + ca.pemFile(t, false) + "\n"
	mistrusting := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + otherCA.pemFile(t, false) + "\n"
	own := "ssl.keystore.type=PEM\nssl.keystore.location=" + sign(t, ca, func(*x509.Certificate) {}).pemFile(t, true) + "\n"
	foreign := "ssl.keystore.type=PEM\nssl.keystore.location=" + sign(t, otherCA, func(*x509.Certificate) {}).pemFile(t, true) + "\n"

	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for _, test := range []struct {
		name     string
		settings string
		addr     string
		step     Step // "": it opens
		is       func(error) bool
	}{
		{"plaintext", plaintext, kafkaListener(t, nil, everything), "", nil},
		{"TLS", trusting, kafkaListener(t, server(leaf), everything), "", nil},
		{"mutual TLS", trusting + own, kafkaListener(t, mutual, everything), "", nil},
		{"a host without address", plaintext, "no-such-host.invalid:9092", Resolve, nil},
		{"a closed port", plaintext, closedPort(t), Connect, nil},
		{"plaintext to TLS", plaintext, kafkaListener(t, server(leaf), everything), Protocol, is(ErrPlaintextToTLS)},
		{"plaintext to mutual TLS", plaintext, kafkaListener(t, mutual, everything), Protocol, is(ErrPlaintextToTLS)},
		{"plaintext to TLS that says nothing", plaintext, silentTLS(t, server(leaf)), Protocol, is(ErrPlaintextToTLS)},
		{"TLS to plaintext", trusting, kafkaListener(t, nil, everything), Protocol, is(ErrTLSToPlaintext)},
		{"not Kafka", plaintext, listener(t, func(nc net.Conn) { nc.Write([]byte("220 mail.example ESMTP\r\n")) }), Protocol, is(ErrNotKafka)},
		{"a peer that hangs up", plaintext, listener(t, func(net.Conn) {}), Protocol, is(ErrClosed)},
		{"a controller", plaintext, kafkaListener(t, nil, versions(map[int16]versionRange{18: {0, 4}})), Protocol, is(ErrController)},
		{"a listener with SASL", plaintext, saslListener(t), Protocol, func(err error) bool {
			return as[*SASLError](err) && strings.Contains(err.Error(), "SCRAM-SHA-256, PLAIN")
		}},
		{"unknown CA", mistrusting, kafkaListener(t, server(leaf), everything), TLS, as[*ssl.UnknownCAError]},
		{"another host's certificate", trusting, kafkaListener(t, server(elsewhere), everything), TLS, as[*ssl.HostError]},
		{"expired", trusting, kafkaListener(t, server(old), everything), TLS, as[*ssl.ExpiredError]},
		{"no client certificate", trusting, kafkaListener(t, mutual, everything), TLS, as[*ssl.AlertError]},
		{"no client certificate, TLS 1.2", trusting, kafkaListener(t, mutual12, everything), TLS, as[*ssl.AlertError]},
		{"a client certificate of another CA", trusting + foreign, kafkaListener(t, mutual, everything), TLS, as[*ssl.AlertError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			c, err := Open(t.Context(), Config{Values: adminValues(t, test.settings), Bootstrap: []string{test.addr}})
			if took := time.Since(begin); took > preflightTimeout+time.Second {
				t.Errorf("took %v", took)
			}
			if test.step == "" {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			var ce *ConnectError
			if !errors.As(err, &ce) || ce.Step != test.step || ce.Addr != test.addr {
				t.Fatalf("got %#v (%v), want a ConnectError at %s", err, err, test.step)
			}
			if test.is != nil && !test.is(err) {
				t.Errorf("got %v (%#v)", err, ce.Err)
			}
		})
	}
}

// A broker that sends clients on to where nobody is, or to where another is.
func TestOpenGoesOnToTheAdvertisedAddress(t *testing.T) {
	ca := sign(t, nil, func(*x509.Certificate) {})
	named := sign(t, ca, func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} })
	config := &tls.Config{Certificates: []tls.Certificate{named.tls()}}
	trusting := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + ca.pemFile(t, false) + "\n"
	byName := func(addr string) string { return strings.Replace(addr, "127.0.0.1", "localhost", 1) }
	secured := kafkaListener(t, config, everything)
	nowhere := closedPort(t)
	for _, test := range []struct {
		name, settings, bootstrap string
		advertised                string // "": it opens
		step                      Step
		is                        func(error) bool
	}{
		{"another name of itself", "", byName(kafkaListener(t, nil, everything)), "", "", nil},
		{"a closed port", "", advertisingListener(t, nil, everything, nowhere), nowhere, Connect, nil},
		{"a host without address", "", advertisingListener(t, nil, everything, "no-such-host.invalid:9092"), "no-such-host.invalid:9092", Resolve, nil},
		{"a host that the certificate lacks", trusting, byName(advertisingListener(t, config, everything, secured)), secured, TLS, as[*ssl.HostError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := Open(t.Context(), Config{Values: adminValues(t, test.settings), Bootstrap: []string{test.bootstrap}})
			if test.advertised == "" {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			var ae *AdvertisedError
			var ce *ConnectError
			if !errors.As(err, &ae) || ae.Node != 7 || ae.Asked != test.bootstrap || !errors.As(err, &ce) || ce.Addr != test.advertised || ce.Step != test.step || test.is != nil && !test.is(err) {
				t.Errorf("got %#v (%v), want an AdvertisedError for %s at %s", err, err, test.advertised, test.step)
			}
		})
	}
}

func as[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// silentTLS closes on what is no TLS without a word, as Java's brokers may.
func silentTLS(t *testing.T, config *tls.Config) string {
	return listener(t, func(nc net.Conn) {
		first := make([]byte, 1)
		if _, err := nc.Read(first); err != nil || first[0] != 22 {
			return
		}
		s := tls.Server(&replayed{Conn: nc, first: first}, config)
		s.Handshake()
		s.Close()
	})
}

// replayed is a connection whose first bytes were read already.
type replayed struct {
	net.Conn
	first []byte
}

func (r *replayed) Read(b []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(b, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(b)
}

func TestOpenGivesUpOnSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	t.Parallel()
	addr := listener(t, func(nc net.Conn) { nc.Read(make([]byte, 1<<10)); nc.Read(make([]byte, 1)) })
	begin := time.Now()
	_, err := Open(t.Context(), Config{Values: adminValues(t, ""), Bootstrap: []string{addr}})
	if !errors.Is(err, ErrTimeout) || time.Since(begin) > preflightTimeout+500*time.Millisecond {
		t.Errorf("got %v after %v, want %v within %v", err, time.Since(begin), ErrTimeout, preflightTimeout)
	}
}

func TestOpenTriesEveryServer(t *testing.T) {
	c, err := Open(t.Context(), Config{Values: adminValues(t, ""), Bootstrap: []string{closedPort(t), kafkaListener(t, nil, everything)}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestOpenRefusesBadAddresses(t *testing.T) {
	for _, addr := range []string{"", "localhost", "localhost:"} {
		_, err := Open(t.Context(), Config{Values: adminValues(t, "bootstrap.servers="+addr+"\n")})
		var se *SettingError
		if !errors.As(err, &se) || se.Key != "bootstrap.servers" {
			t.Errorf("%q: got %v, want a SettingError", addr, err)
		}
	}
}

func adminValues(t *testing.T, text string) *config.Values {
	t.Helper()
	return read(t, config.Admin, text)
}

func read(t *testing.T, table *config.Table, text string) *config.Values {
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

// The connection that preflight has made serves the first request.
func TestPreflightConnectsForGood(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	var accepted atomic.Int32
	addr := listener(t, func(nc net.Conn) {
		accepted.Add(1)
		there, err := net.Dial("tcp", cluster.ListenAddrs()[0])
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		go func() {
			defer nc.Close()
			io.Copy(nc, there)
		}()
		io.Copy(there, nc)
	})
	c, err := Open(t.Context(), Config{Values: adminValues(t, ""), Bootstrap: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewAdmin(c).Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if n := accepted.Load(); n != 1 {
		t.Errorf("connected %d times to the bootstrap server, want once", n)
	}
}
