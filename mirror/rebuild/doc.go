// Package rebuild makes record batches that a target takes out of those that
// it would not take as they are: with holes that compaction has left, with
// timestamps of the source's clock, too large, too small to be sent one by
// one, read from their middle, or of records that go to several partitions by
// their keys. It is pure.
//
// Records keep their keys, values, headers, timestamps, order and codec; only
// what holds them together is new. A batch is verified before it is opened: a
// new CRC over damaged bytes would hide the damage for ever.
package rebuild
