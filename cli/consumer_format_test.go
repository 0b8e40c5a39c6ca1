package cli

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDecoders(t *testing.T) {
	tests := []struct {
		name, class string
		data        []byte
		want        string
		problem     string
	}{
		{"string", "StringDeserializer", []byte("a\xff"), "a\xff", ""},
		{"bytes", "BytesDeserializer", []byte("a\\\x01~"), `a\x5C\x01~`, ""},
		{"short", "ShortDeserializer", []byte{0xff, 0xfe}, "-2", ""},
		{"integer", "IntegerDeserializer", []byte{0, 0, 1, 0}, "256", ""},
		{"long", "LongDeserializer", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "-1", ""},
		{"float", "FloatDeserializer", []byte{0x3f, 0x80, 0, 0}, "1.0", ""},
		{"double", "DoubleDeserializer", []byte{0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}, "3.141592653589793", ""},
		{"boolean", "BooleanDeserializer", []byte{1}, "true", ""},
		{"uuid", "UUIDDeserializer", []byte("123E4567-e89b-12d3-a456-426614174000"), "123e4567-e89b-12d3-a456-426614174000", ""},
		{"no uuid", "UUIDDeserializer", []byte("x"), "", "Error parsing data into UUID"},
		{"long of five bytes", "LongDeserializer", make([]byte, 5), "", "Size of data received by LongDeserializer is not 8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			decode, err := decoderOf(serialization + tt.class)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(tt.data)
			if got != tt.want || (err == nil) != (tt.problem == "") || err != nil && err.Error() != tt.problem {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.problem)
			}
		})
	}
}

func TestTextDecoders(t *testing.T) {
	for _, tt := range []struct {
		charset string
		data    []byte
		want    string
		ok      bool
	}{
		{"utf-8", []byte("\u00e9"), "\u00e9", true},
		{"ISO-8859-1", []byte{0xe9}, "\u00e9", true},
		{"UTF-16", []byte{0xfe, 0xff, 0, 0xe9}, "\u00e9", true},
		{"UTF-16", []byte{0xff, 0xfe, 0xe9, 0}, "\u00e9", true},
		{"UTF-16LE", []byte{0xe9, 0}, "\u00e9", true},
		{"UTF-16BE", []byte{0xd8, 0x3d, 0xde, 0x00}, "\U0001f600", true},
		{"UTF-16", []byte{0}, "", false},
	} {
		t.Run(tt.charset, func(t *testing.T) {
			decode, err := textDecoder(tt.charset)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decode(tt.data); got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	if _, err := textDecoder("EBCDIC"); err == nil {
		t.Error("a charset that is not there: got no error")
	}
}

// The expected texts are what Java 17's Double.toString prints.
func TestJavaFloat(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 1: "1.0", 0.001: "0.001", 0.0001: "1.0E-4", 9999999: "9999999.0", 1e7: "1.0E7", 1.5e300: "1.5E300",
		-12.25: "-12.25", math.Inf(-1): "-Infinity"} {
		if got := javaFloat(f, 64); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := javaFloat(math.Copysign(0, -1), 64); got != "-0.0" {
		t.Errorf("got %s, want -0.0", got)
	}
}

func TestFormatterPrintsEveryColumn(t *testing.T) {
	var out bytes.Buffer
	o := &options{given: map[string][]string{"property": {"print.timestamp=true", "print.partition=true", "print.offset=true",
		"print.epoch=true", "print.headers=true", "print.key=true", "key.separator=|", "line.separator=;"}}}
	f, err := newFormatter(o, &out)
	if err != nil {
		t.Fatal(err)
	}
	err = f.write(&kgo.Record{Partition: 3, Offset: 9, LeaderEpoch: 2, Timestamp: time.UnixMilli(17), Value: []byte("v"), Headers: []kgo.RecordHeader{{Key: "h", Value: nil}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "CreateTime:17|Partition:3|Offset:9|Epoch:2|h:null|null|v;"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFormatterRefusesUnknownProperties(t *testing.T) {
	_, err := newFormatter(&options{given: map[string][]string{"property": {"print.keys=true"}}}, nil)
	if wrong, ok := err.(*usageError); !ok || wrong.advice != "did you mean print.key?" {
		t.Errorf("got %v, want a usage error that names print.key", err)
	}
}
