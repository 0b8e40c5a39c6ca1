package acl

import (
	"slices"
	"strings"

	"schloss/kafka"
)

// Match are the bindings a filter selects, in the order of All. A filter that
// CheckFilter refuses selects nothing.
func (r *Rules) Match(f Filter) []Binding {
	if r == nil || CheckFilter(f) != nil {
		return nil
	}
	all := r.collect(func(t kafka.ResourceType, name string) bool {
		return (f.ResourceType == kafka.ResourceAny || f.ResourceType == t) && (f.Name == nil || f.mayName(name))
	})
	return slices.DeleteFunc(all, func(b Binding) bool { return !f.Matches(b) })
}

// mayName is false for names whose bindings cannot match, which spares
// collecting them.
func (f Filter) mayName(name string) bool {
	if f.Pattern == kafka.PatternMatch {
		return name == anyName || strings.HasPrefix(*f.Name, name)
	}
	return name == *f.Name
}

// Matches says whether the filter selects the binding. Principal and host are
// compared as texts: a filter for User:a does not select User:*.
func (f Filter) Matches(b Binding) bool {
	return (f.ResourceType == kafka.ResourceAny || f.ResourceType == b.ResourceType) &&
		f.matchesPattern(b) &&
		(f.Principal == nil || *f.Principal == b.Principal) &&
		(f.Host == nil || *f.Host == b.Host) &&
		(f.Operation == kafka.OperationAny || f.Operation == b.Operation) &&
		(f.Permission == kafka.PermissionAny || f.Permission == b.Permission)
}

// matchesPattern follows Kafka's ResourcePatternFilter: Any selects the exact
// name in both patterns, Match what would decide about a resource of the name.
func (f Filter) matchesPattern(b Binding) bool {
	if f.Pattern != kafka.PatternAny && f.Pattern != kafka.PatternMatch && f.Pattern != b.Pattern {
		return false
	}
	if f.Name == nil || *f.Name == b.Name {
		return true
	}
	if f.Pattern != kafka.PatternMatch {
		return false
	}
	if b.Pattern == kafka.Prefixed {
		return strings.HasPrefix(*f.Name, b.Name)
	}
	return b.Name == anyName
}
