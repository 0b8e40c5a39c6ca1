package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka/config"
)

func configCommand(s *session) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "config", Short: "Describe, set and unset settings of topics and brokers", RunE: group, Args: cobra.ArbitraryArgs,
		Example: "  schloss config describe --topic orders\n  schloss config set --topic orders retention.ms=86400000\n  schloss config unset --topic orders retention.ms",
	}
	f.register(c.PersistentFlags())
	c.AddCommand(configDescribeCommand(s, &f), configSetCommand(s, &f), configUnsetCommand(s, &f))
	f.offering(s, c)
	return c
}

// configFlags say whose settings are meant.
type configFlags struct {
	topic, broker string
	brokers       bool
}

func (f *configFlags) register(c *cobra.Command, cluster *clusterFlags, s *session) {
	c.Flags().StringVar(&f.topic, "topic", "", "the settings of the topic `NAME`")
	c.Flags().StringVar(&f.broker, "broker", "", "the settings of the broker `ID`")
	c.Flags().BoolVar(&f.brokers, "all-brokers", false, "the settings that all brokers share")
	completed(c, "topic", cluster.completing(s, topicNames))
	completed(c, "broker", cluster.completing(s, brokerIDs))
}

func brokerIDs(ctx context.Context, admin *client.Admin) ([]string, error) {
	cluster, err := admin.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, n := range cluster.Nodes {
		ids = append(ids, fmt.Sprint(n.ID))
	}
	return ids, nil
}

// resource is the one that is meant.
func (f *configFlags) resource() (client.ConfigResource, error) {
	var named []client.ConfigResource
	if f.topic != "" {
		named = append(named, client.ConfigResource{Type: client.TopicConfigs, Name: f.topic})
	}
	if f.broker != "" {
		named = append(named, client.ConfigResource{Type: client.BrokerConfigs, Name: f.broker})
	}
	if f.brokers {
		named = append(named, client.ConfigResource{Type: client.BrokerConfigs})
	}
	if len(named) != 1 {
		return client.ConfigResource{}, &usageError{problem: "one topic or broker is needed", advice: "add --topic NAME, --broker ID or --all-brokers"}
	}
	return named[0], nil
}

// shownSetting is a setting as it is printed; value is null for what is
// sensitive.
type shownSetting struct {
	Name      string  `json:"name"`
	Value     *string `json:"value"`
	Source    string  `json:"source"`
	Sensitive bool    `json:"sensitive"`
	ReadOnly  bool    `json:"read_only"`
}

func configDescribeCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f configFlags
	var all bool
	c := &cobra.Command{
		Use: "describe [KEY...]", Short: "Show settings and where they come from", ValidArgsFunction: completeSettings,
		Long:    "Shows the settings that are not the defaults: of the topic or broker itself, of\nall brokers, and of the broker's file. With --all, or by name, the defaults too.",
		Example: "  schloss config describe --topic orders\n  schloss config describe --topic orders retention.ms\n  schloss config describe --broker 0 --all -o json",
		RunE: cluster.reading(s, func(ctx context.Context, r *clusterRun, args []string) error {
			resource, err := f.resource()
			if err != nil {
				return err
			}
			answers, err := r.admin.DescribeConfigs(ctx, resource)
			if err == nil {
				err = answers[0].Err
			}
			if err != nil {
				return absentTopic(err, f.topic)
			}
			return r.printSettings(answers[0].Configs, distinct(args), all)
		}),
	}
	f.register(c, cluster, s)
	c.Flags().BoolVarP(&all, "all", "a", false, "the defaults too")
	return c
}

