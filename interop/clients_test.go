//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/peers"
)

// secured is a broker with mutual TLS and a whitelist, certificates of its own
// making, an administrator and one tenant who owns the prefix tenant-.
type secured struct {
	folder
	addr   string
	broker background
}

func newSecured(t *testing.T) secured {
	t.Helper()
	f := newFolder(t)
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := secured{folder: f, addr: fmt.Sprintf("localhost:%d", port)}
	f.must(`bin/schloss certs create --dir certs --dname "CN=broker, O=Castle" --password test1234`)
	for _, name := range []string{"admin", "tenant"} {
		f.must(fmt.Sprintf(`bin/schloss certs issue --dir certs --name %s --dname "CN=%s, O=Castle" --password test1234`, name, name))
		f.write(name+".properties", strings.Join([]string{"security.protocol=SSL",
			"ssl.truststore.location=" + f.path("certs/"+name+".truststore.jks"), "ssl.truststore.password=test1234",
			"ssl.keystore.location=" + f.path("certs/"+name+".keystore.jks"), "ssl.keystore.password=test1234", "ssl.key.password=test1234"}, "\n")+"\n")
	}
	f.write("server.properties", strings.Join([]string{"listeners=SSL://" + s.addr, "security.inter.broker.protocol=SSL",
		"ssl.truststore.location=" + f.path("certs/server.truststore.jks"), "ssl.truststore.password=test1234",
		"ssl.keystore.location=" + f.path("certs/server.keystore.jks"), "ssl.keystore.password=test1234", "ssl.key.password=test1234",
		"ssl.client.auth=required", "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:CN=broker,O=Castle;User:CN=admin,O=Castle", "log.dirs=" + f.path("data"), "num.partitions=3",
		"group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=5"}, "\n")+"\n")
	s.broker = f.serve("server.properties", s.addr)
	f.must(s.as("admin", "bin/kafka-acls.sh") + ` --add --allow-principal "User:CN=tenant,O=Castle" --producer --consumer --topic tenant- --group tenant- --resource-pattern-type prefixed`)
	return s
}

// as is a tool of ours with the server and the settings file of a principal.
func (s secured) as(name, tool string) string {
	return fmt.Sprintf("%s --bootstrap-server %s --command-config %s.properties", tool, s.addr, name)
}

func TestJavaClients(t *testing.T) {
	s := newSecured(t)
	for _, v := range []string{peers.Oldest, peers.Last3, peers.Newest} {
		t.Run("Java "+v, func(t *testing.T) {
			s := s
			s.t = t
			topic, group := "tenant-java-"+v, "tenant-group-"+v
			r := s.java(v, "", "producer-perf", "--topic", topic, "--num-records", "3000", "--record-size", "200", "--throughput", "-1",
				"--producer.config", "tenant.properties", "--producer-props", "bootstrap.servers="+s.addr, "acks=all", "enable.idempotence=true")
			wants(t, r.stdout, "3000 records sent")
			r = s.java(v, "", "console-consumer", "--bootstrap-server", s.addr, "--topic", topic, "--group", group,
				"--consumer.config", "tenant.properties", "--from-beginning", "--max-messages", "3000", "--timeout-ms", "20000")
			wants(t, r.stderr, "Processed a total of 3000 messages")
			r = s.java(v, "", "consumer-groups", "--bootstrap-server", s.addr, "--command-config", "tenant.properties", "--describe", "--group", group)
			wants(t, r.stdout, topic)
			r = s.java(v, "", "consumer-groups", "--bootstrap-server", s.addr, "--command-config", "admin.properties", "--list")
			wants(t, r.stdout, group)
			r = s.java(v, "", "acls", "--bootstrap-server", s.addr, "--command-config", "admin.properties", "--list", "--topic", "tenant-", "--resource-pattern-type", "prefixed")
			wants(t, r.stdout, "User:CN=tenant,O=Castle")

			r = s.java(v, "x\n", "console-producer", serverFlag(v), s.addr, "--topic", "secret", "--producer.config", "tenant.properties",
				"--producer-property", "max.block.ms=8000")
			wants(t, r.all(), "Not authorized to access topics")
			r = s.java(v, "", "console-consumer", "--bootstrap-server", s.addr, "--topic", topic, "--group", "foreign", "--consumer.config", "tenant.properties", "--timeout-ms", "8000")
			wants(t, r.all(), "Not authorized to access group")
			if v == peers.Oldest {
				return // its kafka-topics speaks to ZooKeeper alone
			}
			admin := []string{"--bootstrap-server", s.addr, "--command-config", "admin.properties"}
			name := "made-by-" + v
			r = s.java(v, "", "topics", append(admin, "--create", "--topic", name, "--partitions", "4", "--config", "retention.ms=60000")...)
			wants(t, r.stdout, "Created topic "+name+".")
			r = s.java(v, "", "topics", append(admin, "--describe", "--topic", name)...)
			wants(t, r.stdout, "PartitionCount: 4", "retention.ms=60000")
			s.java(v, "", "topics", append(admin, "--delete", "--topic", name)...)
			r = s.java(v, "", "topics", append(admin, "--list")...)
			if strings.Contains(r.stdout, name) {
				t.Errorf("the deleted topic is listed:\n%s", r.stdout)
			}
			wants(t, r.stdout, topic)
			r = s.java(v, "", "configs", append(admin, "--describe", "--all", "--entity-type", "topics", "--entity-name", topic)...)
			wants(t, r.stdout, "cleanup.policy=delete", "max.message.bytes=1048588")
			r = s.java(v, "", "topics", "--bootstrap-server", s.addr, "--command-config", "tenant.properties", "--list")
			if strings.Contains(r.stdout, "__consumer_offsets") {
				t.Errorf("a tenant sees topics that are not his:\n%s", r.stdout)
			}
		})
	}
	s.broker.end(20 * time.Second)
	dumpAll(t, s.folder, s.path("data"))
}

