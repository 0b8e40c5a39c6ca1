package keystore

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// A JKS file: magic, version, count, entries, SHA-1 of all before it.
const (
	jksVersion     = 2 // version 1 leaves out the type of certificates
	jksKeyTag      = 1
	jksTrustedTag  = 2
	jksCertificate = "X.509"
	// jksWhitener is mixed into the integrity digest (Java: JavaKeyStore).
	jksWhitener = "Mighty Aphrodite"
)

// cursor reads big-endian fields and never past the end.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.rest)) {
		c.err = problem("cut short: %d bytes claimed, %d left", n, len(c.rest))
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); c.err == nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) text() string {
	if b := c.take(2); c.err == nil {
		return string(c.take(uint64(binary.BigEndian.Uint16(b))))
	}
	return ""
}

func (c *cursor) blob() []byte { return c.take(uint64(c.uint32())) }

func (o *opening) readJKS(data []byte) (*Store, error) {
	if len(data) < len(magicJKS)+sha1.Size {
		return nil, problem("cut short: %d bytes", len(data))
	}
	body, digest := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	c := &cursor{rest: body[len(magicJKS):]}
	version := c.uint32()
	if version != 1 && version != jksVersion {
		return nil, problem("version %d: want 1 or 2", version)
	}
	count := c.uint32()
	var entries []jksEntry // sealed until the digest is known to be right
	for range count {
		entries = append(entries, c.jksEntry(version))
		if c.err != nil {
			return nil, c.err
		}
	}
	if len(c.rest) > 0 {
		return nil, problem("%d bytes after the last entry", len(c.rest))
	}
	if o.store != "" && subtle.ConstantTimeCompare(jksDigest(o.store, body), digest) != 1 {
		return nil, ErrWrongPassword
	}
	s := &Store{}
	for _, e := range entries {
		if err := o.openJKS(s, e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

type jksEntry struct {
	tag   uint32
	alias string
	key   []byte // EncryptedPrivateKeyInfo
	chain [][]byte
}

func (c *cursor) jksEntry(version uint32) jksEntry {
	e := jksEntry{tag: c.uint32(), alias: c.text()}
	c.take(8) // creation time
	certificates := uint32(1)
	switch {
	case c.err != nil:
		return e
	case e.tag == jksKeyTag:
		e.key = c.blob()
		certificates = c.uint32()
	case e.tag != jksTrustedTag:
		c.err = problem("entry %q is of kind %d: want 1 or 2", e.alias, e.tag)
	}
	for i := uint32(0); i < certificates && c.err == nil; i++ {
		if version == jksVersion {
			if kind := c.text(); c.err == nil && kind != jksCertificate {
				c.err = problem("certificate %q is of type %q: want %s", e.alias, kind, jksCertificate)
			}
		}
		e.chain = append(e.chain, c.blob())
	}
	return e
}

func (o *opening) openJKS(s *Store, e jksEntry) error {
	var chain []*x509.Certificate
	for _, der := range e.chain {
		certificate, err := parseCertificate(e.alias, der)
		if err != nil {
			return err
		}
		chain = append(chain, certificate)
	}
	if e.tag == jksTrustedTag {
		s.Trusted = append(s.Trusted, TrustedEntry{Alias: e.alias, Certificate: chain[0]})
		return nil
	}
	entry := KeyEntry{Alias: e.alias, Chain: chain}
	if !o.trustOnly {
		if o.key == "" {
			return fmt.Errorf("private key %q: %w", e.alias, ErrPasswordNeeded)
		}
		der, err := openJKSKey(e.key, o.key)
		if err != nil {
			return fmt.Errorf("private key %q: %w", e.alias, err)
		}
		if entry.PrivateKey, err = parseKey(e.alias, der); err != nil {
			return err
		}
	}
	s.Keys = append(s.Keys, entry)
	return nil
}

// utf16Bytes is a password as JKS mixes it in.
func utf16Bytes(password string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return b
}

func jksDigest(password string, body []byte) []byte {
	h := sha1.New()
	h.Write(utf16Bytes(password))
	h.Write([]byte(jksWhitener))
	h.Write(body)
	return h.Sum(nil)
}

// oidSunKey names Sun's own key cipher: a stream of chained SHA-1 digests.
var oidSunKey = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}

// openJKSKey undoes Sun's cipher: salt, key XOR stream, SHA-1 check.
func openJKSKey(info []byte, password string) ([]byte, error) {
	var e encryptedKey
	if err := unmarshal(info, &e); err != nil {
		return nil, problem("encrypted key: %v", err)
	}
	if !e.Algorithm.Algorithm.Equal(oidSunKey) {
		return nil, problem("key cipher %v is not read", e.Algorithm.Algorithm)
	}
	if len(e.Data) < 2*sha1.Size {
		return nil, problem("encrypted key of %d bytes", len(e.Data))
	}
	salt, body := e.Data[:sha1.Size], e.Data[sha1.Size:]
	body, check := body[:len(body)-sha1.Size], body[len(body)-sha1.Size:]
	plain := sunStream(password, salt, body)
	if subtle.ConstantTimeCompare(sunCheck(password, plain), check) != 1 {
		return nil, ErrWrongKeyPassword
	}
	return plain, nil
}

// sunStream encrypts and decrypts alike.
func sunStream(password string, salt, in []byte) []byte {
	secret := utf16Bytes(password)
	out := make([]byte, len(in))
	block := salt
	for done := 0; done < len(in); {
		digest := sha1.Sum(append(bytes.Clone(secret), block...))
		block = digest[:]
		done += subtle.XORBytes(out[done:], in[done:], block)
	}
	return out
}

func sunCheck(password string, plain []byte) []byte {
	digest := sha1.Sum(append(utf16Bytes(password), plain...))
	return digest[:]
}

// encodeJKS writes version 2. Aliases are in lower case: Java finds no others.
func encodeJKS(s *Store, password string, now time.Time) ([]byte, error) {
	b := bytes.Clone(magicJKS)
	b = binary.BigEndian.AppendUint32(b, jksVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Keys)+len(s.Trusted)))
	head := func(tag uint32, alias string) error {
		if len(alias) > 0xffff {
			return fmt.Errorf("alias of %d bytes", len(alias))
		}
		b = binary.BigEndian.AppendUint32(b, tag)
		b = appendText(b, strings.ToLower(alias))
		b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
		return nil
	}
	for _, k := range s.Keys {
		if err := head(jksKeyTag, k.Alias); err != nil {
			return nil, err
		}
		sealed, err := sealJKSKey(k, password)
		if err != nil {
			return nil, err
		}
		b = appendBlob(b, sealed)
		b = binary.BigEndian.AppendUint32(b, uint32(len(k.Chain)))
		for _, c := range k.Chain {
			b = appendBlob(appendText(b, jksCertificate), c.Raw)
		}
	}
	for _, t := range s.Trusted {
		if err := head(jksTrustedTag, t.Alias); err != nil {
			return nil, err
		}
		b = appendBlob(appendText(b, jksCertificate), t.Certificate.Raw)
	}
	return append(b, jksDigest(password, b)...), nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendBlob(b, blob []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(blob))), blob...)
}

func sealJKSKey(k KeyEntry, password string) ([]byte, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(k.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("private key %q: %w", k.Alias, err)
	}
	data := randomBytes(sha1.Size)
	data = append(data, sunStream(password, data, plain)...)
	data = append(data, sunCheck(password, plain)...)
	e := encryptedKey{Data: data}
	e.Algorithm.Algorithm = oidSunKey
	e.Algorithm.Parameters = asn1.NullRawValue
	return asn1.Marshal(e)
}
