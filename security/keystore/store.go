package keystore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
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

// problem is a FormatError whose format Read fills in.
func problem(format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...)}
}
