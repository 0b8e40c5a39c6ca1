// Package mirror copies the topics of one cluster to another.
//
// Record batches pass through as bytes: only the header's producer fields are
// replaced by the mirror's own, and the CRC is patched from that change, so
// that corruption on the way is still found by the target. The position lives
// in the source's consumer group, as MirrorMaker 1 keeps it, and is committed
// only for what the target has acknowledged. Where records are to go to
// partitions by their keys, batches are opened and built anew.
//
//	discover ─ topics ─> group ─ partitions ─> streams
//	stream:   source leader ─ Fetch ─> partition ─ raw batch ─> Target ─ acknowledged ─> position
//	position ─ commit ─> group
package mirror
