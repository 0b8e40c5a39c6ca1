package cli

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
)

// nearMiss is a rule that would decide if some of it were written otherwise.
type nearMiss struct {
	binding acl.Binding
	why     []string
}

// decides says whether the rule alone would decide the query: the authorizer is
// asked, not imitated.
func decides(b acl.Binding, q acl.Query) bool {
	return (&acl.Authorizer{}).Authorize(acl.New([]acl.Binding{b}), q).Reason == acl.ByBinding
}

// nearMisses are the rules of the permission that miss the query narrowly, those
// that miss it in the least things first.
func nearMisses(rules []acl.Binding, q acl.Query, wanted kafka.Permission) []nearMiss {
	var out []nearMiss
	for _, b := range rules {
		if b.Permission != wanted || decides(b, q) {
			continue
		}
		if why := missedBy(b, q); len(why) > 0 {
			out = append(out, nearMiss{b, why})
		}
	}
	slices.SortStableFunc(out, func(a, b nearMiss) int { return len(a.why) - len(b.why) })
	return out
}

// missedBy says what keeps the rule from deciding; nothing when that is too
// much to be a mistake: another person, another name, or two things at once of
// those in which any two rules may differ.
func missedBy(b acl.Binding, q acl.Query) (why []string) {
	// fits has all of the query but what set takes back from the rule.
	fits := func(set func(one *acl.Binding)) bool {
		one := acl.Binding{ResourceType: q.ResourceType, Name: q.Name, Pattern: kafka.Literal, Principal: q.Principal, Host: "*", Operation: q.Operation, Permission: b.Permission}
		set(&one)
		return decides(one, q)
	}
	if !fits(func(one *acl.Binding) { one.Principal = b.Principal }) {
		slip := principalSlip(b.Principal, q.Principal)
		if slip == "" {
			return nil
		}
		why = append(why, slip)
	}
	if !fits(func(one *acl.Binding) { one.Name, one.Pattern = b.Name, b.Pattern }) {
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
	if !fits(func(one *acl.Binding) { one.Host = b.Host }) {
		slip, written := hostSlip(b.Host, q.Host)
		if !written {
			others++
		}
		why = append(why, slip)
	}
	if !fits(func(one *acl.Binding) { one.Operation = b.Operation }) {
		others++
		why = append(why, fmt.Sprintf("other operation: it is for %s, which does not imply %s", b.Operation, q.Operation))
	}
	if others > 1 {
		return nil
	}
	return why
}

// principalSlip says how a rule's principal differs from the one seen, where
// both seem to mean the same; "" where they do not.
func principalSlip(rule, seen string) string {
	_, ruleName, _ := strings.Cut(rule, ":")
	_, seenName, _ := strings.Cut(seen, ":")
	ruleParts, seenParts := dnParts(ruleName), dnParts(seenName)
	exact := "; the broker sees " + seen
	switch {
	case strings.EqualFold(rule, seen):
		return "case: principals are compared letter by letter" + exact
	case unquoted.Replace(rule) == seen:
		return "quotes: it holds those of a word processor" + exact
	case withoutBlanks(strings.TrimSpace(rule)) == seen:
		return "blanks: there are none after the commas of a principal" + exact
	case strings.Join(ruleParts, ",") == seenName:
		return "blanks: there are none around the parts of a principal" + exact
	case slices.Equal(backwards(ruleParts), seenParts):
		return "order: its parts stand in reverse" + exact
	case equalFolded(sortedParts(ruleParts), sortedParts(seenParts)):
		return "order: its parts stand in another order, or case" + exact
	case ruleName != "*" && strings.HasSuffix(ruleName, "*") && strings.HasPrefix(seenName, strings.TrimSuffix(ruleName, "*")):
		return "star: in a principal it is a letter; only User:* is everyone"
	case commonName(seenParts) != "" && strings.EqualFold(ruleName, commonName(seenParts)):
		return "short name: it is the common name alone" + exact
	case commonName(ruleParts) != "" && strings.EqualFold(seenName, commonName(ruleParts)):
		return "long name: the broker maps names" + exact
	}
	return ""
}

// dnParts are the parts of a DN without the blanks around them; a comma behind
// a backslash belongs to its part.
func dnParts(name string) []string {
	var parts []string
	begin := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == ',' && (i == 0 || name[i-1] != '\\') {
			parts = append(parts, strings.TrimSpace(name[begin:i]))
			begin = i + 1
		}
	}
	return parts
}

func backwards(parts []string) []string {
	out := slices.Clone(parts)
	slices.Reverse(out)
	return out
}

func sortedParts(parts []string) []string {
	out := slices.Clone(parts)
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out
}

func equalFolded(a, b []string) bool { return slices.EqualFunc(a, b, strings.EqualFold) }

func commonName(parts []string) string {
	for _, part := range parts {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(key, "CN") {
			return value
		}
	}
	return ""
}

// nameSlip says how a rule's name differs from the resource's, where it seems
// to be meant; "" where it does not.
func nameSlip(b acl.Binding, name string) string {
	stem := strings.TrimSuffix(strings.TrimSuffix(b.Name, "*"), ".")
	begins := stem != b.Name && strings.HasPrefix(name, stem)
	switch {
	case b.Pattern == kafka.Prefixed && b.Name == "*":
		return "star: PREFIXED, it covers only names that begin with a star; LITERAL, all"
	case b.Pattern == kafka.Prefixed && begins:
		return fmt.Sprintf("star: in a prefix it is a letter; the prefix is %q", stem)
	case begins:
		return fmt.Sprintf("star: it means all only when it stands alone; take %q as PREFIXED", stem)
	case b.Pattern == kafka.Prefixed && len(name) >= len(b.Name) && strings.EqualFold(b.Name, name[:len(b.Name)]), strings.EqualFold(b.Name, name):
		return "case: names are compared letter by letter"
	case b.Pattern == kafka.Literal && strings.HasPrefix(name, b.Name) && strings.ContainsAny(b.Name[len(b.Name)-1:], "-._"):
		return "pattern: LITERAL, it covers that name alone; PREFIXED, all that begin so"
	case strings.TrimSpace(b.Name) == name:
		return "blanks: there are some around its name"
	case b.Pattern == kafka.Literal && len(name) > 3:
		if _, near := config.Nearest(b.Name, []string{name}); near {
			return fmt.Sprintf("spelling: it is for %q", b.Name)
		}
	}
	return ""
}

// hostSlip says how a rule's host misses; written is true where it seems to mean
// the same address.
func hostSlip(rule, seen string) (slip string, written bool) {
	address, err := netip.ParseAddr(rule)
	_, rangeErr := netip.ParsePrefix(rule)
	switch {
	case err == nil && acl.HostOf(address) != rule && acl.HostOf(address) == seen:
		return "host: hosts are compared as texts, and Kafka writes this one " + seen, true
	case err == nil && acl.HostOf(address) != rule:
		return "host: Kafka writes this one " + acl.HostOf(address) + ", so it is never met", false
	case rangeErr == nil:
		return "host: " + rule + " is a range; rules know single addresses", false
	case err != nil:
		return "host: " + rule + " is a name; rules know addresses", false
	}
	return "host: it is for " + rule + " alone", false
}
