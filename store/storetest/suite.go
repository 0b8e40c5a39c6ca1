package storetest

import (
	"testing"

	"schloss/store"
)

// Store is what an implementation offers.
type Store interface {
	Logs() store.Logs
	Metadata() store.Metadata
	Close() error
}

// Place makes room for one empty store and gives a function that opens it,
// again and again.
type Place func(t *testing.T) (open func() (Store, error))

// Run runs the suite.
func Run(t *testing.T, place Place) {
	cases := []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"appends get consecutive offsets and the epoch", testAppend},
		{"read gives whole batches within its bounds", testRead},
		{"read outside the log is out of range", testReadRange},
		{"durable follows the end and waiters are told", testDurable},
		{"a roll changes nothing for readers", testRoll},
		{"a log is the same after it was opened again", testReopen},
		{"producers are restored from snapshot and headers", testReplica},
		{"offsets are found by time", testTimes},
		{"epochs know their ends", testEpochs},
		{"retention removes whole old segments", testRetain},
		{"a compacted log is not retained", testRetainCompacted},
		{"deleted records are gone for good", testDeleteRecords},
		{"records are deleted of a compacted log, too", testDeleteRecordsCompacted},
		{"a rewrite keeps live records at their offsets", testRewrite},
		{"a rewrite keeps control batches and the last offset", testRewriteControl},
		{"readers are undisturbed by roll, retention, deletion and rewrite", testConcurrent},
		{"a deleted log is gone and can be made anew", testDelete},
		{"a closed log refuses", testClosed},
		{"bad appends leave the log as it was", testBadAppend},
		{"metadata is the same after it was opened again", testMetadata},
		{"metadata images never change", testImage},
		{"metadata stays short", testMetadataShort},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, newBench(t, place)) })
	}
}
