package config

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// lineReader joins natural lines into logical ones as
// java.util.Properties.LineReader does: blank and comment lines go, a
// backslash before the line's end goes on with the next line, whose leading
// white space is dropped and which cannot be a comment.
type lineReader struct {
	text   string
	number int // of natural lines read
}

// next is the next logical line, escapes unresolved, and the number of its
// first natural line.
func (r *lineReader) next() (line string, number int, ok bool) {
	var b strings.Builder
	for r.text != "" {
		natural := trimLeft(r.natural())
		if b.Len() == 0 {
			if natural == "" || natural[0] == '#' || natural[0] == '!' {
				continue
			}
			number = r.number
		}
		if !oddBackslashes(natural) {
			b.WriteString(natural)
			return b.String(), number, true
		}
		b.WriteString(natural[:len(natural)-1])
	}
	return b.String(), number, b.Len() > 0
}

// natural cuts off one line with its end: \n, \r or \r\n.
func (r *lineReader) natural() string {
	r.number++
	i := strings.IndexAny(r.text, "\r\n")
	if i < 0 {
		line := r.text
		r.text = ""
		return line
	}
	line, rest := r.text[:i], r.text[i+1:]
	if r.text[i] == '\r' && strings.HasPrefix(rest, "\n") {
		rest = rest[1:]
	}
	r.text = rest
	return line
}

func oddBackslashes(s string) bool {
	trimmed := strings.TrimRight(s, `\`)
	return (len(s)-len(trimmed))%2 == 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

func trimLeft(s string) string { return strings.TrimLeft(s, " \t\f") }

// parseLine splits a logical line at the first bare '=', ':' or white space
// and resolves the escapes. On a problem only the key is kept: the rest may be
// a password.
func parseLine(line string) (e Entry, problem string) {
	rawKey, rawValue, separated := splitLine(line)
	key, ok := unescape(rawKey)
	if !ok {
		return e, `a \u escape needs four hexadecimal digits`
	}
	if problem := checkLine(line, key, separated); problem != "" {
		if separated {
			e.Key = key
		}
		return e, problem
	}
	value, ok := unescape(rawValue)
	if !ok {
		return Entry{Key: key}, `a \u escape needs four hexadecimal digits`
	}
	return Entry{Key: key, Value: value}, ""
}

// splitLine reports whether '=' or ':' separates key and value, with or
// without white space around it.
func splitLine(line string) (key, value string, separated bool) {
	end := 0
	for end < len(line) {
		c := line[end]
		if c == '\\' {
			end += 2 // what is escaped ends no key
			continue
		}
		if c == '=' || c == ':' || isBlank(c) {
			break
		}
		end++
	}
	end = min(end, len(line))
	rest := trimLeft(line[end:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		return line[:end], trimLeft(rest[1:]), true
	}
	return line[:end], rest, false
}

// checkLine refuses what Java accepts but nobody means: an empty key, and a
// line of words without a separator, such as a conflict marker or a line that
// lost the backslash before it.
func checkLine(line, key string, separated bool) string {
	switch {
	case strings.ContainsRune(line, 0):
		return "it holds a NUL byte: this is not a text file"
	case key == "":
		return "the key is empty"
	case !separated && !looksLikeKey(key):
		return "it is not of the form key=value"
	}
	return ""
}

func looksLikeKey(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return strings.Contains(strings.Trim(s, "."), ".") || knownAnywhere(s)
}

// unescape resolves backslashes as java.util.Properties.loadConvert does: it
// knows \t \n \r \f and \uXXXX (UTF-16, pairs joined), and takes any other
// character for itself.
func unescape(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b strings.Builder
	var units []uint16 // of \u escapes that follow one another
	flush := func() {
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == 'u' {
			unit, ok := hexUnit(s[i+2:])
			if !ok {
				return "", false
			}
			units = append(units, unit)
			i += 5
			continue
		}
		flush()
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			break // only before the end of the file: Java drops it
		}
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		default:
			b.WriteByte(s[i])
		}
	}
	flush()
	return b.String(), true
}

func hexUnit(s string) (uint16, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return uint16(n), err == nil
}
