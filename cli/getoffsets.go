package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka"
)

var getOffsets = &tool{
	name:  "kafka-get-offsets",
	about: "This tool prints offsets of partitions: the newest, the oldest, or those of a time.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] [--topic REGEX [--partitions N,N] | --topic-partitions TOPIC:N,TOPIC:N-M] [--time TIME]",
	run:   runGetOffsets,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "broker-list", value: needsValue, arg: "HOST:PORT", insteadUse: "bootstrap-server", doc: "Up to Kafka 3.9."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "topic", value: needsValue, arg: "REGEX", doc: "A Java regular expression over topics; all topics unless given."},
		{name: "partitions", value: needsValue, arg: "N,N", doc: "Only these partitions."},
		{name: "topic-partitions", value: needsValue, arg: "TOPIC:N,...", doc: "Topics with their partitions: TOPIC, TOPIC:N, TOPIC:N-M without M, TOPIC:N-, TOPIC:-M. A topic is a regular expression, and may be left out."},
		{name: "time", value: needsValue, arg: "TIME", def: "latest", doc: "A time in milliseconds since 1970: the offset of the first record from then on. Or latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4), latest-tiered (-5), earliest-pending-upload (-6)."},
		{name: "exclude-internal-topics", doc: "Leave out internal topics."},
		{name: "offsets", value: needsValue, arg: "N", idle: "gone in Kafka 3.0, where one offset is printed for a partition"},
		{name: "max-wait-ms", value: needsValue, arg: "MS", idle: "gone in Kafka 3.0; request.timeout.ms in the file of --command-config is the bound"},
	},
}

// The names of --time, in the order in which Kafka lists them.
var specialTimes = []struct {
	name   string
	offset kafka.Offset
}{
	{"latest", kafka.LatestOffset},
	{"earliest", kafka.EarliestOffset},
	{"max-timestamp", kafka.MaxTimestampOffset},
	{"earliest-local", kafka.EarliestLocalOffset},
	{"latest-tiered", kafka.LatestTieredOffset},
	{"earliest-pending-upload", kafka.EarliestPendingUploadOffset},
}

func parseTime(text string) (int64, error) {
	var names []string
	for _, special := range specialTimes {
		if text == special.name {
			return int64(special.offset), nil
		}
		names = append(names, fmt.Sprintf("%d or %s", special.offset, special.name))
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, usage("Malformed time argument %s. Please use %s, or a specified long format timestamp", text, strings.Join(names, " / ")).
			advised("milliseconds since 1970 are what date +%s000 prints")
	}
	return n, nil
}

// partitionRule selects partitions of some topics. Below is exclusive.
type partitionRule struct {
	topic       *regexp.Regexp // nil: every topic
	from, below int64
}

func (r partitionRule) matches(topic string, partition int32) bool {
	return (r.topic == nil || r.topic.MatchString(topic)) && int64(partition) >= r.from && int64(partition) < r.below
}

const noBound = int64(1) << 31 // above every partition

// Kafka: GetOffsetShell.TOPIC_PARTITION_PATTERN.
var ruleForm = regexp.MustCompile(`^([^:,]*)(?::(?:([0-9]*)|([0-9]*)-([0-9]*)))?$`)

// partitionRules reads what the options select; a partition fits if one of them
// does.
func partitionRules(o *options) ([]partitionRule, error) {
	if o.has("topic-partitions") {
		if o.has("topic") || o.has("partitions") {
			return nil, usage("--topic-partitions cannot be used with --topic or --partitions").advised("write it as --topic-partitions TOPIC:0,TOPIC:2")
		}
		var rules []partitionRule
		for _, text := range strings.Split(o.get("topic-partitions"), ",") {
			rule, err := parseRule(text)
			if err != nil {
				return nil, err
			}
			rules = append(rules, rule)
		}
		return rules, nil
	}
	all := partitionRule{below: noBound}
	if o.has("topic") {
		var err error
		if all.topic, err = compilePattern(o.get("topic")); err != nil {
			return nil, err
		}
	}
	if !o.has("partitions") {
		return []partitionRule{all}, nil
	}
	var rules []partitionRule
	for _, text := range strings.Split(o.get("partitions"), ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		if err != nil {
			return nil, usage("--partitions expects a comma separated list of numeric partition ids, but received: %s", o.get("partitions")).advised("write it as --partitions 0,1")
		}
		rules = append(rules, partitionRule{all.topic, n, n + 1})
	}
	return rules, nil
}

