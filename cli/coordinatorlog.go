package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kbin"

	"schloss/kafka"
)

// What coordinators write into __consumer_offsets and __transaction_state, as
// JSON of the fields' names in Kafka's schemas, in their order
// (docs/format/log.md; Kafka: OffsetCommitValue.json and its neighbours).

// jsonObject keeps the order of its fields.
type jsonObject []jsonField

type jsonField struct {
	name  string
	value any
}

// MarshalJSON writes the fields in order.
func (o jsonObject) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := plainJSON(f.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(f.name) + ":")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plainJSON leaves <, > and & as they are, as Kafka's writer does.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// The types of coordinator records that are decoded: the version of their key.
const (
	legacyOffsetCommitType = 0
	offsetCommitType       = 1
	groupMetadataType      = 2
	transactionType        = 0 // of the transaction log
)

// unknownRecordError is a record of a type that is not decoded, such as those
// of KIP-848 groups.
type unknownRecordError struct{ kind int16 }

func (e *unknownRecordError) Error() string { return fmt.Sprintf("unknown record type %d", e.kind) }

// coordinatorRecord is a record decoded. Value is nil for a tombstone.
type coordinatorRecord struct {
	kind    int16
	key     jsonObject
	version int16
	value   jsonObject
}

var errShortRecord = errors.New("it ends within a field")

// coordinatorFields reads the fields of a key or value. Each length is bounded
// by what is left.
type coordinatorFields struct {
	kbin.Reader
	flexible bool
}

func (f *coordinatorFields) text() string {
	if f.flexible {
		return f.CompactString()
	}
	return f.String()
}

func (f *coordinatorFields) nullableText() any {
	s := f.NullableString
	if f.flexible {
		s = f.CompactNullableString
	}
	if p := s(); p != nil {
		return *p
	}
	return nil
}

func (f *coordinatorFields) raw() []byte {
	if f.flexible {
		return f.CompactBytes()
	}
	return f.Bytes()
}

// count is the length of an array, -1 for null. No element takes less than a
// byte, so a larger one is a lie.
func (f *coordinatorFields) count() int {
	n := int(f.array())
	if n > len(f.Src) {
		f.Src = nil
		f.Int8() // marks the reader as exhausted
		return 0
	}
	return n
}

func (f *coordinatorFields) array() int32 {
	if f.flexible {
		return f.CompactArrayLen()
	}
	return f.ArrayLen()
}

// tags are the tagged fields at the end of a flexible structure.
func (f *coordinatorFields) tags() map[uint32][]byte {
	out := make(map[uint32][]byte)
	if !f.flexible {
		return out
	}
	for n := f.Uvarint(); n > 0 && f.Ok(); n-- {
		tag, size := f.Uvarint(), f.Uvarint()
		if int64(size) > int64(len(f.Src)) {
			f.Src = nil
			f.Int8()
			return out
		}
		out[tag] = f.Span(int(size))
	}
	return out
}

func fieldsOf(data []byte) (f *coordinatorFields, version int16, err error) {
	f = &coordinatorFields{Reader: kbin.Reader{Src: data}}
	version = f.Int16()
	if !f.Ok() {
		return nil, 0, errShortRecord
	}
	return f, version, nil
}

// decodeOffsetsRecord reads a record of __consumer_offsets.
func decodeOffsetsRecord(key, value []byte) (coordinatorRecord, error) {
	return decodeCoordinatorRecord(key, value, map[int16]coordinatorSchema{
		legacyOffsetCommitType: {offsetCommitKey, offsetCommitValue, 4},
		offsetCommitType:       {offsetCommitKey, offsetCommitValue, 4},
		groupMetadataType:      {groupMetadataKey, groupMetadataValue, 4},
	})
}

// decodeTransactionRecord reads a record of __transaction_state.
func decodeTransactionRecord(key, value []byte) (coordinatorRecord, error) {
	return decodeCoordinatorRecord(key, value, map[int16]coordinatorSchema{transactionType: {transactionKey, transactionValue, 1}})
}

type coordinatorSchema struct {
	key    func(f *coordinatorFields) jsonObject
	value  func(f *coordinatorFields, version int16) jsonObject
	newest int16 // version of the value
}

func decodeCoordinatorRecord(key, value []byte, schemas map[int16]coordinatorSchema) (r coordinatorRecord, err error) {
	f, kind, err := fieldsOf(key)
	if err != nil {
		return r, fmt.Errorf("read its key: %w", err)
	}
	schema, known := schemas[kind]
	if !known {
		return r, &unknownRecordError{kind}
	}
	r.kind, r.key = kind, schema.key(f)
	if !f.Ok() {
		return r, fmt.Errorf("read its key: %w", errShortRecord)
	}
	if value == nil {
		return r, nil
	}
	if f, r.version, err = fieldsOf(value); err != nil {
		return r, fmt.Errorf("read its value: %w", err)
	}
	if r.version < 0 || r.version > schema.newest {
		return r, fmt.Errorf("read its value: version %d is not known", r.version)
	}
	if r.value = schema.value(f, r.version); !f.Ok() {
		return r, fmt.Errorf("read its value: %w", errShortRecord)
	}
	return r, nil
}

func offsetCommitKey(f *coordinatorFields) jsonObject {
	return jsonObject{{"group", f.text()}, {"topic", f.text()}, {"partition", f.Int32()}}
}

