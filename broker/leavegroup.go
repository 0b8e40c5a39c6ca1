package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// LeaveGroup takes members out of their group.
//
// Behavior: READ on the group.
//
// Versions: from 3 on it names several members, static ones too; 5 brought
// reasons, which are for the log (KIP-800).
func leaveGroup(b *Broker, c *call, req *kmsg.LeaveGroupRequest) kmsg.Response {
	resp := kmsg.NewPtrLeaveGroupResponse()
	if !c.allowed(kafka.Read, kafka.Group, req.Group) {
		resp.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
		return resp
	}
	leave := group.LeaveRequest{Group: req.Group}
	if c.header.Version < 3 {
		leave.Members = []group.Leaver{{MemberID: req.MemberID}}
	}
	for _, m := range req.Members {
		leave.Members = append(leave.Members, group.Leaver{MemberID: m.MemberID, InstanceID: text(m.InstanceID)})
		if m.Reason != nil {
			b.log.Debug("member leaves its group", "group", req.Group, "member", m.MemberID, "instance", text(m.InstanceID), "reason", *m.Reason)
		}
	}
	var left group.LeaveResponse
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		var e group.Effects
		left, e = coord.Leave(now, leave)
		return e
	})
	if err != nil {
		resp.ErrorCode = int16(codeOf(err))
		return resp
	}
	resp.ErrorCode = int16(left.Error)
	if left.Error != kafka.NoError {
		return resp
	}
	if c.header.Version < 3 {
		resp.ErrorCode = int16(left.Members[0])
		return resp
	}
	for i, code := range left.Members {
		m := kmsg.NewLeaveGroupResponseMember()
		m.MemberID, m.InstanceID, m.ErrorCode = req.Members[i].MemberID, req.Members[i].InstanceID, int16(code)
		resp.Members = append(resp.Members, m)
	}
	return resp
}
