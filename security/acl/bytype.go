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
	if d.Allowed || r == nil {
		return d
	}
	// From here on the operation itself and All count, for denials and
	// permissions alike.
	s := search{Query: Query{principal, host, op, t, ""}, denyMask: deniedBy(op), allowMask: deniedBy(op)}
	byName := r.types[t]
	s.look(byName.get(anyName).literal, kafka.Literal, anyName)
	if s.denied || s.allowed {
		return Decision{Allowed: s.allowed && !s.denied, Reason: ByBinding, Binding: s.deciding}
	}
	if b, ok := s.undominated(byName, ""); ok {
		return Decision{Allowed: true, Reason: ByBinding, Binding: b}
	}
	if d.Reason == ByBinding {
		return d
	}
	return Decision{}
}

// undominated is the first binding that allows a pattern of which nothing is
// denied by an equal or shorter prefix; a literal must not be denied itself.
func (s *search) undominated(t *tree[patterns], prefix string) (Binding, bool) {
	if t == nil {
		return Binding{}, false
	}
	name := prefix + t.label
	for _, side := range [...]struct {
		holders *tree[holder]
		pattern kafka.PatternType
	}{{t.value.prefixed, kafka.Prefixed}, {t.value.literal, kafka.Literal}} {
		one := search{Query: s.Query, denyMask: s.denyMask, allowMask: s.allowMask}
		one.look(side.holders, side.pattern, name)
		switch {
		case one.denied && side.pattern == kafka.Prefixed:
			return Binding{}, false // it denies all that lies below, and this name
		case one.allowed && !one.denied:
			return one.deciding, true
		}
	}
	for i := range t.children {
		if b, ok := s.undominated(&t.children[i], name); ok {
			return b, true
		}
	}
	return Binding{}, false
}
