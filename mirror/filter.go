package mirror

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"schloss/kafka"
)

// PatternError is a topic pattern that is not understood.
type PatternError struct {
	Pattern, Problem string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("topic pattern %q: %s", e.Pattern, e.Problem)
}

// stateTopics begin the names of what mirrors keep for themselves on a target.
const stateTopics = "__schloss_"

// filter selects topics as MirrorMaker's --include does (Kafka:
// TopicFilter.IncludeList): a comma is an alternative, blanks and surrounding
// quotes do not count, the whole name must match.
type filter struct {
	pattern  *regexp.Regexp
	internal bool   // Kafka's own topics too
	state    string // the topic where a mirror the other way may keep what this one does
}

var includeText = strings.NewReplacer(",", "|", " ", "")

// newFilter compiles a Java pattern with RE2. What only Java understands
// (look-around, back references, possessive repeats) is refused.
func newFilter(include string, internal bool) (*filter, error) {
	text := includeText.Replace(strings.TrimSpace(include))
	text = strings.TrimLeft(strings.TrimRight(text, `"'`), `"'`)
	if text == "" {
		return nil, &PatternError{include, "it is empty"}
	}
	// Alone first, so that "a)|(b" is told by its own fault.
	if _, err := regexp.Compile(text); err != nil {
		return nil, &PatternError{include, patternProblem(err)}
	}
	return &filter{pattern: regexp.MustCompile(`^(?:` + text + `)$`), internal: internal}, nil
}

func patternProblem(err error) string {
	se, ok := err.(*syntax.Error)
	if !ok {
		return err.Error()
	}
	if se.Code == syntax.ErrInvalidPerlOp || se.Code == syntax.ErrInvalidEscape || se.Code == syntax.ErrInvalidRepeatOp {
		return fmt.Sprintf("%s is not supported: %s (RE2 syntax: no look-around, back references or possessive repeats)", se.Expr, se.Code)
	}
	return fmt.Sprintf("%s: %s", se.Code, se.Expr)
}

// selects says whether the topic is to be mirrored.
func (f *filter) selects(topic string, internal bool) bool {
	if !f.internal && (internal || kafka.Internal(topic)) || strings.HasPrefix(topic, stateTopics) ||
		topic == f.state || strings.HasSuffix(topic, checkpointsSuffix) { // they hold only for where they are
		return false
	}
	return f.pattern.MatchString(topic)
}
