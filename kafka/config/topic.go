package config

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// topicSetting is a setting of a topic and the broker's settings it inherits,
// the one that wins first.
type topicSetting struct {
	Setting
	from []string
}

var topicTable = []topicSetting{
	{Setting{Name: "cleanup.policy", Kind: List, Default: "delete", Check: cleanupPolicy, Doc: "delete: segments go by time and size; compact, or empty: nothing is deleted."}, []string{"log.cleanup.policy"}},
	{Setting{Name: "compression.type", Kind: String, Default: "producer", Check: only("producer", storedAsIs), Doc: "How batches are stored: as the producer made them."}, []string{"compression.type"}},
	{Setting{Name: "index.interval.bytes", Kind: Int, Default: "4096", Check: atLeast(0), Doc: "Bytes of log between two index entries."}, []string{"log.index.interval.bytes"}},
	{Setting{Name: "max.message.bytes", Kind: Int, Default: "1048588", Check: atLeast(0), Doc: "Longest batch, in bytes as it is stored."}, []string{"message.max.bytes"}},
	{Setting{Name: "message.timestamp.type", Kind: String, Default: "CreateTime", Check: oneOf("CreateTime", "LogAppendTime"), Doc: "Whether records keep the producer's time or get the broker's."}, []string{"log.message.timestamp.type"}},
	{Setting{Name: "message.timestamp.before.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), Doc: "How far in the past a producer's time may lie."}, []string{"log.message.timestamp.before.max.ms", "log.message.timestamp.difference.max.ms"}},
	{Setting{Name: "message.timestamp.after.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), Doc: "How far in the future a producer's time may lie."}, []string{"log.message.timestamp.after.max.ms", "log.message.timestamp.difference.max.ms"}},
	{Setting{Name: "min.insync.replicas", Kind: Int, Default: "1", Check: atLeast(1), Doc: "Replicas that must have a batch produced with acks=all; more than 1 refuses it, as there is one."}, []string{"min.insync.replicas"}},
	{Setting{Name: "retention.bytes", Kind: Long, Default: "-1", Doc: "Largest size of a partition before its oldest segments go; -1: no limit."}, []string{"log.retention.bytes"}},
	{Setting{Name: "retention.ms", Kind: Long, Default: "604800000", Check: atLeast(-1), Doc: "How long records stay; -1: for ever."}, []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"}},
	{Setting{Name: "segment.bytes", Kind: Int, Default: "1073741824", Check: atLeast(14), Doc: "Size at which a segment is closed."}, []string{"log.segment.bytes"}},
	{Setting{Name: "segment.ms", Kind: Long, Default: "604800000", Check: atLeast(1), Doc: "Age at which a segment is closed."}, []string{"log.roll.ms", "log.roll.hours"}},

	{Setting{Name: "remote.storage.enable", Kind: Boolean, Default: "false", Check: only("false", noTiers), Doc: "Refused where true."}, nil},

	{Setting{Name: "compression.gzip.level", Kind: Int, Default: "-1", NoEffect: codecAsProduced}, []string{"compression.gzip.level"}},
	{Setting{Name: "compression.lz4.level", Kind: Int, Default: "9", NoEffect: codecAsProduced}, []string{"compression.lz4.level"}},
	{Setting{Name: "compression.zstd.level", Kind: Int, Default: "3", NoEffect: codecAsProduced}, []string{"compression.zstd.level"}},
	{Setting{Name: "delete.retention.ms", Kind: Long, Default: "86400000", Check: atLeast(0), NoEffect: noCleaner}, []string{"log.cleaner.delete.retention.ms"}},
	{Setting{Name: "file.delete.delay.ms", Kind: Long, Default: "60000", Check: atLeast(0), NoEffect: "deleted files go when their last reader is done"}, []string{"log.segment.delete.delay.ms"}},
	{Setting{Name: "flush.messages", Kind: Long, Default: maxInt64Text, Check: atLeast(1), NoEffect: flushedAnyway}, []string{"log.flush.interval.messages"}},
	{Setting{Name: "flush.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), NoEffect: flushedAnyway}, []string{"log.flush.interval.ms", "log.flush.scheduler.interval.ms"}},
	{Setting{Name: "follower.replication.throttled.replicas", Kind: List, NoEffect: noReplicas}, nil},
	{Setting{Name: "leader.replication.throttled.replicas", Kind: List, NoEffect: noReplicas}, nil},
	{Setting{Name: "local.retention.bytes", Kind: Long, Default: "-2", Check: atLeast(-2), NoEffect: noTiers}, []string{"log.local.retention.bytes"}},
	{Setting{Name: "local.retention.ms", Kind: Long, Default: "-2", Check: atLeast(-2), NoEffect: noTiers}, []string{"log.local.retention.ms"}},
	{Setting{Name: "max.compaction.lag.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(1), NoEffect: noCleaner}, []string{"log.cleaner.max.compaction.lag.ms"}},
	{Setting{Name: "message.downconversion.enable", Kind: Boolean, Default: "true", NoEffect: oneFormat}, []string{"log.message.downconversion.enable"}},
	{Setting{Name: "message.format.version", Kind: String, Default: "3.0-IV1", NoEffect: oneFormat}, []string{"log.message.format.version"}},
	{Setting{Name: "message.timestamp.difference.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), NoEffect: "message.timestamp.before.max.ms and .after.max.ms took its place"}, []string{"log.message.timestamp.difference.max.ms"}},
	{Setting{Name: "min.cleanable.dirty.ratio", Kind: Double, Default: "0.5", NoEffect: noCleaner}, []string{"log.cleaner.min.cleanable.ratio"}},
	{Setting{Name: "min.compaction.lag.ms", Kind: Long, Default: "0", Check: atLeast(0), NoEffect: noCleaner}, []string{"log.cleaner.min.compaction.lag.ms"}},
	{Setting{Name: "preallocate", Kind: Boolean, Default: "false", NoEffect: "files are never preallocated"}, []string{"log.preallocate"}},
	{Setting{Name: "remote.log.copy.disable", Kind: Boolean, Default: "false", NoEffect: noTiers}, nil},
	{Setting{Name: "remote.log.delete.on.disable", Kind: Boolean, Default: "false", NoEffect: noTiers}, nil},
	{Setting{Name: "segment.index.bytes", Kind: Int, Default: "10485760", Check: atLeast(4), NoEffect: "index files grow with their log"}, []string{"log.index.size.max.bytes"}},
	{Setting{Name: "segment.jitter.ms", Kind: Long, Default: "0", Check: atLeast(0), NoEffect: "segments are closed at their exact age"}, []string{"log.roll.jitter.ms", "log.roll.jitter.hours"}},
	{Setting{Name: "unclean.leader.election.enable", Kind: Boolean, Default: "false", NoEffect: noReplicas}, []string{"unclean.leader.election.enable"}},
}

func topicSettings() []Setting {
	settings := make([]Setting, len(topicTable))
	for i, s := range topicTable {
		settings[i] = s.Setting
	}
	return settings
}

// TopicValues are the settings of one topic: its own over those it inherits
// from the broker. The topic's own settings must have passed CheckTopic.
// With no settings of its own they are what the broker's file says for all.
func TopicValues(server *Values, own map[string]string) *Values {
	v := &Values{table: Topic, source: server.source, set: make(map[string]given, len(topicTable))}
	for _, s := range topicTable {
		if text, ok := own[s.Name]; ok {
			v.set[s.Name] = given{text: trimJava(text)}
		} else if name, g, ok := inherited(server, s); ok {
			v.set[s.Name] = given{text: inUnit(s.Name, name, g.text), line: g.line}
		}
	}
	return v
}

// inherited is what the broker's file says for a topic's setting.
func inherited(server *Values, s topicSetting) (name string, g given, ok bool) {
	for _, name := range s.from {
		if _, g, ok := server.find(name); ok {
			return name, g, true
		}
	}
	return "", given{}, false
}

// inUnit converts what the broker has in hours or minutes to the topic's
// milliseconds; no limit stays -1.
func inUnit(topicName, serverName, text string) string {
	factor := int64(unitOf(serverName) / time.Millisecond)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || factor == 1 || unitOf(topicName) != time.Millisecond {
		return text
	}
	if n < 0 {
		return "-1"
	}
	return strconv.FormatInt(n*factor, 10) // an Int of hours cannot overflow
}

// CheckTopic says what is wrong with settings given for a topic, as a
// *ValueError or *UnknownError; nil when they are good. Unlike a file a
// request must not name settings that nobody knows.
func CheckTopic(own map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(own)) {
		s, ok := Topic.Lookup(name)
		if !ok {
			nearest, ok := Nearest(name, Topic.names())
			if ok {
				return &UnknownError{Source: "topic", Key: name, Nearest: nearest}
			}
			return &ValueError{Source: "topic", Key: name, Value: own[name], Want: "a topic setting that exists"}
		}
		if err := s.check(trimJava(own[name])); err != nil {
			return &ValueError{Source: "topic", Key: name, Value: own[name], Want: err.Error()}
		}
	}
	return nil
}
