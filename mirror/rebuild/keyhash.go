package rebuild

import "encoding/binary"

// PartitionForKey is the partition that Kafka's producers choose for a record
// with a key (Kafka: BuiltInPartitioner.partitionForKey): all partitions count,
// also those that have no leader.
func PartitionForKey(key []byte, partitions int32) int32 {
	const positive = 1<<31 - 1 // Kafka: Utils.toPositive
	return int32(murmur2(key)&positive) % partitions
}

// murmur2 is the 32-bit MurmurHash2 with the seed of Kafka's clients (Kafka:
// Utils.murmur2).
func murmur2(b []byte) uint32 {
	const seed, m, r = 0x9747b28c, 0x5bd1e995, 24
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		h = h*m ^ (k^k>>r)*m
	}
	for i, c := range b {
		h ^= uint32(c) << (8 * i)
	}
	if len(b) > 0 {
		h *= m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
