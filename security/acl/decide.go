package acl

import "schloss/kafka"

// Reason says what a decision rests on.
type Reason int8

// The reasons.
const (
	NoBinding    Reason = iota // nothing allows it
	SuperUser                  // the principal may do everything
	ByBinding                  // Decision.Binding allows or denies it
	DefaultAllow               // allow.everyone.if.no.acl.found, and the resource has no binding
)

// String is the reason's name in audit lines.
func (r Reason) String() string { return "" }

// Decision is the answer to a query.
type Decision struct {
	Allowed bool
	Reason  Reason
	Binding Binding // the deciding one with ByBinding, else zero; others may match too
}

// Query asks whether a principal may do one thing.
type Query struct {
	Principal    string // "User:NAME"
	Host         string // the address as HostOf prints it
	Operation    kafka.Operation
	ResourceType kafka.ResourceType
	Name         string
}

// SuperUsers knows who may do everything.
type SuperUsers interface{ Has(principal string) bool }

// Authorizer decides queries as Kafka's StandardAuthorizer does.
type Authorizer struct {
	Supers               SuperUsers // nil: nobody
	AllowEveryoneIfNoACL bool
}

// Authorize decides one query.
func (a *Authorizer) Authorize(r *Rules, q Query) Decision { return Decision{} }

// AuthorizeByType decides whether the principal may do the operation on at
// least one resource of the type (KIP-679).
func (a *Authorizer) AuthorizeByType(r *Rules, principal, host string, op kafka.Operation, t kafka.ResourceType) Decision {
	return Decision{}
}

// AuthorizedOperations is the bit field of Metadata, DescribeGroups and
// DescribeCluster: bit n is set when the operation with code n is valid for
// the resource type and allowed. q.Operation is not read.
func (a *Authorizer) AuthorizedOperations(r *Rules, q Query) int32 { return 0 }
