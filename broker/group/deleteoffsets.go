package group

import (
	"maps"
	"time"

	"schloss/kafka"
)

// DeleteOffsetsResponse answers DeleteOffsets.
type DeleteOffsetsResponse struct {
	Error      kafka.ErrorCode
	Partitions []kafka.ErrorCode // one for each partition asked for, when Error is NoError
}

// DeleteOffsets forgets the positions of a group in some partitions
// (OffsetDelete, KIP-496); the reply comes once the tombstones are durable. A
// group of consumers keeps those of topics that a member reads; another one
// must have no members. A partition without a position is no error.
//
// Differs from Kafka: while such a group rebalances, what its members say now
// counts, there what they said before.
func (c *Coordinator) DeleteOffsets(now time.Time, group string, partitions []kafka.TopicPartition, reply func(DeleteOffsetsResponse)) Effects {
	c.begin(now)
	g := c.groups[group]
	if code := c.checkDeleteOffsets(group, g); code != kafka.NoError {
		c.reply(func() { reply(DeleteOffsetsResponse{Error: code}) })
		return c.end()
	}
	answer := DeleteOffsetsResponse{Partitions: make([]kafka.ErrorCode, len(partitions))}
	subscribed, dead := g.subscribedTopics(), g.everCommitted()
	asked := make(map[kafka.TopicPartition]bool, len(partitions))
	for i, tp := range partitions {
		if len(g.members) > 0 && (subscribed == nil || subscribed[tp.Topic]) {
			answer.Partitions[i] = kafka.ErrGroupSubscribedToTopic
		} else {
			asked[tp] = true
		}
	}
	maps.DeleteFunc(dead, func(tp kafka.TopicPartition, _ struct{}) bool { return !asked[tp] })
	c.entomb(g, offsetTombstones(g.id, sortedPartitions(dead)), func(code kafka.ErrorCode) {
		if code != kafka.NoError {
			answer = DeleteOffsetsResponse{Error: answerFor(code, kafka.ErrUnknownServerError)}
		}
		c.reply(func() { reply(answer) })
	})
	c.settle(g)
	return c.end()
}

func (c *Coordinator) checkDeleteOffsets(id string, g *group) kafka.ErrorCode {
	switch code := c.check(id); {
	case code != kafka.NoError:
		return code
	case id == "":
		return kafka.ErrInvalidGroupID
	case g == nil || g.state == Dead:
		return kafka.ErrGroupIDNotFound
	case len(g.members) > 0 && g.protocolType != consumerProtocol:
		return kafka.ErrNonEmptyGroup
	}
	return kafka.NoError
}

// entomb writes tombstones of a group, in as many batches as they need, and
// calls done once all of them have ended, with the last failure if any failed.
func (c *Coordinator) entomb(g *group, tombstones []Record, done func(kafka.ErrorCode)) {
	cut := batches(tombstones)
	if len(cut) == 0 {
		done(kafka.NoError)
		return
	}
	outcome := kafka.NoError
	for i, records := range cut {
		c.write(g, records, func(base kafka.Offset, code kafka.ErrorCode) {
			if code == kafka.NoError {
				g.drop(records)
			} else {
				outcome = code
			}
			if i == len(cut)-1 {
				done(outcome)
			}
		})
	}
}
