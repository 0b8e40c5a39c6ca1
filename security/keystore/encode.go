package keystore

import (
	"fmt"
	"time"

	"schloss/kafka/config"
)

// Encode writes a store in the format. PKCS12 and JKS need a password; PEM
// encrypts private keys when there is one. now is the creation time that JKS
// keeps; the others have none.
func Encode(s *Store, f Format, password config.Secret, now time.Time) ([]byte, error) {
	if password == "" && f != PEM {
		return nil, fmt.Errorf("write %v store: %w", f, ErrPasswordNeeded)
	}
	var data []byte
	var err error
	switch f {
	case JKS:
		data, err = encodeJKS(s, password.Reveal(), now)
	case PKCS12:
		data, err = encodePKCS12(s, password.Reveal())
	case PEM:
		data, err = encodePEM(s, password.Reveal())
	default:
		err = fmt.Errorf("unknown format")
	}
	if err != nil {
		return nil, fmt.Errorf("write %v store: %w", f, err)
	}
	return data, nil
}
