package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schloss/client"
)

// completionTimeout is how long a shell may be kept waiting for names.
const completionTimeout = 2 * time.Second

func completionCommand(s *session) *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use: "completion SHELL", Short: "Print a script that completes commands, topics, groups", ValidArgs: shells,
		Example: `  source <(schloss completion bash)
  schloss completion zsh >"${fpath[1]}/_schloss"
  schloss completion fish >~/.config/fish/completions/schloss.fish`,
		Long: "Prints a script for bash (with bash-completion), zsh or fish. Names of topics,\ngroups and profiles come from the cluster that the words before them name.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return &usageError{problem: "one shell is needed: " + strings.Join(shells, ", "), advice: "source <(schloss completion bash)"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(s.Out, true)
			case "zsh":
				return c.Root().GenZshCompletion(s.Out)
			}
			return c.Root().GenFishCompletion(s.Out, true)
		},
	}
}

// completeTools offers the tools that go by Kafka's names, beside the commands.
func completeTools(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, t := range tools {
		names = append(names, cobra.CompletionWithDesc(t.name, "Kafka's tool of this name"))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completing offers names from the cluster that the command line so far names.
// Words that are there already are not offered again.
func (f *clusterFlags) completing(s *session, names func(context.Context, *client.Admin) ([]string, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const failed = cobra.ShellCompDirectiveError | cobra.ShellCompDirectiveNoFileComp
		r, err := f.resolve(s.unspoken(), c)
		if err != nil {
			return nil, failed
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		if err := r.open(ctx); err != nil {
			cobra.CompErrorln(err.Error())
			return nil, failed
		}
		defer r.client.Close()
		all, err := names(ctx, r.admin)
		if err != nil {
			return nil, failed
		}
		return slices.DeleteFunc(all, func(name string) bool { return slices.Contains(args, name) }), cobra.ShellCompDirectiveNoFileComp
	}
}

func topicNames(ctx context.Context, admin *client.Admin) ([]string, error) {
	topics, err := admin.Topics(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range topics {
		if t.Err == nil && !t.Internal {
			names = append(names, t.Name)
		}
	}
	return names, nil
}

func groupNames(ctx context.Context, admin *client.Admin) ([]string, error) {
	groups, err := admin.Groups(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.ID
	}
	return names, nil
}

// completed names what the values of a flag can be; the flag is there, so it
// cannot fail.
func completed(c *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(fmt.Sprintf("complete --%s of %s: %v", flag, c.Name(), err))
	}
}

// offering completes the shared flags of a command and of those it holds.
func (f *clusterFlags) offering(s *session, c *cobra.Command) {
	completed(c, "profile", s.completeProfiles)
	completed(c, "output", cobra.FixedCompletions(outputForms, cobra.ShellCompDirectiveNoFileComp))
	completed(c, "bootstrap-server", cobra.NoFileCompletions)
	completed(c, "timeout", cobra.NoFileCompletions)
}
