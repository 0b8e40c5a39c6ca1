package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The block types that Kafka reads, and those that people try.
const (
	blockCertificate  = "CERTIFICATE"
	blockKey          = "PRIVATE KEY"
	blockEncryptedKey = "ENCRYPTED PRIVATE KEY"
)

// readPEM reads what Kafka's PEM stores hold: at most one PKCS#8 key, and
// certificates, which are its chain or, without a key, trusted. The key is
// under the key password; such a store has no password itself.
func (o *opening) readPEM(data []byte) (*Store, error) {
	var key *pem.Block
	var certificates []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case blockCertificate:
			certificate, err := parseCertificate(fmt.Sprint(len(certificates)+1), block.Bytes)
			if err != nil {
				return nil, err
			}
			certificates = append(certificates, certificate)
		case blockKey, blockEncryptedKey:
			if key != nil {
				return nil, problem("two private keys: want one")
			}
			key = block
		default:
			if err := unreadBlock(block.Type); err != nil {
				return nil, err
			}
		}
	}
	if bytes.Contains(data, beginPEM) {
		return nil, problem("a block that begins with %q is damaged", firstLine(data))
	}
	if key == nil || o.trustOnly {
		return trustedPEM(certificates)
	}
	return o.keyPEM(key, certificates)
}

// unreadBlock refuses private keys in other forms, by name; other blocks, such
// as EC PARAMETERS, are passed over.
func unreadBlock(kind string) error {
	const convert = "; openssl pkcs8 -topk8 -in OLD -out NEW converts it to PKCS#8"
	switch kind {
	case "RSA PRIVATE KEY":
		return problem("an RSA PRIVATE KEY (PKCS#1), which Kafka does not read" + convert)
	case "EC PRIVATE KEY":
		return problem("an EC PRIVATE KEY (SEC1), which Kafka does not read" + convert)
	case "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
		return problem("a %s, which Kafka does not read; openssl x509 -in OLD -out NEW converts it to CERTIFICATE", kind)
	}
	if strings.HasSuffix(kind, "PRIVATE KEY") {
		return problem("a %s, which is not read"+convert, kind)
	}
	return nil
}

func firstLine(data []byte) string {
	data = data[bytes.Index(data, beginPEM):]
	line, _, _ := bytes.Cut(data[:min(len(data), 80)], []byte("\n"))
	return strings.TrimSpace(string(line))
}

// trustedPEM names the certificates as Kafka does.
func trustedPEM(certificates []*x509.Certificate) (*Store, error) {
	if len(certificates) == 0 {
		return nil, problem("no certificate")
	}
	s := &Store{}
	for i, c := range certificates {
		s.Trusted = append(s.Trusted, TrustedEntry{Alias: fmt.Sprintf("kafka%d", i), Certificate: c})
	}
	return s, nil
}

func (o *opening) keyPEM(block *pem.Block, certificates []*x509.Certificate) (*Store, error) {
	der := block.Bytes
	if block.Type == blockEncryptedKey {
		var err error
		if der, err = o.decryptKey(der); err != nil {
			return nil, err
		}
	}
	const alias = "kafka"
	key, err := parseKey(alias, der)
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		if matches(key, c) {
			return &Store{Keys: []KeyEntry{{Alias: alias, PrivateKey: key, Chain: chainOf(c, certificates)}}}, nil
		}
	}
	if len(certificates) > 0 {
		return nil, problem("none of its %d certificates is for its private key", len(certificates))
	}
	return &Store{Keys: []KeyEntry{{Alias: alias, PrivateKey: key}}}, nil // refused by check
}

// decryptKey opens an encrypted PKCS#8 key.
func (o *opening) decryptKey(der []byte) ([]byte, error) {
	if o.key == "" {
		return nil, fmt.Errorf("its private key is encrypted: %w", ErrPasswordNeeded)
	}
	var e encryptedKey
	if err := unmarshal(der, &e); err != nil {
		return nil, problem("encrypted private key: %v", err)
	}
	plain, err := o.decrypt(e.Algorithm, o.key, e.Data)
	if errors.Is(err, errDecrypt) || err == nil && !isSequence(plain) {
		return nil, ErrWrongKeyPassword
	}
	return plain, err
}

// encodePEM writes keys with their chains, then trusted certificates. Keys are
// encrypted when there is a password.
func encodePEM(s *Store, password string) ([]byte, error) {
	var b bytes.Buffer
	add := func(kind string, der []byte) { _ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) }
	for _, k := range s.Keys {
		der, err := x509.MarshalPKCS8PrivateKey(k.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("private key %q: %w", k.Alias, err)
		}
		kind := blockKey
		if password != "" {
			var e encryptedKey
			if e.Algorithm, e.Data, err = encrypt(password, der); err != nil {
				return nil, err
			}
			if der, err = asn1.Marshal(e); err != nil {
				return nil, err
			}
			kind = blockEncryptedKey
		}
		add(kind, der)
		for _, c := range k.Chain {
			add(blockCertificate, c.Raw)
		}
	}
	for _, t := range s.Trusted {
		add(blockCertificate, t.Certificate.Raw)
	}
	return b.Bytes(), nil
}
