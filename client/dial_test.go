package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"schloss/security/ssl"
)

// A store that breaks while we run is no reason to stop: what was read before
// is as good as ever.
func TestDialKeepsTheOldStores(t *testing.T) {
	ca := sign(t, nil, func(*x509.Certificate) {})
	leaf := sign(t, ca, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	addr := kafkaListener(t, &tls.Config{Certificates: []tls.Certificate{leaf.tls()}}, everything)
	store := ca.pemFile(t, false)
	var warned []string
	d, err := newDialer(adminValues(t, "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location="+store+"\n"), func(s string) { warned = append(warned, s) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		nc, err := d.dial(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	}
	if len(warned) != 1 {
		t.Errorf("warned %q, want once", warned)
	}
}

// kgo gives up what it sends, and a member of a group its session, when it does
// not know an error as that of a broker that is away for the moment.
func TestDialErrorsMayPass(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for _, test := range []struct {
		name, settings string
		ctx            context.Context
		text           string
	}{
		{"refused", "security.protocol=PLAINTEXT\n", t.Context(), "nobody listens there: connection refused"},
		{"too late", "security.protocol=PLAINTEXT\n", late, "no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := newDialer(adminValues(t, test.settings), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.dial(test.ctx, "tcp", closed.Addr().String())
			if !Passing(err) {
				t.Errorf("%v: kgo does not know it", err)
			}
			if !strings.HasSuffix(err.Error(), test.text) {
				t.Errorf("got %v, want %s", err, test.text)
			}
		})
	}
	if err := handshakeError(context.DeadlineExceeded); !Passing(err) || !errors.Is(err, ErrTimeout) {
		t.Errorf("%v: kgo does not know it", err)
	}
	if err := handshakeError(&ssl.HostError{}); Passing(err) {
		t.Errorf("%v does not pass", err)
	}
}
