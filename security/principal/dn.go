package principal

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// attribute is one part of a relative distinguished name: its type and the
// whole DER of its value.
type attribute struct {
	oid   string // dotted
	value asn1.RawValue
}

// The string types that Java prints as text. It prints a value of any other
// type, UniversalString and NumericString included, as the hex of its DER.
const (
	tagGeneralString = 27
	tagT61String     = asn1.TagT61String
	tagBMPString     = asn1.TagBMPString
)

// keywordsRFC2253 are the only attribute types that RFC 2253, and so Java,
// prints by name.
var keywordsRFC2253 = map[string]string{
	"2.5.4.3":                    "CN",
	"2.5.4.6":                    "C",
	"2.5.4.7":                    "L",
	"2.5.4.8":                    "ST",
	"2.5.4.9":                    "STREET",
	"2.5.4.10":                   "O",
	"2.5.4.11":                   "OU",
	"0.9.2342.19200300.100.1.25": "DC",
	"0.9.2342.19200300.100.1.1":  "UID",
}

// NameFromDN is the RFC 2253 text of a DER-encoded distinguished name, byte
// for byte what X500Principal.getName() of Java 17 returns and so what Kafka's
// ACLs must hold. The parts come in reverse order of their encoding.
//
// Java 17 takes the bytes of every string type for UTF-8, which garbles
// BMPString and the upper half of T61String; later releases decode them. The
// difference shows for such certificates only, and 17's text is ours.
func NameFromDN(rawSubject []byte) (string, error) {
	sets, err := relativeNames(rawSubject)
	if err != nil {
		return "", fmt.Errorf("read distinguished name: %w", err)
	}
	var b strings.Builder
	for i := len(sets) - 1; i >= 0; i-- {
		for j, a := range sets[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			writeAttribute(&b, a)
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String(), nil
}

var errTrailing = errors.New("bytes after its end")

// relativeNames splits a Name into its RDNs, in the order of the encoding.
func relativeNames(raw []byte) ([][]attribute, error) {
	name, rest, err := element(raw, asn1.TagSequence)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errTrailing
	}
	var sets [][]attribute
	for len(name) > 0 {
		var set []byte
		if set, name, err = element(name, asn1.TagSet); err != nil {
			return nil, err
		}
		var attributes []attribute
		for len(set) > 0 {
			var pair []byte
			if pair, set, err = element(set, asn1.TagSequence); err != nil {
				return nil, err
			}
			a, err := parseAttribute(pair)
			if err != nil {
				return nil, err
			}
			attributes = append(attributes, a)
		}
		if len(attributes) == 0 {
			return nil, errors.New("an empty part")
		}
		sets = append(sets, attributes)
	}
	return sets, nil
}

// element takes one constructed element of the tag from the front of der.
func element(der []byte, tag int) (content, rest []byte, err error) {
	var raw asn1.RawValue
	rest, err = asn1.Unmarshal(der, &raw)
	if err != nil {
		return nil, nil, err
	}
	if raw.Class != asn1.ClassUniversal || raw.Tag != tag || !raw.IsCompound {
		return nil, nil, fmt.Errorf("unexpected tag %d", raw.Tag)
	}
	return raw.Bytes, rest, nil
}

func parseAttribute(pair []byte) (attribute, error) {
	var id asn1.RawValue
	rest, err := asn1.Unmarshal(pair, &id)
	if err != nil {
		return attribute{}, err
	}
	if id.Class != asn1.ClassUniversal || id.Tag != asn1.TagOID || id.IsCompound {
		return attribute{}, errors.New("an attribute without type")
	}
	// asn1.ObjectIdentifier stops at 31 bits an arc; UUID arcs have 128.
	var oid x509.OID
	if err := oid.UnmarshalBinary(id.Bytes); err != nil {
		return attribute{}, fmt.Errorf("attribute type: %w", err)
	}
	a := attribute{oid: oid.String()}
	if rest, err = asn1.Unmarshal(rest, &a.value); err != nil {
		return attribute{}, fmt.Errorf("attribute %s: %w", a.oid, err)
	}
	if len(rest) > 0 {
		return attribute{}, fmt.Errorf("attribute %s: %w", a.oid, errTrailing)
	}
	return a, nil
}

func writeAttribute(b *strings.Builder, a attribute) {
	keyword, known := keywordsRFC2253[a.oid]
	if !known {
		keyword = a.oid
	}
	b.WriteString(keyword)
	b.WriteByte('=')
	if !known || !isText(a.value) {
		b.WriteByte('#')
		b.WriteString(hex.EncodeToString(a.value.FullBytes))
		return
	}
	writeEscaped(b, decodeUTF8(a.value.Bytes))
}

func isText(v asn1.RawValue) bool {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, tagT61String, tagGeneralString, tagBMPString:
		return true
	}
	return false
}

// writeEscaped escapes as Java does: the specials wherever they stand, NUL as
// \00, and spaces and carriage returns at both ends. Everything else, control
// characters included, stays as it is.
func writeEscaped(b *strings.Builder, text string) {
	const blank = " \r"
	lead := len(text) - len(strings.TrimLeft(text, blank))
	trail := len(strings.TrimRight(text, blank))
	for i, r := range text {
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case i < lead, i >= trail, strings.ContainsRune(",=+<>#;\"\\", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}

// decodeUTF8 replaces malformed bytes by U+FFFD in the portions in which
// Java's decoder does, so that two readers never see different names.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var text strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = malformed(b)
		}
		text.WriteRune(r)
		b = b[size:]
	}
	return text.String()
}

// malformed is how many of the leading bytes, which are no UTF-8, Java covers
// with one replacement: those that could have begun a sequence. It takes a
// surrogate of three bytes for one.
func malformed(b []byte) int {
	if len(b) == 1 {
		return 1
	}
	first, second := b[0], b[1]
	want := 1
	switch {
	case first >= 0xe0 && first <= 0xef && !(first == 0xe0 && second < 0xa0):
		want = 3
	case first >= 0xf0 && first <= 0xf4 && !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second >= 0x90):
		want = 4
	}
	n := 1
	for n < want && n < len(b) && b[n]&0xc0 == 0x80 {
		n++
	}
	return n
}
