package principal

import (
	"fmt"
	"strings"
)

// Supers is the set of principals that super.users names. The zero value is
// empty.
type Supers struct {
	names map[string]struct{}
}

// ParseSupers reads super.users: principals divided by semicolons, since a DN
// holds commas. Empty pieces are passed over, as Kafka's StandardAuthorizer
// does; a piece without a type is an error.
func ParseSupers(s string) (Supers, error) {
	names := make(map[string]struct{})
	for piece := range strings.SplitSeq(s, ";") {
		piece = strings.TrimSpace(piece)
		if piece == "" {
			continue
		}
		p, err := Parse(piece)
		if err != nil {
			return Supers{}, fmt.Errorf("super.users: %w", err)
		}
		names[p.String()] = struct{}{}
	}
	return Supers{names: names}, nil
}

// Has reports whether the principal, as text, is a super user.
func (s Supers) Has(p string) bool {
	_, ok := s.names[p]
	return ok
}
