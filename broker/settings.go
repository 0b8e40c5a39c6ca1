package broker

import (
	"time"

	"schloss/broker/group"
	"schloss/kafka/config"
)

// settings are the values of server.properties that requests are judged by,
// and that do not change while the broker runs.
type settings struct {
	autoCreate        bool
	partitions        int32
	replication       int16
	deleteTopics      bool
	offsetsPartitions int32
	offsetsSegment    int64
	fetchMaxBytes     int
	fetchSessions     int // most at a time
	retentionCheck    time.Duration
	groups            group.Config
	rack              *string
}

func settingsOf(v *config.Values) settings {
	s := settings{
		autoCreate:        v.Bool("auto.create.topics.enable"),
		partitions:        int32(v.Int("num.partitions")),
		replication:       int16(v.Int("default.replication.factor")),
		deleteTopics:      v.Bool("delete.topic.enable"),
		offsetsPartitions: int32(v.Int("offsets.topic.num.partitions")),
		offsetsSegment:    v.Int64("offsets.topic.segment.bytes"),
		fetchMaxBytes:     v.Int("fetch.max.bytes"),
		fetchSessions:     v.Int("max.incremental.fetch.session.cache.slots"),
		retentionCheck:    v.Duration("log.retention.check.interval.ms"),
		groups: group.Config{
			MinSessionTimeout:     v.Duration("group.min.session.timeout.ms"),
			MaxSessionTimeout:     v.Duration("group.max.session.timeout.ms"),
			InitialRebalanceDelay: v.Duration("group.initial.rebalance.delay.ms"),
			MaxSize:               v.Int("group.max.size"),
			MetadataMaxBytes:      v.Int("offset.metadata.max.bytes"),
			OffsetsRetention:      v.Duration("offsets.retention.minutes"),
			RetentionCheck:        v.Duration("offsets.retention.check.interval.ms"),
		},
	}
	if rack := v.String("broker.rack"); rack != "" {
		s.rack = &rack
	}
	return s
}
