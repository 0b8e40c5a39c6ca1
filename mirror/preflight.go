package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// preflightWithin bounds the look at both clusters.
const preflightWithin = 20 * time.Second

// topicSide is what one cluster says of a topic.
type topicSide struct {
	client.TopicRights
	settings map[string]string // nil: it may not be told
	own      map[string]bool   // set for the topic, not by default
}

// preflight compares topics of both clusters before they are copied, and tells
// what will not be as it is at the source. It never fails: what makes copying
// impossible halts the partitions, with its own reason.
func (m *Mirror) preflight(ctx context.Context, names []string) {
	if len(names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, preflightWithin)
	defer cancel()
	target := client.NewAdmin(m.config.Target)
	from, err := topicSides(ctx, m.source.admin, names)
	if err != nil {
		m.notice(fmt.Sprintf("source and target are not compared: look at the source's topics: %v", err))
		return
	}
	to, err := topicSides(ctx, target, names)
	if err != nil {
		m.notice(fmt.Sprintf("source and target are not compared: look at the target's topics: %v", err))
		return
	}
	found := make(map[string][]string) // topics by what is told of them
	untold := 0
	for _, name := range names {
		s, t := from[name], to[name]
		m.checkRights(ctx, target, name, s, t)
		if s.settings == nil {
			untold++
		}
		for _, text := range differences(s, t, m.config.Partitioning) {
			found[text] = append(found[text], name)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(found)) {
		m.notice(listed(found[text]) + ": " + text)
	}
	if untold > 0 {
		m.notice(fmt.Sprintf("the source does not tell the settings of %d topics (DescribeConfigs on them): they are not compared", untold))
	}
}

// listed names topics, a few of many.
func listed(topics []string) string {
	const shown = 3
	text := "topic " + topics[0]
	if len(topics) > 1 {
		text = "topics " + strings.Join(topics[:min(shown, len(topics))], ", ")
	}
	if more := len(topics) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// topicSides asks one cluster.
func topicSides(ctx context.Context, admin *client.Admin, names []string) (map[string]topicSide, error) {
	rights, err := admin.TopicRights(ctx, names...)
	if err != nil {
		return nil, err
	}
	sides := make(map[string]topicSide, len(rights))
	var resources []client.ConfigResource
	for name, r := range rights {
		sides[name] = topicSide{TopicRights: r}
		if r.Err == nil {
			resources = append(resources, client.ConfigResource{Type: client.TopicConfigs, Name: name})
		}
	}
	answers, err := admin.DescribeConfigs(ctx, resources...)
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		if a.Err != nil {
			continue
		}
		side := sides[a.Name]
		side.settings, side.own = make(map[string]string, len(a.Configs)), make(map[string]bool)
		for _, c := range a.Configs {
			if c.Value != nil {
				side.settings[c.Name] = *c.Value
				side.own[c.Name] = c.Source == a.Source()
			}
		}
		sides[a.Name] = side
	}
	return sides, nil
}

// checkRights tells of rights that copying the topic needs.
func (m *Mirror) checkRights(ctx context.Context, target *client.Admin, name string, s, t topicSide) {
	lacks := func(op kafka.Operation) {
		err := &client.DeniedError{Operation: op, ResourceType: kafka.Topic, Name: name, Code: kafka.ErrTopicAuthorizationFailed}
		m.trouble(fmt.Sprintf("topic %s: %v", name, err), err)
	}
	if s.Err == nil && s.Rights.Lacks(kafka.Read) {
		lacks(kafka.Read)
	}
	var denied *client.DeniedError
	switch {
	case errors.As(t.Err, &denied), t.Err == nil && t.Rights.Lacks(kafka.Write):
		lacks(kafka.Write) // which implies to see it
	case errors.Is(t.Err, kafka.ErrUnknownTopicOrPartition):
		err := target.CreateTopic(ctx, client.NewTopic{Name: name, Partitions: max(1, s.Partitions), ReplicationFactor: 1, ValidateOnly: true})
		if errors.As(err, &denied) {
			m.trouble(fmt.Sprintf("topic %s: create it on the target: %v", name, err), err)
		}
	}
}

// differences are what a consumer of the target, or the target itself, would
// notice. Settings that a side does not have are those of an older Kafka.
func differences(s, t topicSide, by Partitioning) (out []string) {
	if s.settings == nil {
		return nil
	}
	if errors.Is(t.Err, kafka.ErrUnknownTopicOrPartition) {
		return created(s)
	}
	switch {
	case t.Err != nil || s.Err != nil || t.Partitions == s.Partitions:
	case by == KeyHash:
		out = append(out, fmt.Sprintf("%d partitions on the target, %d on the source: keys go by their hash, records without a key by the number of their partition", t.Partitions, s.Partitions))
	case t.Partitions > s.Partitions:
		out = append(out, fmt.Sprintf("%d partitions on the target, %d on the source: the others stay empty, and a producer of the target puts keys elsewhere", t.Partitions, s.Partitions))
	}
	if t.settings == nil {
		return out
	}
	const bytes = "max.message.bytes"
	if from, to := limit(s, bytes), limit(t, bytes); from > to {
		out = append(out, fmt.Sprintf("the target takes batches of %d bytes, the source of %d (max.message.bytes): larger ones are split, and a record too large for a batch of its own is not copied", to, from))
	}
	if t.settings["message.timestamp.type"] != "LogAppendTime" {
		for _, window := range []string{"message.timestamp.before.max.ms", "message.timestamp.after.max.ms"} {
			if from, to := limit(s, window), limit(t, window); from > to {
				out = append(out, fmt.Sprintf("the target refuses records whose timestamps are too far from its clock (%s=%d)", window, to))
			}
		}
	} else if s.settings["message.timestamp.type"] != "LogAppendTime" {
		out = append(out, "the target gives records its own timestamps (message.timestamp.type=LogAppendTime)")
	}
	if codec := t.settings["compression.type"]; codec != "" && codec != "producer" && codec != s.settings["compression.type"] {
		out = append(out, fmt.Sprintf("the target compresses batches anew (compression.type=%s); with producer it keeps them as they come", codec))
	}
	return append(out, cleanup(s.settings["cleanup.policy"], t.settings["cleanup.policy"])...)
}

// limit is a setting's number; without one there is no limit.
func limit(side topicSide, name string) int64 {
	n, err := strconv.ParseInt(side.settings[name], 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}

func cleanup(from, to string) []string {
	compacts := func(policy string) bool { return strings.Contains(policy, "compact") }
	switch {
	case to == "" || compacts(from) == compacts(to):
	case compacts(to):
		return []string{"the target is compacted and the source is not (cleanup.policy): records without a key are refused, and old values of a key vanish"}
	default:
		return []string{"the source is compacted and the target is not (cleanup.policy): the target deletes by age what the source keeps"}
	}
	return nil
}

// created tells of settings that a topic has by its own at the source: where
// the mirror creates it, it has the target's defaults.
func created(s topicSide) []string {
	var own []string
	for _, name := range []string{"cleanup.policy", "compression.type", "max.message.bytes", "message.timestamp.type", "retention.bytes", "retention.ms"} {
		if s.own[name] {
			own = append(own, name+"="+s.settings[name])
		}
	}
	if len(own) == 0 {
		return nil
	}
	return []string{"it is created on the target with the settings that are the default there, without the source's " + strings.Join(own, ", ")}
}

// others tells of mirrors that have written down that they copy the same topics:
// to the same target, which doubles the records, or back to the source, which
// would send them round without end. What may not be read is not told of.
func (m *Mirror) others(ctx context.Context) {
	for _, way := range []struct {
		keptBy *client.Client
		source string
		text   string
	}{
		{m.config.Target, m.sourceID, "two mirrors: the mirror of group %q has copied it from this source to this target; while both run, its records are there twice"},
		{m.config.Source, m.targetID, "a loop: the mirror of group %q has copied it from this target to this source; while both run, its records go round without end"},
	} {
		state, err := ReadState(ctx, way.keptBy, m.config.StateTopic)
		if err != nil || way.source == "" {
			continue
		}
		topics := make(map[string][]string) // by mirror
		for k := range state.entries {
			back := way.keptBy == m.config.Source
			if k.Source == way.source && (back || k.Mirror != m.settings.group) && m.source.topic(k.Topic).partitions > 0 && !slices.Contains(topics[k.Mirror], k.Topic) {
				topics[k.Mirror] = append(topics[k.Mirror], k.Topic)
			}
		}
		for _, mirror := range slices.Sorted(maps.Keys(topics)) {
			slices.Sort(topics[mirror])
			m.notice(listed(topics[mirror]) + ": " + fmt.Sprintf(way.text, mirror))
		}
	}
}
