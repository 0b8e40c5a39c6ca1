package acl

import (
	"fmt"
	"slices"
	"strings"

	"schloss/kafka"
)

// Miss is a binding that nearly allows what was denied, and what keeps it from
// doing so.
type Miss struct {
	Binding Binding
	Why     string
}

// How many principals and names a search for the nearest binding looks at: a
// denial must stay cheap whatever the rules hold.
const (
	mostPrincipals = 1024
	mostNames      = 256
)

// Nearest is the permission that comes closest to allowing q, for a query that
// nothing allows; false when none is near. Of several the one is taken whose
// mending is least: another host, a principal that is written otherwise, a
// further operation, a literal name where a prefix was meant, a name that is
// misspelt.
func (r *Rules) Nearest(q Query) (Miss, bool) {
	if r == nil || q.ResourceType < 0 || q.ResourceType > kafka.User {
		return Miss{}, false
	}
	n := nearest{q: q, mask: allowedBy(q.Operation), best: noMiss}
	n.among(q.Principal, r.held(q.Principal, q.ResourceType))
	n.among(anyPrincipal, r.held(anyPrincipal, q.ResourceType))
	alike, seen := likeness(q.Principal), 0
	r.principals.each(func(principal string, g *grants) bool {
		if principal != q.Principal && alike(principal) {
			n.written(principal, g[q.ResourceType])
		}
		seen++
		return seen < mostPrincipals
	})
	return n.miss, n.best != noMiss
}

// The kinds of misses, nearest first.
const (
	otherHost = iota
	otherWriting
	otherOperation
	notPrefixed
	otherName
	noMiss
)

// nearest is one search.
type nearest struct {
	q    Query
	mask uint32 // operations that would allow it
	best int
	miss Miss
}

// among looks at what a principal has that the query is about.
func (n *nearest) among(principal string, byName *tree[patterns]) {
	seen := 0
	byName.each(func(name string, p patterns) bool {
		n.judge(Binding{ResourceType: n.q.ResourceType, Name: name, Pattern: kafka.Literal, Principal: principal}, p.literal)
		n.judge(Binding{ResourceType: n.q.ResourceType, Name: name, Pattern: kafka.Prefixed, Principal: principal}, p.prefixed)
		seen++
		return seen < mostNames
	})
}

// judge compares the hosts and operations of one pattern.
func (n *nearest) judge(b Binding, byHost *tree[masks]) {
	covers := n.covers(b)
	byHost.each(func(host string, m masks) bool {
		if m.allow == 0 {
			return true
		}
		b.Host, b.Permission = host, kafka.Allow
		fitsHost, fits := host == anyHost || host == n.q.Host, m.allow&n.mask != 0
		b.Operation = (&search{Query: n.q}).closest(m.allow)
		switch {
		case covers && fits && !fitsHost:
			n.note(otherHost, b, fmt.Sprintf("it is for host %s, the request came from %s", host, n.q.Host))
		case covers && fitsHost && !fits:
			n.note(otherOperation, b, fmt.Sprintf("it allows %s, not %s", b.Operation, n.q.Operation))
		case covers || !fits || !fitsHost:
		case b.Pattern == kafka.Literal && b.Name != "" && strings.HasPrefix(n.q.Name, strings.TrimSuffix(b.Name, "*")):
			n.note(notPrefixed, b, "its name is taken literally; --resource-pattern-type prefixed covers all that begins with it")
		case misspelt(b.Name, n.q.Name):
			n.note(otherName, b, fmt.Sprintf("it is for %s %q", b.ResourceType, b.Name))
		}
		return true
	})
}

func (n *nearest) covers(b Binding) bool {
	if b.Pattern == kafka.Prefixed {
		return strings.HasPrefix(n.q.Name, b.Name)
	}
	return b.Name == anyName || b.Name == n.q.Name
}

func (n *nearest) note(kind int, b Binding, why string) {
	if kind < n.best {
		n.best, n.miss = kind, Miss{b, why}
	}
}

// written looks whether a principal that is written otherwise is allowed it.
func (n *nearest) written(principal string, byName *tree[patterns]) {
	s := search{Query: n.q, allowMask: n.mask}
	s.run(principal, byName)
	if s.allowed {
		n.note(otherWriting, s.deciding, "its principal must be written exactly as the broker sees it: "+n.q.Principal)
	}
}

// likeness says whether a principal differs from p only in blanks, case or the
// order of its parts, or is p's common name alone, the usual slips.
func likeness(p string) func(other string) bool {
	_, name, _ := strings.Cut(p, ":")
	parts, size := partsOf(name), dense(name)
	common := ""
	for _, part := range parts {
		if cn, ok := strings.CutPrefix(part, "cn="); ok {
			common = cn
		}
	}
	return func(other string) bool {
		_, other, _ = strings.Cut(other, ":")
		return common != "" && strings.EqualFold(strings.TrimSpace(other), common) ||
			dense(other) == size && slices.Equal(partsOf(other), parts)
	}
}

// partsOf are the parts of a DN without blanks around them, in lower case and
// in order.
func partsOf(name string) []string {
	parts := strings.Split(strings.ToLower(name), ",")
	for i, part := range parts {
		attribute, value, _ := strings.Cut(part, "=")
		parts[i] = strings.TrimSpace(attribute) + "=" + strings.TrimSpace(value)
	}
	slices.Sort(parts)
	return parts
}

// dense is the length without blanks, which most strangers fail by.
func dense(name string) int { return len(name) - strings.Count(name, " ") }

// misspelt says whether two names differ in one letter, or in two that have
// changed places.
func misspelt(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch {
	case len(b)-len(a) > 1 || len(a) < 3:
		return false
	case len(a) < len(b):
		return a[i:] == b[i+1:]
	case i+1 >= len(a):
		return i < len(a)
	}
	return a[i+1:] == b[i+1:] || a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
