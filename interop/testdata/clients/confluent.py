"""The scenario of README.md with confluent-kafka, which is librdkafka."""
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType,
)

bootstrap, ca, tenant, admin_pem, name = sys.argv[1:]


def security(pem):
    return {
        "bootstrap.servers": bootstrap, "security.protocol": "ssl", "ssl.ca.location": ca,
        "ssl.certificate.location": pem, "ssl.key.location": pem,
    }


def wait(what, check, limit=40):
    end = time.monotonic() + limit
    while not check():
        if time.monotonic() > end:
            sys.exit(f"no {what} within {limit} s")
        time.sleep(0.05)


class Member(threading.Thread):
    def __init__(self, seen):
        super().__init__(daemon=True)
        self.seen, self.assigned, self.stopping = seen, [], False
        self.consumer = Consumer(security(tenant) | {
            "group.id": name, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "partition.assignment.strategy": "cooperative-sticky",
        })

    def changed(self, consumer, _):
        pass  # the library assigns by itself; assignment() tells

    def run(self):
        self.consumer.subscribe([name], on_assign=self.changed, on_revoke=self.changed)
        while not self.stopping:
            message = self.consumer.poll(0.1)
            self.assigned = self.consumer.assignment()
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            self.seen.add(message.value())
            self.consumer.commit(message, asynchronous=False)
        self.consumer.close()


producer = Producer(security(tenant) | {"enable.idempotence": True, "compression.type": "zstd", "linger.ms": 10})


def produce(first):
    failed = []
    for i in range(first, first + 300):
        producer.produce(name, key=b"%d" % i, value=b"record %d" % i, on_delivery=lambda e, _: e and failed.append(e))
    producer.flush(30)
    if failed:
        sys.exit(f"produce: {failed[0]}")


admin = AdminClient(security(admin_pem))
admin.create_topics([NewTopic(name, 4, 1)])[name].result(20)
print("created", len(admin.list_topics(name, 20).topics[name].partitions))
resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
    ConfigEntry("retention.ms", "3600000", incremental_operation=AlterConfigOpType.SET)])
admin.incremental_alter_configs([resource])[resource].result(20)
resource = ConfigResource(ResourceType.TOPIC, name)
print("retention", admin.describe_configs([resource])[resource].result(20)["retention.ms"].value)

produce(0)
seen = set()
first = Member(seen)
first.start()
wait("300 records", lambda: len(seen) == 300)
print("alone", len(first.assigned))
second = Member(seen)
second.start()
wait("shared assignment", lambda: first.assigned and second.assigned and len(first.assigned) + len(second.assigned) == 4)
print("shared", len(first.assigned) + len(second.assigned))
produce(300)
wait("600 records", lambda: len(seen) == 600)
second.stopping = True
second.join(20)
wait("assignment alone", lambda: len(first.assigned) == 4)
print("alone", len(first.assigned))
produce(600)
wait("900 records", lambda: len(seen) == 900)
print("consumed", len(seen))
first.stopping = True
first.join(20)
reader = Consumer(security(tenant) | {"group.id": name})
print("committed", sum(p.offset for p in reader.committed([TopicPartition(name, i) for i in range(4)], 20)))
reader.close()

admin.create_partitions([NewPartitions(name, 6)])[name].result(20)
wait("6 partitions", lambda: len(admin.list_topics(name, 20).topics[name].partitions) == 6)
print("grown 6")

denials = []
producer.produce("foreign", b"x", on_delivery=lambda e, _: denials.append(e))
producer.flush(20)
print("denied topic", denials[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED)
stranger = Consumer(security(tenant) | {"group.id": "foreign"})
stranger.subscribe([name])
message = stranger.poll(20)
print("denied group", message is not None and message.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED)
stranger.close()
meek = AdminClient(security(tenant))
try:
    meek.create_topics([NewTopic("foreign", 1, 1)])["foreign"].result(20)
    print("denied create False")
except KafkaException as e:
    print("denied create", e.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED)

admin.delete_consumer_groups([name])[name].result(20)
admin.delete_topics([name])[name].result(20)
wait("topic gone", lambda: name not in admin.list_topics(timeout=20).topics)
print("deleted")
