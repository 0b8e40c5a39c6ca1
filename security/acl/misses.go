package acl

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"schloss/kafka"
)

// Miss is a binding that would decide if some of it were written otherwise.
// Each reason begins with its word: "blanks", "other operation", ...
type Miss struct {
	Binding Binding
	Why     []string
}

// NearMisses are the bindings of the permission that miss the query narrowly,
// those that miss it in the least things first.
func NearMisses(bindings []Binding, q Query, wanted kafka.Permission) []Miss {
	var out []Miss
	seen := seenAs(q.Principal)
	for _, b := range bindings {
		if b.Permission != wanted {
			continue
		}
		if why := missedBy(b, q, seen); len(why) > 0 {
			out = append(out, Miss{b, why})
		}
	}
	slices.SortStableFunc(out, func(a, b Miss) int { return len(a.Why) - len(b.Why) })
	return out
}

// missedBy says what keeps the binding from deciding; nothing when it decides,
// and when that is too much to be a mistake: another person, another name, or
// two things at once of those in which any two bindings may differ.
func missedBy(b Binding, q Query, seen *writing) (why []string) {
	if b.Principal != anyPrincipal && b.Principal != q.Principal {
		slip := seen.slip(b.Principal)
		if slip == "" {
			return nil
		}
		why = append(why, slip)
	}
	if !b.covers(q.Name) {
		slip := nameSlip(b, q.Name)
		if slip == "" {
			return nil
		}
		why = append(why, slip)
	}
	others := 0
	if b.ResourceType != q.ResourceType {
		others++
		why = append(why, fmt.Sprintf("wrong type: it is about a %s, not a %s", b.ResourceType, q.ResourceType))
	}
	if b.Host != anyHost && b.Host != q.Host {
		slip, written := hostSlip(b.Host, q.Host)
		if !written {
			others++
		}
		why = append(why, slip)
	}
	fits := allowedBy(q.Operation)
	if b.Permission == kafka.Deny {
		fits = deniedBy(q.Operation)
	}
	if fits&(1<<b.Operation) == 0 {
		others++
		why = append(why, fmt.Sprintf("other operation: it is for %s, which does not imply %s", b.Operation, q.Operation))
	}
	if others > 1 {
		return nil
	}
	return why
}

// covers says whether the binding is about resources of the name.
func (b Binding) covers(name string) bool {
	if b.Pattern == kafka.Prefixed {
		return strings.HasPrefix(name, b.Name)
	}
	return b.Name == anyName || b.Name == name
}

// nameSlip says how a binding's name differs from the resource's, where it
// seems to be meant; "" where it does not.
func nameSlip(b Binding, name string) string {
	stem := strings.TrimSuffix(strings.TrimSuffix(b.Name, "*"), ".")
	begins := stem != b.Name && strings.HasPrefix(name, stem)
	switch {
	case b.Name == "":
		return ""
	case b.Pattern == kafka.Prefixed && b.Name == "*":
		return "star: PREFIXED, it covers only names that begin with a star; LITERAL, all"
	case b.Pattern == kafka.Prefixed && begins:
		return fmt.Sprintf("star: in a prefix it is a letter; the prefix is %q", stem)
	case begins:
		return fmt.Sprintf("star: it means all only when it stands alone; take %q as PREFIXED", stem)
	case b.Pattern == kafka.Prefixed && len(name) >= len(b.Name) && strings.EqualFold(b.Name, name[:len(b.Name)]), strings.EqualFold(b.Name, name):
		return "case: names are compared letter by letter"
	case b.Pattern == kafka.Literal && strings.HasPrefix(name, b.Name) && (len(b.Name) > 2 || strings.ContainsAny(b.Name[len(b.Name)-1:], "-._")):
		return "pattern: LITERAL, it covers that name alone; PREFIXED, all that begin so"
	case strings.TrimSpace(b.Name) == name:
		return "blanks: there are some around its name"
	case b.Pattern == kafka.Literal && misspelt(b.Name, name):
		return fmt.Sprintf("spelling: it is for %q", b.Name)
	}
	return ""
}

// hostSlip says how a binding's host misses; written is true where it seems to
// mean the same address.
func hostSlip(host, seen string) (slip string, written bool) {
	address, err := netip.ParseAddr(host)
	_, rangeErr := netip.ParsePrefix(host)
	switch {
	case err == nil && HostOf(address) != host && HostOf(address) == seen:
		return "host: hosts are compared as texts, and Kafka writes this one " + seen, true
	case err == nil && HostOf(address) != host:
		return "host: Kafka writes this one " + HostOf(address) + ", so it is never met", false
	case rangeErr == nil:
		return "host: " + host + " is a range; rules know single addresses", false
	case err != nil:
		return "host: " + host + " is a name; rules know addresses", false
	}
	return "host: it is for " + host + " alone", false
}

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
