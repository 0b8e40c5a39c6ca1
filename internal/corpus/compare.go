package corpus

import (
	"regexp"
	"strings"
)

// Streams name where an outcome may differ from a recording.
const (
	Exit   = "exit"
	Stdout = "stdout"
	Stderr = "stderr" // one of them says something, the other nothing
	Words  = "words"  // both say something, but not Kafka's first message
)

// Compare returns in which streams got differs from want.
func (c *Case) Compare(want, got Outcome) []string {
	var differ []string
	if want.Exit != got.Exit {
		differ = append(differ, Exit)
	}
	if c.normal(want.Stdout) != c.normal(got.Stdout) {
		differ = append(differ, Stdout)
	}
	// A failure is told on standard error, also where Kafka tells it on standard
	// output alone, with a stack trace.
	kafka, ours := want.Exit != 0 || len(remarks(want.Stderr)) > 0, remarks(got.Stderr)
	switch {
	case kafka != (len(ours) > 0):
		differ = append(differ, Stderr)
	case kafka && !says(got.Stderr, message(want.Stderr)):
		differ = append(differ, Words)
	}
	return differ
}

var (
	logLine    = regexp.MustCompile(`^(DEBUG|INFO|WARN|ERROR|FATAL) `)
	exception  = regexp.MustCompile(`^(Exception in thread "[^"]*" )?((org\.apache|java|joptsimple|scala|kafka|net\.sourceforge|com\.fasterxml)[\w.$]*(: |$))+`)
	warning    = regexp.MustCompile(`(?i)^\s*warn(ing)?: |deprecated|^Note: |^hint: |^The consumer rebalance protocol \(KIP-848\) is production-ready`)
	about      = regexp.MustCompile(`^This tool |^This command |^Create, delete|^Change topic|^An interactive shell |^\(usage\)|^\(option table\)|^Error while executing config command with args|^Error: Executing`)
	told       = regexp.MustCompile(`^(Error occurred|ERROR|Error): `)
	usageLine  = regexp.MustCompile(`(?m)^\(usage\)$`)
	logRemains = regexp.MustCompile(`^\s*\(\S+\)$`)
)

// remarks are the lines of a standard error without what the libraries log and
// without warnings.
func remarks(stderr string) []string {
	var out []string
	logged := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		switch {
		case logLine.MatchString(line):
			logged = true
			continue
		case line == "", warning.MatchString(line), logRemains.MatchString(line), logged && exception.MatchString(line):
			continue
		}
		logged = false
		out = append(out, line)
	}
	return out
}

// message is the first line that says what is wrong, or what is remarkable.
func message(stderr string) string {
	if _, text, ok := strings.Cut(stderr, ": error: "); ok && usageLine.MatchString(stderr) {
		return text // it may be of several lines
	}
	for _, line := range remarks(stderr) {
		if about.MatchString(line) {
			continue
		}
		if plain := strings.TrimSpace(exception.ReplaceAllString(told.ReplaceAllString(line, ""), "")); plain != "" {
			return plain
		}
	}
	return ""
}

// says whether a text has the words of a message, in whatever order: the
// options and the lists in Kafka's messages come in that of a hash.
func says(text, message string) bool {
	have := map[string]int{}
	for _, w := range splitWords(text) {
		have[w]++
	}
	for _, w := range splitWords(message) {
		if have[w]--; have[w] < 0 {
			return false
		}
	}
	return true
}

func splitWords(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,\n\t[](){}\"'.;:", r) })
	var out []string
	for _, w := range list {
		if w = strings.TrimLeft(w, "-"); w != "" {
			out = append(out, w)
		}
	}
	return out
}
