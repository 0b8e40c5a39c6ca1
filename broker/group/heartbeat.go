package group

import (
	"time"

	"schloss/kafka"
)

// HeartbeatRequest is a Heartbeat request.
type HeartbeatRequest struct {
	Group      string
	MemberID   string
	InstanceID string
	Generation int32
}

// Heartbeat keeps a member's session alive. The answer is there at once.
func (c *Coordinator) Heartbeat(now time.Time, r HeartbeatRequest) (kafka.ErrorCode, Effects) {
	return kafka.NoError, Effects{}
}
