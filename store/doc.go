// Package store says what lasts: the partition logs, the metadata of the
// cluster, and who leads which partition. It holds interfaces and the values
// they pass; implementations live in the packages below it and all pass the
// suite in storetest.
//
//	broker ── Append ──▶ PartitionLog ── fsync ──▶ Durable ──▶ acknowledged
//	broker ◀── Read ──── PartitionLog (never at or past Durable)
//	broker ── Commit ──▶ Metadata ──▶ Image (immutable, read without locks)
package store
