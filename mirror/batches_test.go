package mirror

import (
	"encoding/binary"
	"fmt"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// made describes a batch to make.
type made struct {
	base       kafka.Offset
	records    int
	span       int // offsets it covers; 0: as many as records
	codec      batch.Codec
	attributes batch.Attributes
	producer   kafka.ProducerID // 0: none
	marker     string           // "abort", "commit"
	value      string
	from       int  // the number of the first record, in values and keys
	keyed      bool // each record has a key
	damaged    bool
}

func (m made) build(t testing.TB) batch.Batch {
	t.Helper()
	b := batch.NewBuilder(m.codec)
	b.Attributes = m.attributes
	if m.producer != 0 {
		b.ProducerID, b.ProducerEpoch, b.BaseSequence = m.producer, 0, 0
	}
	if m.span > 0 {
		b.Span(m.base, m.base+kafka.Offset(m.span)-1)
	}
	if m.marker != "" {
		m.records = 1
		b.Attributes |= batch.ControlBit | batch.TransactionalBit
		b.BaseSequence = -1
	}
	for i := range m.records {
		r := batch.Record{Offset: m.base + kafka.Offset(i), Timestamp: 1_700_000_000_000, Value: []byte(fmt.Sprint(m.value, m.from+i))}
		if m.keyed {
			r.Key = fmt.Appendf(nil, "key %d", m.from+i)
		}
		if m.marker != "" {
			r.Key = make([]byte, 4)
			if m.marker == "commit" {
				binary.BigEndian.PutUint16(r.Key[2:], 1)
			}
		}
		b.Add(r)
	}
	out, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if m.damaged {
		out[len(out)-1] ^= 1
	}
	return out
}

func concat(t testing.TB, batches ...made) (out []byte) {
	for _, m := range batches {
		out = append(out, m.build(t)...)
	}
	return out
}
