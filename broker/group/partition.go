package group

import "unicode/utf16"

// PartitionFor is the partition of __consumer_offsets, one of n, that holds a
// group: the absolute value of Java's String.hashCode, modulo n (Kafka:
// Utils.abs, which maps the smallest int to 0).
func PartitionFor(group string, n int32) int32 {
	var h int32
	for _, u := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(u)
	}
	if h == -1<<31 {
		return 0
	}
	return max(h, -h) % n
}
