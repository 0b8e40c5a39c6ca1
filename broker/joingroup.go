package broker

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// JoinGroup lets a member into its group.
//
// Behavior: READ on the group. The answer waits until every member has joined
// or the rebalance timeout is over.
//
// Versions: before 1 the session timeout is the rebalance timeout; from 4 on a
// new member first gets its id with MEMBER_ID_REQUIRED; 5 brought static
// members, 7 the protocol type in the answer, 8 a reason, which is for the log
// (KIP-800), 9 skip_assignment.
func joinGroup(b *Broker, c *call, req *kmsg.JoinGroupRequest) kmsg.Response {
	if !c.allowed(kafka.Read, kafka.Group, req.Group) {
		return joinResponse(c, group.JoinResponse{Error: kafka.ErrGroupAuthorizationFailed, MemberID: req.MemberID, Generation: -1})
	}
	rebalance := req.RebalanceTimeoutMillis
	if c.header.Version == 0 {
		rebalance = req.SessionTimeoutMillis
	}
	join := group.JoinRequest{
		Group: req.Group, MemberID: req.MemberID, InstanceID: text(req.InstanceID),
		ClientID: c.header.ClientID, ClientHost: "/" + c.peer.Host,
		SessionTimeout: millis(req.SessionTimeoutMillis), RebalanceTimeout: millis(rebalance),
		ProtocolType: req.ProtocolType, RequireMemberID: c.header.Version >= 4, SkipAssignment: c.header.Version >= 9,
	}
	for _, p := range req.Protocols {
		join.Protocols = append(join.Protocols, group.Protocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)})
	}
	if req.Reason != nil {
		b.log.Debug("member joins its group", "group", req.Group, "member", req.MemberID, "instance", join.InstanceID, "reason", *req.Reason)
	}
	c.parked()
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		return coord.Join(now, join, func(r group.JoinResponse) { c.respond(joinResponse(c, r)) })
	})
	if err != nil {
		return joinResponse(c, group.JoinResponse{Error: codeOf(err), MemberID: req.MemberID, Generation: -1})
	}
	return nil
}

func joinResponse(c *call, r group.JoinResponse) kmsg.Response {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.ErrorCode, resp.MemberID, resp.Generation = int16(r.Error), r.MemberID, r.Generation
	resp.LeaderID, resp.SkipAssignment = r.Leader, r.SkipAssignment
	resp.ProtocolType, resp.Protocol = &r.ProtocolType, &r.Protocol
	if c.header.Version >= 7 {
		resp.ProtocolType, resp.Protocol = orNull(r.ProtocolType), orNull(r.Protocol)
	}
	for _, m := range r.Members {
		out := kmsg.NewJoinGroupResponseMember()
		out.MemberID, out.InstanceID, out.ProtocolMetadata = m.ID, orNull(m.InstanceID), m.Metadata
		resp.Members = append(resp.Members, out)
	}
	return resp
}

// coordinate runs one verb on the coordinator of a group.
func (b *Broker) coordinate(name string, verb func(*group.Coordinator, time.Time) group.Effects) error {
	s, err := b.groups.shard(name)
	if err != nil {
		return err
	}
	return s.do(verb)
}

func millis(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }

// text is "" for null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNull is null for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
