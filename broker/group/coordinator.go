package group

import (
	"time"
)

// Config holds the settings of a coordinator. NewUUID must be set; for the
// rest Defaults gives Kafka's values.
type Config struct {
	MinSessionTimeout     time.Duration // group.min.session.timeout.ms, 6 s
	MaxSessionTimeout     time.Duration // group.max.session.timeout.ms, 30 min
	InitialRebalanceDelay time.Duration // group.initial.rebalance.delay.ms, 3 s
	MaxSize               int           // group.max.size, no limit
	MetadataMaxBytes      int           // offset.metadata.max.bytes, 4096
	OffsetsRetention      time.Duration // offsets.retention.minutes, 7 days
	RetentionCheck        time.Duration // offsets.retention.check.interval.ms, 10 min
	NewUUID               func() string // random part of member ids
}

// Defaults is Kafka's configuration, with newUUID as source of member ids.
func Defaults(newUUID func() string) Config {
	return Config{
		MinSessionTimeout:     6 * time.Second,
		MaxSessionTimeout:     30 * time.Minute,
		InitialRebalanceDelay: 3 * time.Second,
		MaxSize:               1<<31 - 1,
		MetadataMaxBytes:      4096,
		OffsetsRetention:      7 * 24 * time.Hour,
		RetentionCheck:        10 * time.Minute,
		NewUUID:               newUUID,
	}
}

// Coordinator coordinates the groups of one partition of __consumer_offsets.
// It is not safe for concurrent use: the caller holds one lock around each
// call. Replies may be called outside of that lock.
type Coordinator struct {
	cfg Config
}

// New makes a coordinator without groups. Load fills it; Start begins.
func New(cfg Config) *Coordinator { return &Coordinator{cfg: cfg} }

// Deadline is the next time at which Tick has something to do. It is asked
// again after each call of a verb, Written or Tick.
func (c *Coordinator) Deadline() time.Time { return time.Time{} }

// Tick does what is due at now: it ends rebalances, removes members whose
// session expired, and tombstones offsets past their retention.
func (c *Coordinator) Tick(now time.Time) Effects { return Effects{} }

// Resign answers everything that waits with NOT_COORDINATOR and forgets all
// groups: the partition is led elsewhere from now on, or its log failed.
// Writes still under way are forgotten; Written ignores them.
func (c *Coordinator) Resign() Effects { return Effects{} }
