package config

import (
	"errors"
	"strings"
)

const (
	noSASL         = "SASL is not built; use SSL with client certificates"
	since3         = "Kafka 3.0 removed it; say it in listeners or advertised.listeners"
	noReplicas     = "there is one broker and so one replica"
	noPlugins      = "classes of the Java virtual machine cannot be loaded"
	maxInt64Text   = "9223372036854775807"
	maxInt32Text   = "2147483647"
	defaultBuilder = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"
	defaultMapped  = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"
)

// serverSettings are those of Kafka's broker settings that are honoured, or
// refused because nobody should believe that they are, and one of ours.
// Defaults are Kafka 3.9's.
var serverSettings = []Setting{
	// Who and where.
	{Name: "broker.id", Kind: Int, Default: "-1", Check: atLeast(-1), Doc: "The id of this broker; -1 makes it 0."},
	{Name: "node.id", Kind: Int, Default: "-1", Check: atLeast(-1), Doc: "The newer name of broker.id; wins over it."},
	{Name: "broker.rack", Kind: String, NoDefault: true, Doc: "Where this broker is; clients are told."},
	{Name: "listeners", Kind: List, Default: "PLAINTEXT://:9092", Check: notEmpty, Doc: "Addresses to listen on, each NAME://HOST:PORT; no host means all addresses."},
	{Name: "advertised.listeners", Kind: List, NoDefault: true, Doc: "Addresses that clients are told to connect to; by default the listeners."},
	{Name: "listener.security.protocol.map", Kind: List, Default: defaultMapped, Doc: "Security protocol of each listener name, as NAME:PROTOCOL."},
	{Name: "inter.broker.listener.name", Kind: String, NoDefault: true, Doc: "Listener of the broker's own connections; excludes security.inter.broker.protocol."},
	{Name: "security.inter.broker.protocol", Kind: String, Default: "PLAINTEXT", Check: protocol, Doc: "Security protocol of the broker's own connections."},
	{Name: "controller.listener.names", Kind: List, NoDefault: true, Doc: "Listeners that Kafka keeps for its controllers; they are not opened."},
	{Name: "zookeeper.connect", Kind: String, NoDefault: true, Doc: "Names the embedded metadata, so that tools that are given the same text find it; nothing connects to it."},
	{Name: "port", Kind: Int, NoDefault: true, Check: absent(since3), Doc: "Removed from Kafka; refused."},
	{Name: "host.name", Kind: String, NoDefault: true, Check: absent(since3), Doc: "Removed from Kafka; refused unless empty."},
	{Name: "advertised.port", Kind: Int, NoDefault: true, Check: absent(since3), Doc: "Removed from Kafka; refused."},
	{Name: "advertised.host.name", Kind: String, NoDefault: true, Check: absent(since3), Doc: "Removed from Kafka; refused unless empty."},

	// Who may do what.
	{Name: "authorizer.class.name", Kind: Class, Default: "", Check: authorizer, Doc: "Switches the authorizer on; every class name of Kafka's own authorizers means the same one here."},
	{Name: "super.users", Kind: String, Default: "", Doc: "Principals that may do everything, separated by semicolons."},
	{Name: "allow.everyone.if.no.acl.found", Kind: Boolean, Default: "false", Doc: "Whether a resource without any binding is open to everyone."},
	{Name: "audit.log", Kind: String, NoDefault: true, Check: notEmpty, Doc: "Ours: file that denials are appended to; by default they go to the broker's log."},
	{Name: "principal.builder.class", Kind: Class, Default: defaultBuilder, Check: principalBuilder, Doc: "Only Kafka's own builder."},
	{Name: "create.topic.policy.class.name", Kind: Class, NoDefault: true, Check: absent(noPlugins), Doc: "Refused unless empty."},
	{Name: "alter.config.policy.class.name", Kind: Class, NoDefault: true, Check: absent(noPlugins), Doc: "Refused unless empty."},
	{Name: "config.providers", Kind: List, Default: "", Check: absent("values like ${file:...} are not resolved"), Doc: "Refused unless empty."},

	// Connections and requests.
	{Name: "socket.request.max.bytes", Kind: Int, Default: "104857600", Check: atLeast(1), Doc: "Longest request taken, in bytes."},
	{Name: "max.connections", Kind: Int, Default: maxInt32Text, Check: atLeast(1), Doc: "Most connections at a time; also per listener."},
	{Name: "max.connections.per.ip", Kind: Int, Default: maxInt32Text, Check: atLeast(1), Doc: "Most connections at a time from one address."},
	{Name: "max.connection.creation.rate", Kind: Int, Default: maxInt32Text, Check: atLeast(0), Doc: "Most new connections a second, those of one second at once; also per listener. More of them wait; 0 is no bound."},
	{Name: "queued.max.request.bytes", Kind: Long, Default: "-1", Doc: "Most bytes of requests and answers in memory, over all connections; 0 or less is 1 GiB. Requests up to 64 KiB are let in beyond it."},
	{Name: "connections.max.idle.ms", Kind: Long, Default: "600000", Doc: "A connection without a request for so long is closed."},
	{Name: "fetch.max.bytes", Kind: Int, Default: "57671680", Check: atLeast(1024), Doc: "Most bytes in one answer to a fetch; one batch is always let through."},
	{Name: "max.request.partition.size.limit", Kind: Int, Default: "2000", Check: atLeast(1), Doc: "Most partitions in one answer to DescribeTopicPartitions."},
	{Name: "max.incremental.fetch.session.cache.slots", Kind: Int, Default: "1000", Check: atLeast(0), Doc: "Most consumers whose partitions the broker remembers, so that they need not repeat them; 0 remembers none."},

	// Topics.
	{Name: "num.partitions", Kind: Int, Default: "1", Check: atLeast(1), Doc: "Partitions of a topic that is created without saying how many."},
	{Name: "default.replication.factor", Kind: Int, Default: "1", Check: only("1", noReplicas), Doc: "Replicas of a topic created without saying how many; 1."},
	{Name: "auto.create.topics.enable", Kind: Boolean, Default: "true", Doc: "Whether a topic that a client names, and may create, is created."},
	{Name: "delete.topic.enable", Kind: Boolean, Default: "true", Doc: "Whether topics can be deleted."},
	{Name: "min.insync.replicas", Kind: Int, Default: "1", Check: atLeast(1), Doc: "Replicas that must have a batch produced with acks=all; more than 1 refuses it, as there is one."},

	// The log.
	{Name: "log.dirs", Kind: List, NoDefault: true, Check: notEmpty, Doc: "Data directories; by default log.dir."},
	{Name: "log.dir", Kind: List, Default: "/tmp/kafka-logs", Check: notEmpty, Doc: "Data directory where log.dirs is not set."},
	{Name: "flush.before.ack", Kind: Boolean, Default: "true", Doc: "Ours: acks=all is answered after fsync, and consumers see nothing that a power cut can take back; false trusts the page cache, as Kafka does."},
	{Name: "message.max.bytes", Kind: Int, Default: "1048588", Check: atLeast(0), Doc: "Longest batch, in bytes as it is stored."},
	{Name: "compression.type", Kind: String, Default: "producer", Check: only("producer", storedAsIs), Doc: "How batches are stored: as the producer made them."},
	{Name: "log.cleanup.policy", Kind: List, Default: "delete", Check: cleanupPolicy, Doc: "delete: segments go by time and size; compact, or empty: nothing is deleted."},
	{Name: "log.retention.ms", Kind: Long, NoDefault: true, Check: unlimitedOr(1), Doc: "How long records stay, in milliseconds; wins over minutes and hours."},
	{Name: "log.retention.minutes", Kind: Int, NoDefault: true, Check: unlimitedOr(1), Doc: "How long records stay, in minutes; wins over hours."},
	{Name: "log.retention.hours", Kind: Int, Default: "168", Check: unlimitedOr(1), Doc: "How long records stay, in hours."},
	{Name: "log.retention.bytes", Kind: Long, Default: "-1", Doc: "Largest size of a partition before its oldest segments go."},
	{Name: "log.retention.check.interval.ms", Kind: Long, Default: "300000", Check: atLeast(1), Doc: "How often retention is looked at."},
	{Name: "log.segment.bytes", Kind: Int, Default: "1073741824", Check: atLeast(14), Doc: "Size at which a segment is closed."},
	{Name: "log.roll.ms", Kind: Long, NoDefault: true, Check: atLeast(1), Doc: "Age at which a segment is closed, in milliseconds; wins over hours."},
	{Name: "log.roll.hours", Kind: Int, Default: "168", Check: atLeast(1), Doc: "Age at which a segment is closed, in hours."},
	{Name: "log.index.interval.bytes", Kind: Int, Default: "4096", Check: atLeast(0), Doc: "Bytes of log between two index entries."},
	{Name: "log.message.timestamp.type", Kind: String, Default: "CreateTime", Check: oneOf("CreateTime", "LogAppendTime"), Doc: "Whether records keep the producer's time or get the broker's."},
	{Name: "log.message.timestamp.before.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), Doc: "How far in the past a producer's time may lie."},
	{Name: "log.message.timestamp.after.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), Doc: "How far in the future a producer's time may lie."},
	{Name: "log.message.timestamp.difference.max.ms", Kind: Long, Default: maxInt64Text, Check: atLeast(0), Doc: "The older setting for both directions; Kafka 4.0 removed it."},
	{Name: "producer.id.expiration.ms", Kind: Int, Default: "86400000", Check: atLeast(1), Doc: "How long an idle producer's sequence numbers are remembered."},

	// Groups and their offsets.
	{Name: "offsets.topic.num.partitions", Kind: Int, Default: "50", Check: atLeast(1), Doc: "Partitions of __consumer_offsets when it is created."},
	{Name: "offsets.topic.segment.bytes", Kind: Int, Default: "104857600", Check: atLeast(1), Doc: "Size at which a segment of __consumer_offsets is closed."},
	{Name: "offsets.retention.minutes", Kind: Int, Default: "10080", Check: atLeast(1), Doc: "How long the offsets of a group without members are kept."},
	{Name: "offsets.retention.check.interval.ms", Kind: Long, Default: "600000", Check: atLeast(1), Doc: "How often the age of offsets is looked at."},
	{Name: "offset.metadata.max.bytes", Kind: Int, Default: "4096", Doc: "Longest text that may accompany a committed offset."},
	{Name: "group.min.session.timeout.ms", Kind: Int, Default: "6000", Doc: "Shortest session timeout a member may ask for."},
	{Name: "group.max.session.timeout.ms", Kind: Int, Default: "1800000", Doc: "Longest session timeout a member may ask for."},
	{Name: "group.initial.rebalance.delay.ms", Kind: Int, Default: "3000", Doc: "How long an empty group waits for more members before it starts."},
	{Name: "group.max.size", Kind: Int, Default: maxInt32Text, Check: atLeast(1), Doc: "Most members of a group."},
}

const storedAsIs = "batches are stored as they come"

// protocol takes the security protocols that listeners and clients speak.
func protocol(s string) error {
	switch strings.ToUpper(s) {
	case "PLAINTEXT", "SSL":
		return nil
	case "SASL_PLAINTEXT", "SASL_SSL":
		return errors.New("PLAINTEXT or SSL: " + noSASL)
	}
	return errors.New("PLAINTEXT or SSL")
}

// authorizer takes the names that Kafka's own authorizer had from 0.9 to
// today. Any other class would decide differently, so it is refused.
func authorizer(s string) error {
	switch s {
	case "", "kafka.security.auth.SimpleAclAuthorizer", "kafka.security.authorizer.AclAuthorizer",
		"org.apache.kafka.metadata.authorizer.StandardAuthorizer":
		return nil
	}
	return errors.New("kafka.security.auth.SimpleAclAuthorizer, kafka.security.authorizer.AclAuthorizer or org.apache.kafka.metadata.authorizer.StandardAuthorizer")
}

func principalBuilder(s string) error {
	return only(defaultBuilder, noPlugins)(s)
}

// cleanupPolicy takes an empty list, too: then everything stays.
func cleanupPolicy(s string) error { return eachOf("delete", "compact")(s) }
