// Package partition is the state of one partition that is not in its log:
// what its idempotent producers sent last (KIP-98).
//
// It is pure. The caller holds the partition's lock and goes three steps:
//
//	Check(header, now) ──▶ error: answer it
//	                   ──▶ duplicate: answer its Base once its End is durable
//	                   ──▶ append: log.Append, then Apply(stamped header)
//
// Check changes nothing, so an append that fails needs no undoing. Apply
// follows every append at once, before it is durable, so that the next batch
// in flight finds its predecessor. A log that fails on disk is opened anew,
// and its state with it, from Restore and Replay.
package partition
