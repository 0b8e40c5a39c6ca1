package cli

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kgo"
)

const formatterHelp = "What is printed of a message: print.timestamp, print.partition, print.offset, print.epoch, print.headers, print.key (all false), " +
	"print.value=true; key.separator=TAB, line.separator=newline, headers.separator=comma, null.literal=null; key.deserializer, " +
	"value.deserializer, headers.deserializer."

// formatter prints messages as Kafka's DefaultMessageFormatter does: the
// columns in its order, each but the last followed by the key separator.
type formatter struct {
	out                                                        *bufio.Writer
	timestamp, partition, offset, epoch, headers, key, value   bool
	keySeparator, lineSeparator, headersSeparator, nullLiteral string
	keyDecoder, valueDecoder, headersDecoder                   decoder
}

var formatterKeys = []string{"print.timestamp", "print.partition", "print.offset", "print.epoch", "print.headers", "print.key",
	"print.value", "key.separator", "line.separator", "headers.separator", "null.literal", "key.deserializer",
	"value.deserializer", "headers.deserializer"}

func newFormatter(o *options, w io.Writer) (*formatter, error) {
	f := &formatter{out: bufio.NewWriterSize(w, 64<<10), value: true, keySeparator: "\t", lineSeparator: "\n", headersSeparator: ",", nullLiteral: "null"}
	given, err := propertyFlags(o, "formatter-config", "property", "formatter-property")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"key", "value"} {
		if o.has(name + "-deserializer") {
			given = append(given, [2]string{name + ".deserializer", o.get(name + "-deserializer")})
		}
	}
	// A deserializer's own properties come after it, wherever they stand.
	slices.SortStableFunc(given, func(a, b [2]string) int {
		return strings.Count(a[0], "deserializer.") - strings.Count(b[0], "deserializer.")
	})
	for _, kv := range given {
		if err := f.set(kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *formatter) set(key, value string) (err error) {
	switch key {
	case "print.timestamp":
		f.timestamp = isTrue(value)
	case "print.partition":
		f.partition = isTrue(value)
	case "print.offset":
		f.offset = isTrue(value)
	case "print.epoch":
		f.epoch = isTrue(value)
	case "print.headers":
		f.headers = isTrue(value)
	case "print.key":
		f.key = isTrue(value)
	case "print.value":
		f.value = isTrue(value)
	case "key.separator":
		f.keySeparator = value
	case "line.separator":
		f.lineSeparator = value
	case "headers.separator":
		f.headersSeparator = value
	case "null.literal":
		f.nullLiteral = value
	case "key.deserializer":
		f.keyDecoder, err = decoderOf(value)
	case "value.deserializer":
		f.valueDecoder, err = decoderOf(value)
	case "headers.deserializer", "header.deserializer": // the second stands in Kafka's help alone
		f.headersDecoder, err = decoderOf(value)
	default:
		return f.setEncoding(key, value)
	}
	return err
}

// setEncoding reads what Kafka hands to a StringDeserializer: a key of its own
// behind the prefix of the deserializer it is for.
func (f *formatter) setEncoding(key, value string) error {
	for _, part := range []struct {
		name   string
		decode *decoder
	}{{"key", &f.keyDecoder}, {"value", &f.valueDecoder}, {"headers", &f.headersDecoder}} {
		own, ok := strings.CutPrefix(key, part.name+".deserializer.")
		if !ok || own != "deserializer.encoding" && own != part.name+".deserializer.encoding" {
			continue
		}
		decode, err := textDecoder(value)
		if err == nil {
			*part.decode = decode
		}
		return err
	}
	return unknownKey("formatter", key, formatterKeys)
}

// textDecoder reads text of Java's standard charsets.
func textDecoder(charset string) (decoder, error) {
	switch strings.ToUpper(charset) {
	case "UTF-8", "UTF8", "US-ASCII":
		return decoders["StringDeserializer"], nil
	case "ISO-8859-1", "LATIN1":
		return func(b []byte) (string, error) {
			runes := make([]rune, len(b))
			for i, c := range b {
				runes[i] = rune(c)
			}
			return string(runes), nil
		}, nil
	case "UTF-16", "UTF-16BE":
		return utf16Text(binary.BigEndian), nil
	case "UTF-16LE":
		return utf16Text(binary.LittleEndian), nil
	}
	return nil, usage("charset %s is not served", charset).advised("use UTF-8, ISO-8859-1, UTF-16, UTF-16BE or UTF-16LE")
}

func utf16Text(order binary.ByteOrder) decoder {
	return func(b []byte) (string, error) {
		if len(b)%2 != 0 {
			return "", &decodeError{"text in UTF-16 has an odd number of bytes"}
		}
		if order == binary.BigEndian && len(b) > 1 && b[0] == 0xff && b[1] == 0xfe { // the mark of the other order
			return utf16Text(binary.LittleEndian)(b)
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = order.Uint16(b[2*i:])
		}
		return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff"), nil
	}
}

func (f *formatter) flush() error { return f.out.Flush() }

// write prints one message, or nothing of it when a part cannot be decoded.
func (f *formatter) write(r *kgo.Record) error {
	var columns []string
	add := func(wanted bool, text string) {
		if wanted {
			columns = append(columns, text)
		}
	}
	add(f.timestamp, timestampText(r))
	add(f.partition, "Partition:"+strconv.Itoa(int(r.Partition)))
	add(f.offset, "Offset:"+strconv.FormatInt(r.Offset, 10))
	add(f.epoch, epochText(r))
	if f.headers {
		text, err := f.headersText(r.Headers)
		if err != nil {
			return err
		}
		columns = append(columns, text)
	}
	for _, part := range []struct {
		wanted bool
		data   []byte
		decode decoder
	}{{f.key, r.Key, f.keyDecoder}, {f.value, r.Value, f.valueDecoder}} {
		if !part.wanted {
			continue
		}
		text, err := f.text(part.data, part.decode)
		if err != nil {
			return err
		}
		columns = append(columns, text)
	}
	for i, text := range columns {
		separator := f.keySeparator
		if i == len(columns)-1 {
			separator = f.lineSeparator
		}
		if _, err := f.out.WriteString(text + separator); err != nil {
			return err
		}
	}
	return nil
}

func (f *formatter) text(data []byte, decode decoder) (string, error) {
	if data == nil {
		return f.nullLiteral, nil
	}
	if decode == nil {
		return string(data), nil
	}
	return decode(data)
}

func timestampText(r *kgo.Record) string {
	switch r.Attrs.TimestampType() {
	case 0:
		return "CreateTime:" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10)
	case 1:
		return "LogAppendTime:" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10)
	}
	return "NO_TIMESTAMP"
}