func (r *clusterRun) printSettings(settings []config.Described, wanted []string, all bool) error {
	out := []shownSetting{}
	t := &table{columns: []string{"SETTING", "VALUE", "SOURCE"}}
	names := map[string]bool{}
	for _, name := range wanted {
		names[name] = true
	}
	for _, d := range settings {
		if len(wanted) > 0 && !names[d.Name] || len(wanted) == 0 && !all && d.Source == config.DefaultConfig {
			continue
		}
		delete(names, d.Name)
		out = append(out, shownSetting{d.Name, d.Value, d.Source.String(), d.Sensitive, d.ReadOnly})
		value := "-"
		if d.Value != nil {
			value = *d.Value
		}
		t.add(d.Name, value, d.Source.String())
	}
	if err := r.print(out, t); err != nil {
		return err
	}
	var failed []error
	for _, name := range sortedNames(names) {
		failed = append(failed, &absentSettingError{name, settings})
		r.report(failed[len(failed)-1])
	}
	return several(len(out), failed)
}

// absentSettingError is a setting that the broker does not tell of.
type absentSettingError struct {
	name     string
	settings []config.Described
}

func (e *absentSettingError) Error() string { return (&absentError{"setting", e.name}).Error() }
func (e *absentSettingError) Unwrap() error { return &absentError{"setting", e.name} }
func (e *absentSettingError) Hint() string {
	names := make([]string, len(e.settings))
	for i, s := range e.settings {
		names[i] = s.Name
	}
	if near, ok := config.Nearest(e.name, names); ok {
		return "did you mean " + near + "?"
	}
	return "see all with: schloss config describe --all"
}

func configSetCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f configFlags
	var change changeFlags
	c := &cobra.Command{
		Use: "set KEY=VALUE...", Short: "Change settings; the others stay", Args: someWords("a setting"), ValidArgsFunction: completeTopicSettings,
		Example: "  schloss config set --topic orders retention.ms=86400000 cleanup.policy=delete\n  schloss config set --broker 0 message.max.bytes=2000000 --dry-run",
	}
	c.RunE = cluster.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		own, err := settingPairs(args)
		if err != nil {
			return err
		}
		var changes []client.ConfigChange
		for _, name := range sortedNames(own) {
			changes = append(changes, client.ConfigChange{Name: name, Value: own[name], Op: client.SetConfig})
		}
		return r.alterConfigs(ctx, &f, changes, &change, "set")
	})
	f.register(c, cluster, s)
	change.register(c, false)
	return c
}

func configUnsetCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f configFlags
	var change changeFlags
	c := &cobra.Command{
		Use: "unset KEY...", Short: "Give settings their defaults again", Args: someWords("a setting"), ValidArgsFunction: completeSettings,
		Example: "  schloss config unset --topic orders retention.ms\n  schloss config unset --all-brokers message.max.bytes --dry-run",
	}
	c.RunE = cluster.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		var changes []client.ConfigChange
		for _, name := range distinct(args) {
			changes = append(changes, client.ConfigChange{Name: name, Op: client.DeleteConfig})
		}
		return r.alterConfigs(ctx, &f, changes, &change, "unset")
	})
	f.register(c, cluster, s)
	change.register(c, false)
	return c
}

// completeSettings offers those of topics; brokers have too many to choose from.
func completeSettings(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	if c.Flags().Changed("broker") || c.Flags().Changed("all-brokers") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, setting := range config.Topic.Settings() {
		keys = append(keys, setting.Name)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

// alterConfigs changes all or nothing, as the broker does.
func (r *clusterRun) alterConfigs(ctx context.Context, f *configFlags, changes []client.ConfigChange, change *changeFlags, done string) error {
	resource, err := f.resource()
	if err != nil {
		return err
	}
	if err := r.admin.AlterConfigs(ctx, resource, changes, change.dryRun); err != nil || r.flags.quiet {
		return absentTopic(err, f.topic)
	}
	if change.dryRun {
		done = "would be " + done
	}
	outcomes := make([]outcome, len(changes))
	t := &table{columns: []string{"SETTING", "RESULT"}}
	for i, c := range changes {
		outcomes[i] = outcome{c.Name, done, ""}
		t.add(c.Name, done)
	}
	return r.print(outcomes, t)
}