func parseRule(text string) (partitionRule, error) {
	wrong := usage("Invalid rule specification: %s", text).advised("write it as TOPIC, TOPIC:0, TOPIC:0-3 (without 3), TOPIC:2- or TOPIC:-2")
	m := ruleForm.FindStringSubmatch(text)
	if m == nil {
		return partitionRule{}, wrong
	}
	rule := partitionRule{below: noBound}
	if m[1] != "" {
		var err error
		if rule.topic, err = compilePattern(m[1]); err != nil {
			return rule, err
		}
	}
	bound := func(digits string, otherwise int64) int64 {
		if digits == "" {
			return otherwise
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			return noBound
		}
		return n
	}
	if m[2] != "" {
		rule.from = bound(m[2], 0)
		rule.below = rule.from + 1
		return rule, nil
	}
	rule.from, rule.below = bound(m[3], 0), bound(m[4], noBound)
	return rule, nil
}

func runGetOffsets(ctx context.Context, s *session, o *options) error {
	server, ok := o.first("bootstrap-server", "broker-list")
	if !ok {
		return usage(`Missing required argument "[bootstrap-server]"`).advised("add --bootstrap-server HOST:PORT")
	}
	at, err := parseTime(o.get("time"))
	if err != nil {
		return err
	}
	rules, err := partitionRules(o)
	if err != nil {
		return err
	}
	c, err := s.openAdminAt(ctx, o.get("command-config"), server)
	if err != nil {
		return err
	}
	defer c.Close()
	admin := client.NewAdmin(c)
	topics, err := admin.Topics(ctx)
	if err != nil {
		return err
	}
	var wanted []kafka.TopicPartition
	var offsets []client.ListedOffset
	for _, t := range topics {
		if t.Err != nil || t.Internal && o.has("exclude-internal-topics") {
			continue
		}
		for _, p := range t.Partitions {
			tp := kafka.TopicPartition{Topic: t.Name, Partition: p.Index}
			switch {
			case !slices.ContainsFunc(rules, func(r partitionRule) bool { return r.matches(t.Name, p.Index) }):
			case p.Leader < 0:
				offsets = append(offsets, client.ListedOffset{TopicPartition: tp, Err: kafka.ErrLeaderNotAvailable})
			default:
				wanted = append(wanted, tp)
			}
		}
	}
	if len(wanted)+len(offsets) == 0 {
		return &noPartitionsError{}
	}
	listed, err := admin.ListOffsets(ctx, at, wanted)
	if err != nil {
		return err
	}
	return s.printOffsets(append(offsets, listed...))
}

// printOffsets leaves out partitions that have no such offset, as Kafka does:
// an empty one has no newest record, say.
func (s *session) printOffsets(offsets []client.ListedOffset) error {
	var b strings.Builder
	for _, at := range offsets {
		if at.Err != nil {
			s.warn("Skip getting offsets for topic-partition %s due to error: %s", at.TopicPartition, javaException(at.Err))
		} else if at.Offset >= 0 {
			fmt.Fprintf(&b, "%s:%d:%d\n", at.Topic, at.Partition, at.Offset)
		}
	}
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}

// noPartitionsError is a selection that fits nothing.
type noPartitionsError struct{}

func (*noPartitionsError) Error() string {
	return "Could not match any topic-partitions with the specified filters"
}

// Hint says where to look.
func (*noPartitionsError) Hint() string {
	return "kafka-topics --describe shows the topics that you may see, with their partitions"
}
