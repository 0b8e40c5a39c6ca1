package acl

import (
	"slices"
	"strings"

	"schloss/kafka"
)

// How many principals, names and hosts a search for the nearest binding looks
// at: a denial must stay cheap whatever the rules hold.
const (
	mostPrincipals = 1024
	mostNames      = 256
	mostHosts      = 16
)

// Nearest is the permission that comes closest to allowing q, for a query that
// nothing allows; false when none is near. Of several the one is taken that
// misses in the least things, and of those the one whose mending is least.
func (r *Rules) Nearest(q Query) (Miss, bool) {
	if r == nil || q.ResourceType < 0 || q.ResourceType > kafka.User {
		return Miss{}, false
	}
	n := nearest{q: q, seen: seenAs(q.Principal)}
	n.among(q.Principal, r.held(q.Principal, q.ResourceType))
	n.among(anyPrincipal, r.held(anyPrincipal, q.ResourceType))
	seen := 0
	r.principals.each(func(principal string, g *grants) bool {
		if principal != q.Principal && principal != anyPrincipal && n.seen.slip(principal) != "" {
			n.among(principal, g[q.ResourceType])
		}
		seen++
		return seen < mostPrincipals
	})
	return n.miss, len(n.miss.Why) > 0
}

// nearest is one search.
type nearest struct {
	q    Query
	seen *writing
	miss Miss
}

// among looks at what a principal has on resources of the type.
func (n *nearest) among(principal string, byName *tree[patterns]) {
	names := 0
	byName.each(func(name string, p patterns) bool {
		n.judge(Binding{ResourceType: n.q.ResourceType, Name: name, Pattern: kafka.Literal, Principal: principal}, p.literal)
		n.judge(Binding{ResourceType: n.q.ResourceType, Name: name, Pattern: kafka.Prefixed, Principal: principal}, p.prefixed)
		names++
		return names < mostNames
	})
}

// judge compares the hosts of one pattern, each with the operation that comes
// closest.
func (n *nearest) judge(b Binding, byHost *tree[masks]) {
	hosts, fits := 0, allowedBy(n.q.Operation)
	byHost.each(func(host string, m masks) bool {
		if m.allow != 0 {
			set := m.allow
			if m.allow&fits != 0 {
				set &= fits
			}
			b.Host, b.Permission, b.Operation = host, kafka.Allow, (&search{Query: n.q}).closest(set)
			if why := missedBy(b, n.q, n.seen); len(why) > 0 && (len(n.miss.Why) == 0 || nearer(why, n.miss.Why)) {
				n.miss = Miss{b, why}
			}
		}
		hosts++
		return hosts < mostHosts
	})
}

// mending are the words of the reasons, by how little there is to mend.
var mending = []string{"host", "blanks", "case", "quotes", "order", "short name", "long name", "other operation", "star", "pattern", "spelling"}

func nearer(a, b []string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return effort(a[0]) < effort(b[0])
}

func effort(reason string) int {
	word, _, _ := strings.Cut(reason, ":")
	return slices.Index(mending, word)
}
