package config

import "io"

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
	index   map[string]int
}

// NewProperties is empty; source is its name in errors.
func NewProperties(source string) *Properties {
	return &Properties{source: source, index: map[string]int{}}
}

// ReadFile parses the file at path.
func ReadFile(path string) (*Properties, error) { return nil, nil }

// Parse reads Java's .properties form. source is its name in errors.
func Parse(source string, r io.Reader) (*Properties, error) { return nil, nil }

// Source is the name that errors give to where the entries come from.
func (p *Properties) Source() string { return p.source }

// Get is the value of a key.
func (p *Properties) Get(key string) (string, bool) { return "", false }

// Set gives a key a value, as a flag such as --producer-property does.
func (p *Properties) Set(key, value string) {}

// Keys are the keys in the order of their first appearance.
func (p *Properties) Keys() []string { return nil }

// Entries are the settings in the order of the keys' first appearance.
func (p *Properties) Entries() []Entry { return nil }
