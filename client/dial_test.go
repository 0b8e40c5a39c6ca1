package client

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
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
