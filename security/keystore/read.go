package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"schloss/kafka/config"
)

// maxFile bounds a store's file. The largest known, Java's own list of public
// authorities, has 0.2 MB.
const maxFile = 16 << 20

// opening is one attempt to read a store.
type opening struct {
	store, key string // passwords; key is the store's where none is given
	trustOnly  bool   // leave private keys closed
	effort     effort
}

// Read decodes a store, found out by its content, with its private keys. An
// empty password means none is given; an empty key password means that keys
// are under the store password.
func Read(data []byte, storePassword, keyPassword config.Secret) (*Store, Format, error) {
	o := &opening{store: storePassword.Reveal(), key: keyPassword.Reveal(), effort: maxEffort}
	if o.key == "" {
		o.key = o.store
	}
	return o.read(data)
}

// ReadTrust decodes a store for its certificates only: private keys stay
// closed, so no key password is needed. Without a password its integrity is
// not checked, as in Java.
func ReadTrust(data []byte, storePassword config.Secret) (*Store, Format, error) {
	o := &opening{store: storePassword.Reveal(), trustOnly: true, effort: maxEffort}
	return o.read(data)
}

// ReadFile is Read of the file at path; errors name the file.
func ReadFile(path string, storePassword, keyPassword config.Secret) (*Store, Format, error) {
	data, err := load(path)
	if err != nil {
		return nil, 0, err
	}
	s, f, err := Read(data, storePassword, keyPassword)
	return s, f, named("open key store", path, f, err)
}

// ReadTrustFile is ReadTrust of the file at path; errors name the file.
func ReadTrustFile(path string, storePassword config.Secret) (*Store, Format, error) {
	data, err := load(path)
	if err != nil {
		return nil, 0, err
	}
	s, f, err := ReadTrust(data, storePassword)
	return s, f, named("open trust store", path, f, err)
}

// named adds the path, and the format where that was found and err does not
// name it.
func named(deed, path string, f Format, err error) error {
	var told *FormatError
	switch {
	case err == nil:
		return nil
	case f == 0 || errors.As(err, &told):
		return fmt.Errorf("%s %q: %w", deed, path, err)
	}
	return fmt.Errorf("%s %q (%s): %w", deed, path, f, err)
}

// FileError is a store whose file is not there or cannot be read. Err is the
// system's, which names the file.
type FileError struct{ Err error }

func (e *FileError) Error() string { return e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

func load(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &FileError{err}
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("open store %q: larger than %d bytes, so no store", path, maxFile)
	}
	return data, nil
}

// The first bytes of the kinds of stores.
var (
	magicJKS   = []byte{0xfe, 0xed, 0xfe, 0xed}
	magicJCEKS = []byte{0xce, 0xce, 0xce, 0xce}
	beginPEM   = []byte("-----BEGIN ")
)

func (o *opening) read(data []byte) (s *Store, f Format, err error) {
	switch {
	case len(data) == 0:
		return nil, 0, problem("the file is empty")
	case bytes.HasPrefix(data, magicJKS):
		f = JKS
		s, err = o.readJKS(data)
	case bytes.HasPrefix(data, magicJCEKS):
		return nil, 0, problem("a JCEKS store, which is not read; keytool -importkeystore -deststoretype PKCS12 converts it")
	case data[0] == 0x30:
		f = PKCS12
		s, err = o.readPKCS12(data)
	case bytes.Contains(data, beginPEM):
		f = PEM
		s, err = o.readPEM(data)
	default:
		return nil, 0, problem("neither JKS nor PKCS12 nor PEM")
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		if fe := (*FormatError)(nil); errors.As(err, &fe) && fe.Format == 0 {
			fe.Format = f
		}
		return nil, f, err
	}
	return s, f, nil
}

// check finds keys whose certificate is another's.
func (s *Store) check() error {
	for _, k := range s.Keys {
		if len(k.Chain) == 0 {
			return problem("the private key %q has no certificate", k.Alias)
		}
		if k.PrivateKey != nil && !matches(k.PrivateKey, k.Chain[0]) {
			return problem("the certificate of %q is not for its private key", k.Alias)
		}
	}
	return nil
}

func matches(key crypto.Signer, leaf *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(leaf.PublicKey)
}

// parseKey reads an unencrypted PKCS#8 private key.
func parseKey(alias string, der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, problem("private key %q: %v", alias, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, problem("private key %q: %T cannot sign", alias, key)
	}
	return signer, nil
}

func parseCertificate(alias string, der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, problem("certificate %q: %v", alias, err)
	}
	return c, nil
}

// chainOf follows the issuers of a leaf through a pool, in whatever order the
// pool is, and leaves the certificates that lead nowhere out.
func chainOf(leaf *x509.Certificate, pool []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{leaf}
	for last := leaf; !bytes.Equal(last.RawIssuer, last.RawSubject); {
		next := issuerOf(last, chain, pool)
		if next == nil {
			break
		}
		chain = append(chain, next)
		last = next
	}
	return chain
}

func issuerOf(c *x509.Certificate, chain, pool []*x509.Certificate) *x509.Certificate {
	for _, candidate := range pool {
		if !bytes.Equal(candidate.RawSubject, c.RawIssuer) || holds(chain, candidate) {
			continue
		}
		// Authorities that were renewed under their old name differ in key.
		if c.AuthorityKeyId != nil && candidate.SubjectKeyId != nil && !bytes.Equal(c.AuthorityKeyId, candidate.SubjectKeyId) {
			continue
		}
		return candidate
	}
	return nil
}

func holds(certificates []*x509.Certificate, c *x509.Certificate) bool {
	for _, other := range certificates {
		if other.Equal(c) {
			return true
		}
	}
	return false
}
