package rebuild

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// source makes a batch with records at the offsets given.
func source(t testing.TB, codec batch.Codec, attributes batch.Attributes, offsets ...kafka.Offset) batch.Batch {
	t.Helper()
	b := batch.NewBuilder(codec)
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = attributes, 9, 1, 4
	for _, o := range offsets {
		b.Add(record(o))
	}
	out, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func record(o kafka.Offset) batch.Record {
	r := batch.Record{Offset: o, Timestamp: 1_000_000 - int64(o)*7, Value: fmt.Appendf(nil, "value %d", o),
		Headers: []batch.RecordHeader{{Key: "h", Value: []byte{byte(o)}}, {Key: "null"}}}
	if o%2 == 0 {
		r.Key = fmt.Appendf(nil, "key %d", o)
	}
	return r
}

// list is a piece's source offsets, one by one.
func list(p Piece) (all []kafka.Offset) {
	for _, r := range p.Runs {
		for i := range kafka.Offset(r.Length) {
			all = append(all, r.Source+i)
		}
	}
	return all
}

func TestRebuild(t *testing.T) {
	batches := func(b ...batch.Batch) []batch.Batch { return b }
	for _, tt := range []struct {
		name    string
		rules   Rules
		from    kafka.Offset
		batches []batch.Batch
		want    [][]kafka.Offset // of each piece
		unfit   []kafka.Offset
	}{
		{"holes of compaction are closed", Rules{}, 0, batches(source(t, batch.LZ4, 0, 3, 4, 8, 20)), [][]kafka.Offset{{3, 4, 8, 20}}, nil},
		{"a position inside a batch trims it", Rules{}, 5, batches(source(t, batch.None, 0, 3, 4, 5, 6)), [][]kafka.Offset{{5, 6}}, nil},
		{"nothing is left", Rules{}, 9, batches(source(t, batch.None, 0, 3, 4)), nil, nil},
		{"small ones become one", Rules{}, 0, batches(source(t, batch.Zstd, 0, 0, 1), source(t, batch.Zstd, 0, 2), source(t, batch.Zstd, 0, 5, 6)), [][]kafka.Offset{{0, 1, 2, 5, 6}}, nil},
		{"too large is split in halves", Rules{MaxBytes: 140}, 0, batches(source(t, batch.None, 0, 0, 1, 2, 3)), [][]kafka.Offset{{0, 1}, {2, 3}}, nil},
		{"one alone is too large", Rules{MaxBytes: 70}, 0, batches(source(t, batch.None, 0, 0, 1)), nil, []kafka.Offset{0, 1}},
		{"a compacted target takes no record without a key", Rules{NeedsKeys: true}, 0, batches(source(t, batch.Gzip, 0, 0, 1, 2)), [][]kafka.Offset{{0, 2}}, []kafka.Offset{1}},
		{"strict ends before the first unfit record", Rules{NeedsKeys: true, Strict: true}, 0, batches(source(t, batch.Gzip, 0, 0, 2, 3, 4, 5)), [][]kafka.Offset{{0, 2}}, []kafka.Offset{3}},
		{"strict ends before the first one that is too large", Rules{MaxBytes: 70, NeedsKeys: true, Strict: true}, 0, batches(source(t, batch.None, 0, 0, 2, 3)), nil, []kafka.Offset{0}},
		{"without what the target has named", Rules{Without: map[kafka.Offset]string{1: "x"}}, 0, batches(source(t, batch.None, 0, 0, 1, 2)), [][]kafka.Offset{{0, 2}}, []kafka.Offset{1}},
		{"each record alone", Rules{Alone: map[int32]bool{0: true}}, 0, batches(source(t, batch.None, 0, 0, 1, 2)), [][]kafka.Offset{{0}, {1}, {2}}, nil},
		{"flags of the source end here", Rules{}, 0, batches(source(t, batch.Snappy, batch.TransactionalBit|batch.DeleteHorizonBit, 0, 1)), [][]kafka.Offset{{0, 1}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.rules.Unpacked = 1 << 20
			built, err := Rebuild(tt.rules, tt.from, tt.batches...)
			if err != nil {
				t.Fatal(err)
			}
			var got [][]kafka.Offset
			for _, p := range built.Pieces {
				got = append(got, list(p))
				verify(t, p, tt.batches[0].Attributes().Codec())
				if tt.rules.MaxBytes > 0 && len(p.Batch) > tt.rules.MaxBytes {
					t.Errorf("a piece has %d bytes, at most %d are taken", len(p.Batch), tt.rules.MaxBytes)
				}
			}
			var left []kafka.Offset
			for _, u := range built.Unfit {
				left = append(left, u.Offset)
			}
			if !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(left, tt.unfit) {
				t.Errorf("got %v, unfit %v, want %v, %v", got, left, tt.want, tt.unfit)
			}
		})
	}
}

// verify checks that Kafka would take the piece, and that each record is what
// it was.
func verify(t *testing.T, p Piece, codec batch.Codec) {
	t.Helper()
	if err := errors.Join(p.Batch.Check(), p.Batch.CheckRecords(1<<20)); err != nil {
		t.Fatal(err)
	}
	if p.Batch.Attributes() != batch.Attributes(codec) || p.Batch.BaseOffset() != 0 || p.Batch.ProducerID() != kafka.NoProducerID {
		t.Errorf("attributes %b, base offset %d, producer %d, want only the codec %v", p.Batch.Attributes(), p.Batch.BaseOffset(), p.Batch.ProducerID(), codec)
	}
	records, err := p.Batch.Records(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range list(p) {
		want := record(o)
		want.Offset = kafka.Offset(i)
		if !reflect.DeepEqual(records[i], want) {
			t.Errorf("record %d: got %+v, want %+v", o, records[i], want)
		}
	}
}

// TestDealing puts even offsets, which have keys, where their keys say, and odd
// ones, which have none, to partition 1.
func TestDealing(t *testing.T) {
	const partitions, keyless = 3, 1
	to := func(o kafka.Offset) int32 {
		if o%2 != 0 {
			return keyless
		}
		return PartitionForKey(record(o).Key, partitions)
	}
	var all []kafka.Offset
	for o := range kafka.Offset(40) {
		all = append(all, o)
	}
	first := func(partition int32, from kafka.Offset) kafka.Offset {
		for to(from) != partition {
			from++
		}
		return from
	}
	for _, tt := range []struct {
		name    string
		rules   Rules
		batches [][]kafka.Offset
		missing func(kafka.Offset) bool
		unfit   []kafka.Offset
	}{
		{"one batch each", Rules{}, [][]kafka.Offset{all}, nil, nil},
		{"each record alone, for one partition", Rules{Alone: map[int32]bool{1: true}}, [][]kafka.Offset{all}, nil, nil},
		{"of many batches one each", Rules{}, [][]kafka.Offset{all[:10], all[10:11], all[20:]}, func(o kafka.Offset) bool { return o > 10 && o < 20 }, nil},
		{"too large is split in halves", Rules{MaxBytes: 200}, [][]kafka.Offset{all}, nil, nil},
		{"what is there is not dealt", Rules{Deal: Deal{There: map[int32]kafka.Offset{0: 12, 1: 30}}}, [][]kafka.Offset{all},
			func(o kafka.Offset) bool { return to(o) == 0 && o < 12 || to(o) == 1 && o < 30 }, nil},
		{"keyless ones that a compacted target does not take", Rules{NeedsKeys: true}, [][]kafka.Offset{all[:4]}, func(o kafka.Offset) bool { return o > 3 || o%2 != 0 }, []kafka.Offset{1, 3}},
		{"strict ends before the first that is too large, in all partitions", Rules{MaxBytes: 60, Strict: true}, [][]kafka.Offset{all}, func(kafka.Offset) bool { return true }, []kafka.Offset{0}},
		{"strict ends before the first that is unfit", Rules{NeedsKeys: true, Strict: true}, [][]kafka.Offset{all[2:]}, func(o kafka.Offset) bool { return o != 2 }, []kafka.Offset{3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.rules.Unpacked, tt.rules.Deal.Partitions, tt.rules.Deal.Keyless = 1<<20, partitions, keyless
			var batches []batch.Batch
			for _, offsets := range tt.batches {
				batches = append(batches, source(t, batch.LZ4, 0, offsets...))
			}
			built, err := Rebuild(tt.rules, 0, batches...)
			if err != nil {
				t.Fatal(err)
			}
			got, want := make(map[int32][]kafka.Offset), make(map[int32][]kafka.Offset)
			for i, p := range built.Pieces {
				got[p.Partition] = append(got[p.Partition], list(p)...)
				verify(t, p, batch.LZ4)
				if i > 0 && p.Runs[0].Source < built.Pieces[i-1].Runs[0].Source {
					t.Errorf("piece %d begins at %d, the one before at %d", i, p.Runs[0].Source, built.Pieces[i-1].Runs[0].Source)
				}
			}
			for _, o := range all {
				if tt.missing == nil || !tt.missing(o) {
					want[to(o)] = append(want[to(o)], o)
				}
			}
			var left []kafka.Offset
			for _, u := range built.Unfit {
				left = append(left, u.Offset)
			}
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(left, tt.unfit) {
				t.Errorf("got %v, unfit %v, want %v, %v", got, left, want, tt.unfit)
			}
			pieces := len(got)
			for to := range tt.rules.Alone {
				pieces += len(got[to]) - 1
			}
			if tt.rules.MaxBytes == 0 && len(built.Pieces) != pieces {
				t.Errorf("%d pieces, want %d", len(built.Pieces), pieces)
			}
		})
	}
	// One partition ends early, others have built on behind that.
	large := first(2, 10)
	b := batch.NewBuilder(batch.None)
	for _, o := range all {
		r := record(o)
		if o == large {
			r.Value = make([]byte, 500)
		}
		b.Add(r)
	}
	one, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	built, err := Rebuild(Rules{MaxBytes: 400, Strict: true, Unpacked: 1 << 20, Deal: Deal{Partitions: partitions, Keyless: keyless}}, 0, one)
	if err != nil || len(built.Unfit) != 1 || built.Unfit[0].Offset != large {
		t.Fatalf("unfit %v, %v, want %d", built.Unfit, err, large)
	}
	count := 0
	for _, p := range built.Pieces {
		for _, o := range list(p) {
			if count++; o >= large {
				t.Errorf("offset %d is in a piece, behind %d which is unfit", o, large)
			}
		}
	}
	if count != int(large) {
		t.Errorf("%d records are in pieces, want %d", count, large)
	}
}

func TestAppendTimeBecomesTheRecordsTime(t *testing.T) {
	b := source(t, batch.None, 0, 0, 1)
	b.StampLogAppendTime(777)
	built, err := Rebuild(Rules{Unpacked: 1 << 20}, 0, b)
	if err != nil {
		t.Fatal(err)
	}
	records, err := built.Pieces[0].Batch.Records(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Timestamp != 777 {
			t.Errorf("record %d has time %d, want the source's append time 777", r.Offset, r.Timestamp)
		}
	}
}

func TestDamageAndBombsAreNotPassedOn(t *testing.T) {
	damaged := source(t, batch.None, 0, 4, 5)
	damaged[len(damaged)-1] ^= 1
	var corrupt *batch.CorruptError
	if built, err := Rebuild(Rules{Unpacked: 1 << 20}, 0, damaged); !errors.As(err, &corrupt) || corrupt.Offset != 4 || built.Pieces != nil {
		t.Errorf("a damaged batch: %v with %d pieces, want a CorruptError at 4", err, len(built.Pieces))
	}
	b := batch.NewBuilder(batch.Zstd)
	b.Add(batch.Record{Offset: 7, Value: make([]byte, 1<<20)})
	bomb, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rebuild(Rules{Unpacked: 1 << 10}, 0, bomb); !errors.Is(err, batch.ErrTooLarge) {
		t.Errorf("a batch that unpacks to 1 MiB: %v, want ErrTooLarge", err)
	}
	if _, err := Rebuild(Rules{Unpacked: 3 << 19}, 0, bomb, bomb); !errors.Is(err, batch.ErrTooLarge) {
		t.Errorf("two batches that unpack to 2 MiB together: %v, want ErrTooLarge", err)
	}
}
