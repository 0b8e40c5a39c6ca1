package principal

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// typedKeywords are the attribute types that keytool's -dname knows by name.
var typedKeywords = map[string]string{
	"CN":           "2.5.4.3",
	"SURNAME":      "2.5.4.4",
	"SERIALNUMBER": "2.5.4.5",
	"C":            "2.5.4.6",
	"L":            "2.5.4.7",
	"S":            "2.5.4.8",
	"ST":           "2.5.4.8",
	"STREET":       "2.5.4.9",
	"O":            "2.5.4.10",
	"OU":           "2.5.4.11",
	"T":            "2.5.4.12",
	"GIVENNAME":    "2.5.4.42",
	"INITIALS":     "2.5.4.43",
	"GENERATION":   "2.5.4.44",
	"DNQ":          "2.5.4.46",
	"DNQUALIFIER":  "2.5.4.46",
	"EMAIL":        oidEmail,
	"EMAILADDRESS": oidEmail,
	"DC":           oidDomainComponent,
	"UID":          "0.9.2342.19200300.100.1.1",
	"IP":           "1.3.6.1.4.1.42.2.11.2.1",
}

const (
	oidEmail           = "1.2.840.113549.1.9.1"
	oidDomainComponent = "0.9.2342.19200300.100.1.25"
)

// maxTyped bounds a typed name; X.520 allows 64 characters for most parts.
const maxTyped = 4096

// DNFromText encodes a DN typed as for keytool's -dname option, such as
// "CN=Xi Hu, OU=YourDept, C=CN". Like keytool it stores the last typed part
// first, so that the text from NameFromDN reads in the order that was typed.
//
// The encoding is keytool's own: PrintableString where the characters allow,
// IA5String for mail addresses and domain components, else UTF8String.
func DNFromText(text string) (rawDER []byte, err error) {
	if len(text) > maxTyped {
		return nil, fmt.Errorf("distinguished name of %d bytes: want at most %d", len(text), maxTyped)
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("distinguished name %q: not UTF-8", text)
	}
	rdns, err := typedName(text)
	if err != nil {
		return nil, fmt.Errorf("distinguished name %q: %w", text, err)
	}
	slices.Reverse(rdns)
	var content []byte
	for _, rdn := range rdns {
		content = append(content, rdn...)
	}
	return wrap(asn1.TagSequence, content), nil
}

// wrap is the DER of a constructed universal element.
func wrap(tag int, content []byte) []byte {
	// A RawValue with these fields always marshals.
	der, _ := asn1.Marshal(asn1.RawValue{Tag: tag, IsCompound: tag == asn1.TagSequence || tag == asn1.TagSet, Bytes: content})
	return der
}

// typedName reads the RDNs in the order typed, each as DER.
func typedName(text string) ([][]byte, error) {
	s := &scanner{rest: text}
	var rdns [][]byte
	for {
		var pairs [][]byte
		for {
			pair, err := s.pair()
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, pair)
			if !s.take('+') {
				break
			}
		}
		slices.SortFunc(pairs, bytes.Compare) // DER orders the members of a set
		rdns = append(rdns, wrap(asn1.TagSet, bytes.Join(pairs, nil)))
		if s.rest == "" {
			return rdns, nil
		}
		s.rest = s.rest[1:] // the comma or semicolon that ended the value
	}
}

// scanner reads a typed name from its front.
type scanner struct {
	rest string
}

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) skipBlanks() { s.rest = strings.TrimLeft(s.rest, " \n") }

// pair reads "KEYWORD=value" up to the next separator.
func (s *scanner) pair() ([]byte, error) {
	s.skipBlanks()
	end := strings.IndexAny(s.rest, "=,;+")
	if end < 0 || s.rest[end] != '=' {
		return nil, fmt.Errorf("%q is not NAME=value; a comma inside a value is written \\, or in quotes", s.rest)
	}
	keyword := strings.TrimSpace(s.rest[:end])
	s.rest = s.rest[end+1:]
	dotted, err := typedOID(keyword)
	if err != nil {
		return nil, err
	}
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		return nil, fmt.Errorf("attribute %q: not an object identifier", keyword)
	}
	content, err := oid.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("attribute %q: %w", keyword, err)
	}
	value, err := s.value(dotted)
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", keyword, err)
	}
	return wrap(asn1.TagSequence, append(wrap(asn1.TagOID, content), value...)), nil
}

func typedOID(keyword string) (string, error) {
	upper := strings.ToUpper(keyword)
	if oid, ok := typedKeywords[upper]; ok {
		return oid, nil
	}
	dotted := strings.TrimPrefix(upper, "OID.")
	if dotted != "" && dotted[0] >= '0' && dotted[0] <= '9' {
		return dotted, nil
	}
	return "", fmt.Errorf("unknown attribute %q: want one of CN, OU, O, L, ST, C, DC, UID, STREET, EMAILADDRESS and the like, or a dotted number", keyword)
}

