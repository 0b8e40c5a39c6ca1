package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"schloss/kafka/config"
)

// rootCommand runs the native commands. They share nothing but their voice.
func rootCommand(ctx context.Context, s *session, args []string) error {
	root := &cobra.Command{
		Use:   "schloss",
		Short: "A secured Kafka in one binary: broker, certificates, access rules, mirror.",
		Long: "A secured Kafka in one binary: broker, certificates, access rules, mirror.\n\n" +
			"Kafka's own tools are here by their names, as commands or as links to this\nbinary, with and without .sh:\n  " + toolNames(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              group,
		Args:              cobra.ArbitraryArgs,
		PersistentPreRun:  func(c *cobra.Command, _ []string) { s.name = c.CommandPath() },
	}
	root.AddCommand(certsCommand(s), quickstartCommand(s), serverStartCommand(s), versionCommand(s), exitCodesTopic(),
		profileCommand(s), completionCommand(s), topicCommand(s), groupCommand(s), aclCommand(s), doctorCommand(s))
	root.AddCommand(codeTopics()...)
	root.AddCommand(configCommand(s), produceCommand(s), consumeCommand(s), mirrorCommand(s))
	root.ValidArgsFunction = completeTools
	root.SetHelpFunc(nativeHelp)
	root.SetFlagErrorFunc(flagError)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.IO.Err)
	root.SetArgs(append([]string{}, args...))
	return root.ExecuteContext(ctx)
}

func toolNames() string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.name
	}
	return strings.Join(names, "\n  ")
}

// group is the run of a command that only holds others: its help, or the
// answer to a word that is none of them.
func group(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	if c.Parent() == nil {
		for _, t := range tools {
			names = append(names, t.name)
		}
	}
	e := &usageError{problem: fmt.Sprintf("%s has no command %q", c.CommandPath(), args[0])}
	if near, ok := config.Nearest(args[0], names); ok {
		e.advice = fmt.Sprintf("did you mean %s %s?", c.CommandPath(), near)
	}
	return e
}

// flagError adds the nearest name to pflag's message.
func flagError(c *cobra.Command, err error) error {
	e := &usageError{problem: err.Error(), advice: c.CommandPath() + " --help lists the flags"}
	_, name, unknown := strings.Cut(err.Error(), "unknown flag: --")
	if !unknown {
		return e
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near, ok := nearestFlag(name, names); ok {
		e.advice = "did you mean --" + near + "?"
	}
	return e
}

// noWords refuses what stands behind the flags.
func noWords(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{problem: fmt.Sprintf("unexpected word %q", args[0]), advice: "put a value that holds blanks into quotes; " + c.CommandPath() + " --help lists the flags"}
	}
	return nil
}

// needed refuses a command line without these flags.
func needed(c *cobra.Command, names ...string) error {
	for _, name := range names {
		if !c.Flags().Changed(name) {
			return &usageError{problem: "--" + name + " is needed", advice: c.CommandPath() + " --help shows an example"}
		}
	}
	return nil
}

func versionCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noWords,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.Out, "schloss", Version)
			return err
		},
	}
}

func serverStartCommand(s *session) *cobra.Command {
	var overrides []string
	c := &cobra.Command{
		Use: "server-start FILE", Short: "Run a broker from its server.properties", Example: "  schloss server-start config/server.properties",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{problem: "exactly one properties file is needed", advice: "schloss server-start config/server.properties"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return startServer(c.Context(), s, args[0], overrides) },
	}
	c.Flags().StringArrayVar(&overrides, "override", nil, "a setting `KEY=VALUE` that goes before the file")
	return c
}
