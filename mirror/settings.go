package mirror

import (
	"math"
	"time"

	"schloss/client"
	"schloss/kafka/config"
)

// settings are what a mirror takes from the two files.
type settings struct {
	source              *client.Client
	group               string // group.id, of the source
	reset               string // auto.offset.reset: earliest, latest, none
	resetSet            bool   // it stands in the file
	committedOnly       bool
	isolation           int8
	fetchWaitMillis     int32
	fetchMinBytes       int32
	fetchMaxBytes       int32
	fetchBytesSet       bool // it stands in the file
	partitionFetchBytes int32
	partitionBytesSet   bool // it stands in the file
	memory              int64
	rack                string
	backoff             time.Duration
	join                int // uncompressed batches of less are made one with those that came with them; 0: none
}

// defaultFetchBytes is what one response brings where the file does not say:
// enough to pay for the request, and few enough that the records are still in
// the processor's cache when they are sent. Over a long line more is faster.
const defaultFetchBytes = 2 << 20

func readSettings(source *client.Client, consumer, producer *config.Values) (settings, error) {
	if consumer.String("group.id") == "" {
		return settings{}, &client.SettingError{Key: "group.id", Problem: "the position is kept in this group of the source; give it a name"}
	}
	s := settings{
		source:              source,
		group:               consumer.String("group.id"),
		reset:               consumer.String("auto.offset.reset"),
		resetSet:            consumer.IsSet("auto.offset.reset"),
		committedOnly:       consumer.String("isolation.level") == "read_committed",
		fetchWaitMillis:     int32(min(consumer.Duration("fetch.max.wait.ms").Milliseconds(), math.MaxInt32)),
		fetchMinBytes:       int32(consumer.Int("fetch.min.bytes")),
		fetchMaxBytes:       defaultFetchBytes,
		fetchBytesSet:       consumer.IsSet("fetch.max.bytes"),
		partitionBytesSet:   consumer.IsSet("max.partition.fetch.bytes"),
		partitionFetchBytes: int32(max(1, consumer.Int("max.partition.fetch.bytes"))),
		memory:              max(1, producer.Int64("buffer.memory")),
		rack:                consumer.String("client.rack"),
		backoff:             max(consumer.Duration("retry.backoff.ms"), time.Millisecond),
		join:                joined,
	}
	if s.fetchBytesSet {
		s.fetchMaxBytes = int32(max(1, consumer.Int("fetch.max.bytes")))
	}
	if s.committedOnly {
		s.isolation = 1
	}
	return s, nil
}

// inapplicable are settings that Kafka's clients honour and a mirror of whole
// batches has no use for.
var inapplicable = []struct{ key, reason string }{
	{"compression.type", "batches keep the compression of the source"},
	{"batch.size", "batches keep the size of the source"},
	{"linger.ms", "batches keep the size of the source"},
	{"retries", "a send is repeated until delivery.timeout.ms, without end by default"},
	{"max.block.ms", "nothing blocks but the target"},
}

// notices says which settings of the files change nothing.
func notices(consumer, producer *config.Values) []string {
	var out []string
	for _, s := range inapplicable {
		if producer.IsSet(s.key) {
			out = append(out, producer.Origin(s.key)+": "+s.key+" has no effect on a mirror: "+s.reason)
		}
	}
	if consumer.IsSet("enable.auto.commit") && consumer.Bool("enable.auto.commit") {
		out = append(out, consumer.Origin("enable.auto.commit")+": enable.auto.commit has no effect on a mirror: only what the target has acknowledged is committed")
	}
	return out
}
