package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
)

const javaClass = "it names a Java class, and this is no Java program"

var mirrorMaker = &tool{
	name:  "kafka-mirror-maker",
	about: "This tool helps to continuously copy data between two Kafka clusters.",
	usage: "--consumer.config FILE --producer.config FILE --include REGEX [--num.streams N]",
	run:   runMirrorMaker,
	flags: []flag{
		{name: "consumer.config", value: needsValue, arg: "FILE", doc: "Properties of the source: bootstrap.servers, group.id and the rest of a consumer. auto.offset.reset=earliest copies what is there already."},
		{name: "producer.config", value: needsValue, arg: "FILE", doc: "Properties of the target: bootstrap.servers and the rest of a producer."},
		{name: "include", value: needsValue, arg: "REGEX", doc: "The topics to copy, as a Java regular expression of whole names; commas stand for |."},
		{name: "whitelist", value: needsValue, arg: "REGEX", insteadUse: "include", doc: "Used where --include is not given."},
		{name: "num.streams", value: needsValue, arg: "N", def: "1", check: atLeastOne, doc: "How many streams copy side by side."},
		{name: "offset.commit.interval.ms", value: needsValue, arg: "MS", def: "60000", check: atLeastOne, doc: "How often the position is committed."},
		{name: "abort.on.send.failure", value: needsValue, arg: "BOOLEAN", def: "true", doc: "End with exit code 255 when the target refuses a batch; otherwise count it as lost and go on."},
		{name: "quarantine.dir", value: needsValue, arg: "DIR", doc: "With --abort.on.send.failure false: keep what the target does not take in this folder, a file a batch, which kafka-dump-log reads. A batch that cannot be kept halts its partition."},
		{name: "quarantine.max.bytes", value: needsValue, arg: "BYTES", def: "1073741824", check: longNumber, doc: "How much is kept there."},
		{name: "on.truncated", value: needsValue, arg: "POLICY", def: "halt", check: mirrorPolicy, doc: "When the source has lost records that were read from it: halt the partition, or continue with what is there."},
		{name: "on.recreated", value: needsValue, arg: "POLICY", def: "halt", check: mirrorPolicy, doc: "When another topic of the source has taken the name: halt its partitions, or continue with the new one from its beginning."},
		{name: "on.retention", value: needsValue, arg: "POLICY", check: mirrorPolicy, doc: "When the source has deleted records before they were copied: halt the partition, or continue with those left. Without it, auto.offset.reset=earliest in the file continues."},
		{name: "on.target.truncated", value: needsValue, arg: "POLICY", def: "halt", check: mirrorPolicy, doc: "When the target has lost records that were copied: halt the partition, or continue and copy them again."},
		{name: "state.topic", value: needsValue, arg: "TOPIC", def: mirror.StateTopic, check: kafka.CheckTopicName, doc: "The topic of the target that keeps where each record stands."},
		{name: "delivery", value: needsValue, arg: "PROMISE", def: string(mirror.AtLeastOnce), check: mirrorDelivery, doc: "at-least-once, effectively-once (no record twice, without transactions) or exactly-once (in transactions of the target)."},
		{name: "partitioning", value: needsValue, arg: "RULE", def: string(mirror.SamePartition), check: mirrorPartitioning, doc: "same: records keep the source's partition. key-hash: they go by their keys, as MirrorMaker 1's and every producer's do, to as many partitions as the target's topic has; at least once and without offset maps."},
		{name: "sync.groups", value: needsValue, arg: "REGEX", doc: "Consumer groups of the source, written as topics are in --include, whose positions are brought to the target. Without it none."},
		{name: "sync.groups.interval.ms", value: needsValue, arg: "MS", def: "60000", check: atLeastOne, doc: "How often they are brought there."},
		{name: "emit.checkpoints", value: needsValue, arg: "ALIAS", check: checkAlias, doc: "With --sync.groups: also write their positions to ALIAS.checkpoints.internal, where MirrorMaker 2's RemoteClusterUtils looks for them. ALIAS is the name of the source there."},
		{name: "metrics.listen", value: needsValue, arg: "HOST:PORT", check: checkMetricsAddress, doc: "Serve Prometheus metrics (/metrics) and /healthz there; without HOST on this machine only."},
		{name: "new.consumer", idle: "there is no other"},
		{name: "new.producer", idle: "there is no other"},
		{name: "num.producers", value: needsValue, arg: "N", idle: "each stream has its own connections to the target"},
		{name: "queue.size", value: needsValue, arg: "N", idle: "nothing waits between source and target"},
		{name: "blacklist", value: needsValue, refused: "gone with the old consumer in Kafka 2.0", insteadUse: "--include with a pattern of the topics wanted"},
		{name: "consumer.rebalance.listener", value: needsValue, refused: javaClass, insteadUse: "kafka-mirror-maker without it: positions are committed before partitions are given up"},
		{name: "rebalance.listener.args", value: needsValue, refused: javaClass, insteadUse: "kafka-mirror-maker without it"},
		{name: "message.handler", value: needsValue, refused: javaClass, insteadUse: "kafka-mirror-maker without it: records are copied unchanged, and changing them is not built yet"},
		{name: "message.handler.args", value: needsValue, refused: javaClass, insteadUse: "kafka-mirror-maker without it"},
	},
}

