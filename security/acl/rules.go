package acl

import (
	"iter"

	"schloss/kafka"
)

const (
	anyName      = "*"      // as a literal name: every resource of the type
	anyPrincipal = "User:*" // every principal, whatever its type
	anyHost      = "*"
)

// Rules are a set of bindings, indexed for decisions:
//
//	resource type > name > literal or prefixed > principal > host > operations
//
// They never change: With makes new ones that share what stayed. A nil *Rules
// is empty.
type Rules struct {
	types [kafka.User + 1]*tree[patterns]
	count int
}

// patterns are the bindings of one name, by the pattern type.
type patterns struct {
	literal, prefixed *tree[holder]
}

// holder is what one principal has on a pattern, by host.
type holder = *tree[masks]

// masks are sets of operations: bit n stands for the one with code n.
type masks struct {
	deny, allow uint32
}

// New makes rules of the bindings; those given twice count once. Bindings
// that CheckCreate refuses must not be given.
func New(bindings []Binding) *Rules { return (*Rules)(nil).With(bindings, nil) }

// With is r without the removed and then with the added bindings. It costs
// what changes, not what stays.
func (r *Rules) With(add, remove []Binding) *Rules {
	changed := Rules{}
	if r != nil {
		changed = *r
	}
	for _, b := range remove {
		changed.put(b, false)
	}
	for _, b := range add {
		changed.put(b, true)
	}
	return &changed
}

// put adds or removes one binding.
func (r *Rules) put(b Binding, present bool) {
	if !b.indexable() {
		return
	}
	byName := r.types[b.ResourceType]
	p := byName.get(b.Name)
	side := &p.literal
	if b.Pattern == kafka.Prefixed {
		side = &p.prefixed
	}
	byHost := (*side).get(b.Principal)
	m := byHost.get(b.Host)
	set, bit := &m.allow, uint32(1)<<b.Operation
	if b.Permission == kafka.Deny {
		set = &m.deny
	}
	if (*set&bit != 0) == present {
		return
	}
	*set ^= bit
	if present {
		r.count++
	} else {
		r.count--
	}
	*side = (*side).with(b.Principal, byHost.with(b.Host, m))
	r.types[b.ResourceType] = byName.with(b.Name, p)
}

// indexable is false for what no set of rules holds: Any and Unknown stand in
// filters only.
func (b Binding) indexable() bool {
	return b.ResourceType > kafka.ResourceAny && b.ResourceType <= kafka.User &&
		(b.Pattern == kafka.Literal || b.Pattern == kafka.Prefixed) &&
		b.Operation > kafka.OperationAny && b.Operation <= kafka.TwoPhaseCommit &&
		(b.Permission == kafka.Deny || b.Permission == kafka.Allow)
}

// Len is the number of bindings.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return r.count
}

// Has says whether exactly this binding is there.
func (r *Rules) Has(b Binding) bool {
	if r == nil || !b.indexable() {
		return false
	}
	m := r.holders(b.Resource()).get(b.Principal).get(b.Host)
	if b.Permission == kafka.Deny {
		return m.deny&(1<<b.Operation) != 0
	}
	return m.allow&(1<<b.Operation) != 0
}

func (r *Rules) holders(res Resource) *tree[holder] {
	p := r.types[res.Type].get(res.Name)
	if res.Pattern == kafka.Prefixed {
		return p.prefixed
	}
	return p.literal
}

// All are the bindings, ordered by resource type, name, pattern, principal,
// host, operation and permission.
func (r *Rules) All() iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		if r == nil {
			return
		}
		for t, byName := range r.types {
			ok := byName.each(func(name string, p patterns) bool {
				return eachOf(Resource{kafka.ResourceType(t), name, kafka.Literal}, p.literal, yield) &&
					eachOf(Resource{kafka.ResourceType(t), name, kafka.Prefixed}, p.prefixed, yield)
			})
			if !ok {
				return
			}
		}
	}
}

// eachOf calls yield with every binding of one resource, until it says false.
func eachOf(res Resource, holders *tree[holder], yield func(Binding) bool) bool {
	return holders.each(func(principal string, byHost holder) bool {
		return byHost.each(func(host string, m masks) bool {
			for op := kafka.All; op <= kafka.TwoPhaseCommit; op++ {
				b := Binding{res.Type, res.Name, res.Pattern, principal, host, op, kafka.Deny}
				if m.deny&(1<<op) != 0 && !yield(b) {
					return false
				}
				b.Permission = kafka.Allow
				if m.allow&(1<<op) != 0 && !yield(b) {
					return false
				}
			}
			return true
		})
	})
}
