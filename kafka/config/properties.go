package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a file in bytes: a keystore or a log given by mistake is
// refused instead of read.
const maxFile = 4 << 20

// Entry is one setting as the file holds it. Line counts from 1 and is 0 for
// what was set by Set.
type Entry struct {
	Key, Value string
	Line       int
}

// Properties are the entries of one file, in the order of the keys' first
// appearance; of a key given twice the last value holds, as in Java.
type Properties struct {
	source  string
	entries []Entry
	index   map[string]int // of entries, by key
}

// NewProperties is empty; source is its name in errors.
func NewProperties(source string) *Properties {
	return &Properties{source: source, index: map[string]int{}}
}

// ReadFile parses the file at path.
func ReadFile(path string) (*Properties, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{Source: path, Err: err}
	}
	defer f.Close() // only read: nothing to lose
	return Parse(path, f)
}

// Parse reads Java's .properties form (java.util.Properties.load) with three
// differences: a file that is UTF-8 is read as UTF-8, else as ISO-8859-1,
// which is all that Java takes; a byte order mark is skipped; and lines that
// Java takes for odd keys are a *SyntaxError (see checkLine).
func Parse(source string, r io.Reader) (*Properties, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, &FileError{Source: source, Err: err}
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read properties %q: longer than %d bytes", source, maxFile)
	}
	p := NewProperties(source)
	lines := lineReader{text: decodeText(data)}
	for {
		line, number, ok := lines.next()
		if !ok {
			return p, nil
		}
		entry, problem := parseLine(line)
		if problem != "" {
			return nil, &SyntaxError{Source: source, Line: number, Text: entry.Key, Problem: problem}
		}
		entry.Line = number
		p.put(entry)
	}
}

// Source is the name that errors give to where the entries come from.
func (p *Properties) Source() string { return p.source }

// Get is the value of a key.
func (p *Properties) Get(key string) (string, bool) {
	i, ok := p.index[key]
	if !ok {
		return "", false
	}
	return p.entries[i].Value, true
}

// Set gives a key a value, as a flag such as --producer-property does.
func (p *Properties) Set(key, value string) { p.put(Entry{Key: key, Value: value}) }

// Drop takes keys out, those that a command has read itself.
func (p *Properties) Drop(keys ...string) {
	p.entries = slices.DeleteFunc(p.entries, func(e Entry) bool { return slices.Contains(keys, e.Key) })
	clear(p.index)
	for i, e := range p.entries {
		p.index[e.Key] = i
	}
}

// Keys are the keys in the order of their first appearance.
func (p *Properties) Keys() []string {
	keys := make([]string, len(p.entries))
	for i, e := range p.entries {
		keys[i] = e.Key
	}
	return keys
}

// Entries are the settings in the order of the keys' first appearance.
func (p *Properties) Entries() []Entry { return append([]Entry(nil), p.entries...) }

func (p *Properties) put(e Entry) {
	if i, ok := p.index[e.Key]; ok {
		p.entries[i] = e
		return
	}
	p.index[e.Key] = len(p.entries)
	p.entries = append(p.entries, e)
}

func decodeText(data []byte) string {
	text := strings.TrimPrefix(string(data), "\ufeff")
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, c := range data { // ISO-8859-1 is the first 256 code points
		b.WriteRune(rune(c))
	}
	return b.String()
}
