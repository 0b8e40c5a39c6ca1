package tlsrecord

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// suite is one of TLS 1.3's that are handled here.
type suite struct {
	hash func() hash.Hash
	key  int // bytes of the AES key
}

var suites = map[uint16]*suite{
	tls.TLS_AES_128_GCM_SHA256: {sha256.New, 16},
	tls.TLS_AES_256_GCM_SHA384: {sha512.New384, 32},
}

// secrets are the traffic secrets of both directions. They are an io.Writer of
// crypto/tls's key log, which has a line "LABEL RANDOM SECRET" for each.
type secrets struct{ client, server []byte }

func (s *secrets) Write(line []byte) (int, error) {
	if fields := strings.Fields(string(line)); len(fields) == 3 {
		secret, err := hex.DecodeString(fields[2])
		if err != nil {
			return 0, fmt.Errorf("read the secret %s: %w", fields[0], err)
		}
		switch fields[0] {
		case "CLIENT_TRAFFIC_SECRET_0":
			s.client = secret
		case "SERVER_TRAFFIC_SECRET_0":
			s.server = secret
		}
	}
	return len(line), nil
}

// keys protect the records of one direction (RFC 8446, 5.2 and 5.3).
type keys struct {
	suite  *suite
	secret []byte
	aead   cipher.AEAD
	iv     [12]byte
	nonce  [12]byte // of the record at hand
	seq    uint64   // of the next record
}

// use derives the keys of a traffic secret.
func (k *keys) use(s *suite, secret []byte) error {
	key, err := expand(s, secret, "key", s.key)
	if err != nil {
		return err
	}
	iv, err := expand(s, secret, "iv", len(k.iv))
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	*k = keys{suite: s, secret: secret, aead: aead, iv: [12]byte(iv)}
	return nil
}

// update goes on to the next secret (RFC 8446, 7.2).
func (k *keys) update() error {
	next, err := expand(k.suite, k.secret, "traffic upd", k.suite.hash().Size())
	if err != nil {
		return err
	}
	return k.use(k.suite, next)
}

// next is the nonce of the next record. No nonce is given twice for one key.
func (k *keys) next() []byte {
	k.nonce = k.iv
	tail := k.nonce[4:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^k.seq)
	k.seq++
	return k.nonce[:]
}

// expand is HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
func expand(s *suite, secret []byte, label string, size int) ([]byte, error) {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(info, byte(len(label)))
	info = append(info, label...)
	info = append(info, 0)
	return hkdf.Expand(s.hash, secret, string(info), size)
}
