package config

const (
	noThreadPools   = "goroutines take the place of thread pools and request queues"
	noRaft          = "metadata is kept by this one process, without a quorum"
	noZooKeeper     = "metadata is kept by this one process, without ZooKeeper"
	noTransactions  = "transactions are not built"
	noTokens        = "delegation tokens are not built"
	noTiers         = "tiered storage is not built"
	noShare         = "share groups are not built"
	noStreams       = "streams groups are not built"
	noConsumer      = "the consumer group protocol of KIP-848 is not built"
	noCleaner       = "compaction is not built"
	noQuotas        = "quotas are not built"
	noJMX           = "metrics through the Java virtual machine do not exist"
	flushedAnyway   = "flush.before.ack says when a record is durable"
	noCheckpoints   = "high watermarks follow from the log; there are no checkpoints"
	oneFormat       = "records are stored in format v2 only"
	noBuffers       = "the operating system and the runtime size these buffers"
	noPurgatory     = "waiting requests are kept without purgatories"
	unlimitedLater  = "connections are limited by number only"
	groupCommit     = "appends are gathered while a sync runs; there is no linger"
	codecAsProduced = "batches are stored as they come"
)

// serverUnused are Kafka's broker settings, from 2.1 to 4.3, that change
// nothing here.
var serverUnused = []unusedGroup{
	{noThreadPools, Int, `
		background.threads num.io.threads num.network.threads num.recovery.threads.per.data.dir
		num.replica.alter.log.dirs.threads queued.max.requests group.coordinator.threads
		group.coordinator.background.threads`},
	{noReplicas, Int, `
		num.replica.fetchers replica.fetch.backoff.ms replica.fetch.max.bytes replica.fetch.min.bytes
		replica.fetch.response.max.bytes replica.fetch.wait.max.ms replica.socket.receive.buffer.bytes
		replica.socket.timeout.ms controlled.shutdown.max.retries controller.socket.timeout.ms
		leader.imbalance.per.broker.percentage alter.log.dirs.replication.quota.window.num
		alter.log.dirs.replication.quota.window.size.seconds replication.quota.window.num
		replication.quota.window.size.seconds offsets.commit.timeout.ms request.timeout.ms`},
	{noReplicas, Short, `offsets.commit.required.acks offsets.topic.replication.factor`},
	{noReplicas, Long, `
		replica.lag.time.max.ms leader.imbalance.check.interval.seconds unclean.leader.election.interval.ms
		controlled.shutdown.retry.backoff.ms log.dir.failure.timeout.ms`},
	{noReplicas, Boolean, `
		auto.leader.rebalance.enable controlled.shutdown.enable unclean.leader.election.enable
		eligible.leader.replicas.enable follower.fetch.last.tiered.offset.enable`},
	{noReplicas, String, `replica.selector.class inter.broker.protocol.version`},
	{noReplicas, List, `cordoned.log.dirs`},
	{noRaft, List, `process.roles controller.quorum.bootstrap.servers controller.quorum.voters early.start.listeners`},
	{noRaft, String, `control.plane.listener.name metadata.log.dir`},
	{noRaft, Boolean, `
		controller.quorum.auto.join.enable unstable.api.versions.enable unstable.feature.versions.enable
		broker.id.generation.enable`},
	{noRaft, Int, `
		broker.heartbeat.interval.ms broker.session.timeout.ms initial.broker.registration.timeout.ms
		reserved.broker.max.id controller.quorum.append.linger.ms controller.quorum.election.backoff.max.ms
		controller.quorum.election.timeout.ms controller.quorum.fetch.timeout.ms controller.quorum.fetch.max.bytes
		controller.quorum.fetch.snapshot.max.bytes controller.quorum.request.timeout.ms
		controller.quorum.retry.backoff.ms metadata.log.segment.bytes metadata.log.segment.min.bytes
		metadata.max.idle.interval.ms internal.metadata.log.segment.bytes internal.metadata.max.batch.size.in.bytes`},
	{noRaft, Long, `
		metadata.log.max.record.bytes.between.snapshots metadata.log.max.snapshot.interval.ms metadata.log.segment.ms
		metadata.max.retention.bytes metadata.max.retention.ms internal.metadata.delete.delay.millis
		controller.performance.always.log.threshold.ms controller.performance.sample.period.ms
		server.max.startup.time.ms`},
	{noZooKeeper, Int, `
		zookeeper.connection.timeout.ms zookeeper.max.in.flight.requests zookeeper.session.timeout.ms
		zookeeper.sync.time.ms zookeeper.metadata.migration.min.batch.size
		authorizer.zookeeper.connection.timeout.ms authorizer.zookeeper.max.in.flight.requests
		authorizer.zookeeper.session.timeout.ms`},
	{noZooKeeper, Boolean, `
		zookeeper.metadata.migration.enable zookeeper.set.acl zookeeper.ssl.client.enable zookeeper.ssl.crl.enable
		zookeeper.ssl.ocsp.enable`},
	{noZooKeeper, String, `
		authorizer.zookeeper.url zookeeper.clientCnxnSocket zookeeper.ssl.endpoint.identification.algorithm
		zookeeper.ssl.keystore.location zookeeper.ssl.keystore.type zookeeper.ssl.protocol
		zookeeper.ssl.truststore.location zookeeper.ssl.truststore.type`},
	{noZooKeeper, List, `zookeeper.ssl.cipher.suites zookeeper.ssl.enabled.protocols`},
	{noZooKeeper, Password, `zookeeper.ssl.keystore.password zookeeper.ssl.truststore.password`},
	{noZooKeeper, Password, `password.encoder.old.secret password.encoder.secret`},
	{noZooKeeper, String, `password.encoder.cipher.algorithm password.encoder.keyfactory.algorithm`},
	{noZooKeeper, Int, `password.encoder.iterations password.encoder.key.length`},
	{noTransactions, Boolean, `transaction.partition.verification.enable transaction.two.phase.commit.enable`},
	{noTransactions, Int, `
		add.partitions.to.txn.retry.backoff.max.ms add.partitions.to.txn.retry.backoff.ms
		transaction.abort.timed.out.transaction.cleanup.interval.ms transaction.max.timeout.ms
		transaction.remove.expired.transaction.cleanup.interval.ms transaction.state.log.load.buffer.size
		transaction.state.log.min.isr transaction.state.log.num.partitions transaction.state.log.segment.bytes
		transactional.id.expiration.ms`},
	{noTransactions, Short, `transaction.state.log.replication.factor`},
	{"expired producers are looked for with every retention check", Int, `producer.id.expiration.check.interval.ms`},
	{noTokens, Password, `delegation.token.master.key delegation.token.secret.key`},
	{noTokens, Long, `
		delegation.token.expiry.check.interval.ms delegation.token.expiry.time.ms delegation.token.max.lifetime.ms`},
	{noTiers, Boolean, `remote.log.storage.system.enable`},
	{noTiers, Double, `remote.log.manager.task.retry.jitter`},
	{noTiers, Int, `
		remote.fetch.max.wait.ms remote.log.manager.copier.thread.pool.size remote.log.manager.copy.quota.window.num
		remote.log.manager.copy.quota.window.size.seconds remote.log.manager.expiration.thread.pool.size
		remote.log.manager.fetch.quota.window.num remote.log.manager.fetch.quota.window.size.seconds
		remote.log.manager.follower.thread.pool.size remote.log.manager.thread.pool.size
		remote.log.metadata.custom.metadata.max.bytes remote.log.reader.max.pending.tasks remote.log.reader.threads`},
	{noTiers, Long, `
		log.local.retention.bytes log.local.retention.ms remote.list.offsets.request.timeout.ms
		remote.log.index.file.cache.total.size.bytes remote.log.index.file.cache.ttl.ms
		remote.log.manager.copy.max.bytes.per.second remote.log.manager.fetch.max.bytes.per.second
		remote.log.manager.task.interval.ms remote.log.manager.task.retry.backoff.max.ms
		remote.log.manager.task.retry.backoff.ms`},
	{noTiers, String, `
		remote.log.metadata.manager.class.name remote.log.metadata.manager.class.path
		remote.log.metadata.manager.impl.prefix remote.log.metadata.manager.listener.name
		remote.log.storage.manager.class.name remote.log.storage.manager.class.path
		remote.log.storage.manager.impl.prefix`},
	{noShare, Boolean, `group.share.enable`},
	{noShare, List, `group.share.assignors`},
	{noShare, String, `group.share.persister.class.name`},
	{noShare, Int, `
		group.share.assignment.interval.ms group.share.delivery.count.limit group.share.heartbeat.interval.ms
		group.share.initialize.retry.interval.ms group.share.max.assignment.interval.ms
		group.share.max.delivery.count.limit group.share.max.groups group.share.max.heartbeat.interval.ms
		group.share.max.partition.max.record.locks group.share.max.record.lock.duration.ms
		group.share.max.session.timeout.ms group.share.max.share.sessions group.share.max.size
		group.share.min.assignment.interval.ms group.share.min.delivery.count.limit
		group.share.min.heartbeat.interval.ms group.share.min.partition.max.record.locks
		group.share.min.record.lock.duration.ms group.share.min.session.timeout.ms
		group.share.partition.max.record.locks group.share.record.lock.duration.ms group.share.session.timeout.ms
		share.coordinator.append.linger.ms share.coordinator.cached.buffer.max.bytes
		share.coordinator.cold.partition.snapshot.interval.ms share.coordinator.load.buffer.size
		share.coordinator.snapshot.update.records.per.snapshot share.coordinator.state.topic.compression.codec
		share.coordinator.state.topic.min.isr share.coordinator.state.topic.num.partitions
		share.coordinator.state.topic.prune.interval.ms share.coordinator.state.topic.replication.factor
		share.coordinator.state.topic.segment.bytes share.coordinator.threads share.coordinator.write.timeout.ms
		share.fetch.purgatory.purge.interval.requests`},
	{noStreams, Int, `
		group.streams.assignment.interval.ms group.streams.heartbeat.interval.ms
		group.streams.initial.rebalance.delay.ms group.streams.max.assignment.interval.ms
		group.streams.max.heartbeat.interval.ms group.streams.max.session.timeout.ms group.streams.max.size
		group.streams.max.standby.replicas group.streams.min.assignment.interval.ms
		group.streams.min.heartbeat.interval.ms group.streams.min.session.timeout.ms
		group.streams.num.standby.replicas group.streams.session.timeout.ms`},
	{noConsumer, List, `group.consumer.assignors group.coordinator.rebalance.protocols`},
	{noConsumer, String, `group.consumer.migration.policy`},
	{noConsumer, Boolean, `group.coordinator.new.enable`},
	{noConsumer, Int, `
		group.consumer.assignment.interval.ms group.consumer.heartbeat.interval.ms
		group.consumer.max.assignment.interval.ms group.consumer.max.heartbeat.interval.ms
		group.consumer.max.session.timeout.ms group.consumer.max.size group.consumer.min.assignment.interval.ms
		group.consumer.min.heartbeat.interval.ms group.consumer.min.session.timeout.ms
		group.consumer.regex.refresh.interval.ms group.consumer.session.timeout.ms`},
	{noCleaner, Boolean, `log.cleaner.enable`},
	{noCleaner, Int, `log.cleaner.io.buffer.size log.cleaner.threads`},
	{noCleaner, Double, `
		log.cleaner.io.buffer.load.factor log.cleaner.io.max.bytes.per.second log.cleaner.min.cleanable.ratio`},
	{noCleaner, Long, `
		log.cleaner.backoff.ms log.cleaner.dedupe.buffer.size log.cleaner.delete.retention.ms
		log.cleaner.max.compaction.lag.ms log.cleaner.min.compaction.lag.ms`},
	{flushedAnyway, Long, `log.flush.interval.messages log.flush.interval.ms log.flush.scheduler.interval.ms`},
	{noCheckpoints, Int, `
		log.flush.offset.checkpoint.interval.ms log.flush.start.offset.checkpoint.interval.ms`},
	{noCheckpoints, Long, `replica.high.watermark.checkpoint.interval.ms`},
	{"index files grow with their log", Int, `log.index.size.max.bytes`},
	{"segments are closed at their exact age", Int, `log.roll.jitter.hours`},
	{"segments are closed at their exact age", Long, `log.roll.jitter.ms`},
	{"retention starts with the broker", Long, `log.initial.task.delay.ms`},
	{"deleted files go when their last reader is done", Long, `log.segment.delete.delay.ms`},
	{"files are never preallocated", Boolean, `log.preallocate`},
	{oneFormat, String, `log.message.format.version`},
	{oneFormat, Boolean, `log.message.downconversion.enable`},
	{codecAsProduced, Int, `compression.gzip.level compression.lz4.level compression.zstd.level`},
	{"committed offsets are stored uncompressed", Int, `offsets.topic.compression.codec`},
	{noBuffers, Int, `
		offsets.load.buffer.size socket.listen.backlog.size socket.receive.buffer.bytes socket.send.buffer.bytes
		group.coordinator.cached.buffer.max.bytes`},
	{groupCommit, Int, `group.coordinator.append.linger.ms`},
	{noPurgatory, Int, `
		delete.records.purgatory.purge.interval.requests fetch.purgatory.purge.interval.requests
		producer.purgatory.purge.interval.requests`},
	{unlimitedLater, Int, `connection.failed.authentication.delay.ms`},
	{unlimitedLater, String, `max.connections.per.ip.overrides`},
	{noSASL, Long, `connections.max.reauth.ms`},
	{"only this broker's listeners are connected to", Long, `
		socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms`},
	{noQuotas, Int, `
		controller.quota.window.num controller.quota.window.size.seconds quota.window.num quota.window.size.seconds`},
	{noQuotas, Long, `quota.consumer.default quota.producer.default`},
	{noQuotas, Class, `client.quota.callback.class`},
	{noJMX, Boolean, `auto.include.jmx.reporter`},
	{noJMX, Int, `kafka.metrics.polling.interval.secs metrics.num.samples telemetry.max.bytes`},
	{noJMX, List, `kafka.metrics.reporters metric.reporters`},
	{noJMX, String, `metrics.recording.level`},
	{noJMX, Long, `metrics.sample.window.ms`},
}