func serverFlag(version string) string {
	if version == peers.Oldest {
		return "--broker-list"
	}
	return "--bootstrap-server"
}

// TestFranzGo reads in a group whose members come and go while records arrive:
// each record is seen, and denials come as Kafka's errors.
func TestFranzGo(t *testing.T) {
	s := newSecured(t)
	secure := kgo.DialTLSConfig(tenantTLS(t, s))
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()

	producer, err := kgo.NewClient(kgo.SeedBrokers(s.addr), secure, kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("tenant-go"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.ProduceSync(ctx, kgo.StringRecord("first")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	err = producer.ProduceSync(ctx, &kgo.Record{Topic: "secret", Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("producing to a foreign topic: %v, want TOPIC_AUTHORIZATION_FAILED", err)
	}

	var mu sync.Mutex
	seen := map[string]int{"first": 0}
	member := func(ctx context.Context, done chan<- error) {
		c, err := kgo.NewClient(kgo.SeedBrokers(s.addr), secure, kgo.ConsumerGroup("tenant-go"), kgo.ConsumeTopics("tenant-go"),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitMarks(), kgo.BlockRebalanceOnPoll())
		if err != nil {
			done <- err
			return
		}
		for ctx.Err() == nil {
			fetches := c.PollFetches(ctx)
			fetches.EachRecord(func(r *kgo.Record) {
				mu.Lock()
				seen[string(r.Value)]++
				mu.Unlock()
				c.MarkCommitRecords(r)
			})
			c.AllowRebalance()
		}
		leave, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = c.CommitMarkedOffsets(leave)
		c.Close()
		done <- err
	}
	done := make(chan error, 3)
	first, stopFirst := context.WithCancel(ctx)
	rest, stopRest := context.WithCancel(ctx)
	defer stopFirst()
	defer stopRest()
	go member(first, done)
	go member(rest, done)
	const records = 3000
	for i := range records {
		producer.Produce(ctx, kgo.StringRecord(fmt.Sprint(i)), nil)
		if i == records/3 {
			go member(rest, done)
		}
		if i == records*2/3 {
			stopFirst()
		}
	}
	if err := producer.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		mu.Lock()
		defer mu.Unlock()
		if seen["first"] == 0 || len(seen) != records+1 {
			return fmt.Errorf("seen %d of %d records", len(seen), records+1)
		}
		return nil
	})
	stopRest()
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func tenantTLS(t *testing.T, s secured) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(s.path("certs/tenant.pem"), s.path("certs/tenant.pem"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(s.path("certs/ca-cert"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatal("ca-cert holds no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, ServerName: "localhost"}
}
