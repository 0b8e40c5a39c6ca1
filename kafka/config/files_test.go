package config

import (
	"slices"
	"strings"
	"testing"
)

// TestWholeFiles reads the kinds of files people have: they must be accepted,
// and say what of them has no effect.
func TestWholeFiles(t *testing.T) {
	tests := []struct {
		name, text string
		table      *Table
		silent     []string // keys without effect
	}{
		{"the course's broker", `
listeners=SSL://localhost:9093
ssl.truststore.location=BASE/certificates/server.truststore.jks
ssl.truststore.password=test1234
ssl.keystore.location=BASE/certificates/server.keystore.jks
ssl.keystore.password=test1234
security.inter.broker.protocol=SSL
ssl.client.auth=required
ssl.key.password=test1234
authorizer.class.name=kafka.security.auth.SimpleAclAuthorizer
zookeeper.connect=localhost:2181
log.dirs=BASE/data
`, Server, nil},
		{"the course's client", `
security.protocol=SSL
ssl.truststore.location=BASE/certificates/client.truststore.jks
ssl.truststore.password=test1234
ssl.keystore.location=BASE/certificates/server.keystore.jks
ssl.keystore.password=test1234
ssl.key.password=test1234
ssl.endpoint.identification.algorithm=
`, Producer, nil},
		{"a broker of the ZooKeeper years", `
broker.id=0
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
log.dirs=/tmp/kafka-logs
num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
zookeeper.connect=localhost:2181/kafka
zookeeper.connection.timeout.ms=18000
group.initial.rebalance.delay.ms=0
`, Server, []string{"num.network.threads", "num.io.threads", "socket.send.buffer.bytes", "offsets.topic.replication.factor", "transaction.state.log.min.isr", "zookeeper.connection.timeout.ms"}},
		{"a KRaft node", `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=/tmp/kraft-combined-logs
share.coordinator.state.topic.replication.factor=1
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
`, Server, []string{"process.roles", "controller.quorum.voters", "share.coordinator.state.topic.replication.factor"}},
		{"one file for all clients", `
bootstrap.servers=localhost:9092
group.id=g
acks=all
key.serializer=org.apache.kafka.common.serialization.StringSerializer
value.deserializer=org.apache.kafka.common.serialization.StringDeserializer
`, Consumer, []string{"acks", "key.serializer", "value.deserializer"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, notices, err := read(t, test.table, test.text)
			if err != nil {
				t.Fatal(err)
			}
			var silent []string
			for _, n := range notices {
				silent = append(silent, n.Key)
				if !strings.Contains(n.String(), n.Key+" has no effect: ") {
					t.Errorf("notice %q", n)
				}
			}
			if !slices.Equal(silent, test.silent) {
				t.Errorf("without effect are %q, want %q", silent, test.silent)
			}
			if test.table != Server {
				return
			}
			if _, err := Advertised(v); err != nil {
				t.Error(err)
			}
			if _, err := InterBroker(v); err != nil {
				t.Error(err)
			}
		})
	}
}
