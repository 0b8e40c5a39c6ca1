package cli

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"schloss/kafka/config"
)

func profileCommand(s *session) *cobra.Command {
	c := &cobra.Command{
		Use: "profile", Short: "Name clusters, and choose one", RunE: group, Args: cobra.ArbitraryArgs,
		Long: "A profile is a cluster under a name: its address and the file with the client's\nsettings. Commands take the current profile unless --bootstrap-server or\nSCHLOSS_BOOTSTRAP_SERVER names a cluster, or --profile another profile.",
		Example: `  schloss profile create home --bootstrap-server localhost:9093 \
    --command-config client.properties
  schloss profile use home`,
	}
	c.AddCommand(profileCreateCommand(s), profileUseCommand(s), profileListCommand(s), profileShowCommand(s), profileDeleteCommand(s))
	return c
}

func profileCreateCommand(s *session) *cobra.Command {
	var one profile
	var replace bool
	c := &cobra.Command{
		Use: "create NAME", Short: "Keep a cluster under a name", Args: oneWord("a profile", profileName.MatchString),
		Example: "  schloss profile create prod --bootstrap-server kafka1:9093,kafka2:9093 \\\n    --command-config ~/prod.properties --read-only",
		RunE: func(c *cobra.Command, args []string) error {
			if err := needed(c, "bootstrap-server"); err != nil {
				return err
			}
			if err := s.checkProfile(&one); err != nil {
				return err
			}
			path, current := "", ""
			err := s.changeProfiles(func(all *profiles) error {
				if _, there := all.Profiles[args[0]]; there && !replace {
					return &usageError{problem: fmt.Sprintf("there is a profile %s already", args[0]), advice: "add --replace to overwrite it"}
				}
				all.Profiles[args[0]] = one
				if all.Current == "" {
					all.Current = args[0]
				}
				if path = all.path; all.Current == args[0] {
					current = ", the current one"
				}
				return nil
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "profile %s is kept in %s%s\n", args[0], path, current)
			return err
		},
	}
	c.Flags().StringVar(&one.BootstrapServer, "bootstrap-server", "", "brokers to connect to, as `HOST:PORT`, separated by commas")
	c.Flags().StringVar(&one.CommandConfig, "command-config", "", "a `FILE` of the client's settings; it may hold passwords, the profile does not")
	c.Flags().BoolVar(&one.ReadOnly, "read-only", false, "refuse every change of this cluster")
	c.Flags().StringVar(&one.Output, "default-output", "", "the `FORM` of results: table, plain or json")
	c.Flags().BoolVar(&replace, "replace", false, "overwrite a profile of this name")
	return c
}

// checkProfile refuses what no command could use, and makes the file's path
// good from everywhere.
func (s *session) checkProfile(one *profile) error {
	if one.Output != "" {
		if _, err := parseOutputForm(one.Output, s.Out); err != nil {
			return err
		}
	}
	if one.CommandConfig != "" {
		path, err := filepath.Abs(one.CommandConfig)
		if err != nil {
			return err
		}
		one.CommandConfig = path
	}
	_, err := s.readSettings(settings{table: config.Admin, file: one.CommandConfig, server: one.BootstrapServer})
	return err
}

func profileUseCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Make a profile the current one", Args: oneWord("a profile", nil), ValidArgsFunction: s.completeProfiles,
		Example: "  schloss profile use prod",
		RunE: func(c *cobra.Command, args []string) error {
			var one profile
			err := s.changeProfiles(func(all *profiles) (err error) {
				one, err = all.named(args[0])
				all.Current = one.Name
				return err
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "commands reach %s now\n", one.BootstrapServer)
			return err
		},
	}
}

// shownProfile is a profile as it is printed.
type shownProfile struct {
	profile
	Current bool `json:"current"`
}

func (s *session) printProfiles(form string, all *profiles, names ...string) error {
	shape, err := parseOutputForm(form, s.Out)
	if err != nil {
		return err
	}
	shown := make([]shownProfile, 0, len(names))
	t := &table{columns: []string{"PROFILE", "CURRENT", "BOOTSTRAP SERVER", "COMMAND CONFIG", "READ ONLY", "OUTPUT"}}
	for _, name := range names {
		one, err := all.named(name)
		if err != nil {
			return err
		}
		current := name == all.Current
		shown = append(shown, shownProfile{one, current})
		t.add(name, strconv.FormatBool(current), one.BootstrapServer, one.CommandConfig, strconv.FormatBool(one.ReadOnly), one.Output)
	}
	return printResult(s.Out, shape, s.styled(s.Out), shown, t)
}

