package corpus

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// What differs between any two runs, in every tool's output.
var everyRun = []struct {
	pattern *regexp.Regexp
	to      string
}{
	// As long as what they stand for: the columns of a table stay where they are.
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "00000000-0000-0000-0000-000000000000"},
	{regexp.MustCompile(`TopicId: \S+`), "TopicId: ID"},
	{regexp.MustCompile(`Cluster ID: \S+`), "Cluster ID: ID"},
	{regexp.MustCompile(`(CreateTime|LogAppendTime|timestamp|Timestamp)("?[:=] ?)\d{13}`), "$1${2}TIME"},
	{regexp.MustCompile(`partitionLeaderEpoch: \d+`), "partitionLeaderEpoch: N"}, // counts the broker's starts
	// A batch is some bytes longer where its records are further apart in time.
	{regexp.MustCompile(`position: \d+ CreateTime`), "position: N CreateTime"},
	{regexp.MustCompile(`size: \d+ magic`), "size: N magic"},
	{regexp.MustCompile(`crc: \d+`), "crc: N"},
	{regexp.MustCompile(`producerId: \d+`), "producerId: N"},
	{regexp.MustCompile(`(localhost|127\.0\.0\.1) +\d{5}\b`), "HOST PORT"},
	{regexp.MustCompile(`\[[BCIJ]@[0-9a-f]+`), "[B@ADDRESS"},
}

// normal is what of a standard output is compared.
func (c *Case) normal(text string) string {
	for _, e := range everyRun {
		text = e.pattern.ReplaceAllString(text, e.to)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	switch {
	case c.Shape:
		text = shape(text)
	case c.JSON:
		text = jsonLines(text)
	case c.Tool() == "kafka-acls":
		text = blocks(trimLines(text), aclBlock)
	case c.Tool() == "kafka-topics":
		text = blocks(settingsOf(text), topicBlock)
	case c.Sorted:
		text = sortLines(text)
	}
	if slices.Contains(c.Args, "--version") {
		text = release.ReplaceAllString(text, "VERSION")
	}
	if c.Numbers {
		text = number.ReplaceAllString(moment.ReplaceAllString(text, "TIME"), "N")
	}
	return text
}

var (
	number     = regexp.MustCompile(`-?\d+(\.\d+)?`)
	release    = regexp.MustCompile(`(?m)^\d+\.\d+\.\d+$`)
	moment     = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}`)
	aclBlock   = regexp.MustCompile(`^(Current|Adding) ACLs for resource|^ACLs for principal|^Are you sure`)
	topicBlock = regexp.MustCompile(`^Topic: `)
	apiLine    = regexp.MustCompile(`^\t\w+\(\d+\): (.*?),?$`)
)

func sortLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// trimLines takes the blanks that stand around the rules of a set: which of
// them has them follows from its place.
func trimLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// blocks sorts the blocks that begin with such a line, and the lines in each:
// both come in the order of a hash.
func blocks(text string, start *regexp.Regexp) string {
	var all []string
	var block []string
	end := func() {
		if len(block) > 0 {
			slices.Sort(block[1:])
			all = append(all, strings.Join(block, ""))
		}
		block = nil
	}
	for line := range strings.Lines(text) {
		if start.MatchString(line) {
			end()
		}
		block = append(block, line)
	}
	end()
	slices.Sort(all)
	return strings.Join(all, "")
}

// settingsOf sorts the settings in kafka-topics --describe. Elr is empty or N/A
// by what the broker knows, not by what the tool does.
func settingsOf(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if head, list, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\tConfigs: "); ok {
			settings := strings.Split(list, ",")
			slices.Sort(settings)
			line = head + "\tConfigs: " + strings.Join(settings, ",") + "\n"
		}
		out.WriteString(strings.ReplaceAll(line, "Elr: N/A", "Elr: "))
	}
	return out.String()
}

// shape leaves of the versions' table the forms of its lines, each once.
func shape(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if m := apiLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			line = "\tAPI(N): " + number.ReplaceAllString(m[1], "N") + "\n"
		}
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	if len(out) > 2 {
		slices.Sort(out[1 : len(out)-1])
	}
	return strings.Join(out, "")
}

var sizes = regexp.MustCompile(`"size":\d+`)

// jsonLines puts lists of partitions in an order; sizes are those of the files.
func jsonLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		var value any
		if json.Unmarshal([]byte(line), &value) == nil {
			order(value)
			encoded, err := json.Marshal(value)
			if err == nil {
				line = sizes.ReplaceAllString(string(encoded), `"size":N`) + "\n"
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

func order(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, each := range v {
			order(each)
		}
	case []any:
		for _, each := range v {
			order(each)
		}
		slices.SortFunc(v, func(a, b any) int {
			x, errX := json.Marshal(a)
			y, errY := json.Marshal(b)
			if errX != nil || errY != nil {
				return 0
			}
			return strings.Compare(string(x), string(y))
		})
	}
}
