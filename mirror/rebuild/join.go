package rebuild

import (
	"schloss/kafka"
	"schloss/kafka/batch"
)

// join says whether the batches can be made one without taking their records
// apart: all of each is to pass, nothing is compressed, and it fits.
func (r *Rules) join(from kafka.Offset, batches []batch.Batch) bool {
	if len(batches) < 2 || r.NeedsKeys || r.Deal.Partitions > 0 || len(r.Without) > 0 || len(r.Alone) > 0 {
		return false
	}
	for _, b := range batches {
		if b.Attributes().Codec() != batch.None || b.BaseOffset() < from || b.LastOffsetDelta() != b.Count()-1 {
			return false
		}
	}
	return r.MaxBytes == 0 || batch.JoinedSize(batches...) <= r.MaxBytes
}

func join(r Rules, batches []batch.Batch) (p Piece, err error) {
	var memory []byte
	if r.Room != nil {
		memory = r.Room(batch.JoinedSize(batches...))
	}
	if p.Batch, err = batch.Join(memory, batches...); err != nil {
		return p, err
	}
	for _, b := range batches {
		p.note(Run{b.BaseOffset(), int64(b.Count())})
	}
	return p, nil
}
