package mirror

import "regexp"

// CompilePattern reads a pattern of topics as Kafka's tools do (Kafka:
// TopicFilter.IncludeList): a comma is an alternative, blanks and surrounding
// quotes do not count, the whole name must match. Its error is a *PatternError.
func CompilePattern(text string) (*regexp.Regexp, error) {
	f, err := newFilter(text, true)
	if err != nil {
		return nil, err
	}
	return f.pattern, nil
}
