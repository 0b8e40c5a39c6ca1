package client

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"schloss/kafka/config"
)

// commonOptions are the kgo options of the settings that all clients share.
// kgo bounds some durations more narrowly than Kafka; the nearest is taken.
func commonOptions(v *config.Values) []kgo.Opt {
	return []kgo.Opt{
		kgo.RequestTimeoutOverhead(within(v.Duration("request.timeout.ms"), 100*time.Millisecond, 15*time.Minute)),
		kgo.ConnIdleTimeout(within(v.Duration("connections.max.idle.ms"), 100*time.Millisecond, 15*time.Minute)),
		kgo.MetadataMaxAge(within(v.Duration("metadata.max.age.ms"), 50*time.Millisecond, time.Hour)),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.DisableClientMetrics(),
		kgo.MaxVersions(topicsByName()),
	}
}

// topicsByName are the versions that kgo speaks, but for those of OffsetCommit
// and OffsetFetch that name topics by id: the offset of a topic that is gone
// would have no name. Kafka's own admin client stays below them too.
func topicsByName() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.OffsetCommit.Int16(), 9)
	v.SetMaxKeyVersion(kmsg.OffsetFetch.Int16(), 9)
	return v
}

func within(d, low, high time.Duration) time.Duration { return min(max(d, low), high) }

// ProducerOptions are the kgo options of a producer's settings.
func ProducerOptions(v *config.Values) ([]kgo.Opt, error) {
	opts, err := producerOptions(v)
	if err != nil {
		return nil, err
	}
	if d := v.Duration("delivery.timeout.ms"); d > 0 {
		// Kafka's producer gives a record up after this time whatever became
		// of it, hence the permission to cancel.
		opts = append(opts, kgo.RecordDeliveryTimeout(d), kgo.AllowIdempotentProduceCancellation())
	}
	return opts, nil
}

// TransactionalOptions are the kgo options of a producer's settings for one
// that sends in transactions. Its records are given up with their transaction
// alone; limit is transaction.timeout.ms, 0 for kgo's.
func TransactionalOptions(v *config.Values, id string, limit time.Duration) ([]kgo.Opt, error) {
	opts, err := producerOptions(v)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		opts = append(opts, kgo.TransactionTimeout(limit))
	}
	return append(opts, kgo.TransactionalID(id)), nil
}

func producerOptions(v *config.Values) ([]kgo.Opt, error) {
	codec, err := compression(v)
	if err != nil {
		return nil, err
	}
	delivery, err := acknowledgement(v)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.AllowAutoTopicCreation(), // as Kafka's producer; the broker has the last word
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(within(v.Duration("linger.ms"), 0, time.Minute)),
		kgo.ProduceRequestTimeout(within(v.Duration("request.timeout.ms"), 100*time.Millisecond, 5*time.Minute)),
		kgo.ProducerBatchMaxBytes(int32(max(v.Int("max.request.size"), 512))),
	}
	if v.IsSet("retries") {
		opts = append(opts, kgo.RecordRetries(v.Int("retries")))
	}
	if memory := v.Int64("buffer.memory"); memory > 0 {
		opts = append(opts, kgo.MaxBufferedBytes(int(memory)))
	}
	return append(opts, delivery...), nil
}

// acknowledgement reads acks and enable.idempotence, which need each other
// (Kafka: ProducerConfig.postProcessAndValidateIdempotenceConfigs).
func acknowledgement(v *config.Values) ([]kgo.Opt, error) {
	idempotent := v.Bool("enable.idempotence")
	insist := idempotent && v.IsSet("enable.idempotence")
	var opts []kgo.Opt
	switch acks := v.String("acks"); acks {
	case "all", "-1":
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "0", "1":
		if insist {
			return nil, &SettingError{Key: "acks", Value: acks, Problem: "enable.idempotence=true needs acks=all"}
		}
		idempotent = false
		level := kgo.LeaderAck()
		if acks == "0" {
			level = kgo.NoAck()
		}
		opts = append(opts, kgo.RequiredAcks(level))
	default:
		return nil, &SettingError{Key: "acks", Value: acks, Problem: "want all, 1 or 0"}
	}
	inFlight := v.Int("max.in.flight.requests.per.connection")
	if insist && inFlight > 5 {
		return nil, &SettingError{Key: "max.in.flight.requests.per.connection", Value: fmt.Sprint(inFlight), Problem: "enable.idempotence=true allows at most 5"}
	}
	if !idempotent || inFlight > 5 {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(inFlight))
	}
	return opts, nil
}