// value reads a value in one of its three forms and encodes it.
func (s *scanner) value(oid string) ([]byte, error) {
	s.skipBlanks()
	switch {
	case s.take('#'):
		return s.hexValue()
	case s.take('"'):
		text, printable, err := s.quoted()
		if err != nil {
			return nil, err
		}
		return encodeText(oid, text, printable)
	}
	text, printable, err := s.plain()
	if err != nil {
		return nil, err
	}
	return encodeText(oid, text, printable)
}

// hexValue reads the DER of a value, typed as hex digits.
func (s *scanner) hexValue() ([]byte, error) {
	end := strings.IndexAny(s.rest, "+,;")
	if end < 0 {
		end = len(s.rest)
	}
	der, err := hex.DecodeString(strings.TrimSpace(s.rest[:end]))
	if err != nil {
		return nil, fmt.Errorf("value #%s: %w", s.rest[:end], err)
	}
	s.rest = s.rest[end:]
	var raw asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("value #%x: not the DER of one value", der)
	}
	return der, nil
}

// quoted reads up to the closing quote and the separator after it. printable
// is false when a character was given by its hex code: keytool then uses
// UTF8String whatever it is.
func (s *scanner) quoted() (text string, printable bool, err error) {
	var b strings.Builder
	printable = true
	for {
		switch {
		case s.rest == "":
			return "", false, errors.New("the closing quote is missing")
		case s.take('"'):
			s.skipBlanks()
			if s.rest != "" && !strings.ContainsRune("+,;", rune(s.rest[0])) {
				return "", false, fmt.Errorf("%q after the closing quote", s.rest)
			}
			// keytool trims here, escaped blanks included.
			return strings.TrimFunc(b.String(), func(r rune) bool { return r <= ' ' }), printable, nil
		case s.take('\\'):
			coded, err := s.escape(&b, specials)
			if err != nil {
				return "", false, err
			}
			printable = printable && !coded
		default:
			b.WriteByte(s.rest[0])
			s.rest = s.rest[1:]
		}
	}
}

// plain reads an unquoted value up to a separator; blanks at its end count
// only when escaped.
func (s *scanner) plain() (text string, printable bool, err error) {
	var b strings.Builder
	printable = true
	keep := 0 // bytes that no trimming may take
	for s.rest != "" && !strings.ContainsRune("+,;", rune(s.rest[0])) {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch c {
		case '\\':
			coded, err := s.escape(&b, specials+" ")
			if err != nil {
				return "", false, err
			}
			printable = printable && !coded
			keep = b.Len()
		case '"', '<', '>':
			return "", false, fmt.Errorf(`%q needs a backslash before it`, c)
		default:
			b.WriteByte(c)
			if c != ' ' && c != '\n' {
				keep = b.Len()
			}
		}
	}
	return b.String()[:keep], printable, nil
}

// specials are the characters that a backslash makes literal.
const specials = ",=+<>#;\"\\"

// escape reads what follows a backslash: a special character, or the two hex
// digits of one byte of UTF-8.
func (s *scanner) escape(b *strings.Builder, specials string) (coded bool, err error) {
	if s.rest == "" {
		return false, errors.New("a backslash at the end")
	}
	if len(s.rest) >= 2 {
		if code, err := hex.DecodeString(s.rest[:2]); err == nil {
			b.Write(code)
			s.rest = s.rest[2:]
			return true, nil
		}
	}
	if !strings.Contains(specials, s.rest[:1]) {
		return false, fmt.Errorf("backslash before %q: only %s or two hex digits can follow one", s.rest, specials)
	}
	b.WriteByte(s.rest[0])
	s.rest = s.rest[1:]
	return false, nil
}

// encodeText picks the string type as keytool does.
func encodeText(oid, text string, printable bool) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("value %q: not UTF-8", text)
	}
	tag := asn1.TagUTF8String
	switch {
	case oid == oidEmail || oid == oidDomainComponent:
		// Differs from keytool, which cuts such characters to a byte.
		if strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) >= 0 {
			return nil, fmt.Errorf("value %q: only ASCII is allowed here", text)
		}
		tag = asn1.TagIA5String
	case printable && isPrintable(text):
		tag = asn1.TagPrintableString
	}
	return wrap(tag, []byte(text)), nil
}

func isPrintable(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(" '()+,-./:=?", c) >= 0:
		default:
			return false
		}
	}
	return true
}
