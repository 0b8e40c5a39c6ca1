package group

import (
	"encoding/binary"
	"errors"

	"schloss/kafka"
)

// expireOffsets removes the offsets that are past their retention (KIP-211),
// and the groups of which nothing is left. A group with writes under way can
// wait for the next look.
func (c *Coordinator) expireOffsets() {
	for _, id := range sortedKeys(c.groups) {
		g := c.groups[id]
		if g.writes > 0 {
			continue
		}
		var expired []kafka.TopicPartition
		subscribed := g.subscribedTopics()
		for _, tp := range sortedPartitions(g.offsets) {
			if c.expired(g, tp, subscribed) {
				expired = append(expired, tp)
			}
		}
		if g.state == Empty && len(expired) == len(g.offsets) && len(g.pending) == 0 {
			c.bury(g, func(kafka.ErrorCode) {}) // what failed is tried at the next look
			continue
		}
		c.tombstone(g, expired)
	}
}

// expired says whether one offset is past its retention. The retention counts
// from the commit where no group protocol is used and for topics that a stable
// group does not read, else from when the group became empty; in a group with
// members it does not count.
func (c *Coordinator) expired(g *group, tp kafka.TopicPartition, subscribed map[string]bool) bool {
	o := g.offsets[tp]
	from := o.commit
	switch {
	case g.protocolType == "":
	case g.state == Empty && !g.since.IsZero():
		from = g.since.UnixMilli()
	case g.state == Empty:
	case g.state != Stable || subscribed == nil || subscribed[tp.Topic]:
		return false
	}
	if o.expire != noTime {
		return c.now.UnixMilli() >= o.expire
	}
	return c.now.UnixMilli()-from >= c.cfg.OffsetsRetention.Milliseconds()
}

// consumerProtocol is the protocol type of Kafka's consumers, the only one
// whose metadata the coordinator looks into.
const consumerProtocol = "consumer"

// subscribedTopics is what the members of a group of consumers read; nil when
// that cannot be known, as before the first protocol was chosen.
func (g *group) subscribedTopics() map[string]bool {
	if g.protocolType != consumerProtocol {
		return nil
	}
	all := make(map[string]bool)
	for _, m := range g.members {
		topics, err := topicsOf(m.metadata(g.protocol))
		if err != nil {
			return nil
		}
		for _, t := range topics {
			all[t] = true
		}
	}
	return all
}

// topicsOf reads the topics of a consumer's subscription, with which all
// versions of Kafka's ConsumerProtocolSubscription begin.
func topicsOf(subscription []byte) ([]string, error) {
	if len(subscription) < 6 {
		return nil, errShort
	}
	r := reader{in: subscription[6:]}
	if int16(binary.BigEndian.Uint16(subscription)) < 0 {
		return nil, errors.New("negative version")
	}
	var topics []string
	for n := int32(binary.BigEndian.Uint32(subscription[2:])); n > 0 && r.err == nil; n-- {
		topics = append(topics, r.string())
	}
	return topics, r.err
}
