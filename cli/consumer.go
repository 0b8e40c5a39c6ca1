package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka/config"
)

const oldConsumer = "gone with the old consumer in Kafka 2.0"

var consoleConsumer = &tool{
	name:  "kafka-console-consumer",
	about: "This tool helps to read data from Kafka topics and outputs it to standard output.",
	usage: "--bootstrap-server HOST:PORT --topic TOPIC [--from-beginning] [--command-config FILE] ...",
	run:   runConsumer,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "topic", value: needsValue, doc: "The topic to read."},
		{name: "include", value: needsValue, arg: "REGEX", doc: "The topics to read, as a Java regular expression."},
		{name: "whitelist", value: needsValue, arg: "REGEX", insteadUse: "include", doc: "Used where --include is not given."},
		{name: "partition", value: needsValue, arg: "N", check: wholeNumber, doc: "Read this partition alone, without a group."},
		{name: "offset", value: needsValue, arg: "N|earliest|latest", doc: "Where to begin in that partition.", def: "latest"},
		{name: "from-beginning", doc: "Begin with the earliest message where the group has no offset yet."},
		{name: "group", value: needsValue, doc: "The consumer group; one of its own unless given."},
		{name: "max-messages", value: needsValue, arg: "N", check: wholeNumber, doc: "End after so many messages."},
		{name: "timeout-ms", value: needsValue, arg: "MS", check: longNumber, doc: "End when no message comes for so long."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the consumer."},
		{name: "consumer.config", value: needsValue, arg: "FILE", insteadUse: "command-config"},
		{name: "command-property", value: needsValue, arg: "K=V", many: true, doc: "One property of the consumer; goes before the file."},
		{name: "consumer-property", value: needsValue, arg: "K=V", many: true, insteadUse: "command-property"},
		{name: "formatter-property", value: needsValue, arg: "K=V", many: true, doc: formatterHelp},
		{name: "property", value: needsValue, arg: "K=V", many: true, insteadUse: "formatter-property"},
		{name: "formatter-config", value: needsValue, arg: "FILE", doc: "Formatter properties; --formatter-property goes before them."},
		{name: "formatter", value: needsValue, arg: "CLASS", doc: "How messages are printed: one of Kafka's own, such as org.apache.kafka.tools.consumer.OffsetsMessageFormatter."},
		{name: "key-deserializer", value: needsValue, arg: "CLASS", doc: "One of Kafka's own, such as org.apache.kafka.common.serialization.LongDeserializer."},
		{name: "value-deserializer", value: needsValue, arg: "CLASS", doc: "Likewise for values."},
		{name: "isolation-level", value: needsValue, arg: "LEVEL", doc: "read_uncommitted or read_committed.", def: "read_uncommitted"},
		{name: "skip-message-on-error", doc: "Leave out a message that cannot be printed instead of ending."},
		{name: "enable-systest-events", doc: "Print shutdown_complete at the end, as system tests await it."},
		{name: "new-consumer", idle: "there is no other since Kafka 2.0"},
		{name: "zookeeper", value: needsValue, refused: oldConsumer, insteadUse: "--bootstrap-server HOST:PORT"},
		{name: "blacklist", value: needsValue, refused: oldConsumer, insteadUse: "--include with a pattern of the topics wanted"},
		{name: "delete-consumer-offsets", refused: oldConsumer},
		{name: "csv-reporter-enabled", refused: oldConsumer},
		{name: "metrics-dir", value: needsValue, refused: oldConsumer},
	},
}

// What the names of groups begin with that Kafka's tool makes for one run.
const ownGroupPrefix = "console-consumer-"

