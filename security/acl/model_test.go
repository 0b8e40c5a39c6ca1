package acl

import (
	"slices"
	"strings"

	"schloss/kafka"
)

// model is the rules as a plain list, read from the description of Kafka's
// rules line by line: slow, and too simple to be wrong in the same way.
type model []Binding

func covers(b Binding, name string) bool {
	if b.Pattern == kafka.Prefixed {
		return strings.HasPrefix(name, b.Name)
	}
	return b.Name == name || b.Name == "*"
}

func concerns(b Binding, principal, host string) bool {
	return (b.Principal == principal || b.Principal == "User:*") && (b.Host == host || b.Host == "*")
}

func (m model) authorize(q Query, supers []string, everyone bool) (allowed bool, reason Reason) {
	if slices.Contains(supers, q.Principal) {
		return true, SuperUser
	}
	implies := map[kafka.Operation][]kafka.Operation{
		kafka.Read: {kafka.Describe}, kafka.Write: {kafka.Describe}, kafka.Delete: {kafka.Describe}, kafka.Alter: {kafka.Describe},
		kafka.AlterConfigs: {kafka.DescribeConfigs},
	}
	any, allow, deny := false, false, false
	for _, b := range m {
		if b.ResourceType != q.ResourceType || !covers(b, q.Name) {
			continue
		}
		any = true
		if !concerns(b, q.Principal, q.Host) {
			continue
		}
		same := b.Operation == q.Operation || b.Operation == kafka.All
		deny = deny || same && b.Permission == kafka.Deny
		allow = allow || (same || slices.Contains(implies[b.Operation], q.Operation)) && b.Permission == kafka.Allow
	}
	switch {
	case deny:
		return false, ByBinding
	case allow:
		return true, ByBinding
	case !any && everyone:
		return true, DefaultAllow
	}
	return false, NoBinding
}

func (m model) byType(principal, host string, op kafka.Operation, t kafka.ResourceType, supers []string, everyone bool) bool {
	if allowed, _ := m.authorize(Query{principal, host, op, t, "hardcode"}, supers, everyone); allowed {
		return true
	}
	var allows, denies []Binding
	for _, b := range m {
		if b.ResourceType != t || !concerns(b, principal, host) || b.Operation != op && b.Operation != kafka.All {
			continue
		}
		if b.Permission == kafka.Deny {
			denies = append(denies, b)
		} else {
			allows = append(allows, b)
		}
	}
	isAny := func(b Binding) bool { return b.Pattern == kafka.Literal && b.Name == "*" }
	if slices.ContainsFunc(denies, isAny) {
		return false
	}
	if slices.ContainsFunc(allows, isAny) {
		return true
	}
	return slices.ContainsFunc(allows, func(a Binding) bool {
		return !slices.ContainsFunc(denies, func(d Binding) bool {
			if d.Pattern == kafka.Prefixed {
				return strings.HasPrefix(a.Name, d.Name)
			}
			return a.Pattern == kafka.Literal && a.Name == d.Name
		})
	})
}

func (m model) match(f Filter) model {
	var selected model
	for _, b := range m {
		if f.ResourceType != kafka.ResourceAny && f.ResourceType != b.ResourceType ||
			f.Principal != nil && *f.Principal != b.Principal || f.Host != nil && *f.Host != b.Host ||
			f.Operation != kafka.OperationAny && f.Operation != b.Operation ||
			f.Permission != kafka.PermissionAny && f.Permission != b.Permission {
			continue
		}
		named := f.Name == nil || *f.Name == b.Name
		var ok bool
		switch f.Pattern {
		case kafka.PatternAny:
			ok = named
		case kafka.PatternMatch:
			ok = f.Name == nil || covers(b, *f.Name)
		default:
			ok = named && f.Pattern == b.Pattern
		}
		if ok {
			selected = append(selected, b)
		}
	}
	return selected
}

func compare(a, b Binding) int {
	for _, d := range []int{int(a.ResourceType) - int(b.ResourceType), strings.Compare(a.Name, b.Name), int(a.Pattern) - int(b.Pattern),
		strings.Compare(a.Principal, b.Principal), strings.Compare(a.Host, b.Host), int(a.Operation) - int(b.Operation), int(a.Permission) - int(b.Permission)} {
		if d != 0 {
			return d
		}
	}
	return 0
}
