package config

// clientSettings are what every client has. Defaults are Kafka 3.9's.
var clientSettings = []Setting{
	{Name: "bootstrap.servers", Kind: List, Default: "", Doc: "Brokers to ask first, each HOST:PORT."},
	{Name: "client.id", Kind: String, Default: "", Doc: "Name of this client in the brokers' logs and quotas."},
	{Name: "request.timeout.ms", Kind: Int, Default: "30000", Check: atLeast(0), Doc: "How long to wait for an answer."},
	{Name: "connections.max.idle.ms", Kind: Long, Default: "540000", Doc: "A connection without a request for so long is closed."},
	{Name: "metadata.max.age.ms", Kind: Long, Default: "300000", Check: atLeast(0), Doc: "How often topics and leaders are asked for again."},
	{Name: "retry.backoff.ms", Kind: Long, Default: "100", Check: atLeast(0), Doc: "Pause before a request is sent again."},
	{Name: "config.providers", Kind: List, Default: "", Check: absent("values like ${file:...} are not resolved"), Doc: "Refused unless empty."},
}

var adminSettings = []Setting{
	{Name: "bootstrap.controllers", Kind: List, Default: "", Check: absent("controllers are not spoken to; use bootstrap.servers"), Doc: "Refused unless empty."},
}

var producerSettings = []Setting{
	{Name: "acks", Kind: String, Default: "all", Check: oneOf("all", "-1", "0", "1"), Doc: "What must have a batch before it counts as sent: nobody (0), the leader (1) or all replicas."},
	{Name: "linger.ms", Kind: Long, Default: "0", Check: atLeast(0), Doc: "How long a batch waits for more records."},
	{Name: "compression.type", Kind: String, Default: "none", Check: oneOf("none", "gzip", "snappy", "lz4", "zstd"), Doc: "How batches are compressed."},
	{Name: "enable.idempotence", Kind: Boolean, Default: "true", Doc: "Whether a repeated send is recognised, so that no record is stored twice."},
	{Name: "max.request.size", Kind: Int, Default: "1048576", Check: atLeast(0), Doc: "Longest request sent, and so longest record."},
	{Name: "buffer.memory", Kind: Long, Default: "33554432", Check: atLeast(0), Doc: "Most bytes that wait to be sent."},
	{Name: "delivery.timeout.ms", Kind: Int, Default: "120000", Check: atLeast(0), Doc: "How long a record may take before it counts as lost."},
	{Name: "retries", Kind: Int, Default: maxInt32Text, Check: atLeast(0), Doc: "How often a failed send is repeated."},
	{Name: "max.in.flight.requests.per.connection", Kind: Int, Default: "5", Check: atLeast(1), Doc: "Requests under way at a time to one broker."},
	{Name: "transaction.timeout.ms", Kind: Int, Default: "60000", Check: atLeast(1), Doc: "How long a mirror's transaction may take before the target gives it up."},
	{Name: "transactional.id", Kind: String, NoDefault: true, Check: absent("transactions are not built"), Doc: "Refused unless empty."},
}

