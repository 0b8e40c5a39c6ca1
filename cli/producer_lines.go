package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/kafka/config"
)

// lineReader splits input as Java's BufferedReader does: a line ends with LF,
// CR or CR LF. The bytes of a line are kept as they are. No more than limit
// bytes of a line are held, whatever its length.
type lineReader struct {
	in     *bufio.Reader
	limit  int
	skipLF bool // the last line ended with CR
	lines  chan lineOrError
}

type lineOrError struct {
	line []byte
	err  error
}

// longLineError is a line that no request could hold.
type longLineError struct {
	length int64
	limit  int
}

func (e *longLineError) Error() string {
	return fmt.Sprintf("%d bytes are more than max.request.size=%d", e.length, e.limit)
}

// newLineReader reads ahead by one line, so that a wait for input can be
// interrupted; the goroutine ends with the input, or with the process.
func newLineReader(in io.Reader, limit int) *lineReader {
	r := &lineReader{in: bufio.NewReaderSize(in, 64<<10), limit: limit, lines: make(chan lineOrError)}
	go func() {
		defer close(r.lines)
		for {
			line, err := r.read()
			r.lines <- lineOrError{line, err}
			if _, long := err.(*longLineError); err != nil && !long {
				return
			}
		}
	}()
	return r
}

func (r *lineReader) next(ctx context.Context) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case l, open := <-r.lines:
		if !open {
			return nil, io.EOF
		}
		return l.line, l.err
	}
}

func (r *lineReader) read() ([]byte, error) {
	if r.skipLF {
		r.skipLF = false
		next, err := r.in.Peek(1)
		if err != nil {
			return nil, err
		}
		if next[0] == '\n' {
			r.discard(1)
		}
	}
	var line []byte
	var length int64
	for begun := false; ; begun = true {
		if _, err := r.in.Peek(1); err == io.EOF && begun {
			return r.finish(line, length) // a last line without an end
		} else if err != nil {
			return nil, err
		}
		part, _ := r.in.Peek(r.in.Buffered())
		end := bytes.IndexAny(part, "\r\n")
		if end >= 0 {
			r.skipLF = part[end] == '\r'
			part = part[:end]
		}
		length += int64(len(part))
		if room := r.limit - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if end >= 0 {
			r.discard(end + 1)
			return r.finish(line, length)
		}
		r.discard(len(part))
	}
}

// discard drops bytes that are known to be buffered, so it cannot fail.
func (r *lineReader) discard(n int) { _, _ = r.in.Discard(n) }

func (r *lineReader) finish(line []byte, length int64) ([]byte, error) {
	if length > int64(r.limit) {
		return nil, &longLineError{length: length, limit: r.limit}
	}
	if line == nil {
		line = []byte{}
	}
	return line, nil
}

// lineFormat says how a line becomes a record (Kafka: LineMessageReader).
type lineFormat struct {
	parseKey, parseHeaders, ignoreError                                   bool
	keySeparator, headersDelimiter, headersSeparator, headersKeySeparator string
	nullMarker                                                            string
	hasNullMarker                                                         bool
}

var readerKeys = []string{"parse.key", "parse.headers", "ignore.error", "key.separator", "headers.delimiter",
	"headers.separator", "headers.key.separator", "null.marker", "topic"}

func readerFormat(o *options) (lineFormat, error) {
	f := lineFormat{keySeparator: "\t", headersDelimiter: "\t", headersSeparator: ",", headersKeySeparator: ":"}
	given, err := propertyFlags(o, "reader-config", "property", "reader-property")
	if err != nil {
		return f, err
	}
	for _, kv := range given {
		switch key, value := kv[0], kv[1]; key {
		case "parse.key":
			f.parseKey = isTrue(value)
		case "parse.headers":
			f.parseHeaders = isTrue(value)
		case "ignore.error":
			f.ignoreError = isTrue(value)
		case "key.separator":
			f.keySeparator = value
		case "headers.delimiter":
			f.headersDelimiter = value
		case "headers.separator":
			f.headersSeparator = value
		case "headers.key.separator":
			f.headersKeySeparator = value
		case "null.marker":
			f.nullMarker, f.hasNullMarker = value, true
		case "topic": // Kafka's tool hands it to its reader; --topic counts
		default:
			return f, unknownKey("reader", key, readerKeys)
		}
	}
	return f, f.check()
}

