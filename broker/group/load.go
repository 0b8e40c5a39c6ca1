package group

import (
	"time"

	"schloss/kafka"
)

// Load replays one record of the partition, in the order of the log, before
// Start. Keys of kinds it does not know are skipped. An error names a record
// that is not in Kafka's format; the state is then as before it.
func (c *Coordinator) Load(offset kafka.Offset, r Record) error { return nil }

// Start ends loading: sessions of the loaded members begin at now.
func (c *Coordinator) Start(now time.Time) Effects { return Effects{} }

// IsLive says whether the record with this key at this offset must survive a
// rewrite of the partition. Tombstones are not live: what they shadow must go
// in the same rewrite.
func (c *Coordinator) IsLive(key []byte, offset kafka.Offset) bool { return true }
