package acl

import (
	"cmp"
	"iter"
	"slices"

	"schloss/kafka"
)

const (
	anyName      = "*"      // as a literal name: every resource of the type
	anyPrincipal = "User:*" // every principal, whatever its type
	anyHost      = "*"
)

// Rules are a set of bindings, indexed for decisions:
//
//	principal > resource type > name > literal or prefixed > host > operations
//
// so that a decision looks at what the asking principal has, and at what
// everybody has, and at nothing else. They never change: With makes new ones
// that share what stayed. A nil *Rules is empty.
type Rules struct {
	principals *tree[*grants]
	names      [kafka.User + 1]*tree[uses]
	count      int
}

// grants are the bindings of one principal, by resource type and name.
type grants [kafka.User + 1]*tree[patterns]

// patterns are the bindings of one name, by pattern type and host.
type patterns struct {
	literal, prefixed *tree[masks]
}

// masks are sets of operations: bit n stands for the one with code n.
type masks struct {
	deny, allow uint32
}

// uses counts the bindings of a name, whoever they are for: the default
// permission asks for it.
type uses struct {
	literal, prefixed int
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

// put adds or removes one binding; r is not shared yet, its trees are.
func (r *Rules) put(b Binding, present bool) {
	if !b.indexable() || r.Has(b) == present {
		return
	}
	change := 1
	if !present {
		change = -1
	}
	r.count += change

	var g grants
	if old := r.principals.get(b.Principal); old != nil {
		g = *old
	}
	used := r.names[b.ResourceType].get(b.Name)
	p := g[b.ResourceType].get(b.Name)
	side, uses := &p.literal, &used.literal
	if b.Pattern == kafka.Prefixed {
		side, uses = &p.prefixed, &used.prefixed
	}
	*uses += change
	m := (*side).get(b.Host)
	if b.Permission == kafka.Deny {
		m.deny ^= 1 << b.Operation
	} else {
		m.allow ^= 1 << b.Operation
	}
	*side = (*side).with(b.Host, m)
	g[b.ResourceType] = g[b.ResourceType].with(b.Name, p)
	r.names[b.ResourceType] = r.names[b.ResourceType].with(b.Name, used)
	if g == (grants{}) {
		r.principals = r.principals.with(b.Principal, nil)
	} else {
		r.principals = r.principals.with(b.Principal, &g)
	}
}

// indexable is false for what no set of rules holds: Any and Unknown stand in
// filters only.
func (b Binding) indexable() bool {
	return b.ResourceType > kafka.ResourceAny && b.ResourceType <= kafka.User &&
		(b.Pattern == kafka.Literal || b.Pattern == kafka.Prefixed) &&
		b.Operation > kafka.OperationAny && b.Operation <= kafka.TwoPhaseCommit &&
		(b.Permission == kafka.Deny || b.Permission == kafka.Allow)
}

// held is what a principal has on resources of a type.
func (r *Rules) held(principal string, t kafka.ResourceType) *tree[patterns] {
	if r == nil || t < 0 || t > kafka.User {
		return nil
	}
	g := r.principals.get(principal)
	if g == nil {
		return nil
	}
	return g[t]
}

// used says whether any binding covers the resource, whoever it is for.
func (r *Rules) used(t kafka.ResourceType, name string) bool {
	if r == nil || t < 0 || t > kafka.User {
		return false
	}
	if r.names[t].get(anyName).literal > 0 || r.names[t].get(name).literal > 0 {
		return true
	}
	return !r.names[t].along(name, func(_ string, u uses) bool { return u.prefixed == 0 })
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
	if !b.indexable() {
		return false
	}
	p := r.held(b.Principal, b.ResourceType).get(b.Name)
	m := p.literal.get(b.Host)
	if b.Pattern == kafka.Prefixed {
		m = p.prefixed.get(b.Host)
	}
	if b.Permission == kafka.Deny {
		return m.deny&(1<<b.Operation) != 0
	}
	return m.allow&(1<<b.Operation) != 0
}

// All are the bindings, ordered by resource type, name, pattern, principal,
// host, operation and permission.
func (r *Rules) All() iter.Seq[Binding] { return slices.Values(r.collect(nil)) }

// collect are the bindings of the selected names, ordered as All.
func (r *Rules) collect(selected func(t kafka.ResourceType, name string) bool) []Binding {
	if r == nil {
		return nil
	}
	var all []Binding
	r.principals.each(func(principal string, g *grants) bool {
		for t, byName := range g {
			t := kafka.ResourceType(t)
			byName.each(func(name string, p patterns) bool {
				if selected == nil || selected(t, name) {
					b := Binding{ResourceType: t, Name: name, Pattern: kafka.Literal, Principal: principal}
					all = appendEach(all, b, p.literal)
					b.Pattern = kafka.Prefixed
					all = appendEach(all, b, p.prefixed)
				}
				return true
			})
		}
		return true
	})
	slices.SortFunc(all, inOrder)
	return all
}

// appendEach completes b with each host, operation and permission.
func appendEach(all []Binding, b Binding, byHost *tree[masks]) []Binding {
	byHost.each(func(host string, m masks) bool {
		b.Host = host
		for b.Operation = kafka.All; b.Operation <= kafka.TwoPhaseCommit; b.Operation++ {
			if m.deny&(1<<b.Operation) != 0 {
				b.Permission = kafka.Deny
				all = append(all, b)
			}
			if m.allow&(1<<b.Operation) != 0 {
				b.Permission = kafka.Allow
				all = append(all, b)
			}
		}
		return true
	})
	return all
}

func inOrder(a, b Binding) int {
	return cmp.Or(
		cmp.Compare(a.ResourceType, b.ResourceType), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern),
		cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Host, b.Host),
		cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Permission, b.Permission))
}
