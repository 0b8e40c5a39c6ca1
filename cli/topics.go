package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka"
	"schloss/mirror"
)

var topics = &tool{
	name:  "kafka-topics",
	about: "This tool helps to create, delete, describe, or change a topic.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --create|--list|--describe|--delete [--topic NAME] ...",
	run:   runTopics,

	unread: "Error while executing topic command :",
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "create", doc: "Create the topic."},
		{name: "delete", doc: "Delete the topics."},
		{name: "list", doc: "List the topics."},
		{name: "describe", doc: "Show the topics with their partitions."},
		{name: "alter", doc: "Give the topics more partitions."},
		{name: "topic", value: needsValue, doc: "A topic's name; a Java regular expression except with --create."},
		{name: "topic-id", value: needsValue, arg: "ID", doc: "With --describe: the topic of this id."},
		{name: "partitions", value: needsValue, arg: "N", check: wholeNumber, doc: "With --create; the broker's default unless given. With --alter: how many there are to be."},
		{name: "replication-factor", value: needsValue, arg: "N", check: wholeNumber, doc: "With --create; the broker's default unless given."},
		{name: "replica-assignment", value: needsValue, arg: "B1:B2,B1:B2", doc: "With --create and --alter: the brokers of each partition."},
		{name: "config", value: needsValue, arg: "K=V", many: true, doc: "With --create: a setting of the topic."},
		{name: "delete-config", value: needsValue, arg: "K", many: true, refused: "gone in Kafka 4.0", insteadUse: "kafka-configs --alter --topic NAME --delete-config K"},
		{name: "if-exists", doc: "With --describe, --alter and --delete: a missing topic is no error."},
		{name: "if-not-exists", doc: "With --create: an existing topic is no error."},
		{name: "exclude-internal", doc: "Leave out internal topics."},
		{name: "topics-with-overrides", doc: "With --describe: only topics with settings of their own."},
		{name: "under-replicated-partitions", doc: "With --describe: only partitions that lack an in-sync replica."},
		{name: "unavailable-partitions", doc: "With --describe: only partitions without a leader."},
		{name: "under-min-isr-partitions", doc: "With --describe: only partitions below min.insync.replicas."},
		{name: "at-min-isr-partitions", doc: "With --describe: only partitions at min.insync.replicas."},
		{name: "partition-size-limit-per-response", value: needsValue, arg: "N", check: wholeNumber, def: "2000", doc: "With --describe: how many partitions the broker may describe in one answer."},
		{name: "disable-rack-aware", idle: "gone with ZooKeeper in Kafka 3.0"},
		{name: "force", idle: "gone with ZooKeeper in Kafka 3.0"},
		{name: "zookeeper", value: needsValue, refused: "gone in Kafka 3.0", insteadUse: "--bootstrap-server HOST:PORT"},
	},
}

func checkTopicOptions(o *options) error {
	if !o.has("bootstrap-server") {
		return &usageError{problem: "--bootstrap-server must be specified", advice: "add --bootstrap-server HOST:PORT"}
	}
	if countGiven(o, "create", "delete", "list", "describe", "alter") != 1 {
		return usage("Command must include exactly one action: --list, --describe, --create, --alter or --delete").advised("add one of --list, --describe, --create, --alter, --delete")
	}
	if !o.has("topic") && (o.has("create") || o.has("delete") || o.has("alter")) {
		return &usageError{problem: `Missing required argument "[topic]"`, advice: "add --topic NAME"}
	}
	if err := checkAlteredTopic(o); err != nil {
		return err
	}
	filters := []string{"topics-with-overrides", "under-replicated-partitions", "unavailable-partitions", "under-min-isr-partitions", "at-min-isr-partitions", "topic-id"}
	creating := []string{"partitions", "replication-factor", "replica-assignment", "config", "if-not-exists"}
	for _, action := range []string{"list", "describe", "delete"} {
		if err := exclude(o, action, creating...); err != nil {
			return err
		}
	}
	for _, action := range []string{"list", "create", "delete", "alter"} {
		if err := exclude(o, action, filters...); err != nil {
			return err
		}
	}
	for _, action := range []string{"list", "create"} {
		if err := exclude(o, action, "if-exists"); err != nil {
			return err
		}
	}
	for _, action := range []string{"create", "delete", "alter"} {
		if err := exclude(o, action, "exclude-internal"); err != nil {
			return err
		}
	}
	if err := exclude(o, "topics-with-overrides", filters[1:]...); err != nil {
		return err
	}
	if o.has("create") {
		return exclude(o, "replica-assignment", "partitions", "replication-factor")
	}
	return nil
}

