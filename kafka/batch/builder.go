package batch

import "schloss/kafka"

// Builder makes a batch of records. Its first record gives the base offset and
// the base timestamp. The exported fields may be set until Build.
type Builder struct {
	ProducerID    kafka.ProducerID // NewBuilder: NoProducerID
	ProducerEpoch int16            // NewBuilder: -1
	BaseSequence  int32            // NewBuilder: -1
	LeaderEpoch   kafka.Epoch      // NewBuilder: NoEpoch
	Transactional bool
	Control       bool

	codec Codec
}

// NewBuilder makes an empty builder.
func NewBuilder(codec Codec) *Builder {
	b := &Builder{codec: codec}
	b.Reset()
	return b
}

// Reset empties the builder and gives the exported fields their first values.
func (b *Builder) Reset() {}

// Add appends a record. Offsets must grow; Build tells if they do not.
func (b *Builder) Add(r Record) {}

// Len is the number of records.
func (b *Builder) Len() int { return 0 }

// Size is the size of the batch before compression.
func (b *Builder) Size() int { return 0 }

// Build makes the batch, which does not alias the builder's buffers. The
// builder keeps its records until Reset.
func (b *Builder) Build() (Batch, error) { return nil, nil }
