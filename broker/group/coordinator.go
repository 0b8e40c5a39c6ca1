package group

import (
	"time"

	"schloss/kafka"
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
// call. Byte slices in requests are kept and must not change afterwards; those
// in answers must not be changed.
type Coordinator struct {
	cfg    Config
	refuse kafka.ErrorCode // see Ready
	now    time.Time       // of the verb under way
	fx     Effects         // of the verb under way
	groups map[string]*group
	timers timers
	expiry time.Time // of the next look for offsets past their retention

	writes    []*write // under way, in the order of their appends
	lastWrite WriteID

	// applied is the end of the log as far as the state tells: every record
	// below it is in the state or superseded, what is at or past it is not yet.
	applied kafka.Offset
}

// New makes a coordinator without groups. Load fills it, Start begins.
func New(cfg Config) *Coordinator {
	return &Coordinator{cfg: cfg, refuse: kafka.ErrCoordinatorLoadInProgress, groups: make(map[string]*group)}
}

// Ready is NoError between Start and Resign; before and after it is the code
// with which verbs refuse. Queries, which have no code of their own, find
// nothing then.
func (c *Coordinator) Ready() kafka.ErrorCode { return c.refuse }

// check says why a verb about this group is refused.
func (c *Coordinator) check(group string) kafka.ErrorCode {
	if len(group) > maxString {
		return kafka.ErrInvalidGroupID
	}
	return c.refuse
}

// Deadline is the next time at which Tick has something to do; zero before
// Start. It is asked again after each call of a verb, Written or Tick.
func (c *Coordinator) Deadline() time.Time {
	if len(c.timers) > 0 {
		return earlier(c.timers[0].due, c.expiry)
	}
	return c.expiry
}

// Tick does what is due at now: it ends rebalances, removes members whose
// session expired, and tombstones offsets past their retention.
func (c *Coordinator) Tick(now time.Time) Effects {
	c.begin(now)
	var due []*group
	for len(c.timers) > 0 && reached(c.timers[0].due, now) {
		due = append(due, c.timers[0])
		c.timers.set(c.timers[0], time.Time{})
	}
	for _, g := range due {
		c.fire(g)
		c.settle(g)
	}
	if reached(c.expiry, now) {
		c.expireOffsets()
		c.expiry = now.Add(c.cfg.RetentionCheck)
	}
	return c.end()
}

// fire does what is due in a group.
func (c *Coordinator) fire(g *group) {
	for id, lapse := range g.pending {
		if reached(lapse, c.now) {
			delete(g.pending, id)
		}
	}
	c.expireSessions(g)
	if g.state == PreparingRebalance {
		c.maybeCompleteJoin(g)
	}
	if reached(g.joinDeadline, c.now) {
		c.joinTimeout(g)
	}
	if reached(g.syncDeadline, c.now) {
		c.syncTimeout(g)
	}
}

// settle ends what a verb did to a group: it forgets the group if nothing is
// known of it, and else sets its timer.
func (c *Coordinator) settle(g *group) {
	if c.groups[g.id] != g {
		return
	}
	if g.unused() {
		c.forget(g)
		return
	}
	c.timers.set(g, g.deadline())
}

func (c *Coordinator) forget(g *group) {
	delete(c.groups, g.id)
	c.timers.set(g, time.Time{})
}

// add makes a group that is empty and, until something is known of it, unused.
func (c *Coordinator) add(id string) *group {
	g := newGroup(id)
	g.since = c.now
	c.groups[id] = g
	return g
}

// Resign answers everything that waits with NOT_COORDINATOR and forgets all
// groups: the partition is led elsewhere from now on, or its log failed.
// Writes still under way are forgotten; Written ignores them.
func (c *Coordinator) Resign() Effects {
	c.refuse = kafka.ErrNotCoordinator
	writes := c.writes
	c.writes = nil
	for _, w := range writes {
		w.done(kafka.NoOffset, kafka.ErrNotLeaderOrFollower)
	}
	for _, id := range sortedKeys(c.groups) {
		for _, m := range c.groups[id].members {
			c.answerJoin(m, joinError(m.id, kafka.ErrNotCoordinator))
			c.answerSync(m, SyncResponse{Error: kafka.ErrNotCoordinator})
		}
	}
	c.groups, c.timers, c.writes, c.expiry = make(map[string]*group), nil, nil, time.Time{}
	fx := c.end()
	fx.Writes = nil // what the failures asked for is no longer ours to write
	return fx
}