func atLeastOne(value string) error {
	if n, err := strconv.ParseInt(value, 10, 32); err != nil || n < 1 {
		return errors.New("expected a whole number above zero")
	}
	return nil
}

// policies are the words that POLICY may be.
var policies = map[string]mirror.Policy{"": mirror.AsFiled, "halt": mirror.HaltThere, "continue": mirror.GoOn}

func mirrorPolicy(value string) error {
	if value == "" || policies[value] == mirror.AsFiled {
		return errors.New("expected halt or continue")
	}
	return nil
}

// checkAlias wants what can begin the name of a topic.
func checkAlias(value string) error {
	if value == "" {
		return errors.New("it is empty")
	}
	return kafka.CheckTopicName(mirror.CheckpointsTopic(value))
}

func mirrorDelivery(value string) error {
	switch mirror.Delivery(value) {
	case mirror.AtLeastOnce, mirror.EffectivelyOnce, mirror.ExactlyOnce:
		return nil
	}
	return errors.New("expected at-least-once, effectively-once or exactly-once")
}

func mirrorPartitioning(value string) error {
	switch mirror.Partitioning(value) {
	case mirror.SamePartition, mirror.KeyHash:
		return nil
	}
	return errors.New("expected same or key-hash")
}

// checkPartitioning refuses what key-hash cannot be had with.
func checkPartitioning(o *options) error {
	if o.get("partitioning") != string(mirror.KeyHash) {
		return nil
	}
	if delivery := o.get("delivery"); delivery != string(mirror.AtLeastOnce) {
		return usage("--partitioning key-hash copies at-least-once, not %s: which records of a partition the target has cannot be told from many partitions", delivery).
			advised("leave --delivery " + delivery + " out, or --partitioning key-hash")
	}
	if o.get("sync.groups") != "" {
		return usage("with --partitioning key-hash no group can be brought over: no offset of the source stands for one of the target").
			advised("leave --sync.groups out, or --partitioning key-hash")
	}
	return nil
}

