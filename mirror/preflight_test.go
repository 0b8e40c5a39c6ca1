package mirror

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"schloss/client"
	"schloss/kafka"
)

func TestDifferences(t *testing.T) {
	side := func(partitions int32, settings ...string) topicSide {
		s := topicSide{TopicRights: client.TopicRights{Partitions: partitions}, settings: map[string]string{"cleanup.policy": "delete", "compression.type": "producer",
			"max.message.bytes": "1000", "message.timestamp.type": "CreateTime"}, own: map[string]bool{}}
		for _, pair := range settings {
			name, value, _ := strings.Cut(pair, "=")
			s.settings[name], s.own[name] = value, true
		}
		return s
	}
	missing := topicSide{TopicRights: client.TopicRights{Err: &client.AnswerError{Code: kafka.ErrUnknownTopicOrPartition}}}
	hidden := topicSide{TopicRights: client.TopicRights{Err: &client.DeniedError{Code: kafka.ErrTopicAuthorizationFailed}}}
	for _, test := range []struct {
		name           string
		source, target topicSide
		want           []string // a part of each
		by             Partitioning
	}{
		{"none", side(3), side(3), nil, SamePartition},
		{"larger batches at the source", side(3, "max.message.bytes=2000"), side(3), []string{"batches of 1000 bytes, the source of 2000"}, ""},
		{"smaller batches at the source", side(3), side(3, "max.message.bytes=2000"), nil, ""},
		{"a narrower window of timestamps", side(3), side(3, "message.timestamp.before.max.ms=3600000"), []string{"message.timestamp.before.max.ms=3600000"}, ""},
		{"a window that the broker's clock makes idle", side(3), side(3, "message.timestamp.after.max.ms=1", "message.timestamp.type=LogAppendTime"), []string{"its own timestamps"}, ""},
		{"the same window", side(3, "message.timestamp.after.max.ms=5"), side(3, "message.timestamp.after.max.ms=5"), nil, ""},
		{"a codec of the target's", side(3), side(3, "compression.type=zstd"), []string{"compression.type=zstd"}, ""},
		{"the same codec on both sides", side(3, "compression.type=zstd"), side(3, "compression.type=zstd"), nil, ""},
		{"compacted to deleting", side(3, "cleanup.policy=compact"), side(3), []string{"deletes by age"}, ""},
		{"deleting to compacted", side(3), side(3, "cleanup.policy=compact,delete"), []string{"without a key are refused"}, ""},
		{"more partitions on the target", side(3), side(5), []string{"5 partitions on the target, 3 on the source"}, ""},
		{"fewer partitions on the target are added", side(5), side(3), nil, ""},
		{"it is to be created, and has settings of its own", side(3, "cleanup.policy=compact", "segment.ms=5"), missing, []string{"without the source's cleanup.policy=compact"}, ""},
		{"it is to be created", side(3), missing, nil, ""},
		{"the target hides it", side(3), hidden, nil, ""},
		{"the source does not tell", topicSide{}, side(3), nil, ""},
		{"keys go by their hash to more", side(3), side(5), []string{"5 partitions on the target, 3 on the source: keys go by their hash"}, KeyHash},
		{"keys go by their hash to fewer", side(5), side(3), []string{"3 partitions on the target, 5 on the source: keys go by their hash"}, KeyHash},
		{"keys go by their hash to as many", side(3), side(3), nil, KeyHash},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := differences(test.source, test.target, test.by)
			if len(got) != len(test.want) || slices.ContainsFunc(test.want, func(w string) bool { return !strings.Contains(strings.Join(got, "\n"), w) }) {
				t.Errorf("got %q, want parts %q", got, test.want)
			}
		})
	}
}

func TestListed(t *testing.T) {
	for want, topics := range map[string][]string{
		"topic a": {"a"}, "topics a, b": {"a", "b"}, "topics a, b, c and 2 more": {"a", "b", "c", "d", "e"},
	} {
		if got := listed(topics); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a"), kfake.SeedTopics(2, "b")}, []kfake.Opt{kfake.SeedTopics(4, "a")})
	set := func(c *kfake.Cluster, topic, name, value string) {
		t.Helper()
		change := client.ConfigChange{Name: name, Value: value}
		if err := client.NewAdmin(w.kgo(c)).AlterConfigs(t.Context(), client.ConfigResource{Type: client.TopicConfigs, Name: topic}, []client.ConfigChange{change}, false); err != nil {
			t.Fatal(err)
		}
	}
	set(w.source, "a", "max.message.bytes", "5000000")
	set(w.source, "b", "cleanup.policy", "compact")
	w.start(nil, earliest, "")
	for _, want := range []string{
		"topic a: 4 partitions on the target, 1 on the source",
		"topic a: the target takes batches of",
		"topic b: it is created on the target with the settings that are the default there, without the source's cleanup.policy=compact",
	} {
		w.until("told: "+want, func() bool { return len(w.told(want)) == 1 })
	}
	if err := w.source.CreateTopic("late", 1, map[string]string{"compression.type": "zstd"}); err != nil {
		t.Fatal(err)
	}
	w.until("a topic that is found later is looked at", func() bool { return len(w.told("topic late: it is created")) == 1 })
}

func TestMirrorsThatCopyTheSame(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
	w.produce("a", 1, 0, 10)
	first := w.start(nil, earliest, "")
	w.targetHas("a", 1, 10)
	first.stop()
	if got := w.told("two mirrors"); len(got) != 0 {
		t.Errorf("one mirror is told %q", got)
	}
	second := w.start(nil, earliest+"group.id=another\n", "")
	w.until("the first is told of", func() bool { return len(w.told(`topic a: two mirrors: the mirror of group "mirror"`)) == 1 })
	second.stop()
	w.source, w.target = w.target, w.source
	w.start(nil, earliest+"group.id=back\n", "")
	w.until("the loop is told of", func() bool { return len(w.told(`topic a: a loop: the mirror of group "mirror"`)) == 1 })
}

func TestTroubleHasItsCause(t *testing.T) {
	var text string
	var cause error
	m := &Mirror{config: Config{Trouble: func(s string, err error) { text, cause = s, err }}, pauses: make(map[kafka.TopicPartition]*pausing)}
	m.halted(kafka.TopicPartition{Topic: "a"}, &Halt{OffsetGone, 7, errors.New("it went")})
	var halt *Halt
	if !errors.As(cause, &halt) || halt.Reason != OffsetGone || text != "partition a-0: halted at offset 7: offset-out-of-range: it went" {
		t.Errorf("got %q, %v", text, cause)
	}
}
