"""Drives a secured broker through kafka-python as one tenant: produces with
idempotence, reads in a group, and is denied where it must be. Prints one word
a step; the test compares them.

    client.py BOOTSTRAP CA CERTIFICATE KEY TOPIC GROUP FORBIDDEN
"""
import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import TopicAuthorizationFailedError

bootstrap, ca, cert, key, topic, group, forbidden = sys.argv[1:]
security = dict(
    bootstrap_servers=bootstrap, security_protocol="SSL",
    ssl_cafile=ca, ssl_certfile=cert, ssl_keyfile=key,
)

producer = KafkaProducer(enable_idempotence=True, linger_ms=20, **security)
waiting = [producer.send(topic, key=b"%d" % i, value=b"python %d" % i) for i in range(500)]
offsets = {(m.partition, m.offset) for m in (w.get(timeout=20) for w in waiting)}
print("produced", len(offsets))

try:
    producer.send(forbidden, b"x").get(timeout=20)
    print("not denied")
except TopicAuthorizationFailedError:
    print("denied", forbidden)
producer.close()

consumer = KafkaConsumer(
    topic, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
    consumer_timeout_ms=20000, **security,
)
seen = set()
for record in consumer:
    if record.value.startswith(b"python "):
        seen.add(record.value)
    if len(seen) == 500:
        break
print("consumed", len(seen))
consumer.commit()
committed = sum(consumer.committed(tp) or 0 for tp in consumer.assignment())
print("committed", committed >= 500)
consumer.close()