var consumerSettings = []Setting{
	{Name: "group.id", Kind: String, NoDefault: true, Doc: "Consumer group to join."},
	{Name: "group.instance.id", Kind: String, NoDefault: true, Check: notEmpty, Doc: "Name under which a member that comes back keeps its partitions."},
	{Name: "auto.offset.reset", Kind: String, Default: "latest", Check: oneOf("latest", "earliest", "none"), Doc: "Where to start without a committed offset; none: an error."},
	{Name: "isolation.level", Kind: String, Default: "read_uncommitted", Check: oneOf("read_committed", "read_uncommitted"), Doc: "Whether records of open and aborted transactions are seen."},
	{Name: "enable.auto.commit", Kind: Boolean, Default: "true", Doc: "Whether offsets are committed without being asked."},
	{Name: "auto.commit.interval.ms", Kind: Int, Default: "5000", Check: atLeast(0), Doc: "How often they are."},
	{Name: "session.timeout.ms", Kind: Int, Default: "45000", Check: atLeast(0), Doc: "Silence after which a member is taken for dead."},
	{Name: "heartbeat.interval.ms", Kind: Int, Default: "3000", Check: atLeast(0), Doc: "How often a member shows that it lives."},
	{Name: "fetch.min.bytes", Kind: Int, Default: "1", Check: atLeast(0), Doc: "Fewest bytes an answer waits for."},
	{Name: "fetch.max.bytes", Kind: Int, Default: "52428800", Check: atLeast(0), Doc: "Most bytes of an answer."},
	{Name: "fetch.max.wait.ms", Kind: Int, Default: "500", Check: atLeast(0), Doc: "How long an answer waits for fetch.min.bytes."},
	{Name: "max.partition.fetch.bytes", Kind: Int, Default: "1048576", Check: atLeast(0), Doc: "Most bytes of one partition in an answer."},
	{Name: "client.rack", Kind: String, Default: "", Doc: "Where this client is, so that a near replica can serve it."},
	{Name: "exclude.internal.topics", Kind: Boolean, Default: "true", Doc: "Whether a pattern leaves out Kafka's own topics."},
	{Name: "partition.assignment.strategy", Kind: List, Default: "org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor", Check: notEmpty, Doc: "Ways to share out partitions, best first."},
}

const (
	noJava       = "there is no Java client here to set"
	kgoDecides   = "the client library decides by itself"
	toolsFormat  = "the tool's own flags say how records are read and written"
	noTelemetry  = "client metrics are not sent to brokers"
	alwaysSticky = "records without a key stay on one partition for a batch"
)

var adminUnused = []unusedGroup{
	{kgoDecides, Int, `retries`},
}

var clientUnused = []unusedGroup{
	{kgoDecides, String, `client.dns.lookup metadata.recovery.strategy`},
	{kgoDecides, Int, `receive.buffer.bytes send.buffer.bytes default.api.timeout.ms`},
	{kgoDecides, Long, `
		reconnect.backoff.max.ms reconnect.backoff.ms retry.backoff.max.ms metadata.recovery.rebootstrap.trigger.ms
		socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms`},
	{noTelemetry, Boolean, `enable.metrics.push`},
	{noJMX, Boolean, `auto.include.jmx.reporter`},
	{noJMX, List, `metric.reporters`},
	{noJMX, Int, `metrics.num.samples`},
	{noJMX, String, `metrics.recording.level`},
	{noJMX, Long, `metrics.sample.window.ms`},
}

var producerUnused = []unusedGroup{
	{toolsFormat, Class, `key.serializer value.serializer`},
	{noJava, List, `interceptor.classes`},
	{alwaysSticky, Class, `partitioner.class`},
	{alwaysSticky, Boolean, `partitioner.adaptive.partitioning.enable partitioner.ignore.keys`},
	{alwaysSticky, Long, `partitioner.availability.timeout.ms`},
	{kgoDecides, Int, `compression.gzip.level compression.lz4.level compression.zstd.level`},
	{kgoDecides, Long, `metadata.max.idle.ms max.block.ms`},
	{"batches form by linger.ms and max.request.size", Int, `batch.size`},
	{noTransactions, Boolean, `transaction.two.phase.commit.enable`},
}

var consumerUnused = []unusedGroup{
	{toolsFormat, Class, `key.deserializer value.deserializer`},
	{noJava, List, `interceptor.classes`},
	{"checksums are always checked", Boolean, `check.crcs`},
	{kgoDecides, Boolean, `
		allow.auto.create.topics internal.leave.group.on.close internal.throw.on.fetch.stable.offset.unsupported`},
	{kgoDecides, Int, `max.poll.interval.ms max.poll.records`},
	{noConsumer, String, `group.protocol group.remote.assignor`},
	{noShare, String, `share.acknowledgement.mode share.acquire.mode`},
}
