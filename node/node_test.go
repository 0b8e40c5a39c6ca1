package node_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/node"
	"schloss/security/acl"
)

const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func properties(t *testing.T, p map[string]string) *config.Properties {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.properties")
	testkit.WriteProperties(t, path, p)
	read, err := config.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// refused runs a broker that must not start, and returns why not.
func refused(t *testing.T, p map[string]string) error {
	t.Helper()
	err := node.Run(within(t), node.Config{Properties: properties(t, p), Stdout: io.Discard, Stderr: &testkit.Output{},
		Ready: func(node.Started) { t.Error("the broker started") }})
	if err == nil {
		t.Fatal("got no error")
	}
	return err
}

func TestABrokerThatMayNotActOnTheClusterDoesNotStart(t *testing.T) {
	certs := testkit.NewCerts(t)
	base := func(data string) map[string]string {
		return map[string]string{
			"listeners": "SSL://127.0.0.1:0", "log.dirs": data, "security.inter.broker.protocol": "SSL", "ssl.client.auth": "required",
			"authorizer.class.name": "kafka.security.auth.SimpleAclAuthorizer",
			"ssl.keystore.location": filepath.Join(certs.Dir, "server.keystore.jks"), "ssl.keystore.password": "test1234",
			"ssl.truststore.location": filepath.Join(certs.Dir, "server.truststore.jks"), "ssl.truststore.password": "test1234",
		}
	}
	allow := func(op kafka.Operation, host string) acl.Binding {
		return acl.Binding{ResourceType: kafka.Cluster, Name: kafka.ClusterName, Pattern: kafka.Literal, Principal: certs.Server, Host: host, Operation: op, Permission: kafka.Allow}
	}
	deny := allow(kafka.ClusterAction, "*")
	deny.Permission = kafka.Deny
	for _, tt := range []struct {
		name   string
		acls   []acl.Binding
		change map[string]string
		starts bool
	}{
		{name: "no ACL"},
		{name: "another right", acls: []acl.Binding{allow(kafka.Describe, "*")}},
		{name: "from another host only", acls: []acl.Binding{allow(kafka.ClusterAction, "10.255.255.1")}},
		{name: "allowed and denied", acls: []acl.Binding{allow(kafka.ClusterAction, "*"), deny}},
		{name: "ClusterAction", acls: []acl.Binding{allow(kafka.ClusterAction, "*")}, starts: true},
		{name: "ClusterAction from this host", acls: []acl.Binding{allow(kafka.ClusterAction, "127.0.0.1")}, starts: true},
		{name: "All", acls: []acl.Binding{allow(kafka.All, "*")}, starts: true},
		{name: "a super user", change: map[string]string{"super.users": certs.Server}, starts: true},
		{name: "no SSL between brokers", change: map[string]string{"security.inter.broker.protocol": "PLAINTEXT",
			"listeners": "SSL://127.0.0.1:0,PLAINTEXT://127.0.0.1:0"}, starts: true},
		{name: "no authorizer", change: map[string]string{"authorizer.class.name": ""}, starts: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := base(filepath.Join(t.TempDir(), "data"))
			for k, v := range tt.change {
				p[k] = v
			}
			if len(tt.acls) > 0 {
				offline(t, p, tt.acls)
			}
			if !tt.starts {
				var no *node.NotAllowedError
				if err := refused(t, p); !errors.As(err, &no) || no.Principal != certs.Server {
					t.Errorf("got %v, want a *NotAllowedError that names %s", err, certs.Server)
				}
				return
			}
			ctx, cancel := context.WithCancel(within(t))
			err := node.Run(ctx, node.Config{Properties: properties(t, p), Stdout: io.Discard, Stderr: &testkit.Output{}, Ready: func(node.Started) { cancel() }})
			cancel()
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func offline(t *testing.T, p map[string]string, bindings []acl.Binding) {
	t.Helper()
	dial, held, err := node.Offline(properties(t, p))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.NewAdmin(client.NewConn(conn)).CreateACLs(within(t), bindings); err != nil {
		t.Error(err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
}

func TestOfflineAndSocketSeeTheSameRules(t *testing.T) {
	// Longer than the 108 bytes that a socket address has.
	data := filepath.Join(t.TempDir(), strings.Repeat("long-", 30), "data")
	rule := acl.Binding{ResourceType: kafka.Topic, Name: "t", Pattern: kafka.Literal, Principal: "User:a", Host: "*", Operation: kafka.Read, Permission: kafka.Allow}
	b := testkit.Start(t, testkit.Options{Data: data, Authorizer: true, ACLs: []acl.Binding{rule}})
	p, err := config.ReadFile(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := node.Offline(p); !errors.Is(err, node.ErrRunning) {
		t.Errorf("offline beside a broker: %v, want ErrRunning", err)
	}
	dial, err := node.SocketDial(p)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	rules := client.NewAdmin(client.NewConn(conn))
	everything := acl.Filter{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
	got, err := rules.ACLs(within(t), everything)
	if err != nil || len(got) != 1 || got[0] != rule {
		t.Errorf("through the socket: %v, %v; want %v", got, err, rule)
	}
	info, err := os.Stat(filepath.Join(data, ".schloss.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket has mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	b.Stop(t)
	if _, err := os.Stat(filepath.Join(data, ".schloss.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the stop: %v, want it gone", err)
	}
	if _, err := dial(within(t)); err == nil {
		t.Error("the socket of a stopped broker was reached")
	}
}

func TestStartIsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name string
		p    map[string]string
		says string
	}{
		{"a port that is taken", map[string]string{"listeners": "PLAINTEXT://" + taken.Addr().String()}, "address already in use"},
		{"SASL", map[string]string{"listeners": "SASL_SSL://127.0.0.1:0"}, "SASL is not built"},
		{"a listener without port", map[string]string{"listeners": "PLAINTEXT://localhost"}, "NAME://HOST:PORT"},
		{"a name given twice", map[string]string{"listeners": "PLAINTEXT://127.0.0.1:0,PLAINTEXT://127.0.0.1:0"}, "not PLAINTEXT twice"},
		{"a key store that is missing", map[string]string{"listeners": "SSL://127.0.0.1:0", "ssl.keystore.location": "/nowhere/x.jks", "ssl.keystore.password": "test1234"}, "/nowhere/x.jks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.p["log.dirs"] = t.TempDir()
			if err := refused(t, tt.p); !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, want it to say %q", err, tt.says)
			}
		})
	}
}

func TestMutualTLS(t *testing.T) {
	certs := testkit.NewCerts(t)
	alice := certs.Issue(t, "alice")
	certs.Issue(t, "bob")
	allow := func(resource kafka.ResourceType, name string, op kafka.Operation) acl.Binding {
		return acl.Binding{ResourceType: resource, Name: name, Pattern: kafka.Literal, Principal: alice, Host: "*", Operation: op, Permission: kafka.Allow}
	}
	b := testkit.Start(t, testkit.Options{TLS: true, Authorizer: true, Certs: certs, ACLs: []acl.Binding{
		allow(kafka.Topic, "castle", kafka.Write), allow(kafka.Topic, "castle", kafka.Read), allow(kafka.Topic, "castle", kafka.Create), allow(kafka.Group, "guests", kafka.Read),
	}})
	a := as(t, b, "alice", kgo.ConsumerGroup("guests"), kgo.ConsumeTopics("castle"), kgo.AllowAutoTopicCreation())
	if err := a.ProduceSync(within(t), &kgo.Record{Topic: "castle", Value: []byte("hello")}).FirstErr(); err != nil {
		t.Fatalf("alice: %v", err)
	}
	fetches := a.PollFetches(within(t))
	if err := fetches.Err(); err != nil || fetches.NumRecords() != 1 {
		t.Errorf("alice fetched %d records, %v", fetches.NumRecords(), err)
	}
	err := as(t, b, "bob", kgo.RecordRetries(1)).ProduceSync(within(t), &kgo.Record{Topic: "castle", Value: []byte("no")}).FirstErr()
	if !errors.Is(err, kerr.TopicAuthorizationFailed) && !errors.Is(err, kerr.ClusterAuthorizationFailed) {
		t.Errorf("bob: %v, want a denial", err)
	}
	b.Stop(t) // denials are written beside the requests
	if !strings.Contains(b.Log.String(), `"principal":"User:CN=bob"`) {
		t.Errorf("no line in the audit log names bob:\n%s", b.Log)
	}
}

// as is a kgo client with the certificate of name.
func as(t *testing.T, b *testkit.Broker, name string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := config.ReadFile(b.Client(t, name))
	if err != nil {
		t.Fatal(err)
	}
	values, _, err := config.Producer.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(within(t), client.Config{Values: values})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	k, err := c.Kgo(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestWrongProtocolsAreToldOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{TLS: true})
	for range 3 {
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0}); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection stayed open")
		}
		_ = c.Close()
	}
	none, err := tls.Dial("tcp", b.Addr, &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		_ = none.SetReadDeadline(time.Now().Add(patience))
		if _, err := none.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a client without certificate was let in")
		}
		_ = none.Close()
	}
	b.Stop(t)
	if got := strings.Count(b.Log.String(), "security.protocol=SSL"); got != 1 {
		t.Errorf("plaintext on TLS was told %d times, want once:\n%s", got, b.Log)
	}
}

func TestBulkOverTLSComesBackAsItWas(t *testing.T) {
	b := testkit.Start(t, testkit.Options{TLS: true, Properties: map[string]string{"num.partitions": "2"}})
	const records = 4000 // of 1 to 4000 bytes
	p := as(t, b, "client", kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for i := range records {
		value := strings.Repeat(string(rune('a'+i%26)), 1+i%4000) // of all sizes, so that writes break anywhere
		p.Produce(context.Background(), &kgo.Record{Topic: "bulk", Key: []byte(value[:1]), Value: []byte(value)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := p.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	c := as(t, b, "client", kgo.ConsumeTopics("bulk"))
	sizes := 0
	for got := 0; got < records; {
		fetches := c.PollFetches(within(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got++
			sizes += len(r.Value)
			if strings.Trim(string(r.Value), string(r.Key)) != "" {
				t.Errorf("record %d of partition %d is not what was sent", r.Offset, r.Partition)
			}
		})
	}
	if want := records * (records + 1) / 2; sizes != want {
		t.Errorf("got %d bytes, want %d", sizes, want)
	}
}

func TestADirectoryThatNoTopicOwnsIsSetAside(t *testing.T) {
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "ghost-0"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(within(t))
	err := node.Run(ctx, node.Config{Properties: properties(t, map[string]string{"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": data}),
		Stdout: io.Discard, Stderr: io.Discard, Ready: func(node.Started) { stop() }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "ghost-0")); !os.IsNotExist(err) {
		t.Errorf("ghost-0 is still there: %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(data, "ghost-0.*-stray")); len(found) != 1 {
		t.Errorf("set aside: got %v, want one directory", found)
	}
}

// TestStrangersLeaveDescriptorsForFiles lets the process have few descriptors
// and opens more connections than half of them.
func TestStrangersLeaveDescriptorsForFiles(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := old
	few.Cur = min(old.Cur, 400)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	b := testkit.Start(t, testkit.Options{})
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil { // the test needs both ends
		t.Fatal(err)
	}
	for range few.Cur/2 + 1 {
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for deadline := time.Now().Add(patience); !strings.Contains(b.Log.String(), "allows no more"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open and none was refused", few.Cur/2+1)
		}
	}
}
