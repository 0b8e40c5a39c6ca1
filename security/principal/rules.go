package principal

import (
	"errors"
	"fmt"
	"strings"
)

// Rules are the parsed ssl.principal.mapping.rules. The zero value has no
// rules, and maps nothing.
type Rules struct {
	rules []rule
}

// rule is DEFAULT when pattern is nil.
type rule struct {
	pattern     *pattern
	replacement []piece
	fold        func(string) string // nil: keep the case
}

// ParseRules reads ssl.principal.mapping.rules: DEFAULT or
// RULE:pattern/replacement/[LU], divided by commas (Kafka: SslPrincipalMapper,
// KIP-371). A slash inside a part is written \/. Patterns are Java's as far as
// RE2 has them, which no name can make slow; what it lacks is refused.
//
// Differs from Kafka: a replacement that Kafka would choke on at the first
// connection is refused here.
func ParseRules(s string) (Rules, error) {
	var rules Rules
	rest := strings.TrimSpace(s)
	for rest != "" {
		if rest[0] == ',' { // an empty item
			rest = strings.TrimSpace(rest[1:])
			continue
		}
		r, after, err := parseRule(rest)
		if err != nil {
			return Rules{}, fmt.Errorf("mapping rule %q: %w", rest, err)
		}
		after = strings.TrimSpace(after)
		if after != "" && after[0] != ',' {
			return Rules{}, fmt.Errorf("mapping rule %q: unexpected %q at its end", rest, after)
		}
		rules.rules = append(rules.rules, r)
		rest = strings.TrimSpace(strings.TrimPrefix(after, ","))
	}
	return rules, nil
}

// parseRule reads one rule from the front of s.
func parseRule(s string) (r rule, rest string, err error) {
	if rest, ok := strings.CutPrefix(s, "DEFAULT"); ok {
		return rule{}, rest, nil
	}
	body, ok := strings.CutPrefix(s, "RULE:")
	if !ok {
		return rule{}, "", errors.New("want DEFAULT or RULE:pattern/replacement/[LU]")
	}
	expression, body, ok := cutPart(body)
	if !ok {
		return rule{}, "", errors.New("the slash after the pattern is missing")
	}
	replacement, rest, ok := cutPart(body)
	if !ok {
		return rule{}, "", errors.New("the slash after the replacement is missing")
	}
	if r.pattern, err = compile(expression); err != nil {
		return rule{}, "", fmt.Errorf("pattern %q: %w", expression, err)
	}
	if r.replacement, err = parseReplacement(replacement, r.pattern.groups); err != nil {
		return rule{}, "", fmt.Errorf("replacement %q: %w", replacement, err)
	}
	if rest, ok := strings.CutPrefix(rest, "L"); ok {
		r.fold = toLower
		return r, rest, nil
	}
	if rest, ok := strings.CutPrefix(rest, "U"); ok {
		r.fold = toUpper
		return r, rest, nil
	}
	return r, rest, nil
}

// cutPart cuts at the first slash that no backslash escapes; escapes stay.
func cutPart(s string) (part, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '/':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// Apply maps a DN by the first rule whose pattern matches the whole of it.
// ok is false when none does: the connection is then refused, never anonymous.
func (r Rules) Apply(dn string) (name string, ok bool) {
	for _, one := range r.rules {
		if one.pattern == nil {
			return dn, true
		}
		if one.pattern.matchesWhole(dn) {
			name = one.replace(dn)
			if one.fold != nil {
				name = one.fold(name)
			}
			return name, true
		}
	}
	return "", false
}

// replace puts the replacement for each match, not for the whole: a pattern
// such as ".*" matches once more, empty, at the end, and Kafka replaces twice.
func (r rule) replace(dn string) string {
	var b strings.Builder
	last := 0
	for _, m := range r.pattern.all(dn) {
		b.WriteString(dn[last:m[0]])
		for _, p := range r.replacement {
			b.WriteString(p.text)
			if p.group >= 0 && m[2*p.group] >= 0 {
				b.WriteString(dn[m[2*p.group]:m[2*p.group+1]])
			}
		}
		last = m[1]
	}
	b.WriteString(dn[last:])
	return b.String()
}