func runMirrorMaker(ctx context.Context, s *session, o *options) error {
	for _, name := range []string{"consumer.config", "producer.config"} {
		if !o.has(name) {
			return &usageError{problem: `Missing required argument "[` + name + `]"`, advice: "add --" + name + " FILE"}
		}
	}
	pattern, ok := o.first("include", "whitelist")
	if !ok {
		return &usageError{problem: "include list must be specified", advice: "add --include '.*' to copy all topics"}
	}
	if err := checkPartitioning(o); err != nil {
		return err
	}
	for _, text := range []string{pattern, o.get("sync.groups")} {
		if _, err := mirror.CompilePattern(text); err != nil && text != "" {
			return &exitError{code: abnormal, err: err}
		}
	}
	if o.has("emit.checkpoints") && !o.has("sync.groups") {
		return &usageError{problem: "no groups are named whose checkpoints are to be written", advice: "add --sync.groups '.*' for all groups"}
	}
	consumer, err := s.readSettings(settings{table: config.Consumer, file: o.get("consumer.config")})
	if err != nil {
		return err
	}
	producer, err := s.readSettings(settings{table: config.Producer, file: o.get("producer.config")})
	if err != nil {
		return err
	}
	source, err := client.Open(ctx, client.Config{Values: consumer, Warn: s.ofSide("source")})
	if err != nil {
		return fmt.Errorf("reach the source: %w", err)
	}
	defer source.Close()
	target, err := client.Open(ctx, client.Config{Values: producer, Warn: s.ofSide("target")})
	if err != nil {
		return fmt.Errorf("reach the target: %w", err)
	}
	defer target.Close()
	if s.env("GOGC") == "" {
		// Nearly all of the heap is records, which have no pointers to follow: to
		// look for garbage more often costs little, and halves what it takes.
		defer debug.SetGCPercent(debug.SetGCPercent(25))
	}
	show := newProgress(s.IO.Err, terminal(s.IO.Err))
	var keep func(mirror.Quarantined) error
	if o.has("quarantine.dir") {
		if !strings.EqualFold(o.get("abort.on.send.failure"), "false") {
			return &usageError{problem: "nothing is left out that could be kept in the quarantine", advice: "add --abort.on.send.failure false"}
		}
		q, err := openQuarantine(o.get("quarantine.dir"), o.integer("quarantine.max.bytes"))
		if err != nil {
			return err
		}
		keep = q.keep
	}
	m, err := mirror.New(mirror.Config{
		Source: source, Consumer: consumer, Target: target, Producer: producer,
		Streams: int(o.integer("num.streams")), Include: pattern,
		CommitInterval:     time.Duration(o.integer("offset.commit.interval.ms")) * time.Millisecond,
		AbortOnSendFailure: !strings.EqualFold(o.get("abort.on.send.failure"), "false"),
		SyncGroups:         o.get("sync.groups"),
		EmitCheckpoints:    o.get("emit.checkpoints"),
		SyncGroupsInterval: time.Duration(o.integer("sync.groups.interval.ms")) * time.Millisecond,
		Delivery:           mirror.Delivery(o.get("delivery")),
		Partitioning:       mirror.Partitioning(o.get("partitioning")),
		Quarantine:         keep,
		StateTopic:         o.get("state.topic"),
		OnTruncated:        policies[o.get("on.truncated")],
		OnRecreated:        policies[o.get("on.recreated")],
		OnRetention:        policies[o.get("on.retention")],
		OnTargetTruncated:  policies[o.get("on.target.truncated")],
		Progress:           show.update, Notice: show.notice,
		Trouble: func(text string, cause error) { show.trouble(text, s.mirrorAdvice(cause)) },
	})
	if err != nil {
		return err
	}
	for _, text := range m.Notices() {
		s.warn("%s", text)
	}
	if o.has("metrics.listen") {
		address, stop, err := serveMetrics(o.get("metrics.listen"), m)
		if err != nil {
			return err
		}
		defer stop()
		show.notice("metrics at http://" + address + "/metrics")
	}
	if err = m.Run(ctx); onlyEnded(ctx, err) {
		err = nil // told to stop before it was under way
	}
	show.end()
	var refused *mirror.SendError
	if errors.As(err, &refused) {
		return &exitError{code: abnormal, err: err}
	}
	return err
}

// mirrorAdvice is what would have a partition go on, or a right granted.
func (s *session) mirrorAdvice(cause error) string {
	var denied *client.DeniedError
	var halt *mirror.Halt
	switch {
	case errors.As(cause, &denied):
		return s.deniedAdvice(denied)
	case errors.As(cause, &halt):
		return haltAdvice[halt.Reason]
	}
	return ""
}

// haltAdvice is what would have a partition go on that does not by itself.
var haltAdvice = map[mirror.HaltReason]string{
	mirror.SourceTruncated: "--on.truncated continue goes on with what the source has now; the target keeps what it has",
	mirror.TopicRecreated:  "--on.recreated continue copies the new topic behind what the target has of the old one",
	mirror.OffsetGone:      "--on.retention continue goes on with the first record that is left",
	mirror.TargetChanged:   "--on.target.truncated continue copies again what the target has lost",
	mirror.NoPosition:      "auto.offset.reset=earliest or latest in the consumer's file says where to begin",
	mirror.UnfitRecord:     "--abort.on.send.failure false leaves out the records that the target does not take; --quarantine.dir DIR keeps them",
	mirror.CorruptSource:   "--abort.on.send.failure false leaves a damaged batch out; --quarantine.dir DIR keeps it",
}

// ofSide warns of one of the two clusters.
func (s *session) ofSide(side string) func(string) {
	return func(text string) { s.warn("%s: %s", side, text) }
}

// abnormal is MirrorMaker 1's exit code when a thread of it ends by itself: -1.
const abnormal = 255
