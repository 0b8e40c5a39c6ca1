package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/kafka"
)

func TestParsePlace(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want place
		bad  bool
	}{
		{text: "start", want: place{at: kafka.EarliestOffset}},
		{text: "end", want: place{at: kafka.LatestOffset}},
		{text: "42", want: place{at: 42}},
		{text: "+3", want: place{by: 3, moved: true}},
		{text: "-3", want: place{by: -3, moved: true}},
		{text: "@2026-01-31T12:00:00Z", want: place{time: now}},
		{text: "@2026-01-31", want: place{time: now.Add(-12 * time.Hour)}},
		{text: "@-1h30m", want: place{time: now.Add(-90 * time.Minute)}},
		{text: "@0", want: place{time: time.UnixMilli(0)}},
		{text: "", bad: true}, {text: "@", bad: true}, {text: "@-", bad: true}, {text: "beginning", bad: true},
		{text: "4.5", bad: true}, {text: "99999999999999999999", bad: true}, {text: "@yesterday", bad: true},
	}
	for _, test := range tests {
		got, err := parsePlace(test.text, now)
		if (err != nil) != test.bad {
			t.Errorf("%q: got error %v, want one: %v", test.text, err, test.bad)
		}
		if err == nil && (got.at != test.want.at || got.by != test.want.by || got.moved != test.want.moved || !got.time.Equal(test.want.time)) {
			t.Errorf("%q: got %+v, want %+v", test.text, got, test.want)
		}
	}
}

func TestFormatReadsLines(t *testing.T) {
	tests := []struct {
		name, format, line string
		want               kgo.Record
		bad                bool
	}{
		{name: "a value", format: "%v", line: "a b", want: kgo.Record{Value: []byte("a b"), Partition: -1}},
		{name: "an empty value is not null", format: `%v\n`, line: "", want: kgo.Record{Value: []byte{}, Partition: -1}},
		{name: "key and value", format: `%k\t%v`, line: "k\tv\tw", want: kgo.Record{Key: []byte("k"), Value: []byte("v\tw"), Partition: -1}},
		{name: "partition, time and headers", format: "%p %d %h|%v", line: "3 1000 a=1,b=2|x",
			want: kgo.Record{Value: []byte("x"), Partition: 3, Timestamp: time.UnixMilli(1000), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}}},
		{name: "hex", format: "%k{hex}:%v{base64}", line: "6162:AA==", want: kgo.Record{Key: []byte("ab"), Value: []byte{0}, Partition: -1}},
		{name: "a frame around it", format: "<%v>", line: "<x>", want: kgo.Record{Value: []byte("x"), Partition: -1}},
		{name: "no separator", format: `%k\t%v`, line: "kv", bad: true},
		{name: "no frame", format: "<%v>", line: "x>", bad: true},
		{name: "something behind the frame", format: "<%v>", line: "<x>y", bad: true},
		{name: "no hex", format: "%v{hex}", line: "zz", bad: true},
		{name: "no partition", format: "%p:%v", line: "x:y", bad: true},
		{name: "a header without value", format: "%h|%v", line: "a|x", bad: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := newFormatReader(test.format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.record([]byte(test.line), 7)
			if test.bad {
				if e := (*formatLineError)(nil); !errors.As(err, &e) || !strings.Contains(err.Error(), "line 7") {
					t.Errorf("got %+v, %v, want an error of line 7", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameRecord(t, got, &test.want)
		})
	}
}

func sameRecord(t *testing.T, got, want *kgo.Record) {
	t.Helper()
	equal := slices.EqualFunc(got.Headers, want.Headers, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && same(a.Value, b.Value) })
	if !equal || !same(got.Key, want.Key) || !same(got.Value, want.Value) || got.Partition != want.Partition || !got.Timestamp.Equal(want.Timestamp) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzFormatReader reads whatever lines by whatever formats.
func FuzzFormatReader(f *testing.F) {
	f.Add(`%k\t%v\n`, []byte("k\tv"))
	f.Add(`%p %d %h|%v{hex}`, []byte("1 2 a=b|00"))
	f.Add(`\x0%%%k{base64}`, []byte("%AA=="))
	f.Add(`%h{%k=%v;}`, []byte{})
	f.Fuzz(func(t *testing.T, format string, line []byte) {
		if p, err := newFormatPrinter(&bytes.Buffer{}, format); err == nil {
			if err := p.write(&kgo.Record{Key: line, Headers: []kgo.RecordHeader{{Key: "k", Value: line}}}); err != nil {
				t.Fatal(err)
			}
		}
		reader, err := newFormatReader(format)
		if err != nil {
			return
		}
		if r, err := reader.record(line, 1); (r == nil) == (err == nil) {
			t.Errorf("got %v and %v", r, err)
		}
	})
}

// FuzzJSONRecord: a record that could be read prints as one that reads the same.
func FuzzJSONRecord(f *testing.F) {
	f.Add([]byte(`{"key":"k","value":"v","headers":[{"key":"a","value":null}],"timestamp":"2026-01-31T12:00:00Z"}`))
	f.Add([]byte(`{"key_base64":"//4=","value":{"a":[1,2]}}`))
	f.Add([]byte(`{"value":"\ud800"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := jsonReader{}.record(line, 1)
		if err != nil {
			return
		}
		if _, err := json.Marshal(first.Timestamp); err != nil {
			return // a year that JSON cannot write
		}
		var out bytes.Buffer
		p, err := newFormatPrinter(&out, "json")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.write(first), p.flush()); err != nil {
			t.Fatal(err)
		}
		again, err := jsonReader{}.record(bytes.TrimSuffix(out.Bytes(), []byte("\n")), 1)
		if err != nil {
			t.Fatalf("%s: %v", out.Bytes(), err)
		}
		sameRecord(t, again, first)
	})
}
