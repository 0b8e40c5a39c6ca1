package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// describedTopic is a topic of "topic describe". Configs are those of the topic
// itself; null where they may not be seen.
type describedTopic struct {
	Name       string               `json:"name"`
	ID         string               `json:"id"`
	Internal   bool                 `json:"internal"`
	Configs    map[string]string    `json:"configs"`
	Partitions []describedPartition `json:"partitions"`
}

// describedPartition is one partition; offsets are null where no leader told
// them.
type describedPartition struct {
	Partition   int32          `json:"partition"`
	Leader      kafka.NodeID   `json:"leader"`
	LeaderEpoch kafka.Epoch    `json:"leader_epoch"`
	Replicas    []kafka.NodeID `json:"replicas"`
	ISR         []kafka.NodeID `json:"isr"`
	StartOffset *kafka.Offset  `json:"start_offset"`
	EndOffset   *kafka.Offset  `json:"end_offset"`
}

func topicDescribeCommand(s *session, f *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use: "describe NAME...", Short: "Show partitions, offsets and own settings of topics", Args: someWords("a topic"), ValidArgsFunction: f.completing(s, topicNames),
		Example: "  schloss topic describe orders\n  schloss topic describe orders -o json | jq '.[0].configs'",
		RunE: f.reading(s, func(ctx context.Context, r *clusterRun, args []string) error {
			names := distinct(args)
			found, err := r.topicsNamed(ctx, names)
			if err != nil {
				return err
			}
			described := []describedTopic{}
			var failed []error
			for _, t := range found {
				err := t.Err
				var one describedTopic
				if err == nil {
					one, err = r.describeTopic(ctx, t)
				}
				if err != nil {
					r.report(err)
					failed = append(failed, err)
					continue
				}
				described = append(described, one)
			}
			if err := r.printTopics(described); err != nil {
				return err
			}
			return several(len(described), failed)
		}),
	}
}

func (r *clusterRun) describeTopic(ctx context.Context, t client.TopicInfo) (describedTopic, error) {
	out := describedTopic{Name: t.Name, ID: t.ID.String(), Internal: t.Internal, Partitions: []describedPartition{}}
	for _, p := range t.Partitions {
		out.Partitions = append(out.Partitions, describedPartition{Partition: p.Index, Leader: p.Leader, LeaderEpoch: p.Epoch, Replicas: p.Replicas, ISR: p.ISR})
	}
	for _, at := range []kafka.Offset{kafka.EarliestOffset, kafka.LatestOffset} {
		offsets, err := r.admin.ListOffsets(ctx, int64(at), ledPartitions(t))
		if err != nil {
			return out, err
		}
		for _, o := range offsets {
			switch {
			case o.Err != nil:
				r.warn("%v", o.Err)
			case at == kafka.EarliestOffset:
				out.Partitions[o.Partition].StartOffset = &o.Offset
			default:
				out.Partitions[o.Partition].EndOffset = &o.Offset
			}
		}
	}
	settings, err := r.admin.TopicConfigs(ctx, t.Name)
	if errors.As(err, new(*client.DeniedError)) {
		r.warn("the settings of topic %s are not shown: %v", t.Name, err)
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Configs = map[string]string{}
	for _, setting := range settings {
		if setting.Source == config.DynamicTopicConfig && setting.Value != nil {
			out.Configs[setting.Name] = *setting.Value
		}
	}
	return out, nil
}

// ledPartitions are those that a broker can be asked about.
func ledPartitions(t client.TopicInfo) []kafka.TopicPartition {
	var out []kafka.TopicPartition
	for _, p := range t.Partitions {
		if p.Leader >= 0 {
			out = append(out, kafka.TopicPartition{Topic: t.Name, Partition: p.Index})
		}
	}
	return out
}

// printTopics prints one line a partition; to people also each topic's own
// settings.
func (r *clusterRun) printTopics(topics []describedTopic) error {
	t := &table{columns: []string{"TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END"}}
	for _, topic := range topics {
		for _, p := range topic.Partitions {
			t.add(topic.Name, strconv.Itoa(int(p.Partition)), leaderText(p.Leader), strconv.Itoa(int(p.LeaderEpoch)),
				nodeList(p.Replicas), nodeList(p.ISR), offsetText(p.StartOffset), offsetText(p.EndOffset))
		}
	}
	if err := r.print(topics, t); err != nil || r.form != tableForm {
		return err
	}
	own := &table{columns: []string{"TOPIC", "SETTING", "VALUE"}}
	for _, topic := range topics {
		for _, name := range sortedNames(topic.Configs) {
			own.add(topic.Name, name, topic.Configs[name])
		}
	}
	if len(own.rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(r.Out); err != nil {
		return err
	}
	return r.print(nil, own)
}

func leaderText(id kafka.NodeID) string {
	if id < 0 {
		return "none"
	}
	return strconv.Itoa(int(id))
}

func offsetText(o *kafka.Offset) string {
	if o == nil {
		return "-"
	}
	return strconv.FormatInt(int64(*o), 10)
}

func topicAlterCommand(s *session, f *clusterFlags) *cobra.Command {
	var change changeFlags
	var partitions int32
	c := &cobra.Command{
		Use: "alter NAME... --partitions N", Short: "Give topics more partitions", Args: someWords("a topic"), ValidArgsFunction: f.completing(s, topicNames),
		Long:    "Gives topics more partitions. There is no way back, and keys may go to other\npartitions from then on. Settings are changed with schloss config set.",
		Example: "  schloss topic alter orders --partitions 12\n  schloss topic alter orders --partitions 12 --dry-run",
	}
	run := f.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		return r.eachOf("TOPIC", distinct(args), func(name string) (string, error) {
			result := counted(int64(partitions), "partition") + " now"
			if change.dryRun {
				result = "would have " + counted(int64(partitions), "partition")
			}
			err := r.admin.CreatePartitions(ctx, client.NewPartitions{Topic: name, Count: partitions, ValidateOnly: change.dryRun})
			return result, absentTopic(err, name)
		})
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := needed(c, "partitions"); err != nil {
			return err
		}
		if partitions < 1 {
			return &usageError{problem: fmt.Sprintf("--partitions %d is none", partitions), advice: "give the number that the topic is to have: --partitions 12"}
		}
		return run(c, args)
	}
	change.register(c, false)
	c.Flags().Int32VarP(&partitions, "partitions", "p", -1, "each is to have `N` then")
	return c
}
