package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"schloss/security/keystore"
)

// material is what was read from the stores at one time. It never changes.
type material struct {
	certificates []tls.Certificate
	roots        *x509.CertPool // nil: the system's
	server       *tls.Config    // nil at a client
}

// load reads both stores.
func (s *settings) load() (*material, error) {
	m := &material{}
	if !s.key.none() {
		certificates, err := s.key.keys()
		if err != nil {
			return nil, s.key.wrap(err)
		}
		m.certificates = certificates
	}
	if !s.trust.none() {
		roots, err := s.trust.roots()
		if err != nil {
			return nil, s.trust.wrap(err)
		}
		m.roots = roots
	}
	return m, nil
}

func (s source) keys() ([]tls.Certificate, error) {
	var store *keystore.Store
	var err error
	if s.path != "" {
		store, _, err = keystore.ReadFile(s.path, s.password, s.keyPassword)
	} else {
		store, _, err = keystore.Read([]byte(s.inline.Reveal()), "", s.keyPassword)
	}
	if err != nil {
		return nil, err
	}
	var certificates []tls.Certificate
	for _, k := range asJavaPicks(store.Keys) {
		c := tls.Certificate{PrivateKey: k.PrivateKey, Leaf: k.Chain[0]}
		for _, link := range k.Chain {
			c.Certificate = append(c.Certificate, link.Raw)
		}
		certificates = append(certificates, c)
	}
	if len(certificates) == 0 {
		return nil, ErrNoPrivateKey
	}
	return certificates, nil
}

// roots are the certificates to trust: like Java's, the trusted entries and
// the leaf of each key.
func (s source) roots() (*x509.CertPool, error) {
	var store *keystore.Store
	var err error
	if s.path != "" {
		store, _, err = keystore.ReadTrustFile(s.path, s.password)
	} else {
		store, _, err = keystore.ReadTrust([]byte(s.inline.Reveal()), "")
	}
	if err != nil {
		return nil, err
	}
	if len(store.Trusted)+len(store.Keys) == 0 {
		return nil, errors.New("it holds no certificate")
	}
	pool := x509.NewCertPool()
	for _, t := range store.Trusted {
		pool.AddCert(t.Certificate)
	}
	for _, k := range store.Keys {
		pool.AddCert(k.Chain[0])
	}
	return pool, nil
}

// datesNotice says when our own certificate is out of its dates; we go on, as
// Kafka does, since the peers decide.
func (m *material) datesNotice(now time.Time) string {
	if len(m.certificates) == 0 {
		return ""
	}
	leaf := m.certificates[0].Leaf
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Sprintf("our own certificate is good only from %s to %s", leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return ""
}

// stamp is what can be seen of a file without reading it; nil when absent.
type stamp struct {
	info fs.FileInfo
}

func stampOf(path string) (stamp, error) {
	if path == "" {
		return stamp{}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info: info}, nil
}

func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}
