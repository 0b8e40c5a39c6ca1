package acl

import "iter"

// Rules are a set of bindings, indexed for decisions. They never change: With
// makes new ones. A nil *Rules is empty.
type Rules struct {
	all map[Binding]struct{}
}

// New makes rules of the bindings; those given twice count once.
func New(bindings []Binding) *Rules { return nil }

// With is r without the removed and then with the added bindings. It costs
// what changes, not what stays.
func (r *Rules) With(add, remove []Binding) *Rules { return nil }

// Len is the number of bindings.
func (r *Rules) Len() int { return 0 }

// Has says whether exactly this binding is there.
func (r *Rules) Has(b Binding) bool { return false }

// All are the bindings, ordered by resource type, name, pattern, principal,
// host, operation and permission.
func (r *Rules) All() iter.Seq[Binding] { return nil }

// Match are the bindings a filter selects, in the order of All.
func (r *Rules) Match(f Filter) []Binding { return nil }

// CheckCreate says why Kafka would refuse to create the binding, or nil.
func CheckCreate(b Binding) error { return nil }

// CheckFilter says why Kafka would refuse the filter, or nil.
func CheckFilter(f Filter) error { return nil }
