package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"schloss/security/principal"
)

// Algorithm is the kind of a key pair.
type Algorithm int8

// The algorithms. RSA2048 is what keytool makes and every client can use.
const (
	RSA2048 Algorithm = iota
	RSA3072
	RSA4096
	ECP256
)

func (a Algorithm) generate() (crypto.Signer, error) {
	switch a {
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case ECP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, fmt.Errorf("unknown key algorithm %d", a)
}

// HostError is a host that no certificate can name.
type HostError struct{ Host string }

func (e *HostError) Error() string {
	return fmt.Sprintf("host %q: want a host name in ASCII, without port, or an address", e.Host)
}

// order is what a certificate is to say.
type order struct {
	subject   []byte // DER
	names     []string
	addresses []net.IP
	days      int
	algorithm Algorithm
	now       time.Time
}

func newOrder(dname string, hosts []string, days int, a Algorithm, now time.Time) (order, error) {
	o := order{days: days, algorithm: a, now: now}
	var err error
	if o.subject, err = principal.DNFromText(dname); err != nil {
		return order{}, err
	}
	if o.days == 0 {
		o.days = defaultDays
	}
	if o.days < 0 {
		return order{}, fmt.Errorf("%d days: want a positive number", days)
	}
	if o.now.IsZero() {
		o.now = time.Now()
	}
	if hosts == nil {
		hosts = defaultHosts
	}
	for _, h := range hosts {
		if err := o.addHost(strings.TrimSpace(h)); err != nil {
			return order{}, err
		}
	}
	return o, nil
}

func (o *order) addHost(host string) error {
	if ip := net.ParseIP(host); ip != nil {
		o.addresses = append(o.addresses, ip)
		return nil
	}
	bare := strings.TrimPrefix(host, "*.")
	if bare == "" || len(host) > 253 || strings.Trim(strings.ToLower(bare), "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return &HostError{Host: host}
	}
	o.names = append(o.names, host)
	return nil
}

// issue makes a key pair and a request, as the owner would, and signs it.
func (r *root) issue(o order) (crypto.Signer, *x509.Certificate, error) {
	key, err := o.algorithm.generate()
	if err != nil {
		return nil, nil, err
	}
	request := &x509.CertificateRequest{RawSubject: o.subject, DNSNames: o.names, IPAddresses: o.addresses}
	der, err := x509.CreateCertificateRequest(rand.Reader, request, key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := r.signRequest(der, o.now, o.days)
	if err != nil {
		return nil, nil, err
	}
	return key, leaf, nil
}

// signRequest checks that the request's owner has its key, and signs. A leaf
// never outlives its root. It is good for both sides of a connection, since
// brokers dial each other with their server certificate.
func (r *root) signRequest(der []byte, now time.Time, days int) (*x509.Certificate, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, err
	}
	if bytes.Equal(request.RawSubject, r.certificate.RawSubject) {
		return nil, errRootName
	}
	if !now.Before(r.certificate.NotAfter) {
		return nil, fmt.Errorf("the root expired on %s", r.certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	id, err := keyID(request.PublicKey)
	if err != nil {
		return nil, err
	}
	until := now.AddDate(0, 0, days)
	if until.After(r.certificate.NotAfter) {
		until = r.certificate.NotAfter
	}
	usage := x509.KeyUsageDigitalSignature
	if request.PublicKeyAlgorithm == x509.RSA {
		usage |= x509.KeyUsageKeyEncipherment
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		RawSubject:            request.RawSubject,
		DNSNames:              request.DNSNames,
		IPAddresses:           request.IPAddresses,
		NotBefore:             now.Add(-skew),
		NotAfter:              until,
		BasicConstraintsValid: true,
		KeyUsage:              usage,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		SubjectKeyId:          id,
	}
	return sign(template, r.certificate, request.PublicKey, r.key)
}
