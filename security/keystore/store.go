package keystore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"schloss/kafka/config"
)

// Store is what a key store or trust store holds, in the order of the file.
type Store struct {
	Keys    []KeyEntry
	Trusted []TrustedEntry
}

// KeyEntry is a private key with the chain of its certificate, leaf first
// (keytool: PrivateKeyEntry).
type KeyEntry struct {
	Alias string
	// PrivateKey is nil when the store was read by ReadTrust.
	PrivateKey crypto.Signer
	Chain      []*x509.Certificate
}

// TrustedEntry is a certificate that is trusted (keytool: trustedCertEntry).
type TrustedEntry struct {
	Alias       string
	Certificate *x509.Certificate
}

// Format is how a store is encoded.
type Format int8

// The formats.
const (
	JKS Format = iota + 1
	PKCS12
	PEM
)

// String is the name that ssl.keystore.type uses.
func (f Format) String() string {
	switch f {
	case JKS:
		return "JKS"
	case PKCS12:
		return "PKCS12"
	case PEM:
		return "PEM"
	}
	return fmt.Sprintf("Format(%d)", int8(f))
}

// Errors that tell apart what a user can mend. Each comes wrapped.
var (
	ErrWrongPassword    = errors.New("wrong store password")
	ErrWrongKeyPassword = errors.New("wrong key password")
	ErrPasswordNeeded   = errors.New("password needed")
)

// FormatError is a file that is no store, is damaged, or uses what we do not
// read.
type FormatError struct {
	Format  Format // 0 when the content is of no known kind
	Problem string
}

func (e *FormatError) Error() string {
	if e.Format == 0 {
		return e.Problem
	}
	return e.Format.String() + ": " + e.Problem
}

// Read decodes a store, found out by its content, with its private keys. An
// empty password means none is given; an empty key password means that keys
// are under the store password.
func Read(data []byte, storePassword, keyPassword config.Secret) (*Store, Format, error) {
	return nil, 0, nil
}

// ReadTrust decodes a store for its certificates only: private keys stay
// closed, so no key password is needed. Without a password its integrity is
// not checked, as in Java.
func ReadTrust(data []byte, storePassword config.Secret) (*Store, Format, error) {
	return nil, 0, nil
}

// ReadFile is Read of the file at path; errors name the file.
func ReadFile(path string, storePassword, keyPassword config.Secret) (*Store, Format, error) {
	return nil, 0, nil
}

// ReadTrustFile is ReadTrust of the file at path; errors name the file.
func ReadTrustFile(path string, storePassword config.Secret) (*Store, Format, error) {
	return nil, 0, nil
}

// Encode writes a store in the format. PKCS12 and JKS need a password; PEM
// encrypts private keys when there is one.
func Encode(s *Store, f Format, password config.Secret) ([]byte, error) { return nil, nil }
