package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// jsonRecord is a record as a line of JSON. Bytes that are no UTF-8 stand in
// base64 under the other name. Absent and null are null.
type jsonRecord struct {
	Topic       string       `json:"topic,omitempty"`
	Partition   *int32       `json:"partition,omitempty"`
	Offset      *int64       `json:"offset,omitempty"`
	LeaderEpoch *int32       `json:"leader_epoch,omitempty"`
	Timestamp   *time.Time   `json:"timestamp,omitempty"`
	Headers     []jsonHeader `json:"headers,omitempty"`
	Key         jsonBytes    `json:"key"`
	KeyBase64   []byte       `json:"key_base64,omitempty"`
	Value       jsonBytes    `json:"value"`
	ValueBase64 []byte       `json:"value_base64,omitempty"`
}

type jsonHeader struct {
	Key         string    `json:"key"`
	Value       jsonBytes `json:"value"`
	ValueBase64 []byte    `json:"value_base64,omitempty"`
}

// jsonBytes is text; read from anything but a string or null it is that JSON
// itself, so that a value may be an object.
type jsonBytes []byte

// MarshalJSON is a string, or null.
func (b jsonBytes) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(string(b))
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// UnmarshalJSON takes any JSON.
func (b *jsonBytes) UnmarshalJSON(text []byte) error {
	switch {
	case bytes.Equal(text, []byte("null")):
		*b = nil
		return nil
	case len(text) > 0 && text[0] == '"':
		var s string
		err := json.Unmarshal(text, &s)
		*b = []byte(s)
		return err
	}
	*b = bytes.Clone(text)
	return nil
}

// split gives data to the field that can hold it.
func split(data []byte) (text jsonBytes, coded []byte) {
	if data != nil && !utf8.Valid(data) {
		return nil, data
	}
	return data, nil
}

// jsonPrinter prints each record as a line of JSON.
type jsonPrinter struct{ out *bufio.Writer }

func (p *jsonPrinter) flush() error { return p.out.Flush() }

func (p *jsonPrinter) write(r *kgo.Record) error {
	when := r.Timestamp.UTC()
	one := jsonRecord{Topic: r.Topic, Partition: &r.Partition, Offset: &r.Offset, LeaderEpoch: &r.LeaderEpoch, Timestamp: &when}
	one.Key, one.KeyBase64 = split(r.Key)
	one.Value, one.ValueBase64 = split(r.Value)
	for _, h := range r.Headers {
		header := jsonHeader{Key: h.Key}
		header.Value, header.ValueBase64 = split(h.Value)
		one.Headers = append(one.Headers, header)
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(one)
}

// jsonReader reads a line of JSON. What a record is comes from it: key, value,
// headers and timestamp. Where it was (topic, partition, offset, leader_epoch)
// may stand there, as consume prints it, and is not asked for.
type jsonReader struct{}

func (jsonReader) record(line []byte, number int) (*kgo.Record, error) {
	if !utf8.Valid(line) { // the decoder would replace what is none
		return nil, &formatLineError{number, "is no UTF-8, which JSON is"}
	}
	var one jsonRecord
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&one)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = fmt.Errorf("more than one object")
	}
	if err != nil {
		return nil, &formatLineError{number, fmt.Sprintf("is no record in JSON: %v", err)}
	}
	if one.KeyBase64 != nil && one.Key != nil || one.ValueBase64 != nil && one.Value != nil {
		return nil, &formatLineError{number, "has a field both as text and in base64"}
	}
	r := &kgo.Record{Partition: -1, Key: joinedBytes(one.Key, one.KeyBase64), Value: joinedBytes(one.Value, one.ValueBase64)}
	if one.Timestamp != nil {
		r.Timestamp = *one.Timestamp
	}
	for _, h := range one.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: joinedBytes(h.Value, h.ValueBase64)})
	}
	return r, nil
}

func joinedBytes(text jsonBytes, coded []byte) []byte {
	if coded != nil {
		return coded
	}
	return text
}
