package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"
	"slices"
)

// encryptedKey is PKCS#8's EncryptedPrivateKeyInfo.
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// effort is how many iterations of a hash the reading of one file may still
// cost. A file names its own counts, so they are an attack on the processor.
type effort int

// maxEffort allows a few hundred of keytool's encryptions (10,000 iterations
// each) and one with Java's own limit, and ends within seconds.
const maxEffort = effort(6_000_000)

func (e *effort) spend(iterations, blocks int) error {
	if iterations < 1 || iterations > int(*e)/blocks {
		return problem("%d iterations of its key derivation: too many, or none", iterations)
	}
	*e -= effort(iterations * blocks)
	return nil
}

// errDecrypt is a wrong password or damage; padding cannot tell them apart.
var errDecrypt = errors.New("decryption gives no sense")

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBMAC1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	oidHMACSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA224 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}

	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA224 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}

	oidAES128CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidTripleDES = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	oidPBEMD5DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 3}
	oidPBESHADES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 10}
	oidPBE3DES   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidPBERC2128 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 5} // 128 bits
	oidPBERC240  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}
)

// hashes maps the names of digests, and of HMACs over them, to themselves.
var hashes = []struct {
	digest, hmac asn1.ObjectIdentifier
	new          func() hash.Hash
}{
	{oidSHA1, oidHMACSHA1, sha1.New},
	{oidSHA224, oidHMACSHA224, sha256.New224},
	{oidSHA256, oidHMACSHA256, sha256.New},
	{oidSHA384, oidHMACSHA384, sha512.New384},
	{oidSHA512, oidHMACSHA512, sha512.New},
}

func digestBy(oid asn1.ObjectIdentifier) (func() hash.Hash, error) {
	for _, h := range hashes {
		if h.digest.Equal(oid) {
			return h.new, nil
		}
	}
	return nil, problem("digest %v is not read", oid)
}

func hmacBy(oid asn1.ObjectIdentifier) (func() hash.Hash, error) {
	for _, h := range hashes {
		if h.hmac.Equal(oid) {
			return h.new, nil
		}
	}
	return nil, problem("HMAC %v is not read", oid)
}

// decrypt undoes a password-based encryption, PKCS#5's or PKCS#12's own.
func (o *opening) decrypt(a pkix.AlgorithmIdentifier, password string, data []byte) ([]byte, error) {
	var block cipher.Block
	var iv []byte
	var err error
	switch {
	case a.Algorithm.Equal(oidPBES2):
		block, iv, err = o.pbes2(a.Parameters.FullBytes, password)
	case a.Algorithm.Equal(oidPBE3DES), a.Algorithm.Equal(oidPBERC2128), a.Algorithm.Equal(oidPBERC240):
		block, iv, err = o.legacyPBE(a, password)
	case a.Algorithm.Equal(oidPBEMD5DES):
		block, iv, err = o.pbes1(a, password, md5.New)
	case a.Algorithm.Equal(oidPBESHADES):
		block, iv, err = o.pbes1(a, password, sha1.New)
	default:
		return nil, problem("encryption %v is not read", a.Algorithm)
	}
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(data) == 0 || len(data)%size != 0 || len(iv) != size {
		return nil, problem("%d encrypted bytes with an initial vector of %d: the blocks have %d", len(data), len(iv), size)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errDecrypt
	}
	return plain[:len(plain)-pad], nil
}

type pbes2Params struct {
	Derivation pkix.AlgorithmIdentifier
	Cipher     pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

func (o *opening) pbes2(params []byte, password string) (cipher.Block, []byte, error) {
	var p pbes2Params
	if err := unmarshal(params, &p); err != nil {
		return nil, nil, problem("PBES2: %v", err)
	}
	length, make := 0, aes.NewCipher
	switch scheme := p.Cipher.Algorithm; {
	case scheme.Equal(oidAES128CBC):
		length = 16
	case scheme.Equal(oidAES192CBC):
		length = 24
	case scheme.Equal(oidAES256CBC):
		length = 32
	case scheme.Equal(oidTripleDES):
		length, make = 24, des.NewTripleDESCipher
	default:
		return nil, nil, problem("cipher %v is not read", scheme)
	}
	var iv []byte
	if err := unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, nil, problem("initial vector: %v", err)
	}
	key, err := o.deriveKey(p.Derivation, password, length)
	if err != nil {
		return nil, nil, err
	}
	block, err := make(key)
	return block, iv, err
}

