package group

import (
	"time"

	"schloss/kafka"
)

// SyncRequest is a SyncGroup request. Empty ProtocolType and Protocol are
// absent (before version 5) and not checked.
type SyncRequest struct {
	Group        string
	MemberID     string
	InstanceID   string
	Generation   int32
	ProtocolType string
	Protocol     string
	Assignments  []Assignment // from the leader only
}

// Assignment is what one member is to do.
type Assignment struct {
	MemberID string
	Data     []byte
}

// SyncResponse answers a SyncRequest. Empty ProtocolType and Protocol are null.
type SyncResponse struct {
	Error        kafka.ErrorCode
	ProtocolType string
	Protocol     string
	Assignment   []byte
}

// Sync takes the leader's assignment and gives each member its own, once the
// assignment is durable.
func (c *Coordinator) Sync(now time.Time, r SyncRequest, reply func(SyncResponse)) Effects {
	return Effects{}
}
