package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Scenario is a sequence of commands on one fresh broker. Its file is a txtar
// archive: a section "settings" holds settings of the broker, "file NAME" a
// file of the working folder, and every other section is a case.
type Scenario struct {
	Name     string
	Settings map[string]string
	Files    map[string]string
	Cases    []Case
	// Needs is what stands behind the commands: "broker" (the default),
	// "authorizer" (a broker with one, whose anonymous user is super user),
	// "zookeeper" (rules in a store without a running broker), "nothing".
	Needs string
}

// Case is one command. Its section holds the command line, in the quotes of a
// shell, then lines of input that begin with "< " and marks that begin with "! ".
type Case struct {
	Name  string
	Args  []string
	Input string
	// Only names the one release that knows the command; it must leave nothing
	// behind that a later case shows.
	Only string
	// OnKafka cases show files as only a broker of Kafka's writes them; they are
	// played there alone.
	OnKafka bool
	// Order and figures that are not to be compared: see normal.go.
	Sorted, Numbers, JSON, Shape bool
	// Background commands run until a case with Stop of the same name; they
	// have started once they have printed Until lines.
	Background, Stop string
	Until            int
}

// Tool is the name of the command.
func (c *Case) Tool() string {
	if len(c.Args) == 0 {
		return ""
	}
	return c.Args[0]
}

// Compared says whether the case is a command with an outcome of its own.
func (c *Case) Compared() bool { return c.Background == "" && c.Stop == "" }

// For says whether a release knows the command; "" is our own broker.
func (c *Case) For(version string) bool {
	if version == "" {
		return !c.OnKafka
	}
	return c.Only == "" || c.Only == version
}

// Load reads all scenarios of a folder, by name.
func Load(dir string) ([]*Scenario, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.cases"))
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s, err := parse(strings.TrimSuffix(filepath.Base(file), ".cases"), content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parse(name string, content []byte) (*Scenario, error) {
	s := &Scenario{Name: name, Settings: map[string]string{}, Files: map[string]string{}, Needs: "broker"}
	for _, f := range txtar.Parse(content).Files {
		file, isFile := strings.CutPrefix(f.Name, "file ")
		switch {
		case f.Name == "settings":
			for line := range strings.Lines(string(f.Data)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				s.Settings[key] = value
			}
		case f.Name == "needs":
			s.Needs = strings.TrimSpace(string(f.Data))
		case isFile:
			s.Files[file] = string(f.Data)
		default:
			c, err := parseCase(f.Name, string(f.Data))
			if err != nil {
				return nil, fmt.Errorf("case %q: %w", f.Name, err)
			}
			if slices.ContainsFunc(s.Cases, func(o Case) bool { return o.Name == c.Name }) {
				return nil, fmt.Errorf("case %q is there twice", c.Name)
			}
			s.Cases = append(s.Cases, c)
		}
	}
	return s, nil
}

func parseCase(name, text string) (Case, error) {
	c := Case{Name: name}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		input, isInput := strings.CutPrefix(line, "<")
		mark, isMark := strings.CutPrefix(line, "! ")
		var err error
		switch {
		case line == "":
		case isInput:
			c.Input += strings.TrimPrefix(input, " ") + "\n"
		case isMark:
			err = c.mark(mark)
		case len(c.Args) > 0:
			err = fmt.Errorf("a second command: %s", line)
		default:
			c.Args, err = words(line)
		}
		if err != nil {
			return c, err
		}
	}
	if len(c.Args) == 0 && c.Stop == "" {
		return c, fmt.Errorf("no command")
	}
	return c, nil
}

func (c *Case) mark(text string) (err error) {
	what, value, _ := strings.Cut(text, " ")
	switch what {
	case "only":
		c.Only = value
	case "kafka":
		c.OnKafka = true
	case "sorted":
		c.Sorted = true
	case "numbers":
		c.Numbers = true
	case "json":
		c.JSON = true
	case "shape":
		c.Shape = true
	case "background":
		c.Background = value
	case "stop":
		c.Stop = value
	case "until":
		c.Until, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("unknown mark %q", text)
	}
	return err
}

// words splits a command line: 'as it stands', "with Go's \t escapes".
func words(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; ch {
		case ' ':
			if inside {
				out = append(out, word.String())
				word.Reset()
				inside = false
			}
		case '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("a quote is open in: %s", line)
			}
			word.WriteString(line[i+1 : i+1+end])
			inside, i = true, i+1+end
		case '"':
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return nil, fmt.Errorf("a quote is open in: %s", line)
			}
			plain, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			word.WriteString(plain)
			inside, i = true, i+len(quoted)-1
		default:
			word.WriteByte(ch)
			inside = true
		}
	}
	if inside {
		out = append(out, word.String())
	}
	return out, nil
}
