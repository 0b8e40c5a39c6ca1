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
	"schloss/kafka/config"
	"schloss/mirror"
)

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
		if id.IsZero() && err == nil {
			err = usage("topic id %q is nobody's", r.get("topic-id")).advised(topicIDAdvice)
		}
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

func (r *topicRun) view(live map[kafka.NodeID]bool) describeView {
	var wanted []func(client.Partition, int) bool
	add := func(flag string, f func(p client.Partition, minISR int) bool) {
		if r.has(flag) {
			wanted = append(wanted, f)
		}
	}
	add("under-replicated-partitions", func(p client.Partition, _ int) bool { return len(p.ISR) < len(p.Replicas) })
	add("unavailable-partitions", func(p client.Partition, _ int) bool { return !live[p.Leader] })
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
	perAnswer := int32(r.integer("partition-size-limit-per-response"))
	if perAnswer < 1 {
		return usage("The partition size limit per response must be greater than 0").advised("leave --partition-size-limit-per-response out for 2000")
	}
	selected, err := r.selected(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(selected))
	resources := make([]client.ConfigResource, len(selected))
	for i, t := range selected {
		names[i], resources[i] = t.Name, client.ConfigResource{Type: client.TopicConfigs, Name: t.Name}
	}
	if !r.has("topic-id") { // as Kafka's admin client: by ids it asks Metadata, which knows no eligible leaders
		if selected, err = r.admin.DescribeTopics(ctx, perAnswer, names...); err != nil {
			return err
		}
	}
	configs, err := r.admin.DescribeConfigs(ctx, resources...)
	if err != nil {
		return err
	}
	settings := make(map[string]client.ConfigAnswer, len(configs))
	for _, answer := range configs {
		settings[answer.Name] = answer
	}
	live, err := r.liveBrokers(ctx)
	if err != nil {
		return err
	}
	view := r.view(live)
	for _, t := range selected {
		if t.Err != nil {
			return t.Err
		}
		own, minISR, err := notDefault(settings[t.Name])
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

func (r *topicRun) liveBrokers(ctx context.Context) (map[kafka.NodeID]bool, error) {
	cluster, err := r.admin.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	live := make(map[kafka.NodeID]bool, len(cluster.Nodes))
	for _, n := range cluster.Nodes {
		live[n.ID] = true
	}
	return live, nil
}

// notDefault are the settings of a topic that are no defaults, be they its own
// or the broker's, and how many replicas it wants in sync.
func notDefault(answer client.ConfigAnswer) (own []string, minISR int, err error) {
	if answer.Err != nil {
		return nil, 0, answer.Err
	}
	for _, e := range answer.Configs {
		value := ""
		if e.Value != nil {
			value = *e.Value
		}
		if e.Source != config.DefaultConfig {
			own = append(own, e.Name+"="+value)
		}
		if e.Name == "min.insync.replicas" {
			if minISR, err = strconv.Atoi(value); err != nil {
				return nil, 0, fmt.Errorf("describe topic %s: min.insync.replicas is %q", answer.Name, value)
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
		fmt.Fprintf(&b, "\tTopic: %s\tPartition: %d\tLeader: %s\tReplicas: %s\tIsr: %s\tElr: %s\tLastKnownElr: %s\n",
			t.Name, p.Index, leader, nodeList(p.Replicas), nodeList(p.ISR), eligible(p.Elr), eligible(p.LastElr))
	}
	_, err := fmt.Fprint(r.Out, b.String())
	return err
}

// eligible are the eligible leader replicas, where the broker tells them.
func eligible(ids []kafka.NodeID) string {
	if ids == nil {
		return "N/A"
	}
	return nodeList(ids)
}

func nodeList(ids []kafka.NodeID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	return strings.Join(words, ",")
}
