package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"schloss/kafka/config"
	"schloss/security/keystore"
)

// root is the certificate that everything is signed with.
type root struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// newRoot makes a root that may sign leaves and nothing else.
func newRoot(subject []byte, a Algorithm, now time.Time, days int) (*root, error) {
	key, err := a.generate()
	if err != nil {
		return nil, err
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		RawSubject:            subject,
		NotBefore:             now.Add(-skew),
		NotAfter:              now.AddDate(0, 0, days),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId:          id,
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &root{certificate: certificate, key: key}, nil
}

// skew: brokers whose clocks are a little behind accept a new certificate too.
const skew = 5 * time.Minute

// serial has 127 random bits; certificates of one root never share one.
func serial() *big.Int {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	n, _ := rand.Int(rand.Reader, limit) // the reader never fails
	return n.Add(n, big.NewInt(1))
}

// keyID is a name for a key that fits the twenty bytes that others use.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return sum[:20], nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// loadRoot reads ca-cert and ca-key, ours or the course's.
func loadRoot(dir string, password config.Secret) (*root, error) {
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	certificate, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, keyFile)
	both := append(append(key, '\n'), certificate...)
	store, _, err := keystore.Read(both, "", password)
	if err != nil {
		return nil, fmt.Errorf("open %q with %s: %w", path, certFile, err)
	}
	if len(store.Keys) == 0 {
		return nil, fmt.Errorf("open %q: no private key in it", path)
	}
	r := &root{certificate: store.Keys[0].Chain[0], key: store.Keys[0].PrivateKey}
	if r.certificate.Version >= 3 && !(r.certificate.BasicConstraintsValid && r.certificate.IsCA) {
		return nil, fmt.Errorf("%q is no certificate of an authority", filepath.Join(dir, certFile))
	}
	return r, nil
}

// chain is what a key store holds for a leaf: it and the root.
func (r *root) chain(leaf *x509.Certificate) []*x509.Certificate {
	return []*x509.Certificate{leaf, r.certificate}
}

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// rootSubject is a DN with " CA" after its common name. A root with the name
// of its leaves would make them look self-signed, since the issuer of a
// certificate is found by name; and one with an unrelated name would not tell
// whose it is.
func rootSubject(leaf []byte) ([]byte, error) {
	var sets []asn1.RawValue
	if _, err := asn1.Unmarshal(leaf, &sets); err != nil {
		return nil, err
	}
	name := "CA"
	at := len(sets)
	for i, set := range sets {
		var attributes []pkix.AttributeTypeAndValue
		if _, err := asn1.UnmarshalWithParams(set.FullBytes, &attributes, "set"); err != nil {
			return nil, err
		}
		cn, ok := attributes[0].Value.(string)
		if len(attributes) == 1 && attributes[0].Type.Equal(oidCommonName) && ok {
			name, at = cn+" CA", i
		}
	}
	set, err := asn1.MarshalWithParams([]pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: name}}, "set")
	if err != nil {
		return nil, err
	}
	sets = append(sets[:at:at], append([]asn1.RawValue{{FullBytes: set}}, sets[min(at+1, len(sets)):]...)...)
	return asn1.Marshal(sets)
}

var errRootName = errors.New("the name is the root's own: its bearer could not be told from the root")