func runConsumer(ctx context.Context, s *session, o *options) error {
	from, ownGroup, err := consumerFrom(o)
	if err != nil {
		return err
	}
	print, err := printerOf(o, s)
	if err != nil {
		return err
	}
	values, err := s.readSettings(from)
	if err != nil {
		return err
	}
	reading, err := consumerReading(o, values, ownGroup)
	if err != nil {
		return err
	}
	c, err := client.Open(ctx, client.Config{Values: values, Warn: s.warning})
	if err != nil {
		return err
	}
	defer c.Close()
	if o.has("partition") {
		s.warnOfPartition(ctx, c, o.get("topic"), int32(o.integer("partition")))
	}
	consumer, err := c.Kgo(reading...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	run := &consumeRun{session: s, consumer: consumer, print: print, topic: o.get("topic"), group: values.String("group.id"),
		partition: o.has("partition"), skip: o.has("skip-message-on-error"), most: -1}
	if o.has("max-messages") {
		run.most = o.integer("max-messages")
	}
	if o.has("timeout-ms") {
		run.timeout = time.Duration(o.integer("timeout-ms")) * time.Millisecond
	}
	defer s.watchLeaders(ctx, c, run.topic)()
	err = run.all(ctx)
	s.say("Processed a total of %d messages", run.printed)
	err = missingRight(ctx, c, err)
	if o.has("enable-systest-events") {
		_, failed := fmt.Fprintln(s.Out, "shutdown_complete")
		err = errors.Join(err, failed)
	}
	return err
}

// warnOfPartition tells of a partition that the topic does not have. Kafka's
// tool waits for it without a word; we wait with one.
func (s *session) warnOfPartition(ctx context.Context, c *client.Client, name string, partition int32) {
	topic, err := metadataOf(ctx, c, name)
	has := func(p kmsg.MetadataResponseTopicPartition) bool { return p.Partition == partition }
	if err != nil || topic.ErrorCode != 0 || slices.ContainsFunc(topic.Partitions, has) {
		return // reading tells what else is wrong
	}
	s.warn("topic %s has no partition %d (yet): those that it has are 0 to %d", name, partition, len(topic.Partitions)-1)
}

// consumerFrom checks the options and lays them over the file. Without a group
// of the user's there is one of our own: ownGroup.
func consumerFrom(o *options) (from settings, ownGroup bool, err error) {
	if err := checkConsumerOptions(o); err != nil {
		return from, false, err
	}
	file, _ := o.first("command-config", "consumer.config")
	lay, err := pairs("command-property", append(o.all("consumer-property"), o.all("command-property")...), false)
	if err != nil {
		return from, false, err
	}
	from = settings{table: config.Consumer, file: file, lay: lay, server: o.get("bootstrap-server")}
	p, err := from.properties()
	if err != nil {
		return from, false, err
	}
	inFile, _ := p.Get("group.id")
	group := o.get("group")
	switch {
	case group != "" && inFile != "" && group != inFile:
		return from, false, usage("The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: '%s', '%s'", group, inFile)
	case group == "":
		group = inFile
	}
	if group != "" && o.has("partition") {
		return from, false, usage("Options group and partition cannot be specified together.")
	}
	if ownGroup = group == "" && !o.has("partition"); ownGroup {
		group = ownGroupPrefix + strconv.Itoa(rand.IntN(100000))
		from.under = append(from.under, [2]string{"enable.auto.commit", "false"})
	}
	if group != "" {
		from.lay = append(from.lay, [2]string{"group.id", group})
	}
	if reset, given := p.Get("auto.offset.reset"); !given && o.has("from-beginning") {
		from.lay = append(from.lay, [2]string{"auto.offset.reset", "earliest"})
	} else if given && o.has("from-beginning") && reset != "earliest" {
		return from, false, usage("Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', please remove one option", reset)
	}
	if o.has("isolation-level") {
		from.lay = append(from.lay, [2]string{"isolation.level", o.get("isolation-level")})
	}
	from.under = append(from.under, [2]string{"client.id", "console-consumer"})
	return from, ownGroup, nil
}

func checkConsumerOptions(o *options) error {
	if !o.has("bootstrap-server") {
		return &usageError{problem: `Missing required argument "[bootstrap-server]"`, advice: "add --bootstrap-server HOST:PORT"}
	}
	if _, pattern := o.first("include", "whitelist"); pattern == o.has("topic") {
		return &usageError{problem: "Exactly one of --include/--topic is required.", advice: "add --topic NAME"}
	}
	if o.has("partition") && !o.has("topic") {
		return usage("The topic is required when partition is specified.")
	}
	if o.has("offset") && !o.has("partition") {
		return usage("The partition is required when offset is specified.")
	}
	if o.has("offset") && o.has("from-beginning") {
		return usage("Options from-beginning and offset cannot be specified together.")
	}
	return exclude(o, "command-config", "consumer.config")
}

// consumerReading are the options of what to read and from where.
func consumerReading(o *options, values *config.Values, ownGroup bool) ([]kgo.Opt, error) {
	opts, err := client.ConsumerOptions(values)
	if err != nil {
		return nil, err
	}
	if o.has("partition") {
		begin, err := beginning(o)
		if err != nil {
			return nil, err
		}
		at := map[string]map[int32]kgo.Offset{o.get("topic"): {int32(o.integer("partition")): begin}}
		return append(opts, kgo.ConsumePartitions(at)), nil
	}
	if pattern, ok := o.first("include", "whitelist"); ok {
		re, err := compilePattern(pattern)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics(re.String()))
	} else {
		opts = append(opts, kgo.ConsumeTopics(o.get("topic")), kgo.AllowAutoTopicCreation()) // as allow.auto.create.topics is by default
	}
	if !ownGroup && values.Bool("enable.auto.commit") {
		opts = append(opts, kgo.AutoCommitMarks()) // only what has been printed counts as read
	}
	return opts, nil
}

// beginning is where --offset, or its absence, says to begin.
func beginning(o *options) (kgo.Offset, error) {
	where := o.get("offset")
	if o.has("from-beginning") {
		where = "earliest"
	}
	switch strings.ToLower(where) {
	case "earliest":
		return kgo.NewOffset().AtStart(), nil
	case "latest":
		return kgo.NewOffset().AtEnd(), nil
	}
	n, err := strconv.ParseInt(where, 10, 64)
	if err != nil || n < 0 {
		return kgo.Offset{}, usage("The provided offset value '%s' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.", where)
	}
	return kgo.NewOffset().At(n), nil
}
