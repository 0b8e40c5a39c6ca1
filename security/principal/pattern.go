package principal

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// pattern is a Java regular expression within what RE2 has.
type pattern struct {
	source string
	whole  *regexp.Regexp // anchored at both ends
	search *regexp.Regexp
	groups []string // names by number, empty for unnamed; the first is the whole match
}

// compile refuses what RE2 lacks, and what it takes for something else than
// Java does.
func compile(source string) (*pattern, error) {
	if err := sameInJava(source); err != nil {
		return nil, err
	}
	search, err := regexp.Compile(source)
	if err != nil {
		return nil, unsupported(err)
	}
	whole, err := regexp.Compile(`\A(?:` + source + `)\z`)
	if err != nil {
		return nil, unsupported(err)
	}
	return &pattern{source: source, whole: whole, search: search, groups: search.SubexpNames()}, nil
}

// unsupported words RE2's refusal for someone who writes for Java.
func unsupported(err error) error {
	var s *syntax.Error
	if !errors.As(err, &s) {
		return err
	}
	code := s.Code
	if strings.HasPrefix(s.Expr, "(?<=") || strings.HasPrefix(s.Expr, "(?<!") {
		code = syntax.ErrInvalidPerlOp // RE2 takes these for bad names of groups
	}
	switch code {
	case syntax.ErrInvalidPerlOp:
		return fmt.Errorf("%s: lookahead, lookbehind and atomic groups are not supported", s.Expr)
	case syntax.ErrInvalidEscape:
		return fmt.Errorf("%s: back-references and this escape are not supported", s.Expr)
	case syntax.ErrInvalidRepeatOp:
		return fmt.Errorf("%s: possessive and doubled repetition are not supported", s.Expr)
	}
	return fmt.Errorf("%s: %s", s.Expr, s.Code)
}

// sameInJava refuses syntax that both know but read differently: in Java && in
// a class is an intersection, a bracket in a class opens a class within it,
// and the flag U is about Unicode.
func sameInJava(source string) error {
	class := false
	for i := 0; i < len(source); i++ {
		rest := source[i:]
		switch {
		case rest[0] == '\\':
			i++
		case class && rest[0] == '[':
			return errors.New("a class within a class is not supported; a plain bracket is written \\[")
		case class && strings.HasPrefix(rest, "&&"):
			return errors.New("&&, the intersection of classes, is not supported")
		case class:
			class = rest[0] != ']'
		case rest[0] == '[':
			class = true
		case strings.HasPrefix(rest, "(?") && flagsHold(rest[2:], 'U'):
			return errors.New("the flag U is not supported")
		}
	}
	return nil
}

// flagsHold says whether a flag is among the letters that follow "(?".
func flagsHold(s string, flag byte) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == flag:
			return true
		case c == '-', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		default:
			return false
		}
	}
	return false
}

// lineEnds are the characters that Java's dot does not match. RE2's dot spares
// only the first, so names that hold one match no pattern at all.
const lineEnds = "\n\r\u0085\u2028\u2029"

func (p *pattern) matchesWhole(text string) bool {
	return !strings.ContainsAny(text, lineEnds) && p.whole.MatchString(text)
}

// all are the matches that Java's find would give one after another. Go leaves
// out an empty match that begins where the last one ended; Java does not.
func (p *pattern) all(text string) [][]int {
	var all [][]int
	add := func(end int, found []int) { // with the empty match at end before it
		if end > 0 && (found == nil || found[0] > end) {
			if empty := p.emptyAt(text, end); empty != nil {
				all = append(all, empty)
			}
		}
		if found != nil {
			all = append(all, found)
		}
	}
	end := 0
	for _, found := range p.search.FindAllStringSubmatchIndex(text, -1) {
		add(end, found)
		end = 0
		if found[1] > found[0] {
			end = found[1]
		}
	}
	add(end, nil)
	return all
}

// emptyAt is the match at an offset if it is an empty one. To search from an
// offset and still know what stands before it, the expression itself has to
// step over that text; this happens once a handshake at most in sane rules.
func (p *pattern) emptyAt(text string, offset int) []int {
	steps := strings.Repeat(".", utf8.RuneCountInString(text[:offset]))
	at, err := regexp.Compile(`\A(?s:` + steps + `)(?:` + p.source + `)`)
	if err != nil {
		return nil // too large: then the name is absurdly long
	}
	m := at.FindStringSubmatchIndex(text)
	if m == nil || m[1] != offset {
		return nil
	}
	m[0] = offset
	return m
}
