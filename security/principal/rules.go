package principal

// Rules are the parsed ssl.principal.mapping.rules. The zero value has no
// rules, and maps nothing.
type Rules struct {
}

// ParseRules reads ssl.principal.mapping.rules: DEFAULT or
// RULE:pattern/replacement/[LU], divided by commas.
func ParseRules(s string) (Rules, error) { return Rules{}, nil }

// Apply maps a DN by the first rule whose pattern matches the whole of it.
// ok is false when none does: the connection is then refused, never anonymous.
func (r Rules) Apply(dn string) (name string, ok bool) { return "", false }
