package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka"
	"schloss/mirror"
)

// Kafka: DescribeConfigsResponse.ConfigSource, a setting of the topic itself.
const topicsOwn = 1

// selected are the topics that --topic, --topic-id and --exclude-internal
// mean. With none, the answer is an error unless --if-exists allows it.
func (r *topicRun) selected(ctx context.Context) ([]client.TopicInfo, error) {
	wanted, missing, err := r.wanted()
	if err != nil {
		return nil, err
	}
	all, err := r.admin.Topics(ctx)
	if err != nil {
		return nil, err
	}
	var out []client.TopicInfo
	for _, t := range all {
		if t.Err != nil || t.Internal && r.has("exclude-internal") || !wanted(t) {
			continue
		}
		out = append(out, t)
	}
	if len(out) == 0 && missing != "" && !r.has("list") && !r.has("if-exists") {
		return nil, &missingError{what: missing}
	}
	return out, nil
}

// missingError is a topic that should have been there.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what + " does not exist as expected" }

func (r *topicRun) wanted() (match func(client.TopicInfo) bool, missing string, err error) {
	switch {
	case r.has("topic-id"):
		id, err := parseTopicID(r.get("topic-id"))
		return func(t client.TopicInfo) bool { return t.ID == id }, fmt.Sprintf("TopicId '%s'", r.get("topic-id")), err
	case r.has("topic"):
		pattern, err := compilePattern(r.get("topic"))
		return func(t client.TopicInfo) bool { return pattern.MatchString(t.Name) }, fmt.Sprintf("Topic '%s'", r.get("topic")), err
	}
	return func(client.TopicInfo) bool { return true }, "", nil
}

// compilePattern reads the regular expression of topics as mirror does.
func compilePattern(text string) (*regexp.Regexp, error) { return mirror.CompilePattern(text) }

const topicIDAdvice = "take it from the TopicId of --describe, or name the topic: --topic NAME"

func parseTopicID(text string) (id kafka.TopicID, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return id, usage("topic id %q: %v", text, err).advised(topicIDAdvice)
	}
	if len(raw) != len(id) {
		return id, usage("Input string `%s` decoded as %d bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID", text, len(raw)).advised(topicIDAdvice)
	}
	copy(id[:], raw)
	return id, nil
}

// describeView is which lines --describe prints.
type describeView struct {
	topicLine, partitionLines bool
	partition                 func(p client.Partition, minISR int) bool
}

func (r *topicRun) view() describeView {
	var wanted []func(client.Partition, int) bool
	add := func(flag string, f func(p client.Partition, minISR int) bool) {
		if r.has(flag) {
			wanted = append(wanted, f)
		}
	}
	add("under-replicated-partitions", func(p client.Partition, _ int) bool { return len(p.ISR) < len(p.Replicas) })
	add("unavailable-partitions", func(p client.Partition, _ int) bool { return p.Leader < 0 })
	add("under-min-isr-partitions", func(p client.Partition, minISR int) bool { return len(p.ISR) < minISR })
	add("at-min-isr-partitions", func(p client.Partition, minISR int) bool { return len(p.ISR) == minISR })
	return describeView{
		topicLine:      len(wanted) == 0,
		partitionLines: !r.has("topics-with-overrides"),
		partition: func(p client.Partition, minISR int) bool {
			for _, f := range wanted {
				if f(p, minISR) {
					return true
				}
			}
			return len(wanted) == 0
		},
	}
}

func (r *topicRun) describe(ctx context.Context) error {
	selected, err := r.selected(ctx)
	if err != nil {
		return err
	}
	view := r.view()
	for _, t := range selected {
		own, minISR, err := r.configs(ctx, t.Name)
		if err != nil {
			return err
		}
		if r.has("topics-with-overrides") && len(own) == 0 {
			continue
		}
		if err := r.print(t, own, minISR, view); err != nil {
			return err
		}
	}
	return nil
}

func (r *topicRun) configs(ctx context.Context, topic string) (own []string, minISR int, err error) {
	entries, err := r.admin.TopicConfigs(ctx, topic)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		value := ""
		if e.Value != nil {
			value = *e.Value
		}
		if e.Source == topicsOwn {
			own = append(own, e.Name+"="+value)
		}
		if e.Name == "min.insync.replicas" {
			if minISR, err = strconv.Atoi(value); err != nil {
				return nil, 0, fmt.Errorf("describe topic %s: min.insync.replicas is %q", topic, value)
			}
		}
	}
	return own, minISR, nil
}

func (r *topicRun) print(t client.TopicInfo, own []string, minISR int, view describeView) error {
	var b strings.Builder
	if view.topicLine {
		replicas := 0
		if len(t.Partitions) > 0 {
			replicas = len(t.Partitions[0].Replicas)
		}
		fmt.Fprintf(&b, "Topic: %s\tTopicId: %s\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s\n",
			t.Name, t.ID, len(t.Partitions), replicas, strings.Join(own, ","))
	}
	for _, p := range t.Partitions {
		if !view.partitionLines || !view.partition(p, minISR) {
			continue
		}
		leader := "none"
		if p.Leader >= 0 {
			leader = strconv.Itoa(int(p.Leader))
		}
		// The eligible leader replicas are not in Metadata: Kafka's own tool
		// prints N/A to a broker without DescribeTopicPartitions.
		fmt.Fprintf(&b, "\tTopic: %s\tPartition: %d\tLeader: %s\tReplicas: %s\tIsr: %s\tElr: N/A\tLastKnownElr: N/A\n",
			t.Name, p.Index, leader, nodeList(p.Replicas), nodeList(p.ISR))
	}
	_, err := fmt.Fprint(r.Out, b.String())
	return err
}

func nodeList(ids []kafka.NodeID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	return strings.Join(words, ",")
}
