package cli

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// formatHelp is the part of the help that produce and consume share.
const formatHelp = `FORMAT holds %t topic, %k key, %v value, %h headers, %p partition, %o offset,
%d timestamp in milliseconds, %e leader epoch, %T %K %V %H the lengths, %% a
percent sign, and the escapes \t \n \r \\ \xNN. %k{hex}, %k{base64}, %v{hex} and
%v{base64} are for bytes, %h{%k:%v;} for one header after another. The word json
is one JSON object a line, with the keys of docs/cli.md.`

// formatPart is a literal, or a verb with what stands in its braces.
type formatPart struct {
	literal []byte
	verb    byte // 0: literal
	braces  string
	headers []formatPart // of %h
}

const formatAdvice = `write it as '%k\t%v\n', or json; --help lists the verbs`

// parseFormat reads a format. Verbs are those that it may hold.
func parseFormat(text, verbs string) ([]formatPart, error) {
	var parts []formatPart
	var literal []byte
	end := func() {
		if len(literal) > 0 {
			parts = append(parts, formatPart{literal: literal})
			literal = nil
		}
	}
	wrong := func(problem string) error {
		return &usageError{problem: fmt.Sprintf("format %q: %s", text, problem), advice: formatAdvice}
	}
	for rest := text; rest != ""; {
		switch {
		case rest[0] == '\\':
			c, size, ok := unescaped(rest)
			if !ok {
				return nil, wrong("a backslash stands before t, n, r, 0, \\ or xNN")
			}
			literal, rest = append(literal, c), rest[size:]
		case strings.HasPrefix(rest, "%%"):
			literal, rest = append(literal, '%'), rest[2:]
		case rest[0] == '%':
			if len(rest) < 2 || !strings.Contains(verbs, rest[1:2]) {
				return nil, wrong("% stands before one of " + verbs + " here, or %% for itself")
			}
			end()
			part, size, err := parseVerb(rest)
			if err != nil {
				return nil, wrong(err.Error())
			}
			parts, rest = append(parts, part), rest[size:]
		default:
			literal, rest = append(literal, rest[0]), rest[1:]
		}
	}
	end()
	return parts, nil
}

func unescaped(text string) (c byte, size int, ok bool) {
	if len(text) < 2 {
		return 0, 0, false
	}
	if plain, ok := map[byte]byte{'t': '\t', 'n': '\n', 'r': '\r', '0': 0, '\\': '\\'}[text[1]]; ok {
		return plain, 2, true
	}
	if text[1] != 'x' || len(text) < 4 {
		return 0, 0, false
	}
	b, err := hex.DecodeString(text[2:4])
	return append(b, 0)[0], 4, err == nil
}

// parseVerb reads %k, %k{hex} or %h{%k=%v }.
func parseVerb(text string) (part formatPart, size int, err error) {
	part, size = formatPart{verb: text[1]}, 2
	if len(text) < 3 || text[2] != '{' || !strings.ContainsRune("kvh", rune(part.verb)) {
		return part, size, nil
	}
	length := strings.IndexByte(text, '}')
	if length < 0 {
		return part, 0, fmt.Errorf("the brace behind %%%c is not closed", part.verb)
	}
	part.braces = text[3:length]
	switch {
	case part.verb == 'h':
		part.headers, err = parseFormat(part.braces, "kv")
	case part.braces != "hex" && part.braces != "base64":
		err = fmt.Errorf("the braces behind %%%c hold hex or base64", part.verb)
	}
	return part, length + 1, err
}

// formatPrinter prints records by a format.
type formatPrinter struct {
	out   *bufio.Writer
	parts []formatPart
}

func newFormatPrinter(w io.Writer, text string) (recordPrinter, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	if text == "json" {
		return &jsonPrinter{out: out}, nil
	}
	parts, err := parseFormat(text, "tkvhpodeTKVH")
	return &formatPrinter{out: out, parts: parts}, err
}

func (p *formatPrinter) flush() error { return p.out.Flush() }

func (p *formatPrinter) write(r *kgo.Record) error {
	var line []byte
	for _, part := range p.parts {
		line = part.append(line, r)
	}
	_, err := p.out.Write(line)
	return err
}

func (part *formatPart) append(line []byte, r *kgo.Record) []byte {
	switch part.verb {
	case 0:
		return append(line, part.literal...)
	case 't':
		return append(line, r.Topic...)
	case 'k':
		return append(line, part.coded(r.Key)...)
	case 'v':
		return append(line, part.coded(r.Value)...)
	case 'h':
		return part.appendHeaders(line, r.Headers)
	}
	return strconv.AppendInt(line, part.number(r), 10)
}

func (part *formatPart) number(r *kgo.Record) int64 {
	switch part.verb {
	case 'p':
		return int64(r.Partition)
	case 'o':
		return r.Offset
	case 'd':
		return r.Timestamp.UnixMilli()
	case 'e':
		return int64(r.LeaderEpoch)
	case 'T':
		return int64(len(r.Topic))
	case 'K':
		return int64(len(r.Key))
	case 'V':
		return int64(len(r.Value))
	}
	return int64(len(r.Headers)) // 'H'
}

