package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nativeHelp prints the help of a native command within 80 columns: what it
// does, then examples, then the rest.
func nativeHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	about := c.Long
	if about == "" {
		about = c.Short + "."
	}
	for line := range strings.SplitSeq(about, "\n") {
		if len(line) > 80 {
			line = strings.Join(wrap(line, 80), "\n")
		}
		fmt.Fprintln(w, line)
	}
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
	}
	if !c.Runnable() && !c.HasSubCommands() {
		return // a topic
	}
	fmt.Fprintf(w, "\nUsage:\n  %s\n", usageLine(c))
	helpCommands(w, c)
	var own, shared []*pflag.Flag
	c.InheritedFlags() // merges them into Flags
	c.Flags().VisitAll(func(f *pflag.Flag) {
		switch _, isShared := f.Annotations[clusterFlag]; {
		case f.Hidden:
		case isShared:
			shared = append(shared, f)
		default:
			own = append(own, f)
		}
	})
	helpFlags(w, "Flags", own)
	helpFlags(w, "Cluster and output", shared)
}

// usageLine is cobra's, but for a command that only holds others.
func usageLine(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " COMMAND"
	}
	return c.UseLine()
}

func helpCommands(w io.Writer, c *cobra.Command) {
	width := 0
	for _, sub := range c.Commands() {
		width = max(width, len(sub.Name()))
	}
	title := "Commands"
	for _, topics := range []bool{false, true} {
		for _, sub := range c.Commands() {
			if sub.Hidden || topics == (sub.Runnable() || sub.HasSubCommands()) {
				continue
			}
			if title != "" {
				fmt.Fprintf(w, "\n%s:\n", title)
				title = ""
			}
			fmt.Fprintf(w, "  %-*s  %s\n", width, sub.Name(), sub.Short)
		}
		title = "More help, as " + c.Root().Name() + " help TOPIC"
	}
}

func helpFlags(w io.Writer, title string, flags []*pflag.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	names, width := make([]string, len(flags)), 0
	texts := make([]string, len(flags))
	for i, f := range flags {
		value, text := pflag.UnquoteUsage(f)
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		if value != "" {
			name += " " + strings.ToUpper(value)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "-1" {
			text += " (default: " + strings.Trim(f.DefValue, "[]") + ")"
		}
		names[i], texts[i] = name, text
		width = max(width, len(name))
	}
	for i, name := range names {
		for n, line := range wrap(texts[i], 80-width-4) {
			if n > 0 {
				name = ""
			}
			fmt.Fprintf(w, "  %-*s  %s\n", width, name, line)
		}
	}
}
