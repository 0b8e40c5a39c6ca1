package keystore

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// encodePKCS12 writes what keytool of Java 17 writes: keys in one part, each
// under its own encryption, certificates in a second, encrypted as a whole,
// SHA-256 over both. PBMAC1 would be better and no Java in use could read it.
func encodePKCS12(s *Store, password string) ([]byte, error) {
	var keys, certificates []safeBag
	for _, k := range s.Keys {
		key, err := sealedBag(k, password)
		if err != nil {
			return nil, fmt.Errorf("private key %q: %w", k.Alias, err)
		}
		keys = append(keys, key)
		for i, c := range k.Chain {
			// Java names the certificates above the leaf by nothing, and finds
			// them by issuer.
			var attributes []bagAttribute
			if i == 0 {
				attributes = key.Attributes
			}
			bag, err := certificateBag(c, attributes)
			if err != nil {
				return nil, err
			}
			certificates = append(certificates, bag)
		}
	}
	for _, t := range s.Trusted {
		trust, err := attribute(oidTrusted, oidAnyUsage)
		if err != nil {
			return nil, err
		}
		bag, err := certificateBag(t.Certificate, []bagAttribute{friendlyName(t.Alias), trust})
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, bag)
	}
	var parts []contentInfo
	if len(keys) > 0 {
		part, err := plainPart(keys)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(certificates) > 0 {
		part, err := encryptedPart(certificates, password)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return seal(parts, password)
}

// seal wraps the parts and adds the integrity code.
func seal(parts []contentInfo, password string) ([]byte, error) {
	safe, err := asn1.Marshal(parts)
	if err != nil {
		return nil, err
	}
	authSafe, err := dataInfo(safe)
	if err != nil {
		return nil, err
	}
	m := macData{Salt: randomBytes(20), Iterations: writeIterations}
	k := kdf{hash: sha256.New, password: bmpPassword(password), salt: m.Salt, iterations: m.Iterations}
	o := &opening{effort: maxEffort}
	key, err := o.derive12(k, kdfMAC, sha256.Size)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(safe)
	m.MAC = digestInfo{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue},
		Digest:    h.Sum(nil),
	}
	return asn1.Marshal(pfx{Version: 3, AuthSafe: authSafe, MAC: m})
}

func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

func dataInfo(content []byte) (contentInfo, error) {
	der, err := asn1.Marshal(content)
	return contentInfo{Type: oidData, Content: explicit(der)}, err
}

func plainPart(list []safeBag) (contentInfo, error) {
	der, err := asn1.Marshal(list)
	if err != nil {
		return contentInfo{}, err
	}
	return dataInfo(der)
}

func encryptedPart(list []safeBag, password string) (contentInfo, error) {
	der, err := asn1.Marshal(list)
	if err != nil {
		return contentInfo{}, err
	}
	e := encryptedData{Info: encryptedContent{Type: oidData}}
	var data []byte
	if e.Info.Algorithm, data, err = encrypt(password, der); err != nil {
		return contentInfo{}, err
	}
	e.Info.Data = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: data}
	der, err = asn1.Marshal(e)
	return contentInfo{Type: oidEncryptedData, Content: explicit(der)}, err
}

func sealedBag(k KeyEntry, password string) (safeBag, error) {
	if len(k.Chain) == 0 {
		return safeBag{}, fmt.Errorf("no certificate")
	}
	plain, err := x509.MarshalPKCS8PrivateKey(k.PrivateKey)
	if err != nil {
		return safeBag{}, err
	}
	var e encryptedKey
	if e.Algorithm, e.Data, err = encrypt(password, plain); err != nil {
		return safeBag{}, err
	}
	der, err := asn1.Marshal(e)
	if err != nil {
		return safeBag{}, err
	}
	fingerprint := sha1.Sum(k.Chain[0].Raw) // only a name that key and leaf share
	id, err := attribute(oidLocalKeyID, fingerprint[:])
	if err != nil {
		return safeBag{}, err
	}
	return safeBag{Type: oidShroudedBag, Value: explicit(der), Attributes: []bagAttribute{friendlyName(k.Alias), id}}, nil
}

func certificateBag(c *x509.Certificate, attributes []bagAttribute) (safeBag, error) {
	der, err := asn1.Marshal(certBag{Type: oidX509Cert, Data: c.Raw})
	return safeBag{Type: oidCertBag, Value: explicit(der), Attributes: attributes}, err
}

func attribute(oid asn1.ObjectIdentifier, value any) (bagAttribute, error) {
	der, err := asn1.Marshal(value)
	return bagAttribute{Type: oid, Value: asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: der}}, err
}

func friendlyName(alias string) bagAttribute {
	var b []byte
	for _, unit := range utf16.Encode([]rune(alias)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	name := appendDER(nil, asn1.TagBMPString, b)
	return bagAttribute{Type: oidFriendlyName, Value: asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: name}}
}
