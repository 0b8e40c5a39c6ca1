package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"schloss/kafka/config"
)

// tool is a command that goes by the name of one of Kafka's scripts.
type tool struct {
	name  string // without .sh
	about string
	usage string // what follows the name in the help
	flags []flag
	// failure is the exit code of a run that went wrong where it is not 1.
	failure int
	// unread is the line on standard output in which Kafka's tool tells a value
	// that it could not read, the rest of the line being the parser's sentence.
	unread string
	// words allows arguments that are no options.
	words bool
	run   func(ctx context.Context, s *session, o *options) error
}

// session is what a running command holds.
type session struct {
	IO
	voice
	node    Node
	name    string // of the command, for hints
	program string // how the user called this program
	linked  bool   // by a tool's name
	native  bool   // it is a command of our own
	reach   string // behind such a command: the flags that name its cluster

	clusters []*config.Values // whose settings were read: of a mirror the source's, then the target's
}

// beside is how the user would call another tool: by the link beside what was
// called, or as a command of this program.
func (s *session) beside(tool string) string {
	link := filepath.Join(filepath.Dir(s.program), tool)
	if s.linked {
		return quotedPath(link + filepath.Ext(s.program))
	}
	if _, err := os.Stat(link + ".sh"); err == nil && strings.Contains(s.program, "/") {
		return quotedPath(link + ".sh")
	}
	return quotedPath(s.program) + " " + tool
}

// Every tool knows these two.
var commonFlags = []flag{
	{name: "help", doc: "Print this help."},
	{name: "version", doc: "Print the version."},
}

// main runs the tool. Exit codes are Kafka's: 1 for a failure and for wrong
// usage, --help included, which Kafka prints on standard error.
func (t *tool) main(ctx context.Context, s *session, args []string) int {
	flags := append(append([]flag(nil), t.flags...), commonFlags...)
	if len(args) == 0 {
		t.help(s.IO.Err, flags)
		return 1
	}
	o, warnings, err := parseFlags(flags, args)
	if err == nil && len(o.words) > 0 && !t.words && !o.has("help") {
		err = &usageError{problem: fmt.Sprintf("unexpected word %q", o.words[0]), advice: o.stray}
	}
	if err != nil {
		return t.fail(s, err)
	}
	if o.has("help") {
		t.help(s.IO.Err, flags)
		return 1
	}
	if o.has("version") {
		if _, err := fmt.Fprintln(s.Out, Version); err != nil {
			return t.fail(s, err)
		}
		return 0
	}
	for _, w := range warnings {
		s.warn("%s", w)
	}
	if err := interrupted(ctx, t.run(ctx, s, o)); err != nil {
		return t.fail(s, err)
	}
	return 0
}

// fail prints the error where that is still to be done and gives the code.
func (t *tool) fail(s *session, err error) int {
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err != nil && !exit.quiet {
			s.report(exit.err)
		}
		return exit.code
	}
	var wrong *usageError
	if errors.As(err, &wrong) {
		if t.unread != "" && wrong.unread != "" {
			fmt.Fprintln(s.Out, t.unread, oneLine(wrong.unread))
		}
		s.report(err)
		return 1
	}
	if brokenPipe(err) {
		return 0 // whoever read had enough: kafka-topics --list | head -1
	}
	s.report(err)
	if t.failure != 0 {
		return t.failure
	}
	return 1
}

// help prints the options, wrapped at 80 columns.
func (t *tool) help(w io.Writer, flags []flag) {
	for _, line := range wrap(t.about, 80) {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w, "\nUsage:")
	for _, line := range wrap(t.name+" "+t.usage, 76) {
		fmt.Fprintln(w, "  "+line)
	}
	fmt.Fprintln(w)
	for _, f := range flags {
		short := ""
		if f.short != "" {
			short = "-" + f.short + ", "
		}
		fmt.Fprintf(w, "  %s--%s%s\n", short, f.name, f.valueText())
		for _, line := range wrap(f.sentence(), 72) {
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
}

func (f *flag) valueText() string {
	arg := f.arg
	if arg == "" {
		arg = "VALUE"
	}
	switch f.value {
	case needsValue:
		return " " + arg
	case someValues:
		return " " + arg + " ..."
	case optionalValue:
		return " [" + arg + "]"
	}
	return ""
}

func (f *flag) sentence() string {
	var b strings.Builder
	switch {
	case f.refused != "":
		b.WriteString("NOT SERVED: " + f.refused + ".")
	case f.idle != "":
		b.WriteString("NO EFFECT: " + f.idle + ".")
	case f.insteadUse != "":
		b.WriteString("DEPRECATED, use --" + f.insteadUse + ".")
	}
	if f.doc != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.doc)
	}
	if f.many {
		b.WriteString(" May be given more than once.")
	}
	if f.def != "" {
		fmt.Fprintf(&b, " (default: %s)", f.def)
	}
	return strings.TrimSpace(b.String())
}

// wrap breaks text at blanks so that no line is longer than width, a longer
// word excepted.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
