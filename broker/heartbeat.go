package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// Heartbeat keeps a member in its group.
//
// Behavior: READ on the group.
//
// Versions: 3 brought static members.
func heartbeat(b *Broker, c *call, req *kmsg.HeartbeatRequest) kmsg.Response {
	resp := kmsg.NewPtrHeartbeatResponse()
	if !c.allowed(kafka.Read, kafka.Group, req.Group) {
		resp.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
		return resp
	}
	beat := group.HeartbeatRequest{Group: req.Group, MemberID: req.MemberID, InstanceID: text(req.InstanceID), Generation: req.Generation}
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		code, e := coord.Heartbeat(now, beat)
		resp.ErrorCode = int16(code)
		return e
	})
	if codeOf(err) == kafka.ErrCoordinatorLoadInProgress {
		return resp // as Kafka does: the member is there, its group is being read
	}
	if err != nil {
		resp.ErrorCode = int16(codeOf(err))
	}
	return resp
}