func profileListCommand(s *session) *cobra.Command {
	var form string
	c := &cobra.Command{
		Use: "list", Short: "List the profiles", Args: noWords, Example: "  schloss profile list",
		RunE: func(*cobra.Command, []string) error {
			all, err := s.readProfiles()
			if err != nil {
				return err
			}
			return s.printProfiles(form, all, all.names()...)
		},
	}
	c.Flags().StringVarP(&form, "output", "o", "", "as a `FORM`: table (on a terminal), plain (in a pipe) or json")
	return c
}

func profileShowCommand(s *session) *cobra.Command {
	var form string
	c := &cobra.Command{
		Use: "show [NAME]", Short: "Show a profile; the current one without NAME", Args: atMostOneWord, ValidArgsFunction: s.completeProfiles,
		Example: "  schloss profile show prod -o json",
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := s.readProfiles()
			if err != nil {
				return err
			}
			if len(args) == 0 && all.Current == "" {
				return &usageError{problem: "no profile is the current one", advice: "choose one: schloss profile use NAME"}
			}
			return s.printProfiles(form, all, append(args, all.Current)[0])
		},
	}
	c.Flags().StringVarP(&form, "output", "o", "", "as a `FORM`: table (on a terminal), plain (in a pipe) or json")
	return c
}

func profileDeleteCommand(s *session) *cobra.Command {
	var change changeFlags
	c := &cobra.Command{
		Use: "delete NAME", Short: "Forget a profile; the file it names stays", Args: oneWord("a profile", nil), ValidArgsFunction: s.completeProfiles,
		Example: "  schloss profile delete prod --yes",
		RunE: func(c *cobra.Command, args []string) error {
			all, err := s.readProfiles()
			if err != nil {
				return err
			}
			one, err := all.named(args[0])
			if err != nil {
				return err
			}
			if err := s.askable(&change, "forgetting a profile"); err != nil {
				return err
			}
			if change.dryRun {
				_, err := fmt.Fprintf(s.Out, "profile %s would be forgotten\n", one.Name)
				return err
			}
			if err := s.agreed(c.Context(), &change, nil, fmt.Sprintf("forget profile %s (%s)?", one.Name, one.BootstrapServer)); err != nil {
				return err
			}
			err = s.changeProfiles(func(all *profiles) error {
				delete(all.Profiles, one.Name)
				if all.Current == one.Name {
					all.Current = ""
				}
				return nil
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "profile %s is forgotten\n", one.Name)
			return err
		},
	}
	change.register(c, true)
	return c
}

// completeProfiles offers the names of profiles.
func (s *session) completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := s.readProfiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError | cobra.ShellCompDirectiveNoFileComp
	}
	return all.names(), cobra.ShellCompDirectiveNoFileComp
}

// oneWord wants exactly one argument, the name of such a thing.
func oneWord(thing string, good func(string) bool) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := someWords(thing)(c, args); err != nil {
			return err
		}
		if len(args) > 1 {
			return &usageError{problem: fmt.Sprintf("unexpected word %q after %s", args[1], args[0]), advice: c.CommandPath() + " takes one name"}
		}
		if good != nil && !good(args[0]) {
			return &usageError{problem: fmt.Sprintf("%q cannot be the name of %s", args[0], thing), advice: "take letters, digits, '.', '_' and '-'"}
		}
		return nil
	}
}

// atMostOneWord allows a name.
func atMostOneWord(c *cobra.Command, args []string) error {
	if len(args) < 2 {
		return nil
	}
	return noWords(c, args[1:])
}

// someWords wants at least one argument, none of them empty.
func someWords(thing string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &usageError{problem: "the name of " + thing + " is needed", advice: c.CommandPath() + " --help shows an example"}
		}
		for _, word := range args {
			if word == "" {
				return &usageError{problem: "the name of " + thing + " is empty", advice: "name it: " + c.UseLine()}
			}
		}
		return nil
	}
}

// distinct are the words without repetitions, in their order.
func distinct(words []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, word := range words {
		if !seen[word] {
			seen[word] = true
			out = append(out, word)
		}
	}
	return out
}