func runTopics(ctx context.Context, s *session, o *options) error {
	if err := checkTopicOptions(o); err != nil {
		return err
	}
	c, err := s.openAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	run := &topicRun{session: s, options: o, admin: client.NewAdmin(c)}
	switch {
	case o.has("create"):
		err = run.create(ctx)
	case o.has("delete"):
		err = run.delete(ctx)
	case o.has("alter"):
		err = run.alter(ctx)
	case o.has("list"):
		err = run.list(ctx)
	default:
		err = run.describe(ctx)
	}
	if err != nil && !brokenPipe(err) {
		fmt.Fprintf(s.Out, "Error while executing topic command : %s\n", oneLine(brokerWords(err)))
	}
	return err
}

// brokerWords is the message alone where the broker gave one: what Kafka's
// tools print.
func brokerWords(err error) string {
	var topic *client.AnswerError
	if errors.As(err, &topic) && topic.Message != "" {
		return topic.Message
	}
	var pattern *mirror.PatternError
	if errors.As(err, &pattern) {
		return pattern.Pattern + " is an invalid regex."
	}
	return err.Error()
}

// topicRun is one run of the tool after its options have been checked.
type topicRun struct {
	*session
	*options
	admin *client.Admin
}

func (r *topicRun) create(ctx context.Context) error {
	topic := client.NewTopic{Name: r.get("topic"), Partitions: -1, ReplicationFactor: -1, Configs: map[string]string{}}
	if topic.Name == "" {
		return usage("The given topic name '' cannot be represented in a request.").advised("name it: --topic NAME")
	}
	if strings.ContainsAny(topic.Name, "._") {
		fmt.Fprintln(r.Out, "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.")
	}
	if topic.Name == "" {
		return usage("The given topic name '' cannot be represented in a request.").advised("write it as --topic NAME")
	}
	if r.has("partitions") {
		if topic.Partitions = int32(r.integer("partitions")); topic.Partitions < 1 {
			return usage("The partitions must be greater than 0").advised("write it as --partitions 1, or leave it out for the broker's default")
		}
	}
	if r.has("replication-factor") {
		if n := r.integer("replication-factor"); n < 1 || n > 32767 {
			return usage("The replication factor must be between 1 and 32767 inclusive").advised("write it as --replication-factor 1, or leave it out for the broker's default")
		}
		topic.ReplicationFactor = int16(r.integer("replication-factor"))
	}
	for _, kv := range r.all("config") {
		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return usage(`requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".`).advised("write it as --config retention.ms=86400000")
		}
		topic.Configs[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	var err error
	if topic.Assignment, err = parseAssignment(r.get("replica-assignment")); err != nil {
		return err
	}
	err = r.admin.CreateTopic(ctx, topic)
	if r.has("if-not-exists") && errors.Is(err, kafka.ErrTopicAlreadyExists) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "Created topic %s.\n", topic.Name)
	return err
}

// parseAssignment reads B1:B2,B3:B4: the brokers of partition 0, of 1, ...
func parseAssignment(text string) ([][]kafka.NodeID, error) {
	if text == "" {
		return nil, nil
	}
	const each = "give each partition as many brokers: --replica-assignment 0,0"
	var all [][]kafka.NodeID
	for i, partition := range strings.Split(text, ",") {
		var replicas []kafka.NodeID
		for _, id := range strings.Split(partition, ":") {
			n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 32)
			if err != nil {
				return nil, usage("replica assignment of partition %d: %q is no broker id", i, id).advised("write the brokers of each partition: --replica-assignment 0,0 for two partitions on broker 0")
			}
			if slices.Contains(replicas, kafka.NodeID(n)) {
				return nil, usage("Partition replica lists may not contain duplicate entries: %d", n).advised("name each broker once: --replica-assignment 0:1")
			}
			replicas = append(replicas, kafka.NodeID(n))
		}
		if i > 0 && len(replicas) != len(all[0]) {
			return nil, usage("Partition %d has different replication factor: [%s]", i, strings.ReplaceAll(partition, ":", ", ")).advised("give each partition as many brokers: --replica-assignment 0,0")
		}
		all = append(all, replicas)
	}
	return all, nil
}

func (r *topicRun) delete(ctx context.Context) error {
	selected, err := r.selected(ctx)
	if err != nil {
		return err
	}
	for _, t := range selected {
		if err := r.admin.DeleteTopic(ctx, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func (r *topicRun) list(ctx context.Context) error {
	selected, err := r.selected(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(selected))
	for i, t := range selected {
		names[i] = t.Name
	}
	_, err = fmt.Fprintln(r.Out, strings.Join(names, "\n"))
	return err
}