func offsetCommitValue(f *coordinatorFields, version int16) jsonObject {
	f.flexible = version >= 4
	o := jsonObject{{"offset", f.Int64()}}
	if version >= 3 {
		o = append(o, jsonField{"leaderEpoch", f.Int32()})
	}
	o = append(o, jsonField{"metadata", f.text()}, jsonField{"commitTimestamp", f.Int64()})
	if version == 1 {
		o = append(o, jsonField{"expireTimestamp", f.Int64()})
	}
	var id kafka.TopicID
	if raw, ok := f.tags()[0]; ok && len(raw) == len(id) {
		copy(id[:], raw)
		o = append(o, jsonField{"topicId", id.String()})
	}
	return o
}

func groupMetadataKey(f *coordinatorFields) jsonObject { return jsonObject{{"group", f.text()}} }

func groupMetadataValue(f *coordinatorFields, version int16) jsonObject {
	f.flexible = version >= 4
	o := jsonObject{{"protocolType", f.text()}, {"generation", f.Int32()}, {"protocol", f.nullableText()}, {"leader", f.nullableText()}}
	if version >= 2 {
		o = append(o, jsonField{"currentStateTimestamp", f.Int64()})
	}
	members := []any{}
	for range f.count() {
		if !f.Ok() {
			break
		}
		m := jsonObject{{"memberId", f.text()}}
		if version >= 3 {
			m = append(m, jsonField{"groupInstanceId", f.nullableText()})
		}
		m = append(m, jsonField{"clientId", f.text()}, jsonField{"clientHost", f.text()})
		if version >= 1 {
			m = append(m, jsonField{"rebalanceTimeout", f.Int32()})
		}
		members = append(members, append(m, jsonField{"sessionTimeout", f.Int32()}, jsonField{"subscription", f.raw()}, jsonField{"assignment", f.raw()}))
		f.tags()
	}
	f.tags()
	return append(o, jsonField{"members", members})
}

func transactionKey(f *coordinatorFields) jsonObject {
	return jsonObject{{"transactionalId", f.text()}}
}

func transactionValue(f *coordinatorFields, version int16) jsonObject {
	f.flexible = version >= 1
	id, epoch := f.Int64(), f.Int16()
	rest := jsonObject{{"producerEpoch", epoch}, {"transactionTimeoutMs", f.Int32()}, {"transactionStatus", f.Int8()}}
	var partitions any
	if n := f.count(); n >= 0 {
		list := []any{}
		for range n {
			if !f.Ok() {
				break
			}
			topic, ids := f.text(), []any{}
			for range f.count() {
				ids = append(ids, f.Int32())
			}
			f.tags()
			list = append(list, jsonObject{{"topic", topic}, {"partitionIds", ids}})
		}
		partitions = list
	}
	rest = append(rest, jsonField{"transactionPartitions", partitions}, jsonField{"transactionLastUpdateTimestampMs", f.Int64()}, jsonField{"transactionStartTimestampMs", f.Int64()})
	tags := f.tags()
	o := jsonObject{{"producerId", id}}
	for tag, name := range []string{"previousProducerId", "nextProducerId"} {
		if raw, ok := tags[uint32(tag)]; ok {
			in := kbin.Reader{Src: raw}
			o = append(o, jsonField{name, in.Int64()})
		}
	}
	o = append(o, rest...)
	if raw, ok := tags[2]; ok {
		in := kbin.Reader{Src: raw}
		o = append(o, jsonField{"clientTransactionVersion", in.Int16()})
	}
	return o
}

// withProtocols replaces the subscriptions and assignments of a consumer
// group's members, which are bytes to the coordinator, by what they say. Those
// that cannot be read stay bytes, as in Kafka's tool.
func withProtocols(value jsonObject) jsonObject {
	isConsumer := false
	for _, f := range value {
		switch members := f.value.(type) {
		case string:
			isConsumer = isConsumer || f.name == "protocolType" && members == "consumer"
		case []any:
			for _, m := range members {
				member, ok := m.(jsonObject)
				for i := range member {
					raw, _ := member[i].value.([]byte)
					if !ok || !isConsumer || raw == nil {
						continue
					}
					if text, err := memberProtocol(member[i].name, raw); err == nil {
						member[i].value = text
					}
				}
			}
		}
	}
	return value
}

func memberProtocol(field string, raw []byte) (jsonObject, error) {
	f, version, err := fieldsOf(raw)
	if err != nil {
		return nil, err
	}
	var o jsonObject
	if field == "assignment" {
		o = jsonObject{{"assignedPartitions", f.topicPartitions()}, {"userData", f.nullableBytes()}}
	} else {
		topics := []any{}
		for range f.count() {
			if !f.Ok() {
				break
			}
			topics = append(topics, f.text())
		}
		o = jsonObject{{"topics", topics}, {"userData", f.nullableBytes()}}
		if version >= 1 {
			o = append(o, jsonField{"ownedPartitions", f.topicPartitions()})
		}
		if version >= 2 {
			o = append(o, jsonField{"generationId", f.Int32()})
		}
		if version >= 3 {
			o = append(o, jsonField{"rackId", f.nullableText()})
		}
	}
	if !f.Ok() {
		return nil, errShortRecord
	}
	return o, nil
}

func (f *coordinatorFields) topicPartitions() []any {
	out := []any{}
	for range f.count() {
		if !f.Ok() {
			break
		}
		topic, partitions := f.text(), []any{}
		for range f.count() {
			partitions = append(partitions, f.Int32())
		}
		out = append(out, jsonObject{{"topic", topic}, {"partitions", partitions}})
	}
	return out
}

func (f *coordinatorFields) nullableBytes() any {
	b := f.NullableBytes()
	if b == nil {
		return nil
	}
	return base64.StdEncoding.EncodeToString(b)
}