func (part *formatPart) coded(data []byte) []byte {
	switch part.braces {
	case "hex":
		return hex.AppendEncode(nil, data)
	case "base64":
		return base64.StdEncoding.AppendEncode(nil, data)
	}
	return data
}

// appendHeaders prints key=value, divided by commas, or each by the format in
// the braces.
func (part *formatPart) appendHeaders(line []byte, headers []kgo.RecordHeader) []byte {
	for i, h := range headers {
		if len(part.headers) > 0 {
			as := &kgo.Record{Key: []byte(h.Key), Value: h.Value}
			for _, inner := range part.headers {
				line = inner.append(line, as)
			}
			continue
		}
		if i > 0 {
			line = append(line, ',')
		}
		line = append(append(append(line, h.Key...), '='), h.Value...)
	}
	return line
}

// formatReader reads records by a format: each verb ends where the literal
// behind it begins, the last with the line.
type formatReader struct{ parts []formatPart }

func newFormatReader(text string) (lineParser, error) {
	if text == "json" {
		return jsonReader{}, nil
	}
	text = strings.TrimSuffix(text, `\n`)
	parts, err := parseFormat(text, "kvhpd")
	if err != nil {
		return nil, err
	}
	seen := map[byte]bool{}
	for i, part := range parts {
		wrong := ""
		switch {
		case part.verb == 0 && bytes.ContainsAny(part.literal, "\n\r"):
			wrong = "a record is one line; json holds line ends"
		case part.verb != 0 && i > 0 && parts[i-1].verb != 0:
			wrong = fmt.Sprintf("nothing stands between %%%c and %%%c", parts[i-1].verb, part.verb)
		case part.verb != 0 && seen[part.verb]:
			wrong = fmt.Sprintf("%%%c stands there twice", part.verb)
		case len(part.headers) > 0:
			wrong = "%h has no braces here: it reads key=value, divided by commas"
		}
		if wrong != "" {
			return nil, &usageError{problem: fmt.Sprintf("format %q: %s", text, wrong), advice: formatAdvice}
		}
		seen[part.verb] = part.verb != 0
	}
	if !seen['v'] && !seen['k'] {
		return nil, &usageError{problem: fmt.Sprintf("format %q: it holds neither %%v nor %%k", text), advice: formatAdvice}
	}
	return formatReader{parts}, nil
}

// formatHas says whether lines hold what the verb stands for.
func formatHas(reader lineParser, verb byte) bool {
	f, ok := reader.(formatReader)
	return ok && slices.ContainsFunc(f.parts, func(p formatPart) bool { return p.verb == verb })
}

func (f formatReader) record(line []byte, number int) (*kgo.Record, error) {
	r := &kgo.Record{Partition: -1}
	rest := line
	for i, part := range f.parts {
		if part.verb == 0 {
			var ok bool
			if rest, ok = bytes.CutPrefix(rest, part.literal); !ok {
				return nil, &formatLineError{number, fmt.Sprintf("lacks %q", part.literal)}
			}
			continue
		}
		field := rest
		if i+1 < len(f.parts) {
			end := bytes.Index(rest, f.parts[i+1].literal)
			if end < 0 {
				return nil, &formatLineError{number, fmt.Sprintf("lacks %q behind %%%c", f.parts[i+1].literal, part.verb)}
			}
			field = rest[:end]
		}
		rest = rest[len(field):]
		if err := part.set(r, field); err != nil {
			return nil, &formatLineError{number, err.Error()}
		}
	}
	if len(rest) > 0 {
		return nil, &formatLineError{number, fmt.Sprintf("goes on with %q", shortened(rest))}
	}
	return r, nil
}

// formatLineError is a line that does not have the form that was told.
type formatLineError struct {
	number  int
	problem string
}

func (e *formatLineError) Error() string {
	return fmt.Sprintf("line %d of standard input %s", e.number, e.problem)
}
func (e *formatLineError) Hint() string {
	return `say how lines look: -f '%k\t%v', -f json, or -f '%v' for values alone`
}

func (part *formatPart) set(r *kgo.Record, field []byte) (err error) {
	switch part.verb {
	case 'k':
		r.Key, err = part.decoded(field)
	case 'v':
		r.Value, err = part.decoded(field)
	case 'h':
		r.Headers, err = typedHeaders(strings.Split(string(field), ","))
	case 'p':
		var n int64
		n, err = strconv.ParseInt(string(field), 10, 32)
		r.Partition = int32(n)
	case 'd':
		var ms int64
		ms, err = strconv.ParseInt(string(field), 10, 64)
		r.Timestamp = time.UnixMilli(ms)
	}
	if err != nil {
		return fmt.Errorf("has no good %%%c: %w", part.verb, err)
	}
	return nil
}

func (part *formatPart) decoded(field []byte) ([]byte, error) {
	switch part.braces {
	case "hex":
		return hex.AppendDecode([]byte{}, field)
	case "base64":
		return base64.StdEncoding.AppendDecode([]byte{}, field)
	}
	return field, nil
}

// typedHeaders reads words of the form key=value; one empty word is none.
func typedHeaders(words []string) ([]kgo.RecordHeader, error) {
	var out []kgo.RecordHeader
	if len(words) == 1 && words[0] == "" {
		return nil, nil
	}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no key=value", word)
		}
		out = append(out, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return out, nil
}
