package keystore

import (
	"crypto/hmac"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// The shapes of RFC 7292. All are read through unmarshal, so BER will do.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MAC      macData `asn1:"optional"`
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	macData struct {
		MAC        digestInfo
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	encryptedData struct {
		Version int
		Info    encryptedContent
	}
	encryptedContent struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      asn1.RawValue `asn1:"tag:0,optional"`
	}
	safeBag struct {
		Type       asn1.ObjectIdentifier
		Value      asn1.RawValue  `asn1:"tag:0,explicit"`
		Attributes []bagAttribute `asn1:"set,optional"`
	}
	bagAttribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue `asn1:"set"`
	}
	certBag struct {
		Type asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
)

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}

	oidKeyBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidSafeBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}
	oidX509Cert    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}

	oidFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidLocalKeyID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	// oidTrusted is Oracle's mark of a trustedCertEntry: without it Java does
	// not see a certificate.
	oidTrusted  = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	oidAnyUsage = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// bags are the contents of a file before they are put together.
type bags struct {
	keys         []keyBag
	certificates []bagCertificate
}

type keyBag struct {
	alias, id string
	encrypted bool
	data      []byte
}

type bagCertificate struct {
	alias, id string
	trusted   bool
	*x509.Certificate
}

func (o *opening) readPKCS12(data []byte) (*Store, error) {
	var p pfx
	if err := unmarshal(data, &p); err != nil {
		return nil, problem("%v", err)
	}
	if p.Version != 3 {
		return nil, problem("version %d: want 3", p.Version)
	}
	if !p.AuthSafe.Type.Equal(oidData) {
		return nil, problem("signed by a public key, which is not read")
	}
	safe, err := octets(p.AuthSafe.Content.Bytes)
	if err != nil {
		return nil, err
	}
	open, err := o.verify(p.MAC, safe)
	if err != nil {
		return nil, err
	}
	var contents []contentInfo
	if err := unmarshal(safe, &contents); err != nil {
		return nil, problem("contents: %v", err)
	}
	var b bags
	for _, c := range contents {
		plain, err := o.content(c, open)
		if err != nil {
			return nil, err
		}
		if err := b.add(plain, 0); err != nil {
			return nil, err
		}
	}
	return o.assemble(b)
}

func octets(der []byte) ([]byte, error) {
	var b []byte
	if err := unmarshal(der, &b); err != nil {
		return nil, problem("contents: %v", err)
	}
	return b, nil
}

// verify checks the integrity of the contents. open is false when no password
// is known that could decrypt them: none was given, and the empty one, which
// OpenSSL can be told to use, is not it.
func (o *opening) verify(m macData, safe []byte) (open bool, err error) {
	if len(m.MAC.Algorithm.Algorithm) == 0 {
		if o.store != "" {
			return false, problem("no integrity code (MAC), so the password cannot be checked")
		}
		return false, nil
	}
	sum, err := o.mac(m, bmpPassword(o.store), safe)
	if err != nil {
		return false, err
	}
	if hmac.Equal(sum, m.MAC.Digest) {
		return true, nil
	}
	if o.store != "" {
		return false, ErrWrongPassword
	}
	return false, nil
}

// mac is PKCS#12's own, or PBMAC1 of RFC 9579.
func (o *opening) mac(m macData, password, safe []byte) ([]byte, error) {
	if m.MAC.Algorithm.Algorithm.Equal(oidPBMAC1) {
		var p pbes2Params // PBMAC1-params has the same shape
		if err := unmarshal(m.MAC.Algorithm.Parameters.FullBytes, &p); err != nil {
			return nil, problem("PBMAC1: %v", err)
		}
		newHash, err := hmacBy(p.Cipher.Algorithm)
		if err != nil {
			return nil, err
		}
		key, err := o.deriveKey(p.Derivation, o.store, newHash().Size())
		if err != nil {
			return nil, err
		}
		h := hmac.New(newHash, key)
		h.Write(safe)
		return h.Sum(nil), nil
	}
	newHash, err := digestBy(m.MAC.Algorithm.Algorithm)
	if err != nil {
		return nil, err
	}
	k := kdf{hash: newHash, password: password, salt: m.Salt, iterations: m.Iterations}
	key, err := o.derive12(k, kdfMAC, newHash().Size())
	if err != nil {
		return nil, err
	}
	h := hmac.New(newHash, key)
	h.Write(safe)
	return h.Sum(nil), nil
}

// content is the plain bytes of one part of the file.
func (o *opening) content(c contentInfo, open bool) ([]byte, error) {
	switch {
	case c.Type.Equal(oidData):
		return octets(c.Content.Bytes)
	case !c.Type.Equal(oidEncryptedData):
		return nil, problem("contents of type %v are not read", c.Type)
	case !open:
		return nil, fmt.Errorf("its certificates are encrypted: %w", ErrPasswordNeeded)
	}
	var e encryptedData
	if err := unmarshal(c.Content.Bytes, &e); err != nil {
		return nil, problem("encrypted contents: %v", err)
	}
	data := e.Info.Data.Bytes
	if e.Info.Data.IsCompound { // a string in pieces, of which toDER cannot know
		whole := appendDER(nil, tagOctets|bitConstructed, data)
		var err error
		if data, err = octets(whole); err != nil {
			return nil, err
		}
	}
	plain, err := o.decrypt(e.Info.Algorithm, o.store, data)
	if errors.Is(err, errDecrypt) {
		return nil, problem("encrypted contents are damaged") // the MAC has vouched for the password
	}
	return plain, err
}

