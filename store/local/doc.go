// Package local keeps what lasts in the directories of one machine, in Kafka's
// own layout, so that Kafka's tools read it and leaving is a copy.
//
//	Append ──pwrite──▶ segment file ──sync loop──▶ Durable ──▶ AwaitDurable
//	                      │  one per directory: while a sync runs, appends gather
//	Read ◀──pread──── segment list (immutable, read without locks)
//
// docs/format/log.md shows the files and argues why a power cut takes nothing
// that was visible; docs/format/metadata.md shows the records of the metadata.
package local
