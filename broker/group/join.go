package group

import (
	"time"

	"schloss/kafka"
)

// JoinRequest is a JoinGroup request. An empty InstanceID is none.
type JoinRequest struct {
	Group            string
	MemberID         string // empty at the first join
	InstanceID       string // group.instance.id of a static member
	ClientID         string
	ClientHost       string // as Kafka prints it: "/127.0.0.1"
	SessionTimeout   time.Duration
	RebalanceTimeout time.Duration // version 0 has none: the session timeout
	ProtocolType     string
	Protocols        []Protocol
	RequireMemberID  bool // version 4 and later: MEMBER_ID_REQUIRED at the first join
	SkipAssignment   bool // version 9 and later: knows skip_assignment (KIP-814)
}

// Protocol is one assignor a member offers, with its subscription.
type Protocol struct {
	Name     string
	Metadata []byte
}

// JoinResponse answers a JoinRequest. An empty ProtocolType or Protocol is
// null from version 7 on and empty before.
type JoinResponse struct {
	Error          kafka.ErrorCode
	MemberID       string
	Generation     int32
	ProtocolType   string
	Protocol       string
	Leader         string
	SkipAssignment bool
	Members        []JoinMember // to the leader only
}

// JoinMember is what the leader learns of one member.
type JoinMember struct {
	ID         string
	InstanceID string // empty is null
	Metadata   []byte
}

// Join lets a member into a group, or answers why not. The reply may come
// with the effects of a later call.
func (c *Coordinator) Join(now time.Time, r JoinRequest, reply func(JoinResponse)) Effects {
	return Effects{}
}
