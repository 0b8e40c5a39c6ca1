package group

import (
	"schloss/kafka"
)

// Description is what DescribeGroups shows of a group.
type Description struct {
	Error        kafka.ErrorCode
	Group        string
	State        State
	ProtocolType string
	Protocol     string
	Members      []MemberDescription
}

// MemberDescription is what DescribeGroups shows of a member.
type MemberDescription struct {
	ID         string
	InstanceID string
	ClientID   string
	ClientHost string
	Metadata   []byte
	Assignment []byte
}

// Listing is what ListGroups shows of a group.
type Listing struct {
	Group        string
	ProtocolType string
	State        State
}

// Describe tells what is known of a group; one that is not known is Dead. Only
// a stable group shows what its members say and do.
func (c *Coordinator) Describe(group string) Description {
	d := Description{Group: group, State: Dead, Error: c.check(group)}
	g := c.groups[group]
	if d.Error != kafka.NoError || g == nil {
		return d
	}
	d.State, d.ProtocolType = g.state, g.protocolType
	if g.state == Stable {
		d.Protocol = g.protocol
	}
	for _, m := range g.members {
		md := MemberDescription{ID: m.id, InstanceID: m.instanceID, ClientID: m.clientID, ClientHost: m.clientHost}
		if g.state == Stable {
			md.Metadata, md.Assignment = m.metadata(g.protocol), m.assignment
		}
		d.Members = append(d.Members, md)
	}
	return d
}

// List names the groups, sorted.
func (c *Coordinator) List() []Listing {
	out := make([]Listing, 0, len(c.groups))
	for _, id := range sortedKeys(c.groups) {
		g := c.groups[id]
		out = append(out, Listing{Group: id, ProtocolType: g.protocolType, State: g.state})
	}
	return out
}
