package acl

import "schloss/kafka"

// AuthorizeByType decides whether the principal may do the operation on at
// least one resource of the type (KIP-679). It follows the default method of
// Kafka's Authorizer interface, which StandardAuthorizer uses, with its
// quirks: it first asks for a resource named "hardcode", so super users,
// default permission and implied operations count there and only there.
func (a *Authorizer) AuthorizeByType(r *Rules, principal, host string, op kafka.Operation, t kafka.ResourceType) Decision {
	if op <= kafka.OperationAny || op > kafka.TwoPhaseCommit || t <= kafka.ResourceAny || t > kafka.User {
		return Decision{}
	}
	d := a.Authorize(r, Query{principal, host, op, t, "hardcode"})
	if d.Allowed {
		return d
	}
	of := typeSearch{
		// From here on the operation itself and All count, for denials and
		// permissions alike.
		search: search{Query: Query{principal, host, op, t, anyName}, denyMask: deniedBy(op), allowMask: deniedBy(op)},
		sides:  [2]side{{anyPrincipal, r.held(anyPrincipal, t)}, {principal, r.held(principal, t)}},
	}
	s := of.search
	for _, side := range of.sides {
		s.look(side.principal, kafka.Literal, anyName, side.byName.get(anyName).literal)
	}
	if s.denied || s.allowed {
		return Decision{Allowed: !s.denied, Reason: ByBinding, Binding: s.deciding}
	}
	if b, ok := of.undominated(); ok {
		return Decision{Allowed: true, Reason: ByBinding, Binding: b}
	}
	return d
}

// typeSearch looks for a permission that no denial makes void, among what
// everybody has and what the principal has.
type typeSearch struct {
	search
	sides [2]side
}

type side struct {
	principal string
	byName    *tree[patterns]
}

// undominated is a binding that allows a pattern of which nothing is denied
// by an equal or shorter prefix; a literal must not be denied itself.
func (s *typeSearch) undominated() (found Binding, ok bool) {
	for _, side := range s.sides {
		done := !side.byName.each(func(name string, p patterns) bool {
			one := s.search
			one.look(side.principal, kafka.Prefixed, name, p.prefixed)
			if !one.allowed && !s.deniesLiteral(name) {
				one.look(side.principal, kafka.Literal, name, p.literal)
			}
			found = one.deciding
			return !one.allowed || one.denied || s.deniesPrefix(name)
		})
		if done {
			return found, true
		}
	}
	return Binding{}, false
}

func (s *typeSearch) deniesLiteral(name string) bool {
	return s.denies(s.sides[0].byName.get(name).literal) || s.denies(s.sides[1].byName.get(name).literal)
}

func (s *typeSearch) deniesPrefix(name string) bool {
	none := func(_ string, p patterns) bool { return !s.denies(p.prefixed) }
	return !s.sides[0].byName.along(name, none) || !s.sides[1].byName.along(name, none)
}

func (s *typeSearch) denies(byHost *tree[masks]) bool {
	return (byHost.get(anyHost).deny|byHost.get(s.Host).deny)&s.denyMask != 0
}
