package group

import (
	"fmt"
	"time"

	"schloss/kafka"
)

// Load replays one record of the partition, in the order of the log, before
// Start. Keys of kinds it does not know are skipped. An error names a record
// that is not in Kafka's format; the state is then as before it.
func (c *Coordinator) Load(offset kafka.Offset, r Record) error {
	c.applied = offset + 1
	k, err := decodeKey(r.Key)
	if err != nil {
		return fmt.Errorf("load %s at offset %d: %w", kafka.ConsumerOffsetsTopic, offset, err)
	}
	if !k.known() {
		return nil
	}
	g := c.groups[k.group]
	if g == nil {
		g = newGroup(k.group)
	}
	if k.kind == groupKeyV2 {
		err = g.loadMetadata(offset, r.Value)
	} else {
		err = g.loadOffset(offset, k.partition, r.Value)
	}
	if err != nil {
		return fmt.Errorf("load %s at offset %d: group %q: %w", kafka.ConsumerOffsetsTopic, offset, k.group, err)
	}
	c.groups[k.group] = g
	if g.unused() {
		delete(c.groups, k.group)
	}
	return nil
}

func (g *group) loadOffset(offset kafka.Offset, tp kafka.TopicPartition, value []byte) error {
	if value == nil {
		delete(g.offsets, tp)
		return nil
	}
	v, err := decodeOffsetValue(value)
	if err != nil {
		return err
	}
	g.offsets[tp] = committed{offsetValue: v, record: offset}
	return nil
}

// loadMetadata replaces the group by what a record says; its offsets stay.
func (g *group) loadMetadata(offset kafka.Offset, value []byte) error {
	fresh := newGroup(g.id)
	fresh.offsets = g.offsets
	if value != nil {
		v, err := decodeGroupValue(value)
		if err != nil {
			return err
		}
		fresh.record = offset
		fresh.load(v)
	}
	*g = *fresh
	return nil
}

func (g *group) load(v groupValue) {
	g.protocolType, g.generation, g.protocol = v.protocolType, v.generation, v.protocol
	if v.since != noTime {
		g.since = time.UnixMilli(v.since)
	}
	for _, mv := range v.members {
		g.addMember(&member{
			id: mv.id, instanceID: mv.instanceID, clientID: mv.clientID, clientHost: mv.clientHost,
			session: milliseconds(mv.session), rebalance: milliseconds(mv.rebalance),
			protocols:  []Protocol{{Name: v.protocol, Metadata: mv.subscription}},
			assignment: mv.assignment,
		}, v.protocolType)
	}
	if len(g.members) > 0 {
		g.state = Stable
	}
	if g.member(v.leader) != nil {
		g.leader = v.leader
	}
}

func milliseconds(n int32) time.Duration { return time.Duration(max(n, 0)) * time.Millisecond }

// Start ends loading: sessions of the loaded members begin at now. A group
// that is larger than is allowed now rebalances, which lets go of the rest.
func (c *Coordinator) Start(now time.Time) Effects {
	c.begin(now)
	c.refuse = kafka.NoError
	c.expiry = now.Add(c.cfg.RetentionCheck)
	for _, id := range sortedKeys(c.groups) {
		g := c.groups[id]
		for _, m := range g.members {
			m.heard(now)
		}
		if len(g.members) > c.cfg.MaxSize {
			c.prepareRebalance(g)
		}
		c.settle(g)
	}
	return c.end()
}

// IsLive says whether the record with this key at this offset must survive a
// rewrite of the partition. Tombstones are not live: what they shadow must go
// in the same rewrite. What the coordinator cannot judge is live.
func (c *Coordinator) IsLive(key []byte, offset kafka.Offset) bool {
	k, err := decodeKey(key)
	if err != nil || !k.known() || offset >= c.applied || c.refuse != kafka.NoError {
		return true
	}
	g := c.groups[k.group]
	if g == nil {
		return false
	}
	if k.kind == groupKeyV2 {
		return g.record == offset
	}
	o, ok := g.offsets[k.partition]
	return ok && o.record == offset
}
