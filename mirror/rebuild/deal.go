package rebuild

import (
	"schloss/kafka"
	"schloss/kafka/batch"
)

// Deal says how records of one partition of the source are dealt to those of the
// target: by their keys, as Kafka's producers do. The zero value deals nothing:
// all records stay together.
type Deal struct {
	Partitions int32                  // of the target's topic
	Keyless    int32                  // where records without a key go; they stay together, in order
	There      map[int32]kafka.Offset // by partition, the source offset before which all that goes there is there already
}

// to is the partition of a record.
func (d *Deal) to(r *batch.Record) int32 {
	switch {
	case d.Partitions == 0:
		return 0
	case r.Key == nil:
		return d.Keyless
	}
	return PartitionForKey(r.Key, d.Partitions)
}

// has says whether a record is in the target already.
func (d *Deal) has(r *batch.Record) bool {
	return len(d.There) > 0 && r.Offset < d.There[d.to(r)]
}

// part is what goes to one partition.
type part struct {
	partition int32
	records   []batch.Record
}

// split gives each partition its records, in order.
func (d *Deal) split(records []batch.Record) (parts []part) {
	if d.Partitions == 0 {
		return []part{{0, records}}
	}
	to := make([]int32, len(records))
	counts, index := make([]int, d.Partitions), make([]int, d.Partitions)
	for i := range records {
		to[i] = d.to(&records[i])
		counts[to[i]]++
	}
	all := make([]batch.Record, len(records)) // each part has its own stretch of it
	for i, p := range to {
		if counts[p] > 0 {
			index[p] = len(parts)
			parts = append(parts, part{p, all[:0:counts[p]]})
			all, counts[p] = all[counts[p]:], 0
		}
		part := &parts[index[p]]
		part.records = append(part.records, records[i])
	}
	return parts
}
