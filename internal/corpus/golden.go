package corpus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Outcome is what a command did.
type Outcome struct {
	Exit           int
	Stdout, Stderr string
}

// Golden is what a release's tools did in a scenario, by the cases' names.
type Golden map[string]Outcome

func goldenFile(dir, scenario, version string) string {
	return filepath.Join(dir, scenario+"."+version+".golden")
}

// ReadGolden reads a recording; without a file it is empty.
func ReadGolden(dir, scenario, version string) (Golden, error) {
	file := goldenFile(dir, scenario, version)
	archive, err := txtar.ParseFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g := Golden{}
	for _, f := range archive.Files {
		name, stream, _ := strings.Cut(f.Name, ": ")
		o := g[name]
		switch stream {
		case "stdout":
			o.Stdout = string(f.Data)
		case "stderr":
			o.Stderr = string(f.Data)
		default:
			if o.Exit, err = strconv.Atoi(strings.TrimSpace(string(f.Data))); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, f.Name, err)
			}
		}
		g[name] = o
	}
	return g, nil
}

// WriteGolden writes a recording in the order of the cases.
func (s *Scenario) WriteGolden(dir, version string, g Golden) error {
	a := txtar.Archive{Comment: []byte("Recorded from Apache Kafka " + version + " by make golden.\n")}
	add := func(name, text string) { a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)}) }
	for i := range s.Cases {
		c := &s.Cases[i]
		o, ok := g[c.Name]
		if !ok {
			continue
		}
		add(c.Name, strconv.Itoa(o.Exit)+"\n")
		if text := cut(traces.ReplaceAllString(o.Stdout, "")); text != "" {
			add(c.Name+": stdout", text)
		}
		if text := cut(o.Stderr); text != "" {
			add(c.Name+": stderr", text)
		}
	}
	return os.WriteFile(goldenFile(dir, s.Name, version), txtar.Format(&a), 0o644)
}

var (
	frame      = regexp.MustCompile(`^\s+at |^\s*\.\.\. \d+ more|^Caused by: `)
	traces     = regexp.MustCompile(`(?m)^[a-z][\w.]+\.\w+(Exception|Error)(: .*)?\n(\s+at .*\n)+`)
	tableStart = regexp.MustCompile(`^Option\b.*\bDescription`)
	usageStart = regexp.MustCompile(`^usage: `)
	usageEnd   = regexp.MustCompile(`^\S+: error: `)
)

// cut leaves out what is large and what we never print: stack frames, and the
// help, of which option parsers print the table last and the usage first.
func cut(text string) string {
	var out strings.Builder
	help := false
	for line := range strings.Lines(text) {
		switch {
		case tableStart.MatchString(line):
			out.WriteString("(option table)\n")
			return out.String()
		case usageStart.MatchString(line):
			help = true
			out.WriteString("(usage)\n")
		case usageEnd.MatchString(line):
			help = false
		}
		if !help && !frame.MatchString(line) {
			out.WriteString(line)
		}
	}
	return out.String()
}