// propertyFlags are the entries of the file that one flag names, then those of
// the other flags.
func propertyFlags(o *options, file string, flags ...string) ([][2]string, error) {
	var out [][2]string
	if path := o.get(file); path != "" {
		p, err := config.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, e := range p.Entries() {
			out = append(out, [2]string{e.Key, e.Value})
		}
	}
	for _, name := range flags {
		more, err := pairs(name, o.all(name), true)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func isTrue(value string) bool { return strings.EqualFold(strings.TrimSpace(value), "true") }

// check refuses separators that could not be told apart.
func (f lineFormat) check() error {
	named := []struct{ key, value string }{{"key.separator", f.keySeparator}, {"headers.delimiter", f.headersDelimiter},
		{"headers.separator", f.headersSeparator}, {"headers.key.separator", f.headersKeySeparator}}
	for i, a := range named {
		if a.value == "" {
			return usage("reader property %s must not be empty", a.key)
		}
		if f.hasNullMarker && f.nullMarker == a.value {
			return usage("null.marker and %s may not be equal", a.key)
		}
		for _, b := range named[i+1:] {
			if f.parseHeaders && a.key != "key.separator" && a.value == b.value {
				return usage("%s and %s may not be equal", a.key, b.key)
			}
		}
	}
	return nil
}

// lineError is a line that does not have the parts it should have.
type lineError struct{ problem string }

func (e *lineError) Error() string { return e.problem }

func (f lineFormat) record(line []byte, number int) (*kgo.Record, error) {
	record, rest := &kgo.Record{}, line
	if f.parseHeaders {
		text, after, err := f.cut(rest, f.headersDelimiter, "headers delimiter", line, number)
		if err != nil {
			return nil, err
		}
		if after != nil {
			rest = after
			if record.Headers, err = f.headers(text, number); err != nil {
				return nil, err
			}
		}
	}
	if f.parseKey {
		key, after, err := f.cut(rest, f.keySeparator, "key separator", line, number)
		if err != nil {
			return nil, err
		}
		if after != nil {
			rest, record.Key = after, f.orNull(key)
		}
	}
	record.Value = f.orNull(rest)
	return record, nil
}

// cut splits at the separator. Without one the line is wrong, or all of it is
// the value where errors are ignored (after is nil then).
func (f lineFormat) cut(rest []byte, separator, what string, line []byte, number int) (before, after []byte, err error) {
	before, after, ok := bytes.Cut(rest, []byte(separator))
	if ok {
		if after == nil {
			after = []byte{}
		}
		return before, after, nil
	}
	if f.ignoreError {
		return nil, nil, nil
	}
	return nil, nil, &lineError{fmt.Sprintf("No %s found on line number %d: '%s'", what, number, shortened(line))}
}

func (f lineFormat) headers(text []byte, number int) ([]kgo.RecordHeader, error) {
	var out []kgo.RecordHeader
	for _, pair := range strings.Split(string(text), f.headersSeparator) {
		key, value, ok := strings.Cut(pair, f.headersKeySeparator)
		switch {
		case !ok && f.ignoreError:
			out = append(out, kgo.RecordHeader{Key: pair})
		case !ok:
			return nil, &lineError{fmt.Sprintf("No header key separator found in pair '%s' on line number %d", shortened([]byte(pair)), number)}
		case f.hasNullMarker && key == f.nullMarker:
			return nil, &lineError{fmt.Sprintf("Header keys should not be equal to the null marker '%s' as they can't be null", key)}
		default:
			out = append(out, kgo.RecordHeader{Key: key, Value: f.orNull([]byte(value))})
		}
	}
	return out, nil
}

func (f lineFormat) orNull(field []byte) []byte {
	if f.hasNullMarker && string(field) == f.nullMarker {
		return nil
	}
	return field
}

// shortened keeps a message readable when a line is long.
func shortened(line []byte) string {
	const most = 100
	if len(line) <= most {
		return string(line)
	}
	return string(line[:most]) + "..."
}
