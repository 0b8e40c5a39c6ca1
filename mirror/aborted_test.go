package mirror

import (
	"slices"
	"testing"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

func TestAbortedDrops(t *testing.T) {
	txn := func(base kafka.Offset, producer kafka.ProducerID) made {
		return made{base: base, records: 2, producer: producer, attributes: batch.TransactionalBit}
	}
	mark := func(base kafka.Offset, producer kafka.ProducerID, kind string) made {
		return made{base: base, producer: producer, marker: kind}
	}
	for _, test := range []struct {
		name    string
		aborted []wire.AbortedTransaction
		batches []made
		want    []kafka.Offset // that pass
	}{
		{"no transactions", nil, []made{{base: 0, records: 2}, {base: 2, records: 2}}, []kafka.Offset{0, 2}},
		{"a committed one passes, its marker does not", nil, []made{txn(0, 7), mark(2, 7, "commit"), {base: 3, records: 1}}, []kafka.Offset{0, 3}},
		{"an aborted one", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 0}}, []made{txn(0, 7), mark(2, 7, "abort"), txn(3, 7), mark(5, 7, "commit")}, []kafka.Offset{3}},
		{"only that producer's", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 0}}, []made{txn(0, 7), txn(2, 8), {base: 4, records: 2}, mark(6, 7, "abort")}, []kafka.Offset{2, 4}},
		{"begun before the fetched records", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 1}}, []made{txn(20, 7), mark(22, 7, "abort")}, nil},
		{"the marker of an earlier one of the same producer ends nothing", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 10}},
			[]made{mark(9, 7, "abort"), txn(10, 7), mark(12, 7, "abort")}, nil},
		{"two of one producer, listed in any order", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 6}, {ProducerID: 7, FirstOffset: 0}},
			[]made{txn(0, 7), mark(2, 7, "abort"), txn(3, 7), mark(5, 7, "commit"), txn(6, 7), mark(8, 7, "abort")}, []kafka.Offset{3}},
		{"a producer that also sends outside of transactions", []wire.AbortedTransaction{{ProducerID: 7, FirstOffset: 0}},
			[]made{txn(0, 7), {base: 2, records: 1, producer: 7}, mark(3, 7, "abort")}, []kafka.Offset{2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAborted(test.aborted)
			var got []kafka.Offset
			for _, m := range test.batches {
				if b := m.build(t); !a.drops(b) {
					got = append(got, b.BaseOffset())
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
