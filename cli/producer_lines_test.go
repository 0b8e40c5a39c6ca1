package cli

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readLines(t *testing.T, in io.Reader, limit int) (lines []string, long int) {
	t.Helper()
	r := newLineReader(in, limit)
	for {
		line, err := r.next(t.Context())
		var tooLong *longLineError
		switch {
		case errors.Is(err, io.EOF):
			return lines, long
		case errors.As(err, &tooLong):
			long++
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, string(line))
		}
	}
}

func TestLineReader(t *testing.T) {
	big := strings.Repeat("x", 200<<10)
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one line", "a\n", []string{"a"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"empty lines", "\n\n", []string{"", ""}},
		{"CR LF", "a\r\nb\r\n", []string{"a", "b"}},
		{"CR alone", "a\rb", []string{"a", "b"}},
		{"CR CR LF", "a\r\r\nb", []string{"a", "", "b"}},
		{"CR at the end", "a\r", []string{"a"}},
		{"NUL and bytes that are no text", "a\x00b\xff\n", []string{"a\x00b\xff"}},
		{"longer than the buffer", big + "\r\n" + big, []string{big, big}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, in := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, _ := readLines(t, in, 1<<20)
				if strings.Join(got, "|") != strings.Join(tt.want, "|") || len(got) != len(tt.want) {
					t.Errorf("%s: got %d lines, want %d", kind, len(got), len(tt.want))
				}
			}
		})
	}
}

func TestLineReaderHoldsNoMoreThanTheLimit(t *testing.T) {
	endless := io.MultiReader(io.LimitReader(zeros{}, 50<<20), strings.NewReader("\nnext\n"))
	got, long := readLines(t, endless, 1000)
	if long != 1 || len(got) != 1 || got[0] != "next" {
		t.Errorf("got %q and %d lines too long, want the next line and one", got, long)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Whatever the input and however it arrives, the lines are those between the
// line ends.
func FuzzLineReader(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n\n"), 3)
	f.Add([]byte("\r\r\n\n\r"), 1)
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		want := strings.ReplaceAll(strings.ReplaceAll(string(in), "\r\n", "\n"), "\r", "\n")
		want = strings.TrimSuffix(want, "\n")
		got, _ := readLines(t, &chunked{in, max(1, chunk%7)}, 1<<20)
		if len(in) > 0 && strings.Join(got, "\n") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

type chunked struct {
	rest []byte
	size int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func TestLineFormat(t *testing.T) {
	plain := lineFormat{keySeparator: "\t", headersDelimiter: "\t", headersSeparator: ",", headersKeySeparator: ":"}
	with := func(change func(*lineFormat)) lineFormat { f := plain; change(&f); return f }
	keyed := with(func(f *lineFormat) { f.parseKey = true })
	both := with(func(f *lineFormat) { f.parseKey, f.parseHeaders = true, true })
	lenient := with(func(f *lineFormat) { f.parseKey, f.parseHeaders, f.ignoreError = true, true, true })
	nulls := with(func(f *lineFormat) {
		f.parseKey, f.parseHeaders, f.nullMarker, f.hasNullMarker = true, true, "NULL", true
	})
	null := []byte(nil)
	tests := []struct {
		name    string
		format  lineFormat
		line    string
		key     []byte
		value   []byte
		headers string
		problem string
	}{
		{"a value", plain, "a\tb", null, []byte("a\tb"), "", ""},
		{"an empty value", plain, "", null, []byte{}, "", ""},
		{"key and value", keyed, "k\tv\tw", []byte("k"), []byte("v\tw"), "", ""},
		{"an empty key", keyed, "\tv", []byte{}, []byte("v"), "", ""},
		{"no key", keyed, "v", null, null, "", "No key separator found on line number 3: 'v'"},
		{"headers, key, value", both, "a:1,b:\tk\tv", []byte("k"), []byte("v"), "a:1,b:,", ""},
		{"no headers", both, "v", null, null, "", "No headers delimiter found on line number 3: 'v'"},
		{"a header without value", both, "a\tk\tv", null, null, "", "No header key separator found in pair 'a' on line number 3"},
		{"errors ignored", lenient, "v", null, []byte("v"), "", ""},
		{"a bad header ignored", lenient, "a\tk\tv", []byte("k"), []byte("v"), "a:null,", ""},
		{"nulls", nulls, "a:NULL\tNULL\tNULL", null, null, "a:null,", ""},
		{"a null header key", nulls, "NULL:1\tk\tv", null, null, "", "Header keys should not be equal to the null marker 'NULL' as they can't be null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := tt.format.record([]byte(tt.line), 3)
			if tt.problem != "" {
				if err == nil || err.Error() != tt.problem {
					t.Errorf("got error %v, want %q", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var headers strings.Builder
			for _, h := range r.Headers {
				value := string(h.Value)
				if h.Value == nil {
					value = "null"
				}
				headers.WriteString(h.Key + ":" + value + ",")
			}
			if !same(r.Key, tt.key) || !same(r.Value, tt.value) || headers.String() != tt.headers {
				t.Errorf("got %q %q %q, want %q %q %q", r.Key, r.Value, headers.String(), tt.key, tt.value, tt.headers)
			}
		})
	}
}

// same tells null from empty.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