func compression(v *config.Values) (kgo.CompressionCodec, error) {
	switch name := v.String("compression.type"); name {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	default:
		return kgo.CompressionCodec{}, &SettingError{Key: "compression.type", Value: name, Problem: "want none, gzip, snappy, lz4 or zstd"}
	}
}

// ConsumerOptions are the kgo options of a consumer's settings, with those of
// the group where group.id is set. Topics are the caller's to add.
func ConsumerOptions(v *config.Values) ([]kgo.Opt, error) {
	start, err := startOffset(v)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.ConsumeStartOffset(start),
		kgo.ConsumeResetOffset(start),
		kgo.FetchMinBytes(int32(v.Int("fetch.min.bytes"))),
		kgo.FetchMaxBytes(int32(v.Int("fetch.max.bytes"))),
		kgo.FetchMaxPartitionBytes(int32(v.Int("max.partition.fetch.bytes"))),
		kgo.FetchMaxWait(max(v.Duration("fetch.max.wait.ms"), time.Millisecond)),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
	}
	switch level := v.String("isolation.level"); level {
	case "read_uncommitted":
	case "read_committed":
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	default:
		return nil, &SettingError{Key: "isolation.level", Value: level, Problem: "want read_uncommitted or read_committed"}
	}
	if rack := v.String("client.rack"); rack != "" {
		opts = append(opts, kgo.Rack(rack))
	}
	if v.String("group.id") == "" {
		return opts, nil
	}
	group, err := GroupOptions(v)
	if err != nil {
		return nil, err
	}
	if v.Bool("enable.auto.commit") {
		group = append(group, kgo.AutoCommitInterval(max(v.Duration("auto.commit.interval.ms"), 100*time.Millisecond)))
	} else {
		group = append(group, kgo.DisableAutoCommit())
	}
	return append(opts, group...), nil
}

// GroupOptions are the kgo options of a group member, but for how it commits.
func GroupOptions(v *config.Values) ([]kgo.Opt, error) {
	balancers, err := balancers(v)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(v.String("group.id")),
		kgo.SessionTimeout(v.Duration("session.timeout.ms")),
		kgo.HeartbeatInterval(v.Duration("heartbeat.interval.ms")),
		kgo.Balancers(balancers...),
	}
	if id := v.String("group.instance.id"); id != "" {
		opts = append(opts, kgo.InstanceID(id))
	}
	return opts, nil
}

// balancers are the assignors by their Java class names. Where the file names
// none it is the cooperative one alone: a rebalance then stops nobody whose
// partitions stay.
func balancers(v *config.Values) ([]kgo.GroupBalancer, error) {
	const key = "partition.assignment.strategy"
	if !v.IsSet(key) {
		return []kgo.GroupBalancer{kgo.CooperativeStickyBalancer()}, nil
	}
	var out []kgo.GroupBalancer
	for _, class := range v.List(key) {
		switch class = strings.TrimPrefix(class, "class "); class[strings.LastIndexByte(class, '.')+1:] {
		case "RangeAssignor":
			out = append(out, kgo.RangeBalancer())
		case "RoundRobinAssignor":
			out = append(out, kgo.RoundRobinBalancer())
		case "StickyAssignor":
			out = append(out, kgo.StickyBalancer())
		case "CooperativeStickyAssignor":
			out = append(out, kgo.CooperativeStickyBalancer())
		default:
			return nil, &SettingError{Key: key, Value: class, Problem: "want RangeAssignor, RoundRobinAssignor, StickyAssignor or CooperativeStickyAssignor"}
		}
	}
	return out, nil
}

func startOffset(v *config.Values) (kgo.Offset, error) {
	switch reset := v.String("auto.offset.reset"); reset {
	case "earliest":
		return kgo.NewOffset().AtStart(), nil
	case "latest":
		return kgo.NewOffset().AtEnd(), nil
	case "none":
		return kgo.NoResetOffset(), nil
	default:
		return kgo.Offset{}, &SettingError{Key: "auto.offset.reset", Value: reset, Problem: "want earliest, latest or none"}
	}
}
