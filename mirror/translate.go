package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"schloss/client"
	"schloss/kafka"
	"schloss/mirror/offsetmap"
)

// Standing says how a group's offset of one cluster was translated to the other.
type Standing string

// The standings. Only the first five come with an offset.
const (
	StandsExactly  Standing = "exact"         // the consumer goes on with the very next record
	StandsEarly    Standing = "early"         // some records will be read again, none is missed
	StandsAhead    Standing = "ahead"         // it is ahead of what was copied: it goes to the end of that, and some will be read again
	StandsExpired  Standing = "expired"       // the other cluster has deleted the record: it goes to the first one left
	StandsAtEnd    Standing = "at-end"        // the other cluster's log is shorter than what was copied: it goes to its end
	StandsBefore   Standing = "before-map"    // it is before the first record whose place is known
	StandsPastEnd  Standing = "past-end"      // behind the end of the log that it is an offset of
	StandsNowhere  Standing = "not-mirrored"  // nothing is known of the partition
	StandsByKey    Standing = "by-key"        // its records went to partitions by their keys: no offset stands for another
	StandsOccupied Standing = "group-active"  // the group has members on the target
	StandsBack     Standing = "not-backwards" // the target's group is further already
)

// Placed says whether there is an offset.
func (s Standing) Placed() bool {
	switch s {
	case StandsExactly, StandsEarly, StandsAhead, StandsExpired, StandsAtEnd:
		return true
	}
	return false
}

// bounds are the first and the last offset that a log lets consumers stand at.
type bounds struct{ start, end kafka.Offset }

// toTarget translates an offset of the source. position is the source offset
// before which all that there was is in the map.
func toTarget(offsets *offsetmap.Map, position, offset kafka.Offset, target bounds) (kafka.Offset, Standing) {
	to, precision := offsets.ToTarget(offset)
	if precision == offsetmap.Beyond && offset <= position {
		precision = offsetmap.Exact // between the two is nothing that was copied
	}
	return within(to, precision, target)
}

// toSource is toTarget for the way back.
func toSource(offsets *offsetmap.Map, position, offset kafka.Offset, source bounds) (kafka.Offset, Standing) {
	to, precision := offsets.ToSource(offset)
	if _, end, ok := offsets.End(); ok && offset >= end {
		to = max(to, position)
		if offset == end {
			precision = offsetmap.Exact
		}
	}
	return within(to, precision, source)
}

// within keeps a translation inside the log that it leads to.
func within(to kafka.Offset, precision offsetmap.Precision, log bounds) (kafka.Offset, Standing) {
	switch {
	case precision == offsetmap.Unknown:
		return kafka.NoOffset, StandsBefore
	case to > log.end:
		return log.end, StandsAtEnd
	case to < log.start:
		return log.start, StandsExpired
	case precision == offsetmap.Early:
		return to, StandsEarly
	case precision == offsetmap.Beyond:
		return to, StandsAhead
	}
	return to, StandsExactly
}

// Translated is one committed offset of a group and where it stands on the
// other cluster.
type Translated struct {
	kafka.TopicPartition
	From     kafka.Offset
	To       kafka.Offset // NoOffset unless Standing is Placed
	Standing Standing
}

// State is what the mirrors of a target have written down there.
type State struct {
	entries map[journalKey]entry
}

// ReadState reads a target's state topic ("": StateTopic). One that does not
// exist is an error that wraps kafka.ErrUnknownTopicOrPartition.
func ReadState(ctx context.Context, target *client.Client, topic string) (*State, error) {
	admin := client.NewAdmin(target)
	topic = cmp.Or(topic, StateTopic)
	found, err := admin.Topics(ctx, topic)
	if err == nil && len(found) == 1 {
		err = found[0].Err
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of mirrors: %w", err)
	}
	s := &State{entries: make(map[journalKey]entry)}
	_, err = readState(ctx, target, admin, topic, 0, s.take)
	return s, err
}

func (s *State) take(key, value []byte) error {
	var k journalKey
	err := json.Unmarshal(key, &k)
	if err != nil {
		return err
	}
	if value == nil {
		delete(s.entries, k)
		return nil
	}
	e, err := parseEntry(value)
	if err == nil {
		s.entries[k] = e
	}
	return err
}

// MirrorID names a mirror by its group and the id of its source cluster.
type MirrorID struct{ Group, SourceID string }

// Mirrors are those that have written something, in order.
func (s *State) Mirrors() []MirrorID {
	var all []MirrorID
	for k := range s.entries {
		if id := (MirrorID{k.Mirror, k.Source}); !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b MirrorID) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.SourceID, b.SourceID))
	})
	return all
}

// Maps are the offset maps of a state that one mirror has written.
func (s *State) Maps() map[kafka.TopicPartition]*offsetmap.Map {
	maps := make(map[kafka.TopicPartition]*offsetmap.Map, len(s.entries))
	for k, e := range s.entries {
		maps[kafka.TopicPartition{Topic: k.Topic, Partition: k.Partition}] = &e.offsets
	}
	return maps
}

// Translate translates what a group has committed on the source to the target,
// or with back what it has committed on the target to the source. to is the
// cluster that the offsets lead to.
func (s *State) Translate(ctx context.Context, of MirrorID, back bool, committed []client.Committed, to *client.Admin) ([]Translated, error) {
	var tps []kafka.TopicPartition
	for _, c := range committed {
		if c.Err != nil {
			return nil, c.Err
		}
		if e, ok := s.entries[journalKey{of.Group, of.SourceID, c.Topic, c.Partition}]; ok && !e.byKey {
			tps = append(tps, c.TopicPartition)
		}
	}
	logs, err := logBounds(ctx, to, tps)
	if err != nil {
		return nil, err
	}
	translate := toTarget
	if back {
		translate = toSource
	}
	out := make([]Translated, 0, len(committed))
	for _, c := range committed {
		t := Translated{TopicPartition: c.TopicPartition, From: c.Offset, To: kafka.NoOffset, Standing: StandsNowhere}
		e, known := s.entries[journalKey{of.Group, of.SourceID, c.Topic, c.Partition}]
		switch log, ok := logs[c.TopicPartition]; {
		case known && e.byKey:
			t.Standing = StandsByKey
		case known && ok:
			t.To, t.Standing = translate(&e.offsets, e.position, c.Offset, log)
		}
		out = append(out, t)
	}
	return out, nil
}

// logBounds are the bounds of partitions, those that there are.
func logBounds(ctx context.Context, admin *client.Admin, tps []kafka.TopicPartition) (map[kafka.TopicPartition]bounds, error) {
	starts, err := listEach(ctx, admin, kafka.EarliestOffset, tps)
	if err != nil {
		return nil, err
	}
	ends, err := listEach(ctx, admin, kafka.LatestOffset, tps)
	if err != nil {
		return nil, err
	}
	out := make(map[kafka.TopicPartition]bounds, len(ends))
	for tp, end := range ends {
		if start, ok := starts[tp]; ok {
			out[tp] = bounds{start, end}
		}
	}
	return out, nil
}
