//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/internal/peers"
)

const (
	courseAdd      = `bin/kafka-acls.sh --authorizer-properties zookeeper.connect=localhost:2181 --add --allow-principal User:"CN=Xi Hu,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN" `
	courseCluster  = courseAdd + `--operation All --cluster`
	courseProducer = courseAdd + `--producer --topic 'test'`
	courseConsumer = courseAdd + `--consumer --topic 'test' --group '*'`
	courseList     = `bin/kafka-acls.sh --authorizer-properties zookeeper.connect=localhost:2181 --list`
	courseMirror   = `bin/kafka-mirror-maker.sh --consumer.config ./config/consumer.properties --producer.config ./config/producer.properties --num.streams 8 --whitelist ".*"`
)

// TestCourse runs the two lectures in their order, with their files, ports and
// commands, and Java's clients beside ours.
func TestCourse(t *testing.T) {
	f := newFolder(t)
	sslLines := f.read("client-ssl.config")

	t.Run("a broker whose principal may not act on the cluster does not start", func(t *testing.T) {
		r := f.sh("bin/kafka-server-start.sh config/server.properties")
		if r.code != 1 {
			t.Fatalf("exit %d, want 1\n%s", r.code, r.all())
		}
		wants(t, r.stderr, "error:", "hint:", "bin/kafka-acls.sh --authorizer-properties zookeeper.connect=localhost:2181 --add --allow-principal",
			coursePrincipal, "--operation All --cluster")
	})
	t.Run("without an authorizer it starts and warns", func(t *testing.T) {
		f := newFolder(t)
		f.edit("config/server.properties", "authorizer.class.name=kafka.security.auth.SimpleAclAuthorizer\n", "")
		b := f.serve("config/server.properties", "localhost:9093")
		wants(t, b.log.String(), "authorizer")
		if code := b.end(10 * time.Second); code != 0 {
			t.Errorf("exit %d after SIGTERM, want 0", code)
		}
	})
	t.Run("rules are added before the broker's first start", func(t *testing.T) {
		r := f.must(courseCluster)
		wants(t, r.stdout, "Adding ACLs for resource `ResourcePattern(resourceType=CLUSTER, name=kafka-cluster, patternType=LITERAL)`:",
			"(principal="+coursePrincipal+", host=*, operation=ALL, permissionType=ALLOW)")
		wants(t, f.must(courseList).stdout, "Current ACLs for resource `ResourcePattern(resourceType=CLUSTER, name=kafka-cluster, patternType=LITERAL)`:")
	})

	broker := f.serve("config/server.properties", "localhost:9093")
	t.Run("rules are added, listed and removed while it runs", func(t *testing.T) {
		f.must(courseProducer)
		f.must(courseConsumer)
		r := f.must(courseList)
		wants(t, r.stdout, "resourceType=TOPIC, name=test", "resourceType=GROUP, name=*", "operation=WRITE", "operation=READ", "operation=CREATE")
		f.must(courseAdd + "--operation Read --topic other")
		f.must(strings.Replace(courseAdd, "--add", "--remove --force", 1) + "--operation Read --topic other")
		if out := f.must(courseList).stdout; strings.Contains(out, "name=other") {
			t.Errorf("the removed rule is still listed:\n%s", out)
		}
	})
	t.Run("the same over the network", func(t *testing.T) {
		over := func(verb string) string {
			return "bin/kafka-acls.sh --bootstrap-server localhost:9093 --command-config client-ssl.config " + verb
		}
		ours := f.must(over("--list")).stdout
		f.must(over(`--add --allow-principal "User:CN=someone" --operation Read --topic tenant- --resource-pattern-type prefixed`))
		java := f.java(peers.Last3, "", "acls", "--bootstrap-server", "localhost:9093", "--command-config", "client-ssl.config", "--list")
		wants(t, java.stdout, "name=tenant-, patternType=PREFIXED", "User:CN=someone")
		f.must(over(`--remove --force --allow-principal "User:CN=someone" --operation Read --topic tenant- --resource-pattern-type prefixed`))
		after := f.java(peers.Last3, "", "acls", "--bootstrap-server", "localhost:9093", "--command-config", "client-ssl.config", "--list")
		if got, want := linesOf(after.stdout), linesOf(ours); got != want {
			t.Errorf("Java's tool lists\n%s\nours lists\n%s", got, want)
		}
	})
	t.Run("console producer and consumer as printed, topic auto-created", func(t *testing.T) {
		r := f.shIn("bin/kafka-console-producer.sh --broker-list localhost:9093 --topic test --producer.config client-ssl.config", "one\ntwo\n")
		if r.code != 0 {
			t.Fatalf("exit %d\n%s", r.code, r.all())
		}
		r = f.must("bin/kafka-console-consumer.sh --bootstrap-server localhost:9093 --topic test --consumer.config client-ssl.config --from-beginning --max-messages 2")
		if r.stdout != "one\ntwo\n" {
			t.Errorf("consumed %q", r.stdout)
		}
		wants(t, r.stderr, "Processed a total of 2 messages")
	})
	t.Run("Java's console clients", func(t *testing.T) {
		for i, v := range []string{peers.Oldest, peers.Last3, peers.Newest} {
			line := "from Java " + v
			server := "--bootstrap-server"
			if v == peers.Oldest {
				server = "--broker-list"
			}
			r := f.java(v, line+"\n", "console-producer", server, "localhost:9093", "--topic", "test", "--producer.config", "client-ssl.config")
			if r.code != 0 {
				t.Fatalf("Java %s producer: exit %d\n%s", v, r.code, r.all())
			}
			r = f.java(v, "", "console-consumer", "--bootstrap-server", "localhost:9093", "--topic", "test", "--consumer.config", "client-ssl.config",
				"--from-beginning", "--max-messages", fmt.Sprint(3+i), "--timeout-ms", "20000")
			wants(t, r.stdout, "one\n", "two\n", line)
		}
	})
	t.Run("topics create, list, describe, delete", func(t *testing.T) {
		at := " --bootstrap-server localhost:9093 --command-config client-ssl.config"
		wants(t, f.must("bin/kafka-topics.sh --create --topic orders --partitions 3"+at).stdout, "Created topic orders.")
		wants(t, f.must("bin/kafka-topics.sh --list"+at).stdout, "test\n")
		f.must(courseAdd + "--operation DescribeConfigs --topic test")
		java := f.java(peers.Newest, "", "topics", "--describe", "--topic", "test", "--bootstrap-server", "localhost:9093", "--command-config", "client-ssl.config")
		ours := f.must("bin/kafka-topics.sh --describe --topic test" + at)
		if ours.stdout != java.stdout {
			t.Errorf("describe: ours %q, Java's %q", ours.stdout, java.stdout)
		}
	})

	t.Run("mirror to a second broker", func(t *testing.T) {
		second := strings.NewReplacer("9093", "9193", f.dir+"/data", f.dir+"/data2", "localhost:2181", "localhost:2182").Replace(f.read("config/server.properties"))
		f.write("config/second.properties", second)
		config := "--config config/second.properties "
		for _, line := range []string{courseCluster, courseProducer, courseConsumer} {
			line = strings.Replace(line, "localhost:2181", "localhost:2182", 1)
			f.must(strings.Replace(line, "kafka-acls.sh ", "kafka-acls.sh "+config, 1))
		}
		f.serve("config/second.properties", "localhost:9193")
		f.write("config/consumer.properties", f.read("config/consumer.properties")+sslLines)
		f.write("config/producer.properties", f.read("config/producer.properties")+sslLines)
		mirror := f.spawn(courseMirror)
		want := f.must("bin/kafka-console-consumer.sh --bootstrap-server localhost:9093 --topic test --consumer.config client-ssl.config --from-beginning --timeout-ms 3000").stdout
		r := f.must(fmt.Sprintf("bin/kafka-console-consumer.sh --bootstrap-server localhost:9193 --topic test --consumer.config client-ssl.config --from-beginning --max-messages %d --timeout-ms 30000",
			strings.Count(want, "\n")))
		if r.stdout != want {
			t.Errorf("the second broker holds %q, want %q\n%s", r.stdout, want, mirror.log)
		}
		if code := mirror.end(20 * time.Second); code != 0 {
			t.Errorf("mirror: exit %d after SIGTERM, want 0\n%s", code, mirror.log)
		}
	})
	t.Run("a group's committed offsets need DESCRIBE on the group and the topics", func(t *testing.T) {
		f.must("bin/kafka-console-consumer.sh --bootstrap-server localhost:9093 --topic test --consumer.config client-ssl.config --group readers --from-beginning --max-messages 2")
		r := f.java(peers.Last3, "", "consumer-groups", "--bootstrap-server", "localhost:9093", "--command-config", "client-ssl.config", "--describe", "--group", "readers")
		wants(t, r.stdout, "readers", "test", "CURRENT-OFFSET")
	})

	if code := broker.end(20 * time.Second); code != 0 {
		t.Errorf("broker: exit %d after SIGTERM, want 0", code)
	}
	t.Run("Kafka's dump tool reads every file", func(t *testing.T) { dumpAll(t, f, filepath.Join(f.dir, "data")) })
	t.Run("Kafka's dump tool decodes the committed offsets", func(t *testing.T) {
		logs, err := filepath.Glob(filepath.Join(f.dir, "data/__consumer_offsets-*/*.log"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("no logs of committed offsets: %v", err)
		}
		r := f.java(peers.Last3, "", "dump-log", "--offsets-decoder", "--print-data-log", "--files", strings.Join(logs, ","))
		wants(t, r.stdout, "readers", "offset")
	})
}

// linesOf sorts what a tool prints in hash order.
func linesOf(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// dumpAll runs kafka-dump-log over all files of a data directory; its exit
// code is 0 even when it finds faults, so the words count.
func dumpAll(t *testing.T, f folder, dir string) {
	t.Helper()
	var files []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Size() > 0 {
			switch filepath.Ext(path) {
			case ".log", ".index", ".timeindex", ".snapshot":
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no segment files in %s: %v", dir, err)
	}
	r := f.java(peers.Last3, "", "dump-log", "--deep-iteration", "--files", strings.Join(files, ","))
	if r.code != 0 || strings.Contains(r.all(), "Exception") {
		t.Fatalf("dump-log: exit %d\n%s", r.code, r.all())
	}
	for _, bad := range []string{"Mismatches", "not found", "out of order", "Found bytes", "isvalid: false"} {
		if strings.Contains(r.all(), bad) {
			t.Errorf("dump-log prints %q:\n%s", bad, r.all())
		}
	}
}
