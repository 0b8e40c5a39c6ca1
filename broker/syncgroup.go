package broker

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// SyncGroup gives each member its assignment.
//
// Behavior: READ on the group. The answer waits until the leader's assignment
// is durable.
//
// Versions: 3 brought static members, 5 the check of protocol type and name.
func syncGroup(b *Broker, c *call, req *kmsg.SyncGroupRequest) kmsg.Response {
	if !c.allowed(kafka.Read, kafka.Group, req.Group) {
		return syncResponse(group.SyncResponse{Error: kafka.ErrGroupAuthorizationFailed})
	}
	sync := group.SyncRequest{
		Group: req.Group, MemberID: req.MemberID, InstanceID: text(req.InstanceID), Generation: req.Generation,
		ProtocolType: text(req.ProtocolType), Protocol: text(req.Protocol),
	}
	for _, a := range req.GroupAssignment {
		sync.Assignments = append(sync.Assignments, group.Assignment{MemberID: a.MemberID, Data: bytes.Clone(a.MemberAssignment)})
	}
	c.parked()
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		return coord.Sync(now, sync, func(r group.SyncResponse) { c.respond(syncResponse(r)) })
	})
	if err != nil {
		return syncResponse(group.SyncResponse{Error: codeOf(err)})
	}
	return nil
}

func syncResponse(r group.SyncResponse) kmsg.Response {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.ErrorCode, resp.MemberAssignment = int16(r.Error), r.Assignment
	resp.ProtocolType, resp.Protocol = orNull(r.ProtocolType), orNull(r.Protocol)
	if resp.MemberAssignment == nil {
		resp.MemberAssignment = []byte{} // the field is never null
	}
	return resp
}
