package cli

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"schloss/kafka/batch"
)

// recordParse turns a record into the texts of its key and its value; false
// where there is none.
type recordParse func(r *batch.Record) (key string, hasKey bool, value string, hasValue bool)

// recordParser is the one that the options name.
func recordParser(o *options) (recordParse, error) {
	switch {
	case o.has("offsets-decoder"):
		return parseCoordinator(decodeOffsetsRecord), nil
	case o.has("transaction-log-decoder"):
		return parseCoordinator(decodeTransactionRecord), nil
	case o.has("cluster-metadata-decoder"):
		return parseMetadata, nil
	}
	key, err := dumpDecoder(o.get("key-decoder-class"))
	if err != nil {
		return nil, err
	}
	value, err := dumpDecoder(o.get("value-decoder-class"))
	if err != nil {
		return nil, err
	}
	return func(r *batch.Record) (string, bool, string, bool) {
		return key(r.Key), r.Key != nil, value(r.Value), r.Value != nil
	}, nil
}

// The decoders of Kafka by their class; those of 2.x and 3.x had another package.
var dumpDecoders = map[string]func([]byte) string{
	"StringDecoder":    func(b []byte) string { return string(b) },
	"ByteArrayDecoder": func(b []byte) string { return string(b) },
	"DefaultDecoder":   func(b []byte) string { return string(b) },
	"IntegerDecoder":   decodeWhole(4, func(b []byte) string { return strconv.Itoa(int(int32(binary.BigEndian.Uint32(b)))) }),
	"LongDecoder":      decodeWhole(8, func(b []byte) string { return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10) }),
}

func decodeWhole(size int, text func([]byte) string) func([]byte) string {
	return func(b []byte) string {
		if len(b) != size {
			return fmt.Sprintf("(%d bytes, want %d)", len(b), size)
		}
		return text(b)
	}
}

func dumpDecoder(class string) (func([]byte) string, error) {
	name := class
	for _, home := range []string{"org.apache.kafka.tools.api.", "kafka.serializer."} {
		name = strings.TrimPrefix(name, home)
	}
	if name == "" {
		name = "StringDecoder"
	}
	if d, ok := dumpDecoders[name]; ok {
		return d, nil
	}
	return nil, usage("decoder %s is not served: it is a Java class", class).advised("use one of org.apache.kafka.tools.api.{String,ByteArray,Integer,Long}Decoder")
}

func parseCoordinator(decode func(key, value []byte) (coordinatorRecord, error)) recordParse {
	return func(r *batch.Record) (string, bool, string, bool) {
		if r.Key == nil {
			return fmt.Sprintf("Error at offset %d, skipping. the record has no key", r.Offset), true, "", false
		}
		c, err := decode(r.Key, r.Value)
		var unknown *unknownRecordError
		switch {
		case errors.As(err, &unknown):
			return fmt.Sprintf("Unknown record type %d at offset %d, skipping.", unknown.kind, r.Offset), true, "", false
		case err != nil:
			return fmt.Sprintf("Error at offset %d, skipping. %v", r.Offset, err), true, "", false
		}
		key, err := plainJSON(jsonObject{{"type", strconv.Itoa(int(c.kind))}, {"data", c.key}})
		value := []byte("<DELETE>")
		if c.value != nil && err == nil {
			value, err = plainJSON(jsonObject{{"version", strconv.Itoa(int(c.version))}, {"data", withProtocols(c.value)}})
		}
		if err != nil {
			return fmt.Sprintf("Error at offset %d, skipping. %v", r.Offset, err), true, "", false
		}
		return string(key), true, string(value), true
	}
}

// parseMetadata shows a record of our own metadata log (docs/format/metadata.md):
// a key of text and a value of JSON. Kafka's KRaft writes records without keys.
func parseMetadata(r *batch.Record) (string, bool, string, bool) {
	switch {
	case r.Key == nil:
		return "", false, fmt.Sprintf("Error at %d, skipping. it is a record of Kafka's KRaft, which is not decoded", r.Offset), true
	case r.Value == nil:
		return string(r.Key), true, "<DELETE>", true
	case !json.Valid(r.Value):
		return string(r.Key), true, fmt.Sprintf("Error at %d, skipping. its value is no JSON", r.Offset), true
	}
	return string(r.Key), true, string(r.Value), true
}

// record prints the i-th record of a batch.
func (r *dumpRun) record(b batch.Batch, i int32, record *batch.Record) {
	prefix := "| "
	if !r.has("skip-record-metadata") {
		sequence := b.BaseSequence()
		if sequence >= 0 {
			sequence = int32((int64(sequence) + int64(record.Offset-b.BaseOffset())) & math.MaxInt32)
		}
		keys := make([]string, len(record.Headers))
		for j, h := range record.Headers {
			keys[j] = h.Key
		}
		fmt.Fprintf(r.out, "| offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]", record.Offset, timestampType(b.Attributes()), record.Timestamp,
			sizeOf(record.Key), sizeOf(record.Value), sequence, strings.Join(keys, ","))
		if b.Attributes().Control() {
			r.out.WriteString(controlText(record))
		}
		prefix = " "
	}
	if r.contents && !b.Attributes().Control() {
		key, hasKey, value, hasValue := r.parse(record)
		if hasKey {
			r.out.WriteString(prefix + "key: " + key)
			prefix = " "
		}
		if hasValue {
			r.out.WriteString(prefix + "payload: " + value)
		}
	}
	r.out.WriteByte('\n')
}

// sizeOf is a field's length, -1 for null.
func sizeOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

// controlText shows the marker of a transaction's end; markers of KRaft by
// their number. The key holds version and type, the value version and the
// coordinator's epoch.
func controlText(r *batch.Record) string {
	if len(r.Key) < 4 {
		return " controlType: (damaged)"
	}
	kind := int16(binary.BigEndian.Uint16(r.Key[2:]))
	if kind == 0 || kind == 1 {
		name := []string{"ABORT", "COMMIT"}[kind]
		if len(r.Value) < 6 {
			return " endTxnMarker: " + name + " coordinatorEpoch: (damaged)"
		}
		return fmt.Sprintf(" endTxnMarker: %s coordinatorEpoch: %d", name, int32(binary.BigEndian.Uint32(r.Value[2:])))
	}
	names := map[int16]string{2: "LEADER_CHANGE", 3: "SNAPSHOT_HEADER", 4: "SNAPSHOT_FOOTER", 5: "KRAFT_VERSION", 6: "KRAFT_VOTERS"}
	name, ok := names[kind]
	if !ok {
		name = "UNKNOWN"
	}
	return fmt.Sprintf(" controlType: %s(%d)", name, kind)
}
