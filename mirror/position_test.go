package mirror

import (
	"testing"

	"schloss/kafka"
)

func TestEntry(t *testing.T) {
	old := kafka.TopicPartition{Topic: "old", Partition: 1}
	for _, test := range []struct {
		name       string
		reset      string
		set        bool
		firstStart bool
		tp         kafka.TopicPartition
		want       kafka.Offset
	}{
		{"first start, as MirrorMaker 1", "latest", false, true, old, kafka.LatestOffset},
		{"first start, told so", "latest", true, true, old, kafka.LatestOffset},
		{"first start, earliest", "earliest", true, true, old, kafka.EarliestOffset},
		{"a topic born while the mirror was down", "latest", false, false, old, kafka.EarliestOffset},
		{"the same where the file insists", "latest", true, false, old, kafka.LatestOffset},
		{"a topic born while it runs", "latest", true, true, kafka.TopicPartition{Topic: "new"}, kafka.EarliestOffset},
		{"a partition born while it runs", "latest", true, true, kafka.TopicPartition{Topic: "old", Partition: 2}, kafka.EarliestOffset},
		{"none", "none", true, true, old, neither},
		{"none does not hold for what is born later", "none", true, true, kafka.TopicPartition{Topic: "new"}, kafka.EarliestOffset},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &Mirror{firstStart: test.firstStart, atStart: map[string]int32{"old": 2}}
			m.settings.reset, m.settings.resetSet = test.reset, test.set
			if got := m.entry(test.tp); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
