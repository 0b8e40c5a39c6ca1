"""The scenario of README.md with kafka-python."""
import sys
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

bootstrap, ca, tenant, admin_pem, name = sys.argv[1:]


def security(pem):
    return dict(bootstrap_servers=bootstrap, security_protocol="SSL", ssl_cafile=ca, ssl_certfile=pem, ssl_keyfile=pem)


def wait(what, check, limit=40):
    end = time.monotonic() + limit
    while not check():
        if time.monotonic() > end:
            sys.exit(f"no {what} within {limit} s")
        time.sleep(0.05)


class Member(threading.Thread):
    def __init__(self, seen):
        super().__init__(daemon=True)
        self.seen, self.assigned, self.stopping = seen, set(), False

    def run(self):
        consumer = KafkaConsumer(name, group_id=name, auto_offset_reset="earliest", enable_auto_commit=False, heartbeat_interval_ms=300,
                                 **security(tenant))
        while not self.stopping:
            records = consumer.poll(timeout_ms=100)
            self.assigned = consumer.assignment()
            if records:
                consumer.commit()
                self.seen.update(r.value for batch in records.values() for r in batch)
        consumer.close()


producer = KafkaProducer(enable_idempotence=True, linger_ms=10, compression_type="gzip", **security(tenant))


def produce(first):
    waiting = [producer.send(name, key=b"%d" % i, value=b"record %d" % i) for i in range(first, first + 300)]
    for w in waiting:
        w.get(timeout=20)


admin = KafkaAdminClient(**security(admin_pem))
admin.create_topics([NewTopic(name, 4, 1)])
print("created", len(admin.describe_topics([name])[0]["partitions"]))
admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={"retention.ms": "3600000"})])
described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
print("retention", described["topic"][name]["retention.ms"]["value"])

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
reader = KafkaConsumer(group_id=name, **security(tenant))
print("committed", sum(reader.committed(TopicPartition(name, i)) or 0 for i in range(4)))
reader.close()

admin.create_partitions({name: NewPartitions(6)})
wait("6 partitions", lambda: len(admin.describe_topics([name])[0]["partitions"]) == 6)
print("grown 6")

try:
    producer.send("foreign", b"x").get(timeout=20)
    print("denied topic False")
except TopicAuthorizationFailedError:
    print("denied topic True")
stranger = KafkaConsumer(name, group_id="foreign", **security(tenant))
try:
    stranger.poll(timeout_ms=20000)
    print("denied group False")
except GroupAuthorizationFailedError:
    print("denied group True")
stranger.close()
try:
    KafkaAdminClient(**security(tenant)).create_topics([NewTopic("foreign", 1, 1)])
    print("denied create False")
except TopicAuthorizationFailedError:
    print("denied create True")

admin.delete_groups([name])
admin.delete_topics([name])
wait("topic gone", lambda: name not in admin.list_topics())
print("deleted")
