// The scenario of README.md with kafkajs.
const fs = require('fs')
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')

const [bootstrap, caFile, tenantFile, adminFile, name] = process.argv.slice(2)

function connect(file) {
  const pem = fs.readFileSync(file)
  return new Kafka({
    brokers: [bootstrap], clientId: 'kafkajs', logLevel: logLevel.NOTHING, retry: { retries: 2 },
    ssl: { ca: [fs.readFileSync(caFile)], key: pem, cert: pem, servername: 'localhost' },
  })
}

async function wait(what, check, limit = 40000) {
  for (const end = Date.now() + limit; !(await check()); ) {
    if (Date.now() > end) throw new Error(`no ${what} within ${limit} ms`)
    await new Promise((again) => setTimeout(again, 50))
  }
}

const tenant = connect(tenantFile)

async function member(seen) {
  const consumer = tenant.consumer({ groupId: name, heartbeatInterval: 300 })
  const m = { assigned: [], stop: () => consumer.disconnect() }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { m.assigned = payload.memberAssignment[name] || [] })
  await consumer.connect()
  await consumer.subscribe({ topics: [name], fromBeginning: true })
  await consumer.run({
    eachBatchAutoResolve: false, autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) seen.add(message.value.toString())
      const offset = (BigInt(batch.lastOffset()) + 1n).toString()
      await consumer.commitOffsets([{ topic: name, partition: batch.partition, offset }])
    },
  })
  return m
}

async function main() {
  const admin = connect(adminFile).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 4 }] })
  const partitions = async () => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length
  console.log('created', await partitions())
  const resource = { type: ConfigResourceTypes.TOPIC, name }
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '3600000' }] }] })
  const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ ...resource, configNames: ['retention.ms'] }] })
  console.log('retention', described.resources[0].configEntries[0].configValue)

  const producer = tenant.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const produce = (first) => producer.send({
    topic: name, compression: CompressionTypes.GZIP,
    messages: Array.from({ length: 300 }, (_, i) => ({ key: `${first + i}`, value: `record ${first + i}` })),
  })

  await produce(0)
  const seen = new Set()
  const first = await member(seen)
  await wait('300 records', () => seen.size === 300)
  console.log('alone', first.assigned.length)
  const second = await member(seen)
  await wait('shared assignment', () => first.assigned.length && second.assigned.length && first.assigned.length + second.assigned.length === 4)
  console.log('shared', first.assigned.length + second.assigned.length)
  await produce(300)
  await wait('600 records', () => seen.size === 600)
  await second.stop()
  await wait('assignment alone', () => first.assigned.length === 4)
  console.log('alone', first.assigned.length)
  await produce(600)
  await wait('900 records', () => seen.size === 900)
  console.log('consumed', seen.size)
  await first.stop()
  const committed = await admin.fetchOffsets({ groupId: name, topics: [name] })
  console.log('committed', committed[0].partitions.reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0))

  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 6 }] })
  await wait('6 partitions', async () => (await partitions()) === 6)
  console.log('grown 6')

  const denied = (what, kind, deed) => deed.then(() => console.log('denied', what, 'False'), (e) => {
    const cause = e.type ? e : e.errors ? e.errors[0] : e.cause || e
    console.log('denied', what, cause.type === kind || cause.name === kind ? 'True' : `with ${e}`)
  })
  await denied('topic', 'TOPIC_AUTHORIZATION_FAILED', producer.send({ topic: 'foreign', messages: [{ value: 'x' }] }))
  const stranger = tenant.consumer({ groupId: 'foreign' })
  await stranger.connect()
  await stranger.subscribe({ topics: [name] })
  const crash = new Promise((_, reject) => stranger.on(stranger.events.CRASH, ({ payload }) => reject(payload.error)))
  // What kafkajs makes of GROUP_AUTHORIZATION_FAILED from FindCoordinator.
  await denied('group', 'KafkaJSGroupCoordinatorNotFound', Promise.all([stranger.run({ eachMessage: async () => {} }), crash]))
  await stranger.disconnect()
  const meek = tenant.admin()
  await meek.connect()
  await denied('create', 'TOPIC_AUTHORIZATION_FAILED', meek.createTopics({ topics: [{ topic: 'foreign', numPartitions: 1 }] }))
  await meek.disconnect()
  await producer.disconnect()

  await admin.deleteGroups([name])
  await admin.deleteTopics({ topics: [name] })
  await wait('topic gone', async () => !(await admin.listTopics()).includes(name))
  console.log('deleted')
  await admin.disconnect()
}

main().catch((e) => { console.error(e); process.exit(1) })