func epochText(r *kgo.Record) string {
	if r.LeaderEpoch < 0 {
		return "Epoch:NOT_PRESENT"
	}
	return "Epoch:" + strconv.Itoa(int(r.LeaderEpoch))
}

func (f *formatter) headersText(headers []kgo.RecordHeader) (string, error) {
	if len(headers) == 0 {
		return "NO_HEADERS", nil
	}
	words := make([]string, len(headers))
	for i, h := range headers {
		value, err := f.text(h.Value, f.headersDecoder)
		if err != nil {
			return "", err
		}
		words[i] = h.Key + ":" + value
	}
	return strings.Join(words, f.headersSeparator), nil
}

// decoder turns a key, a value or a header into text.
type decoder func(data []byte) (string, error)

// decodeError is data that is not what the deserializer expects.
type decodeError struct{ problem string }

func (e *decodeError) Error() string { return e.problem }

const serialization = "org.apache.kafka.common.serialization."

// The deserializers of Kafka, by the name in their package. Byte arrays are
// printed as they are, not as the address that Java prints.
var decoders = map[string]decoder{
	"StringDeserializer":    func(b []byte) (string, error) { return string(b), nil },
	"ByteArrayDeserializer": func(b []byte) (string, error) { return string(b), nil },
	"BytesDeserializer":     func(b []byte) (string, error) { return bytesText(b), nil },
	"ShortDeserializer":     sized(2, "ShortDeserializer", func(b []byte) string { return strconv.Itoa(int(int16(binary.BigEndian.Uint16(b)))) }),
	"IntegerDeserializer":   sized(4, "IntegerDeserializer", func(b []byte) string { return strconv.Itoa(int(int32(binary.BigEndian.Uint32(b)))) }),
	"LongDeserializer":      sized(8, "LongDeserializer", func(b []byte) string { return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10) }),
	"FloatDeserializer":     sized(4, "FloatDeserializer", func(b []byte) string { return javaFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 32) }),
	"DoubleDeserializer":    sized(8, "DoubleDeserializer", func(b []byte) string { return javaFloat(math.Float64frombits(binary.BigEndian.Uint64(b)), 64) }),
	"BooleanDeserializer":   booleanText,
	"UUIDDeserializer":      uuidText,
	"VoidDeserializer": func([]byte) (string, error) {
		return "", &decodeError{"Data should be null for a VoidDeserializer."}
	},
}

func decoderOf(class string) (decoder, error) {
	if d, ok := decoders[strings.TrimPrefix(strings.TrimSpace(class), serialization)]; ok {
		return d, nil
	}
	return nil, &usageError{problem: fmt.Sprintf("deserializer %s is not served: it is a Java class", class),
		advice: "use one of " + serialization + "{String,Integer,Long,Short,Float,Double,Boolean,UUID,ByteArray,Bytes}Deserializer"}
}

func sized(size int, name string, text func([]byte) string) decoder {
	return func(b []byte) (string, error) {
		if len(b) != size {
			return "", &decodeError{fmt.Sprintf("Size of data received by %s is not %d", name, size)}
		}
		return text(b), nil
	}
}

func booleanText(b []byte) (string, error) {
	if len(b) != 1 || b[0] > 1 {
		return "", &decodeError{"data received by BooleanDeserializer is neither 0 nor 1"}
	}
	return strconv.FormatBool(b[0] == 1), nil
}

func uuidText(b []byte) (string, error) {
	text := strings.ToLower(string(b))
	if len(text) != 36 || strings.Trim(strings.ReplaceAll(text, "-", ""), "0123456789abcdef") != "" || strings.Count(text, "-") != 4 {
		return "", &decodeError{"Error parsing data into UUID"}
	}
	return text, nil
}

// bytesText is Java's Bytes.toString: printable ASCII as it is, the rest \xNN.
func bytesText(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		if c >= ' ' && c <= '~' && c != '\\' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, `\x%02X`, c)
		}
	}
	return out.String()
}

// javaFloat is Java's Double.toString: plain from 10^-3 to 10^7, at least one
// digit behind the point, 1.0E10 elsewhere.
func javaFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if size := math.Abs(f); f == 0 || size >= 1e-3 && size < 1e7 {
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, bits), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent) // written by FormatFloat
	return mantissa + "E" + strconv.Itoa(n)
}
