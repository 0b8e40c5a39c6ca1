package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Difference says why the streams of some cases are not those of Kafka.
type Difference struct {
	Reason string
	Cases  []Listed
}

// Listed is one case with the streams that differ.
type Listed struct {
	Scenario, Case string
	Streams        []string
}

// Differences of our tools on our broker, and those that only show on a broker
// of Kafka's.
const (
	OnOurs  = "differences.txt"
	OnKafka = "differences-on-kafka.txt"
)

// ReadDifferences reads a list: a reason a line, and below it, indented, its
// cases as SCENARIO/CASE: STREAMS.
func ReadDifferences(dir, name string) ([]Difference, error) {
	file := filepath.Join(dir, name)
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for line := range strings.Lines(string(content)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '\t':
			all = append(all, Difference{Reason: line})
		default:
			at := strings.LastIndex(line, ": ")
			scenario, name, ok := strings.Cut(strings.TrimSpace(line[:max(at, 0)]), "/")
			if !ok || len(all) == 0 {
				return nil, fmt.Errorf("%s: %q is no case of a reason", file, line)
			}
			last := &all[len(all)-1]
			last.Cases = append(last.Cases, Listed{scenario, name, strings.Fields(line[at+2:])})
		}
	}
	return all, nil
}

// find returns the reason for a case, and the streams it excuses.
func find(list []Difference, scenario, name string) (reason string, streams []string, ok bool) {
	for _, d := range list {
		for _, c := range d.Cases {
			if c.Scenario == scenario && c.Case == name {
				return d.Reason, c.Streams, true
			}
		}
	}
	return "", nil, false
}

// Table is the section of docs/compat.md: each reason with its cases.
func Table(list []Difference) string {
	var b strings.Builder
	b.WriteString("| why | commands of the corpus |\n|---|---|\n")
	for _, d := range list {
		names := make([]string, len(d.Cases))
		for i, c := range d.Cases {
			names[i] = c.Scenario + ": " + c.Case
		}
		slices.Sort(names)
		fmt.Fprintf(&b, "| %s | %s |\n", d.Reason, strings.Join(names, "; "))
	}
	return b.String()
}
