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

// Describe tells what is known of a group; one that is not known is Dead.
func (c *Coordinator) Describe(group string) Description { return Description{} }

// List names the groups, sorted.
func (c *Coordinator) List() []Listing { return nil }
