package mirror

import (
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// BenchmarkEngine takes responses of eight batches through the engine: they are
// read, accepted, rewritten as a producer's and settled, against a target in
// memory that answers at once. What a socket costs is not in it (see bench).
func BenchmarkEngine(b *testing.B) {
	for _, bench := range []struct {
		name    string
		records int // in a batch, of 1,000 bytes
		codec   batch.Codec
		trip    time.Duration // to the target; long: what is small is made one
		dealt   int32         // to so many partitions, by keys; 0: not
	}{
		{"16KB", 16, batch.None, 0, 0},
		{"128KB", 128, batch.None, 0, 0},
		{"128KB-zstd", 128, batch.Zstd, 0, 0},
		{"16KB-coalesced", 16, batch.None, 50 * time.Millisecond, 0},
		{"16KB-coalesced-zstd", 16, batch.Zstd, 50 * time.Millisecond, 0},
		{"16KB-dealt", 16, batch.None, 0, 8},
		{"128KB-dealt", 128, batch.None, 0, 8},
		{"128KB-dealt-zstd", 128, batch.Zstd, 0, 8},
	} {
		b.Run(bench.name, func(b *testing.B) {
			const batches = 8
			text := make([]byte, 1000)
			for i := range text {
				text[i] = "the quick brown fox "[i*i%20]
			}
			var response []byte
			for i := range batches {
				response = append(response, made{base: kafka.Offset(i * bench.records), records: bench.records, codec: bench.codec, value: string(text), from: i * bench.records, keyed: bench.dealt > 0}.build(b)...)
			}
			p := newTestPartition(0)
			p.trip, p.partitions = bench.trip, bench.dealt
			set, who := &settings{}, &identity{id: 9, epoch: 1}
			memory := newPool(1 << 30).takeLocked(0)
			now := time.Now()
			b.SetBytes(int64(batches * bench.records * len(text)))
			b.ReportAllocs()
			arrived := make([]byte, len(response))
			for b.Loop() {
				copy(arrived, response) // sending rewrites headers in place
				p.start(somewhere(0, -1, nil))
				task := p.task(set, false)
				if bench.trip > 0 { // a backlog
					task.coalesce = batchFor(bench.trip)
				}
				r := task.read(&wire.FetchedPartition{Records: arrived})
				box := &outbox{tp: p.tp, window: maxInFlight, who: who, known: true, node: -1}
				box.add(p.accept(r, memory, now))
				base := kafka.Offset(0)
				for len(p.under) > 0 {
					parcel := box.take(now)
					box.answer(parcel, base, nil, now)
					base += kafka.Offset(parcel.copy.Batch().Count())
					for _, f := range box.report() {
						s := f.copy.(*span)
						p.settle(s, f.base, true)
						s.memory.release()
					}
				}
				if p.done != kafka.Offset(batches*bench.records) {
					b.Fatalf("done up to %d, want %d", p.done, batches*bench.records)
				}
			}
		})
	}
}
