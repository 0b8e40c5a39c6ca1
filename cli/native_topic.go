package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

func topicCommand(s *session) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "topic", Short: "List, describe, create, alter and delete topics", RunE: group, Args: cobra.ArbitraryArgs,
		Example: "  schloss topic list\n  schloss topic create orders --partitions 6 --config retention.ms=86400000\n  schloss topic describe orders -o json",
	}
	f.register(c.PersistentFlags())
	c.AddCommand(topicListCommand(s, &f), topicDescribeCommand(s, &f), topicCreateCommand(s, &f), topicAlterCommand(s, &f), topicDeleteCommand(s, &f))
	f.offering(s, c)
	return c
}

// listedTopic is a topic of "topic list".
type listedTopic struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Internal   bool   `json:"internal"`
	Partitions int    `json:"partitions"`
	Replicas   int    `json:"replicas"`
}

func topicListCommand(s *session, f *clusterFlags) *cobra.Command {
	var internal bool
	c := &cobra.Command{
		Use: "list", Short: "List the topics", Args: noWords,
		Example: "  schloss topic list\n  schloss topic list -o plain | cut -f1",
		RunE: f.reading(s, func(ctx context.Context, r *clusterRun, _ []string) error {
			topics, err := r.admin.Topics(ctx)
			if err != nil {
				return err
			}
			listed := []listedTopic{}
			t := &table{columns: []string{"TOPIC", "PARTITIONS", "REPLICAS"}}
			for _, topic := range topics {
				if topic.Err != nil || topic.Internal && !internal {
					continue
				}
				one := listedTopic{topic.Name, topic.ID.String(), topic.Internal, len(topic.Partitions), replicasOf(topic)}
				listed = append(listed, one)
				t.add(one.Name, strconv.Itoa(one.Partitions), strconv.Itoa(one.Replicas))
			}
			return r.print(listed, t)
		}),
	}
	c.Flags().BoolVar(&internal, "internal", false, "list Kafka's own topics too")
	return c
}

func replicasOf(t client.TopicInfo) int {
	if len(t.Partitions) == 0 {
		return 0
	}
	return len(t.Partitions[0].Replicas)
}

func topicCreateCommand(s *session, f *clusterFlags) *cobra.Command {
	var change changeFlags
	var partitions int32
	var replicas int16
	var configs []string
	var ifNotExists bool
	c := &cobra.Command{
		Use: "create NAME...", Short: "Create topics", Args: someWords("a topic"), ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  schloss topic create orders payments --partitions 6\n  schloss topic create log --config retention.ms=3600000 --dry-run",
	}
	c.RunE = f.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		if c.Flags().Changed("partitions") && partitions < 1 {
			return &usageError{problem: fmt.Sprintf("--partitions %d is none", partitions), advice: "leave it out for the broker's default, or write --partitions 1"}
		}
		if c.Flags().Changed("replicas") && replicas < 1 {
			return &usageError{problem: fmt.Sprintf("--replicas %d is none", replicas), advice: "leave it out for the broker's default, or write --replicas 1"}
		}
		own, err := settingPairs(configs)
		if err != nil {
			return err
		}
		return r.eachOf("TOPIC", distinct(args), func(name string) (string, error) {
			err := r.admin.CreateTopic(ctx, client.NewTopic{Name: name, Partitions: partitions, ReplicationFactor: replicas, Configs: own, ValidateOnly: change.dryRun})
			switch {
			case ifNotExists && errors.Is(err, kafka.ErrTopicAlreadyExists):
				return "there already", nil
			case change.dryRun:
				return "would be created", err
			}
			return "created", err
		})
	})
	change.register(c, false)
	c.Flags().Int32VarP(&partitions, "partitions", "p", -1, "with `N` partitions; the broker's default unless given")
	c.Flags().Int16VarP(&replicas, "replicas", "r", -1, "with `N` replicas of each partition; the broker's default unless given")
	c.Flags().StringArrayVarP(&configs, "config", "c", nil, "with the setting `KEY=VALUE`; may be given more than once")
	c.Flags().BoolVar(&ifNotExists, "if-not-exists", false, "a topic that is there already is no error")
	completed(c, "config", completeTopicSettings)
	return c
}

// settingPairs reads KEY=VALUE words.
func settingPairs(words []string) (map[string]string, error) {
	own := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, &usageError{problem: fmt.Sprintf("%q is no KEY=VALUE", word), advice: "write it as retention.ms=86400000"}
		}
		own[key] = strings.TrimSpace(value)
	}
	return own, nil
}

func completeTopicSettings(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, setting := range config.Topic.Settings() {
		keys = append(keys, setting.Name+"=")
	}
	return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func topicDeleteCommand(s *session, f *clusterFlags) *cobra.Command {
	var change changeFlags
	c := &cobra.Command{
		Use: "delete NAME...", Short: "Delete topics with all their records", Args: someWords("a topic"), ValidArgsFunction: f.completing(s, topicNames),
		Example: "  schloss topic delete orders\n  schloss topic delete orders payments --yes",
	}
	run := f.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		names := distinct(args)
		found, err := r.topicsNamed(ctx, names)
		if err != nil {
			return err
		}
		if !change.dryRun {
			var plan []string
			for _, t := range found {
				plan = append(plan, topicPlan(t))
			}
			if err := r.agreed(ctx, &change, plan, fmt.Sprintf("delete %s with all records?", counted(int64(len(names)), "topic"))); err != nil {
				return err
			}
		}
		return r.eachOf("TOPIC", names, func(name string) (string, error) {
			if i := slices.IndexFunc(found, func(t client.TopicInfo) bool { return t.Name == name }); i >= 0 && found[i].Err != nil {
				return "", found[i].Err
			}
			if change.dryRun {
				return "would be deleted", nil
			}
			return "deleted", r.admin.DeleteTopic(ctx, name)
		})
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := s.askable(&change, "deleting topics"); err != nil {
			return err
		}
		return run(c, args)
	}
	change.register(c, true)
	return c
}

// topicsNamed describes the named topics; each may have an Err instead.
func (r *clusterRun) topicsNamed(ctx context.Context, names []string) ([]client.TopicInfo, error) {
	found, err := r.admin.Topics(ctx, names...)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Err = absentTopic(found[i].Err, found[i].Name)
	}
	return found, nil
}

// absentTopic says so in plain words where the broker does not know the topic.
func absentTopic(err error, name string) error {
	if answered(err, kafka.ErrUnknownTopicOrPartition) {
		return &absentError{"topic", name}
	}
	return err
}

func topicPlan(t client.TopicInfo) string {
	if t.Err != nil {
		return t.Name + ": " + t.Err.Error()
	}
	return fmt.Sprintf("%s: %s", t.Name, counted(int64(len(t.Partitions)), "partition"))
}
