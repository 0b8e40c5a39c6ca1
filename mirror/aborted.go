package mirror

import (
	"encoding/binary"
	"slices"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// aborted finds the batches of aborted transactions in the records of one
// fetched partition, as Kafka's consumer does with isolation.level
// read_committed (Kafka: CompletedFetch). The broker names every aborted
// transaction that touches those records, so nothing is kept between fetches.
type aborted struct {
	coming []wire.AbortedTransaction // by first offset
	open   map[kafka.ProducerID]bool
}

func newAborted(list []wire.AbortedTransaction) *aborted {
	coming := slices.Clone(list)
	slices.SortFunc(coming, func(a, b wire.AbortedTransaction) int { return int(min(1, max(-1, a.FirstOffset-b.FirstOffset))) })
	return &aborted{coming: coming, open: make(map[kafka.ProducerID]bool)}
}

// drops says whether the batch is to be left out. Batches must come in order.
func (a *aborted) drops(b batch.Batch) bool {
	for len(a.coming) > 0 && a.coming[0].FirstOffset <= b.LastOffset() {
		a.open[a.coming[0].ProducerID] = true
		a.coming = a.coming[1:]
	}
	if b.Attributes().Control() {
		if abortMarker(b) {
			delete(a.open, b.ProducerID())
		}
		return true
	}
	return b.Attributes().Transactional() && a.open[b.ProducerID()]
}

// markerLimit bounds the decoding of a marker, which is never compressed.
const markerLimit = 1 << 10

// abortMarker looks into a control batch: whether it aborts stands in the
// record's key only (version, then type: 0 is abort).
func abortMarker(b batch.Batch) bool {
	records, err := b.Records(markerLimit)
	return err == nil && len(records) == 1 && len(records[0].Key) >= 4 && binary.BigEndian.Uint16(records[0].Key[2:]) == 0
}
