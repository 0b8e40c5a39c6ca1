package keystore

import (
	"encoding/asn1"
	"errors"
)

// unmarshal reads one ASN.1 value that fills data. Stores of some tools are
// BER, with indefinite lengths and strings in pieces, so that comes first.
func unmarshal(data []byte, into any) error {
	der, rest, err := toDER(data, 0)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("bytes after its end")
	}
	rest, err = asn1.Unmarshal(der, into)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("bytes after its end")
	}
	return nil
}

// maxDepth bounds nesting; a PKCS#12 file has about ten levels.
const maxDepth = 40

const (
	bitConstructed = 0x20
	tagOctets      = 0x04
	lenIndefinite  = 0x80
)

var errBER = errors.New("cut short or damaged ASN.1")

// toDER rewrites the first value of ber: lengths become definite and minimal,
// octet strings in pieces become whole.
func toDER(ber []byte, depth int) (der, rest []byte, err error) {
	if depth > maxDepth {
		return nil, nil, errors.New("nested too deeply")
	}
	if len(ber) < 2 || ber[0]&0x1f == 0x1f { // no store uses tags above 30
		return nil, nil, errBER
	}
	tag := ber[0]
	length, body, err := berLength(ber[1:])
	if err != nil {
		return nil, nil, err
	}
	if length >= 0 {
		body, rest = body[:length], body[length:]
	}
	if tag&bitConstructed == 0 {
		if length < 0 {
			return nil, nil, errBER
		}
		return appendDER(nil, tag, body), rest, nil
	}
	content, rest, err := berContent(tag, body, rest, length < 0, depth)
	if err != nil {
		return nil, nil, err
	}
	return appendDER(nil, tag&^pieces(tag), content), rest, nil
}

// pieces is the bit to clear in the tag of a string that was put together.
func pieces(tag byte) byte {
	if tag == tagOctets|bitConstructed {
		return bitConstructed
	}
	return 0
}

// berContent rewrites the values in a constructed one.
func berContent(tag byte, body, after []byte, indefinite bool, depth int) (content, rest []byte, err error) {
	for {
		if indefinite {
			if len(body) >= 2 && body[0] == 0 && body[1] == 0 {
				return content, body[2:], nil
			}
		} else if len(body) == 0 {
			return content, after, nil
		}
		var one []byte
		if one, body, err = toDER(body, depth+1); err != nil {
			return nil, nil, err
		}
		if pieces(tag) != 0 {
			if one[0] != tagOctets {
				return nil, nil, errBER
			}
			if _, one, err = berLength(one[1:]); err != nil {
				return nil, nil, err
			}
		}
		content = append(content, one...)
	}
}

// berLength reads a length, -1 for indefinite. A definite one is within rest.
func berLength(b []byte) (length int, rest []byte, err error) {
	first, b := b[0], b[1:]
	switch {
	case first == lenIndefinite:
		return -1, b, nil
	case first < lenIndefinite:
		length = int(first)
	default:
		n := int(first &^ lenIndefinite)
		if n > 4 || n > len(b) {
			return 0, nil, errBER
		}
		for _, digit := range b[:n] {
			length = length<<8 | int(digit)
		}
		b = b[n:]
	}
	if length < 0 || length > len(b) { // below zero where int has 32 bits
		return 0, nil, errBER
	}
	return length, b, nil
}

func appendDER(dst []byte, tag byte, content []byte) []byte {
	dst = append(dst, tag)
	switch n := len(content); {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n < 1<<8:
		dst = append(dst, 0x81, byte(n))
	case n < 1<<16:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, content...)
}
