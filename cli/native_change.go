package cli

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// changeFlags are those of commands that change a cluster.
type changeFlags struct{ yes, dryRun bool }

func (f *changeFlags) register(c *cobra.Command, destructive bool) {
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would be done, and do nothing")
	if destructive {
		c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
	}
}

// changing makes the run of a command that changes the cluster: a read-only
// profile refuses it before anything is reached.
func (f *clusterFlags) changing(s *session, change *changeFlags, do deed) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		r, err := f.resolve(s, c)
		if err != nil {
			return err
		}
		if err := r.writable(change); err != nil {
			return err
		}
		return r.within(c.Context(), func(ctx context.Context) error {
			if err := r.open(ctx); err != nil {
				return err
			}
			defer r.client.Close()
			return do(ctx, r, args)
		})
	}
}

func (r *clusterRun) writable(change *changeFlags) error {
	if r.profile.ReadOnly && !change.dryRun {
		return &readOnlyError{r.profile.Name}
	}
	return nil
}

// readOnlyError is a change refused by a profile that allows none.
type readOnlyError struct{ profile string }

func (e *readOnlyError) Error() string {
	return fmt.Sprintf("profile %s is read-only", e.profile)
}

func (e *readOnlyError) Hint() string {
	return "try it with --dry-run, or take another: --profile NAME; schloss profile list shows them"
}

// askable refuses a destructive deed where nobody can be asked and --yes does
// not answer beforehand.
func (s *session) askable(change *changeFlags, doing string) error {
	if change.yes || change.dryRun || terminal(s.In) && terminal(s.IO.Err) {
		return nil
	}
	return &usageError{problem: doing + " needs --yes where nobody can be asked", advice: "add --yes, or see first what it would do: --dry-run"}
}

// agreed shows the plan and asks; nothing but y and yes is a yes.
func (s *session) agreed(ctx context.Context, change *changeFlags, plan []string, question string) error {
	if change.yes {
		return nil
	}
	for _, line := range plan {
		s.say("  %s", oneLine(line))
	}
	fmt.Fprintf(s.IO.Err, "%s [y/N] ", question)
	answer, err := readAnswer(ctx, bufio.NewReader(s.In))
	if err == nil && answer != "y" && answer != "yes" {
		return errNotAgreed
	}
	return err
}

// agreed asks while --timeout stands still.
func (r *clusterRun) agreed(ctx context.Context, change *changeFlags, plan []string, question string) error {
	r.limit.Stop()
	defer r.limit.Reset(r.flags.timeout)
	return r.session.agreed(ctx, change, plan, question)
}

// errNotAgreed is the answer no: nothing was done, and the exit says so.
var errNotAgreed = &exitError{code: exitFailure, quiet: true}
