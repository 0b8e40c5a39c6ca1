package ssl

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"schloss/security/principal"
)

// Chains are verified by crypto/x509, which takes the version 1 leaves of the
// course and a root that is sent twice. Against Java it is stricter: it checks
// the dates of the root too, compares names by their bytes and refuses SHA-1.

// verifyServer is a client's check of the server it dialled.
func (r *Reloader) verifyServer(m *material, cs tls.ConnectionState, host string) error {
	leaf := cs.PeerCertificates[0] // TLS servers always have one
	if err := verifyChain(cs.PeerCertificates, m.roots, r.now()); err != nil {
		return explainChain(cs.PeerCertificates, r, err)
	}
	if err := mayHandshake(cs); err != nil {
		return err
	}
	inCN, err := checkHost(leaf, host)
	if err != nil && !r.settings.checkHost {
		r.warn(err.Error() + "; it is taken all the same, since ssl.endpoint.identification.algorithm is empty: whoever has any certificate of that authority can pose as this broker")
		return nil
	}
	if err != nil {
		return err
	}
	if inCN && r.settings.checkHost {
		r.warn("the certificate of " + host + " names its host only in its CN, which others than Java refuse: issue it with a subject alternative name")
	}
	return nil
}

// verifyChain follows a server's chain to the roots.
func verifyChain(sent []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	intermediates := x509.NewCertPool()
	for _, c := range sent[1:] {
		intermediates.AddCert(c)
	}
	_, err := sent[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

// Trusts says whether a server's chain, as it was sent, leads to the trust
// store, the leaf's dates apart: it is judged as of the moment nearest to now at
// which the leaf was good.
func (r *Reloader) Trusts(sent []*x509.Certificate) error {
	at := r.now()
	switch leaf := sent[0]; {
	case at.Before(leaf.NotBefore):
		at = leaf.NotBefore
	case at.After(leaf.NotAfter):
		at = leaf.NotAfter
	}
	if err := verifyChain(sent, r.current.Load().roots, at); err != nil {
		return explainChain(sent, r, err)
	}
	return nil
}

// verifyClient is a server's last check of a client whose chain crypto/tls has
// verified; there is none where it need not show a certificate.
func verifyClient(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return nil
	}
	return mayHandshake(cs)
}

// mayHandshake checks the key usage of a leaf, as Java does and crypto/x509
// does not: to sign a handshake its key must be one for signing. No suite is
// offered that would need encipherment.
func mayHandshake(cs tls.ConnectionState) error {
	leaf := cs.PeerCertificates[0]
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return fmt.Errorf("certificate \"%s\": its key usage does not allow signatures", nameOf(leaf.RawSubject))
	}
	return nil
}

// NamesHost says whether a certificate is good for a host, as clients judge
// it; the error is a *HostError.
func NamesHost(leaf *x509.Certificate, host string) error {
	_, err := checkHost(leaf, host)
	return err
}

// checkHost matches a host as Java does: an address with the addresses, a name
// with the names, and with the CN only where there are no names.
func checkHost(leaf *x509.Certificate, host string) (inCN bool, err error) {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host, _, _ = strings.Cut(host, "%") // the zone of an address is the dialler's own
	candidate := leaf
	if net.ParseIP(host) == nil && len(leaf.DNSNames) == 0 && leaf.Subject.CommonName != "" {
		inCN = true
		candidate = &x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
	}
	if candidate.VerifyHostname(host) == nil {
		return inCN, nil
	}
	e := &HostError{Host: host, Names: append([]string{}, leaf.DNSNames...)}
	for _, ip := range leaf.IPAddresses {
		e.Names = append(e.Names, ip.String())
	}
	if len(e.Names) == 0 && leaf.Subject.CommonName != "" {
		e.Names = []string{leaf.Subject.CommonName}
	}
	return false, e
}

// explainChain turns a refusal by crypto/x509 into one of our errors.
func explainChain(chain []*x509.Certificate, r *Reloader, err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e := &ExpiredError{Subject: nameOf(invalid.Cert.RawSubject), NotBefore: invalid.Cert.NotBefore, NotAfter: invalid.Cert.NotAfter}
		if r != nil {
			e.Now = r.now()
		}
		return e
	case errors.As(err, &unknown) && len(chain) > 0:
		last := lastOf(chain)
		if weak(last.SignatureAlgorithm) {
			return &WeakError{Subject: nameOf(last.RawSubject), Algorithm: last.SignatureAlgorithm.String(), Err: err}
		}
		return &UnknownCAError{Subject: nameOf(chain[0].RawSubject), Issuer: nameOf(last.RawIssuer), Err: err}
	case len(chain) > 0:
		return fmt.Errorf("certificate \"%s\": %w", nameOf(chain[0].RawSubject), err)
	}
	return err
}

// weak are the algorithms whose signatures crypto/x509 never takes, so that an
// issuer counts for unknown whose certificate is there.
func weak(a x509.SignatureAlgorithm) bool {
	return slices.Contains([]x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}, a)
}

// lastOf follows the issuers through a chain as it was sent, as far as they
// may sign.
func lastOf(chain []*x509.Certificate) *x509.Certificate {
	last := chain[0]
	for _, c := range chain[1:] {
		if bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil {
			last = c
		}
	}
	return last
}

// nameOf is a DN for an error.
func nameOf(raw []byte) string {
	name, err := principal.NameFromDN(raw)
	if err != nil {
		return fmt.Sprintf("%x", raw)
	}
	return name
}
