package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"schloss/client"
	"schloss/kafka/config"
)

// clusterFlags are those of every native command that reaches a cluster. What
// the command line leaves open the environment may say (SCHLOSS_...), and then
// the profile.
type clusterFlags struct {
	server, file, profile, form string
	timeout                     time.Duration
	quiet                       bool
}

// clusterFlag marks the flags that all share, which the help prints apart.
const clusterFlag = "schloss: shared by all commands that reach a cluster"

func (f *clusterFlags) register(flags *pflag.FlagSet) {
	shared := pflag.NewFlagSet("", pflag.ContinueOnError)
	shared.StringVar(&f.server, "bootstrap-server", "", "brokers to connect to, as `HOST:PORT`, separated by commas")
	shared.StringVar(&f.file, "command-config", "", "a `FILE` of the client's settings: security.protocol, ssl.*")
	shared.StringVar(&f.profile, "profile", "", "the profile `NAME` instead of the current one; '' for none")
	shared.StringVarP(&f.form, "output", "o", "", "as a `FORM`: table (on a terminal), plain (in a pipe) or json")
	shared.DurationVar(&f.timeout, "timeout", 30*time.Second, "all may take this `TIME`, such as 10s")
	shared.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors and what was asked for")
	shared.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{clusterFlag: nil}
		flags.AddFlag(flag)
	})
}

// fromEnvironment sets what the command line left open.
func (f *clusterFlags) fromEnvironment(s *session, c *cobra.Command) error {
	for flag, variable := range map[string]string{"bootstrap-server": "SCHLOSS_BOOTSTRAP_SERVER", "command-config": "SCHLOSS_COMMAND_CONFIG",
		"profile": "SCHLOSS_PROFILE", "output": "SCHLOSS_OUTPUT", "timeout": "SCHLOSS_TIMEOUT"} {
		value := s.env(variable)
		if value == "" || c.Flags().Changed(flag) {
			continue
		}
		if err := c.Flags().Set(flag, value); err != nil {
			return &usageError{problem: fmt.Sprintf("%s=%s: %v", variable, value, err), advice: "write it as for --" + flag}
		}
	}
	if f.timeout <= 0 {
		return &usageError{problem: fmt.Sprintf("--timeout %s leaves no time", f.timeout), advice: "write it with its unit: --timeout 10s"}
	}
	return nil
}

// inEffect is the profile that was named, or the current one where neither
// flag nor environment names a cluster: another cluster is not reached with
// what belongs to the current one. The zero profile is none.
func (f *clusterFlags) inEffect(s *session, c *cobra.Command) (profile, error) {
	if c.Flags().Changed("profile") && f.profile == "" || !c.Flags().Changed("profile") && f.server != "" {
		return profile{}, nil
	}
	all, err := s.readProfiles()
	if err != nil {
		return profile{}, err
	}
	name := f.profile
	if name == "" {
		name = all.Current
	}
	if name == "" {
		return profile{}, nil
	}
	return all.named(name)
}

// clusterRun is one run of a native command against a cluster.
type clusterRun struct {
	*session
	flags   *clusterFlags
	form    outputForm
	profile profile
	client  *client.Client
	admin   *client.Admin
	limit   *time.Timer // of --timeout; stands still while the user is asked
}

// resolve finds out what is to be reached and how results are printed.
func (f *clusterFlags) resolve(s *session, c *cobra.Command) (*clusterRun, error) {
	s.native, s.reach = true, ""
	c.Flags().Visit(func(flag *pflag.Flag) { // those of the environment hold for the next command too
		if flag.Name == "bootstrap-server" || flag.Name == "command-config" || flag.Name == "profile" {
			s.reach += " --" + flag.Name + " " + quotedWord(flag.Value.String())
		}
	})
	if err := f.fromEnvironment(s, c); err != nil {
		return nil, err
	}
	in, err := f.inEffect(s, c)
	if err != nil {
		return nil, err
	}
	if f.server == "" {
		f.server = in.BootstrapServer
	}
	if f.file == "" {
		f.file = in.CommandConfig
	}
	if f.form == "" {
		f.form = in.Output
	}
	form, err := parseOutputForm(f.form, s.Out)
	if err != nil {
		return nil, err
	}
	if f.quiet {
		s.voice.quiet = true
	}
	return &clusterRun{session: s, flags: f, form: form, profile: in}, nil
}

// settings are those of a client of the table's kind.
func (r *clusterRun) settings(table *config.Table) settings {
	return settings{table: table, file: r.flags.file, server: r.flags.server}
}

// open connects as an administrator.
func (r *clusterRun) open(ctx context.Context) error {
	values, err := r.readSettings(r.settings(config.Admin))
	if err != nil {
		return err
	}
	return r.openWith(ctx, values)
}

func (r *clusterRun) openWith(ctx context.Context, values *config.Values) (err error) {
	if r.client, err = client.Open(ctx, client.Config{Values: values, ClientID: "schloss", Warn: r.warning}); err != nil {
		return err
	}
	r.admin = client.NewAdmin(r.client)
	return nil
}

// deed is what a command does once it is connected.
type deed func(ctx context.Context, r *clusterRun, args []string) error

// reading makes the run of a command that changes nothing.
func (f *clusterFlags) reading(s *session, do deed) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		r, err := f.resolve(s, c)
		if err != nil {
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

// within bounds a deed by --timeout.
func (r *clusterRun) within(ctx context.Context, do func(context.Context) error) error {
	late := &lateError{limit: r.flags.timeout}
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.limit = time.AfterFunc(r.flags.timeout, func() { cancel(late) })
	defer r.limit.Stop()
	if err := do(bounded); err == nil || context.Cause(bounded) != late {
		return err
	}
	return late
}

// lateError is an answer that did not come within --timeout.
type lateError struct{ limit time.Duration }

func (e *lateError) Error() string { return fmt.Sprintf("no answer within %s", e.limit) }
func (e *lateError) Unwrap() error { return client.ErrTimeout }
func (e *lateError) Hint() string {
	return fmt.Sprintf("give it longer: --timeout %s; or see what is slow: schloss doctor", 2*e.limit)
}

// print prints a result in the form asked for.
func (r *clusterRun) print(data any, t *table) error {
	return printResult(r.Out, r.form, r.styled(r.Out), data, t)
}

// outcome is what became of one thing that was to be changed.
type outcome struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Error  string `json:"error"`
}

// eachOf does something to each of the names: all are tried, what failed is
// told at once, and the results are printed together.
func (r *clusterRun) eachOf(kind string, names []string, do func(name string) (result string, err error)) error {
	outcomes := make([]outcome, 0, len(names))
	t := &table{columns: []string{kind, "RESULT"}}
	var failed []error
	for _, name := range names {
		result, err := do(name)
		if err != nil {
			r.report(err)
			failed = append(failed, err)
			outcomes = append(outcomes, outcome{name, "failed", err.Error()})
			continue
		}
		t.add(name, result)
		outcomes = append(outcomes, outcome{name, result, ""})
	}
	if !r.flags.quiet {
		if err := r.print(outcomes, t); err != nil {
			return err
		}
	}
	return several(len(names)-len(failed), failed)
}

// unspoken is the session without a voice, for what only asks.
func (s *session) unspoken() *session {
	silent := *s
	silent.voice = voice{err: io.Discard}
	return &silent
}
