package acl

import (
	"slices"
	"strings"
)

// writing is a principal as the broker sees it, beside which bindings may have
// it written otherwise.
type writing struct {
	principal, name string
	parts, ordered  []string // of the name, a DN
	common          string   // the common name among them
	dense           int      // bytes of the principal without blanks
}

func seenAs(principal string) *writing {
	_, name, _ := strings.Cut(principal, ":")
	w := &writing{principal: principal, name: name, parts: dnParts(name), dense: dense(principal)}
	w.common, w.ordered = commonName(w.parts), sorted(w.parts)
	return w
}

// slip says how a binding's principal differs from the one seen, where both
// seem to mean the same; "" where they do not. Most strangers fail by their
// length, which costs the least.
func (w *writing) slip(rule string) string {
	_, name, _ := strings.Cut(rule, ":")
	exact := "; the broker sees " + w.principal
	switch {
	case dense(rule) == w.dense:
		if slip := w.sameLength(rule, name); slip != "" {
			return slip + exact
		}
	case typographic.Replace(rule) == w.principal:
		return "quotes: it holds those of a word processor" + exact
	}
	switch {
	case name != "*" && strings.HasSuffix(name, "*") && strings.HasPrefix(w.name, strings.TrimSuffix(name, "*")):
		return "star: in a principal it is a letter; only User:* is everyone"
	case w.common != "" && strings.EqualFold(strings.TrimSpace(name), w.common):
		return "short name: it is the common name alone" + exact
	case !strings.Contains(w.name, "=") && w.name != "" && strings.EqualFold(w.name, commonName(dnParts(name))):
		return "long name: the broker maps names" + exact
	}
	return ""
}

var typographic = strings.NewReplacer("\u201c", "", "\u201d", "", "\u2018", "", "\u2019", "", "\u201e", "")

// sameLength compares two that are equally long without their blanks.
func (w *writing) sameLength(rule, name string) string {
	if strings.EqualFold(rule, w.principal) {
		return "case: principals are compared letter by letter"
	}
	parts := dnParts(name)
	switch {
	case slices.Equal(parts, w.parts):
		return "blanks: those around the parts of a principal count"
	case slices.Equal(backwards(parts), w.parts):
		return "order: its parts stand in reverse"
	case slices.EqualFunc(sorted(parts), w.ordered, strings.EqualFold):
		return "order: its parts stand in another order, or case"
	}
	return ""
}

// dense is the length without blanks.
func dense(text string) int { return len(text) - strings.Count(text, " ") }

// dnParts are the parts of a DN without the blanks around them and around their
// equals signs; a comma behind a backslash belongs to its part.
func dnParts(name string) []string {
	var parts []string
	begin := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == ',' && (i == 0 || name[i-1] != '\\') {
			part := strings.TrimSpace(name[begin:i])
			if attribute, value, ok := strings.Cut(part, "="); ok && strings.Contains(part, " ") {
				part = strings.TrimSpace(attribute) + "=" + strings.TrimSpace(value)
			}
			parts = append(parts, part)
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

func sorted(parts []string) []string {
	out := slices.Clone(parts)
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out
}

func commonName(parts []string) string {
	for _, part := range parts {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(key, "CN") {
			return value
		}
	}
	return ""
}
