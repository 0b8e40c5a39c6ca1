package group

import (
	"encoding/binary"
	"fmt"
)

// groupValue is one generation of a group (Kafka: GroupMetadataValue). A group
// that is empty has no members, no protocol and no leader.
type groupValue struct {
	protocolType string
	generation   int32
	protocol     string
	leader       string
	since        int64 // when the group came into its state, in milliseconds, or noTime
	members      []memberValue
}

// memberValue is one member of a generation. Timeouts are in milliseconds.
type memberValue struct {
	id, instanceID       string
	clientID, clientHost string
	rebalance, session   int32
	subscription         []byte
	assignment           []byte
}

func decodeGroupValue(in []byte) (groupValue, error) {
	r := reader{in: in}
	version := r.int16()
	if version < 0 || version > 4 {
		return groupValue{}, fmt.Errorf("group metadata of version %d is unknown", version)
	}
	r.flexible = version >= 4
	v := groupValue{protocolType: r.string(), generation: r.int32(), protocol: r.nullable(), leader: r.nullable(), since: noTime}
	if version >= 2 {
		v.since = r.int64()
	}
	// Not one byte is taken per claimed member before the member is there.
	n := r.length32()
	if n < 0 {
		r.take(-1)
	}
	for ; n > 0 && r.err == nil; n-- {
		v.members = append(v.members, decodeMember(&r, version))
	}
	r.tags()
	if r.err != nil {
		return groupValue{}, fmt.Errorf("group metadata: %w", r.err)
	}
	return v, nil
}

func decodeMember(r *reader, version int16) memberValue {
	m := memberValue{id: r.string()}
	if version >= 3 {
		m.instanceID = r.nullable()
	}
	m.clientID = r.string()
	m.clientHost = r.string()
	if version >= 1 {
		m.rebalance = r.int32()
	}
	m.session = r.int32()
	if version == 0 {
		m.rebalance = m.session
	}
	m.subscription = r.bytes()
	m.assignment = r.bytes()
	r.tags()
	return m
}

// encode writes version 3, as Kafka 3.9 does.
func (v groupValue) encode() []byte {
	out := binary.BigEndian.AppendUint16(nil, 3)
	out = appendString(out, v.protocolType)
	out = binary.BigEndian.AppendUint32(out, uint32(v.generation))
	out = appendNullable(out, v.protocol)
	out = appendNullable(out, v.leader)
	out = binary.BigEndian.AppendUint64(out, uint64(v.since))
	out = binary.BigEndian.AppendUint32(out, uint32(len(v.members)))
	for _, m := range v.members {
		out = appendString(out, m.id)
		out = appendNullable(out, m.instanceID)
		out = appendString(out, m.clientID)
		out = appendString(out, m.clientHost)
		out = binary.BigEndian.AppendUint32(out, uint32(m.rebalance))
		out = binary.BigEndian.AppendUint32(out, uint32(m.session))
		out = appendBytes(out, m.subscription)
		out = appendBytes(out, m.assignment)
	}
	return out
}