// add takes in the bags of one part; bags nest.
func (b *bags) add(der []byte, depth int) error {
	if depth > 4 {
		return problem("bags are nested too deeply")
	}
	var list []safeBag
	if err := unmarshal(der, &list); err != nil {
		return problem("bags: %v", err)
	}
	for _, bag := range list {
		alias, id, trusted := bag.names()
		switch {
		case bag.Type.Equal(oidKeyBag), bag.Type.Equal(oidShroudedBag):
			b.keys = append(b.keys, keyBag{alias: alias, id: id, encrypted: bag.Type.Equal(oidShroudedBag), data: bag.Value.Bytes})
		case bag.Type.Equal(oidCertBag):
			var c certBag
			if err := unmarshal(bag.Value.Bytes, &c); err != nil {
				return problem("certificate %q: %v", alias, err)
			}
			if !c.Type.Equal(oidX509Cert) {
				return problem("certificate %q is of type %v: want X.509", alias, c.Type)
			}
			certificate, err := parseCertificate(alias, c.Data)
			if err != nil {
				return err
			}
			b.certificates = append(b.certificates, bagCertificate{alias: alias, id: id, trusted: trusted, Certificate: certificate})
		case bag.Type.Equal(oidSafeBag):
			if err := b.add(bag.Value.Bytes, depth+1); err != nil {
				return err
			}
		} // revocation lists and secrets are of no use to TLS
	}
	return nil
}

func (bag safeBag) names() (alias, id string, trusted bool) {
	for _, a := range bag.Attributes {
		switch {
		case a.Type.Equal(oidFriendlyName):
			var name asn1.RawValue
			if err := unmarshal(a.Value.Bytes, &name); err == nil && name.Tag == asn1.TagBMPString {
				alias = fromUTF16(name.Bytes)
			}
		case a.Type.Equal(oidLocalKeyID):
			id = string(a.Value.Bytes)
		case a.Type.Equal(oidTrusted):
			trusted = true
		}
	}
	return alias, id, trusted
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// assemble gives each key its chain, as Java does: the leaf has the key's id,
// or is the first certificate where there is one key and no ids; the rest
// follows by issuer.
func (o *opening) assemble(b bags) (*Store, error) {
	s := &Store{}
	var pool []*x509.Certificate
	for _, c := range b.certificates {
		pool = append(pool, c.Certificate)
		if c.trusted {
			s.Trusted = append(s.Trusted, TrustedEntry{Alias: nameOr(c.alias, len(s.Trusted)), Certificate: c.Certificate})
		}
	}
	for i, k := range b.keys {
		entry := KeyEntry{Alias: nameOr(k.alias, i)}
		if leaf := b.leaf(k); leaf != nil {
			entry.Chain = chainOf(leaf, pool)
		}
		if !o.trustOnly {
			der, err := o.openKeyBag(k)
			if err != nil {
				return nil, fmt.Errorf("private key %q: %w", entry.Alias, err)
			}
			if entry.PrivateKey, err = parseKey(entry.Alias, der); err != nil {
				return nil, err
			}
		}
		s.Keys = append(s.Keys, entry)
	}
	if unmarked := len(b.certificates); unmarked > 0 && len(s.Keys) == 0 && len(s.Trusted) == 0 {
		return nil, problem("%d certificates, none of them marked as trusted, so Java sees none; keytool -importcert marks them", unmarked)
	}
	return s, nil
}

func nameOr(alias string, index int) string {
	if alias == "" {
		return fmt.Sprint(index + 1)
	}
	return alias
}

func (b bags) leaf(k keyBag) *x509.Certificate {
	for _, c := range b.certificates {
		if !c.trusted && c.id != "" && c.id == k.id {
			return c.Certificate
		}
	}
	if len(b.keys) == 1 {
		for _, c := range b.certificates {
			if !c.trusted && c.id == "" {
				return c.Certificate
			}
		}
	}
	return nil
}

func (o *opening) openKeyBag(k keyBag) ([]byte, error) {
	if !k.encrypted {
		return k.data, nil
	}
	if o.key == "" {
		return nil, ErrPasswordNeeded
	}
	var e encryptedKey
	if err := unmarshal(k.data, &e); err != nil {
		return nil, problem("%v", err)
	}
	der, err := o.decrypt(e.Algorithm, o.key, e.Data)
	if errors.Is(err, errDecrypt) || err == nil && !isSequence(der) {
		return nil, ErrWrongKeyPassword // the padding was right by chance
	}
	return der, err
}

func isSequence(der []byte) bool {
	var raw asn1.RawValue
	return unmarshal(der, &raw) == nil && raw.Tag == asn1.TagSequence
}
