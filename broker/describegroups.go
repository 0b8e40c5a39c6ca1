package broker

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// DescribeGroups shows groups with their members.
//
// Behavior: DESCRIBE on each group, before it is looked up.
//
// Versions: 3 tells the caller's rights, 4 names static members, 6 answers
// GROUP_ID_NOT_FOUND for a group that is not known, earlier ones state Dead.
func describeGroups(b *Broker, c *call, req *kmsg.DescribeGroupsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	for _, name := range distinct(req.Groups, func(name *string) string { return *name }) {
		out := kmsg.NewDescribeGroupsResponseGroup()
		out.Group, out.AuthorizedOperations = name, math.MinInt32
		if !c.allowed(kafka.Describe, kafka.Group, name) {
			out.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
			resp.Groups = append(resp.Groups, out)
			continue
		}
		s, err := b.groups.shard(name)
		var d group.Description
		if err == nil {
			err = s.look(func(coord *group.Coordinator) { d = coord.Describe(name) })
		}
		if err == nil {
			err = d.Error.Err()
		}
		if err == nil && d.State == group.Dead && c.header.Version >= 6 {
			err = &faultError{kafka.ErrGroupIDNotFound, "Group " + name + " not found."}
		}
		if err != nil {
			out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		}
		if err == nil || codeOf(err) == kafka.ErrGroupIDNotFound {
			describeGroup(d, &out)
		}
		if req.IncludeAuthorizedOperations && err == nil {
			out.AuthorizedOperations = c.operations(kafka.Group, name)
		}
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func describeGroup(d group.Description, out *kmsg.DescribeGroupsResponseGroup) {
	out.State, out.ProtocolType, out.Protocol = d.State.String(), d.ProtocolType, d.Protocol
	for _, m := range d.Members {
		member := kmsg.NewDescribeGroupsResponseGroupMember()
		member.MemberID, member.InstanceID = m.ID, orNull(m.InstanceID)
		member.ClientID, member.ClientHost = m.ClientID, m.ClientHost
		member.ProtocolMetadata, member.MemberAssignment = m.Metadata, m.Assignment
		if member.ProtocolMetadata == nil {
			member.ProtocolMetadata = []byte{}
		}
		if member.MemberAssignment == nil {
			member.MemberAssignment = []byte{}
		}
		out.Members = append(out.Members, member)
	}
}
