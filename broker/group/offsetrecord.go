package group

import (
	"encoding/binary"
	"fmt"

	"schloss/kafka"
)

// noTime stands for an absent time in records, in milliseconds.
const noTime int64 = -1

// offsetValue is the value of a committed offset (Kafka: OffsetCommitValue).
type offsetValue struct {
	offset   kafka.Offset
	epoch    kafka.Epoch
	metadata string
	commit   int64 // when it was committed, in milliseconds
	expire   int64 // when it is to go, from requests that say so; else noTime
}

func decodeOffsetValue(in []byte) (offsetValue, error) {
	r := reader{in: in}
	version := r.int16()
	if version < 0 || version > 4 {
		return offsetValue{}, fmt.Errorf("committed offset of version %d is unknown", version)
	}
	r.flexible = version >= 4
	v := offsetValue{offset: kafka.Offset(r.int64()), epoch: kafka.NoEpoch, expire: noTime}
	if version >= 3 {
		v.epoch = kafka.Epoch(r.int32())
	}
	v.metadata = r.string()
	v.commit = r.int64()
	if version == 1 {
		v.expire = r.int64()
	}
	r.tags()
	if r.err != nil {
		return offsetValue{}, fmt.Errorf("committed offset: %w", r.err)
	}
	return v, nil
}

// encode writes what Kafka 3.9 writes: version 3, or 1 with an expiry time,
// which has no place for the epoch.
func (v offsetValue) encode() []byte {
	version := uint16(3)
	if v.expire != noTime {
		version = 1
	}
	out := binary.BigEndian.AppendUint16(nil, version)
	out = binary.BigEndian.AppendUint64(out, uint64(v.offset))
	if version == 3 {
		out = binary.BigEndian.AppendUint32(out, uint32(v.epoch))
	}
	out = appendString(out, v.metadata)
	out = binary.BigEndian.AppendUint64(out, uint64(v.commit))
	if version == 1 {
		out = binary.BigEndian.AppendUint64(out, uint64(v.expire))
	}
	return out
}
