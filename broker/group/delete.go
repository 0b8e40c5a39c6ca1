package group

import (
	"time"

	"schloss/kafka"
)

// Delete removes an empty group with its offsets (DeleteGroups); the reply
// comes once the tombstones are durable.
func (c *Coordinator) Delete(now time.Time, group string, reply func(kafka.ErrorCode)) Effects {
	return Effects{}
}

// ForgetTopic removes every committed offset of a topic that was deleted.
func (c *Coordinator) ForgetTopic(now time.Time, topic string) Effects { return Effects{} }
