package mirror

import (
	"maps"
	"strconv"
	"time"

	"schloss/kafka"
)

// groupPartition is a partition as a group reads it.
type groupPartition struct {
	group string
	kafka.TopicPartition
}

// latency is how long positions took from the source to the target, of the last
// two windows: from asking for them until they were acknowledged, as a
// checkpoint, by the group, or both.
type latency struct{ current, previous window }

// arrived notes positions that now stand on the target.
func (g *groupSync) arrived(group string, tps []kafka.TopicPartition, began, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tp := range tps {
		key := groupPartition{group, tp}
		l := g.trips[key]
		if l == nil {
			l = new(latency)
			g.trips[key] = l
		}
		turn(&l.current, &l.previous, now, g.window()).latency.note(now.Sub(began).Milliseconds())
	}
}

// window holds a round, so that a group that moves always shows in one of two.
func (g *groupSync) window() time.Duration { return max(windowLength, g.every) }

// recent forgets what is older than two windows.
func (g *groupSync) recent(now time.Time) map[groupPartition]Spread {
	out := make(map[groupPartition]Spread)
	maps.DeleteFunc(g.trips, func(key groupPartition, l *latency) bool {
		turn(&l.current, &l.previous, now, g.window())
		spread := l.current.latency.with(l.previous.latency)
		if spread.Count > 0 {
			out[key] = spread
		}
		return spread.Count == 0
	})
	return out
}

// groupMetrics are those of the groups that are brought over, and what
// MirrorCheckpointConnector tells of them.
func (m *Mirror) groupMetrics(now time.Time) []family {
	if m.groups == nil {
		return nil
	}
	age := family{"schloss_mirror_group_sync_age_seconds", "gauge", "Time since the target's group last had the positions that the source's group then had.", nil}
	behind := family{"schloss_mirror_group_behind_records", "gauge", "Offsets of the source that the group would read again if it moved over.", nil}
	trip := spreads("kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms", "Time that a position took from the source's group to the target, in milliseconds.")
	m.groups.mu.Lock()
	defer m.groups.mu.Unlock()
	recent := m.groups.recent(now)
	for _, s := range m.groups.seen {
		if !s.At.IsZero() && len(s.Offsets) > 0 {
			age.samples = append(age.samples, sample{[]string{"flow", m.settings.group, "group", s.Group}, max(0, now.Sub(s.At).Seconds())})
		}
		for _, o := range s.Offsets {
			labels := []string{"group", s.Group, "topic", o.Topic, "partition", strconv.Itoa(int(o.Partition))}
			if o.Behind >= 0 {
				behind.samples = append(behind.samples, sample{labels, float64(o.Behind)})
			}
			trip.add(append([]string{"source", m.sourceID, "target", m.targetID}, labels...), recent[groupPartition{s.Group, o.TopicPartition}])
		}
	}
	return append([]family{age, behind}, trip...)
}