// deriveKey is PBKDF2 with a file's parameters.
func (o *opening) deriveKey(a pkix.AlgorithmIdentifier, password string, length int) ([]byte, error) {
	if !a.Algorithm.Equal(oidPBKDF2) {
		return nil, problem("key derivation %v is not read: want PBKDF2", a.Algorithm)
	}
	var p pbkdf2Params
	if err := unmarshal(a.Parameters.FullBytes, &p); err != nil {
		return nil, problem("PBKDF2: %v", err)
	}
	if p.KeyLength != 0 && p.KeyLength != length {
		return nil, problem("PBKDF2: a key of %d bytes where %d are needed", p.KeyLength, length)
	}
	prf := oidHMACSHA1
	if len(p.PRF.Algorithm) > 0 {
		prf = p.PRF.Algorithm
	}
	newHash, err := hmacBy(prf)
	if err != nil {
		return nil, err
	}
	size := newHash().Size()
	if err := o.effort.spend(p.Iterations, (length+size-1)/size); err != nil {
		return nil, err
	}
	return pbkdf2.Key(newHash, password, p.Salt, p.Iterations, length)
}

type legacyParams struct {
	Salt       []byte
	Iterations int
}

// legacyPBE is what Java wrote before release 16 and OpenSSL before 3.0.
func (o *opening) legacyPBE(a pkix.AlgorithmIdentifier, password string) (cipher.Block, []byte, error) {
	var p legacyParams
	if err := unmarshal(a.Parameters.FullBytes, &p); err != nil {
		return nil, nil, problem("PBE: %v", err)
	}
	length := 24
	switch {
	case a.Algorithm.Equal(oidPBERC2128):
		length = 16
	case a.Algorithm.Equal(oidPBERC240):
		length = 5
	}
	k := kdf{hash: sha1.New, password: bmpPassword(password), salt: p.Salt, iterations: p.Iterations}
	key, err := o.derive12(k, kdfKey, length)
	if err != nil {
		return nil, nil, err
	}
	iv, err := o.derive12(k, kdfIV, des.BlockSize)
	if err != nil {
		return nil, nil, err
	}
	if a.Algorithm.Equal(oidPBE3DES) {
		block, err := des.NewTripleDESCipher(key)
		return block, iv, err
	}
	return newRC2(key), iv, nil
}

// pbes1 is PKCS#5's first way, with DES and PBKDF1: what openssl pkcs8 wrote
// before release 1.1 (RFC 8018, appendix A.3).
func (o *opening) pbes1(a pkix.AlgorithmIdentifier, password string, newHash func() hash.Hash) (cipher.Block, []byte, error) {
	var p legacyParams
	if err := unmarshal(a.Parameters.FullBytes, &p); err != nil {
		return nil, nil, problem("PBES1: %v", err)
	}
	if err := o.effort.spend(p.Iterations, 1); err != nil {
		return nil, nil, err
	}
	derived := append([]byte(password), p.Salt...)
	for range p.Iterations {
		h := newHash()
		h.Write(derived)
		derived = h.Sum(nil)
	}
	block, err := des.NewCipher(derived[:8])
	return block, derived[8:16], err
}

// encrypt writes what keytool of Java 17 does: PBES2 with AES-256 and
// PBKDF2-HMAC-SHA256.
func encrypt(password string, plain []byte) (a pkix.AlgorithmIdentifier, data []byte, err error) {
	salt, iv := randomBytes(20), randomBytes(aes.BlockSize)
	key, err := pbkdf2.Key(sha256.New, password, salt, writeIterations, 32)
	if err != nil {
		return a, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return a, nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data = append(slices.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)

	derivation, err := algorithm(oidPBKDF2, pbkdf2Params{Salt: salt, Iterations: writeIterations, KeyLength: 32,
		PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}})
	if err != nil {
		return a, nil, err
	}
	scheme, err := algorithm(oidAES256CBC, iv)
	if err != nil {
		return a, nil, err
	}
	a, err = algorithm(oidPBES2, pbes2Params{Derivation: derivation, Cipher: scheme})
	return a, data, err
}

// writeIterations is keytool's own count.
const writeIterations = 10000

func algorithm(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
