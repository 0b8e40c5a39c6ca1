package principal

import (
	"errors"
	"fmt"
	"strings"
)

// piece is a part of a replacement: text, then what a group matched.
type piece struct {
	text  string
	group int // -1: none
}

// parseReplacement reads $n, ${name} and backslash escapes as Java's Matcher
// does, with Kafka's mercy: $n is shortened digit by digit until that group
// exists, and stays as it is when none does, if the pattern has groups at all.
func parseReplacement(s string, groups []string) ([]piece, error) {
	var pieces []piece
	var text strings.Builder
	add := func(group int) {
		pieces = append(pieces, piece{text: text.String(), group: group})
		text.Reset()
	}
	for s != "" {
		c := s[0]
		s = s[1:]
		switch {
		case c == '\\':
			if s == "" {
				return nil, errors.New("a backslash at the end")
			}
			text.WriteByte(s[0])
			s = s[1:]
		case c != '$':
			text.WriteByte(c)
		case strings.HasPrefix(s, "{"):
			name, rest, ok := strings.Cut(s[1:], "}")
			group := groupNamed(groups, name)
			if !ok || group < 0 {
				return nil, fmt.Errorf("${%s}: the pattern has no such group", name)
			}
			add(group)
			s = rest
		case s == "" || s[0] < '0' || s[0] > '9':
			return nil, errors.New(`$ is followed by no group number; a plain dollar is written \$`)
		default:
			group, digits := groupNumbered(s, len(groups)-1)
			if group < 0 && len(groups) == 1 {
				return nil, fmt.Errorf("$%c: the pattern has no groups", s[0])
			}
			if group < 0 {
				text.WriteByte('$')
				continue // the digits follow as text
			}
			add(group)
			s = s[digits:]
		}
	}
	add(-1)
	return pieces, nil
}

func groupNamed(groups []string, name string) int {
	for i, g := range groups {
		if g != "" && g == name {
			return i
		}
	}
	return -1
}

// groupNumbered reads the longest number at the front of s that is a group.
func groupNumbered(s string, last int) (group, digits int) {
	group = int(s[0] - '0')
	if group > last {
		return -1, 0
	}
	for digits = 1; digits < len(s) && s[digits] >= '0' && s[digits] <= '9'; digits++ {
		longer := group*10 + int(s[digits]-'0')
		if longer > last {
			break
		}
		group = longer
	}
	return group, digits
}
