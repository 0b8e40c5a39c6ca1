package group

import (
	"time"

	"schloss/kafka"
)

// LeaveRequest is a LeaveGroup request; before version 3 it names one member.
type LeaveRequest struct {
	Group   string
	Members []Leaver
}

// Leaver is a member that leaves: a dynamic one by its member id, a static one
// by its instance id (and, if not empty, its member id as well).
type Leaver struct {
	MemberID   string
	InstanceID string
}

// LeaveResponse answers a LeaveRequest; before version 3 the error of the one
// member is the error of the whole.
type LeaveResponse struct {
	Error   kafka.ErrorCode
	Members []kafka.ErrorCode // one for each Leaver, when Error is NoError
}

// Leave removes members from a group. The answer is there at once.
func (c *Coordinator) Leave(now time.Time, r LeaveRequest) (LeaveResponse, Effects) {
	return LeaveResponse{}, Effects{}
}
