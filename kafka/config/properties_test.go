package config

import (
	"bufio"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestParseAsJava compares with what java.util.Properties of Java 17 made of
// the same texts (testdata/properties.jsonl).
func TestParseAsJava(t *testing.T) {
	f, err := os.Open("testdata/properties.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	count := 0
	for lines := bufio.NewScanner(f); lines.Scan(); count++ {
		var c struct {
			Name, Text string
			Java       map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.Name, func(t *testing.T) {
			p, err := Parse("x", strings.NewReader(c.Text))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, e := range p.Entries() {
				got[e.Key] = e.Value
			}
			if !maps.Equal(got, c.Java) {
				t.Errorf("Parse(%q) = %q, want %q", c.Text, got, c.Java)
			}
		})
	}
	if count < 50 {
		t.Errorf("read %d recorded cases, want at least 50", count)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		key        string
	}{
		{"words", "a.b=c\n\nthis line is no setting\n", 3, ""},
		{"one unknown word", "a.b=c\nlisteners\nhello\n", 3, ""},
		{"conflict marker", "<<<<<<< HEAD\na.b=c\n", 1, ""},
		{"line of equals signs", "a.b=c\n=======\n", 2, ""},
		{"empty key", "a.b=c\n  = password\n", 2, ""},
		{"lost continuation of PEM", "ssl.keystore.key=-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n", 2, ""},
		{"short unicode escape", "a.b=\\u12\n", 1, "a.b"},
		{"bad unicode escape", "a.b=\\u12g4\n", 1, "a.b"},
		{"bad unicode escape in key", "a\\u00.b=c\n", 1, ""},
		{"bad escape after continuation", "x.y=1\na.b=one\\\n  \\uzzzz\n", 2, "a.b"},
		{"NUL", "a.b=c\x00d\n", 1, "a.b"},
		{"UTF-16", "l\x00i\x00s\x00=\x00", 1, "l\x00i\x00s\x00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("file", strings.NewReader(test.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Parse = %v, want a *SyntaxError", err)
			}
			if syntax.Line != test.line || syntax.Text != test.key {
				t.Errorf("got line %d, key %q, want %d, %q", syntax.Line, syntax.Text, test.line, test.key)
			}
			for _, secret := range []string{"password", "MIIEvQ"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q shows what may be secret", err)
				}
			}
		})
	}
}

func TestParseEncodings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"UTF-8", "a.b=Z\u00fcrich \u4e2d\n", "Z\u00fcrich \u4e2d"},
		{"ISO-8859-1", "a.b=Z\xfcrich\n", "Z\u00fcrich"},
		{"byte order mark", "\ufeffa.b=c\n", "c"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Parse("x", strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := p.Get("a.b"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPropertiesKeepOrderAndLines(t *testing.T) {
	p, err := Parse("f", strings.NewReader("b.b=1\n# c\na.a=2\nb.b=3\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.Set("c.c", "4")
	want := []Entry{{"b.b", "3", 4}, {"a.a", "2", 3}, {"c.c", "4", 0}}
	if got := p.Entries(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := p.Keys(), []string{"b.b", "a.a", "c.c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.properties")
	_, err := ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("missing file: got %v, want one mention of it and os.ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("#", maxFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("huge file: got %v", err)
	}
	if err := os.WriteFile(path, []byte("a.b=c"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := p.Get("a.b"); got != "c" || !ok || p.Source() != path {
		t.Errorf("got %q from %q", got, p.Source())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a.b=c\n", "a.b : \\u00fc\\\n  d\n# x\n", "\\\n\\", "listeners\nx y", "a.b=\\uD83D\\uDE00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("f", strings.NewReader(string(data)))
		if err != nil {
			return
		}
		lines := strings.Count(strings.ReplaceAll(string(data), "\r", "\n"), "\n") + 1
		for _, e := range p.Entries() {
			if e.Key == "" || e.Line < 1 || e.Line > lines {
				t.Errorf("Parse(%q) has entry %+v", data, e)
			}
		}
		if v, _, err := Server.Read(p); err == nil {
			DescribeServer(v)
			TopicValues(v, nil)
			_, _ = Advertised(v)
		}
	})
}
