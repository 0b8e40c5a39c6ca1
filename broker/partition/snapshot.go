package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// The layout of a .snapshot file, version 1 (Kafka: ProducerStateManager):
//
//	version int16 | crc uint32 | count int32 | count entries of 46 bytes:
//	producer id int64 | epoch int16 | last sequence int32 | last offset int64 |
//	offset delta int32 | timestamp int64 | coordinator epoch int32 |
//	first offset of the open transaction int64
//
// The CRC-32C covers everything behind it. Of each producer only the last
// batch is kept; a last offset of -1 stands for none.
const (
	snapshotVersion = 1
	snapshotHeader  = 2 + 4
	snapshotEntries = snapshotHeader + 4
	snapshotEntry   = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrSnapshot is what a damaged snapshot gives.
var ErrSnapshot = errors.New("producer snapshot is damaged")

// Replay takes note of a batch found in the log (store.Replica).
func (p *Producers) Replay(h batch.Header) error {
	p.Apply(h, time.Time{})
	return nil
}

// Snapshot is the state in Kafka's producer snapshot format (store.Replica).
func (p *Producers) Snapshot() []byte {
	out := make([]byte, snapshotHeader, snapshotEntries+len(p.producers)*snapshotEntry)
	binary.BigEndian.PutUint16(out, snapshotVersion)
	out = binary.BigEndian.AppendUint32(out, uint32(len(p.producers)))
	for _, id := range slices.Sorted(maps.Keys(p.producers)) {
		known := p.producers[id]
		last := appended{lastSequence: noSequence, lastOffset: kafka.NoOffset}
		if n := len(known.batches); n > 0 {
			last = known.batches[n-1]
		}
		out = binary.BigEndian.AppendUint64(out, uint64(id))
		out = binary.BigEndian.AppendUint16(out, uint16(known.epoch))
		out = binary.BigEndian.AppendUint32(out, uint32(last.lastSequence))
		out = binary.BigEndian.AppendUint64(out, uint64(last.lastOffset))
		out = binary.BigEndian.AppendUint32(out, uint32(last.delta))
		out = binary.BigEndian.AppendUint64(out, uint64(known.timestamp))
		out = binary.BigEndian.AppendUint32(out, uint32(known.coordinatorEpoch))
		out = binary.BigEndian.AppendUint64(out, uint64(known.txnFirstOffset))
	}
	binary.BigEndian.PutUint32(out[2:], crc32.Checksum(out[snapshotHeader:], castagnoli))
	return out
}

// Restore replaces the state by a snapshot; nil is the empty state
// (store.Replica). An error leaves the state as it was.
func (p *Producers) Restore(snapshot []byte) error {
	restored := make(map[kafka.ProducerID]*producer)
	if snapshot != nil {
		if err := readSnapshot(snapshot, restored); err != nil {
			return fmt.Errorf("restore producers: %w", err)
		}
	}
	p.producers = restored
	return nil
}

func readSnapshot(in []byte, into map[kafka.ProducerID]*producer) error {
	if len(in) < snapshotEntries {
		return fmt.Errorf("%w: %d bytes are too few", ErrSnapshot, len(in))
	}
	if v := binary.BigEndian.Uint16(in); v != snapshotVersion {
		return fmt.Errorf("%w: version %d is unknown", ErrSnapshot, v)
	}
	if want, got := binary.BigEndian.Uint32(in[2:]), crc32.Checksum(in[snapshotHeader:], castagnoli); got != want {
		return fmt.Errorf("%w: CRC is %08x, the file says %08x", ErrSnapshot, got, want)
	}
	count := uint64(binary.BigEndian.Uint32(in[snapshotHeader:]))
	if in = in[snapshotEntries:]; count*snapshotEntry != uint64(len(in)) {
		return fmt.Errorf("%w: %d entries in %d bytes", ErrSnapshot, count, len(in))
	}
	for ; len(in) > 0; in = in[snapshotEntry:] {
		id, known, err := readEntry(in[:snapshotEntry])
		if err != nil {
			return err
		}
		into[id] = known
	}
	return nil
}

func readEntry(in []byte) (kafka.ProducerID, *producer, error) {
	id := kafka.ProducerID(binary.BigEndian.Uint64(in))
	known := &producer{
		epoch:            int16(binary.BigEndian.Uint16(in[8:])),
		timestamp:        int64(binary.BigEndian.Uint64(in[26:])),
		coordinatorEpoch: int32(binary.BigEndian.Uint32(in[34:])),
		txnFirstOffset:   kafka.Offset(binary.BigEndian.Uint64(in[38:])),
	}
	last := appended{
		lastSequence: int32(binary.BigEndian.Uint32(in[10:])),
		lastOffset:   kafka.Offset(binary.BigEndian.Uint64(in[14:])),
		delta:        int32(binary.BigEndian.Uint32(in[22:])),
		timestamp:    known.timestamp,
	}
	if id < 0 {
		return 0, nil, fmt.Errorf("%w: producer id %d", ErrSnapshot, id)
	}
	if last.lastOffset >= 0 {
		if last.delta < 0 || kafka.Offset(last.delta) > last.lastOffset {
			return 0, nil, fmt.Errorf("%w: producer %d: last offset %d with delta %d", ErrSnapshot, id, last.lastOffset, last.delta)
		}
		known.batches = append(known.batches, last)
	}
	return id, known, nil
}
