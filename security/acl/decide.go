package acl

import (
	"math/bits"
	"strings"

	"schloss/kafka"
)

// Reason says what a decision rests on.
type Reason int8

// The reasons.
const (
	NoBinding    Reason = iota // nothing allows it
	SuperUser                  // the principal may do everything
	ByBinding                  // Decision.Binding allows or denies it
	DefaultAllow               // allow.everyone.if.no.acl.found, and the resource has no binding
)

var reasonNames = [...]string{NoBinding: "NoBinding", SuperUser: "SuperUser", ByBinding: "Binding", DefaultAllow: "DefaultAllow"}

// String is the reason's name in audit lines.
func (r Reason) String() string { return reasonNames[r] }

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

// Authorizer decides queries as Kafka's StandardAuthorizer does: super users
// first, then any denial that matches, then any permission. How closely a
// pattern fits does not matter.
//
// Differs from Kafka: StandardAuthorizer 3.9 to 4.3 overlooks the wildcard
// where a resource's name itself begins with a star, denials included; here
// "*" covers every name, as it did in AclAuthorizer: a denial of all names that
// leaves some open would be a hole.
type Authorizer struct {
	Supers               SuperUsers // nil: nobody
	AllowEveryoneIfNoACL bool
}

func (a *Authorizer) isSuper(principal string) bool {
	return a.Supers != nil && a.Supers.Has(principal)
}

// Authorize decides one query.
func (a *Authorizer) Authorize(r *Rules, q Query) Decision {
	if a.isSuper(q.Principal) {
		return Decision{Allowed: true, Reason: SuperUser}
	}
	s := search{Query: q}
	if q.Operation > kafka.OperationAny && q.Operation <= kafka.TwoPhaseCommit {
		s.denyMask, s.allowMask = deniedBy(q.Operation), allowedBy(q.Operation)
	}
	s.run(anyPrincipal, r.held(anyPrincipal, q.ResourceType))
	s.run(q.Principal, r.held(q.Principal, q.ResourceType))
	switch {
	case s.denied, s.allowed:
		return Decision{Allowed: !s.denied, Reason: ByBinding, Binding: s.deciding}
	case a.AllowEveryoneIfNoACL && !r.used(q.ResourceType, q.Name):
		return Decision{Allowed: true, Reason: DefaultAllow}
	}
	return Decision{}
}

// deniedBy are the operations whose denial forbids op; a denial implies
// nothing.
func deniedBy(op kafka.Operation) uint32 { return 1<<op | 1<<kafka.All }

// allowedBy are the operations whose permission includes op.
func allowedBy(op kafka.Operation) uint32 {
	set := deniedBy(op)
	switch op {
	case kafka.Describe:
		set |= 1<<kafka.Read | 1<<kafka.Write | 1<<kafka.Delete | 1<<kafka.Alter
	case kafka.DescribeConfigs:
		set |= 1 << kafka.AlterConfigs
	}
	return set
}

// search is one query on its way through the bindings.
type search struct {
	Query
	denyMask, allowMask uint32

	denied, allowed bool
	deciding        Binding
}

// run looks at every binding of a principal whose pattern covers the name,
// from the least to the most exact: of several that allow, the most exact is
// reported.
func (s *search) run(principal string, byName *tree[patterns]) {
	if byName == nil {
		return
	}
	s.look(principal, kafka.Literal, anyName, byName.get(anyName).literal)
	rest := s.Name
	for t := byName; t != nil; t = t.child(rest) {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, t.label); !ok {
			return
		}
		s.look(principal, kafka.Prefixed, s.Name[:len(s.Name)-len(rest)], t.value.prefixed)
		if rest == "" {
			s.look(principal, kafka.Literal, s.Name, t.value.literal)
		}
	}
}

// look judges by what a principal has on one pattern.
func (s *search) look(principal string, pattern kafka.PatternType, name string, byHost *tree[masks]) {
	if byHost == nil || s.denied {
		return
	}
	for _, host := range [...]string{anyHost, s.Host} {
		m := byHost.get(host)
		b := Binding{ResourceType: s.ResourceType, Name: name, Pattern: pattern, Principal: principal, Host: host}
		if hit := m.deny & s.denyMask; hit != 0 {
			b.Operation, b.Permission = s.closest(hit), kafka.Deny
			s.denied, s.deciding = true, b
			return
		}
		if hit := m.allow & s.allowMask; hit != 0 {
			b.Operation, b.Permission = s.closest(hit), kafka.Allow
			s.allowed, s.deciding = true, b
		}
	}
}

// closest is the operation asked for if it is in the set, else All, else one
// that implies it.
func (s *search) closest(set uint32) kafka.Operation {
	if set&(1<<s.Operation) != 0 {
		return s.Operation
	}
	return kafka.Operation(bits.TrailingZeros32(set)) // All has the lowest code
}

// AuthorizedOperations is the bit field of Metadata, DescribeGroups and
// DescribeCluster: bit n is set when the operation with code n is valid for
// the resource type and allowed. q.Operation is not read.
func (a *Authorizer) AuthorizedOperations(r *Rules, q Query) int32 {
	var field int32
	for _, op := range Operations(q.ResourceType) {
		q.Operation = op
		if a.Authorize(r, q).Allowed {
			field |= 1 << op
		}
	}
	return field
}
