package config

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, table *Table, text string) (*Values, []Notice, error) {
	t.Helper()
	p, err := Parse("f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table.Read(p)
}

func mustRead(t *testing.T, table *Table, text string) *Values {
	t.Helper()
	v, _, err := read(t, table, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestTablesKnowKafka compares with the settings recorded from real Kafka
// (testdata/kafka-settings.tsv): all are known, those honoured with Kafka's
// type and default.
func TestTablesKnowKafka(t *testing.T) {
	f, err := os.Open("testdata/kafka-settings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byName := map[string]*Table{"server": Server, "topic": Topic, "consumer": Consumer, "producer": Producer, "admin": Admin}
	kinds := map[string][]Kind{"BOOLEAN": {Boolean}, "STRING": {String, List, Class}, "INT": {Int}, "SHORT": {Short}, "LONG": {Long},
		"DOUBLE": {Double}, "LIST": {List}, "CLASS": {Class}, "PASSWORD": {Password}}
	// Defaults that differ on purpose, and how they are written.
	exceptions := map[string]bool{
		"admin/connections.max.idle.ms":          true, // one default for all clients
		"server/port":                            true, // removed
		"consumer/partition.assignment.strategy": true, // Java prints "class " before each
	}
	count := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(fields[0], "#") {
			continue
		}
		count++
		table, name, kind, def := fields[0], fields[1], fields[2], fields[3]
		s, ok := byName[table].Lookup(name)
		if !ok {
			t.Errorf("%s settings lack %s", table, name)
			continue
		}
		if s.NoEffect != "" {
			continue
		}
		if !slices.Contains(kinds[kind], s.Kind) {
			t.Errorf("%s/%s is of kind %d, Kafka's is %s", table, name, s.Kind, kind)
		}
		null := def == "<null>" || def == "<required>"
		if exceptions[table+"/"+name] || null && s.Default == "" {
			continue
		}
		if s.Default != def {
			t.Errorf("%s/%s has default %q, Kafka's is %q", table, name, s.Default, def)
		}
	}
	if count < 700 {
		t.Errorf("compared %d settings, want at least 700", count)
	}
}

func TestTablesAreSound(t *testing.T) {
	for _, table := range tables() {
		for i, s := range table.settings {
			if i > 0 && table.settings[i-1].Name == s.Name {
				t.Errorf("%s: %s is there twice", table.title, s.Name)
			}
			if s.NoEffect == "" && s.Doc == "" {
				t.Errorf("%s: %s is honoured and has no sentence", table.title, s.Name)
			}
			if s.NoDefault {
				if s.Default != "" {
					t.Errorf("%s: %s has a default and none", table.title, s.Name)
				}
				continue
			}
			if err := s.check(s.Default); err != nil {
				t.Errorf("%s: the default of %s should be %v", table.title, s.Name, err)
			}
		}
	}
	for _, s := range topicTable {
		for _, name := range s.from {
			if _, ok := Server.Lookup(name); !ok {
				t.Errorf("topic setting %s inherits unknown %s", s.Name, name)
			}
		}
	}
}

func TestReadRefusesValues(t *testing.T) {
	tests := []struct {
		table      *Table
		line, want string
	}{
		{Server, "num.partitions=x", `f:1: num.partitions=x: want a whole number of 32 bits`},
		{Server, "num.partitions=0", `f:1: num.partitions=0: want a number of at least 1`},
		{Server, "num.partitions=2147483648", `f:1: num.partitions=2147483648: want a whole number of 32 bits`},
		{Server, "num.partitions=", `f:1: num.partitions: want a whole number of 32 bits`},
		{Server, "delete.topic.enable=yes", `f:1: delete.topic.enable=yes: want true or false`},
		{Server, "ssl.client.auth=require", `f:1: ssl.client.auth=require: want required or requested or none`},
		{Server, "default.replication.factor=3", `f:1: default.replication.factor=3: want 1: there is one broker and so one replica`},
		{Server, "log.retention.hours=-2", `f:1: log.retention.hours=-2: want -1 for no limit, or a number of at least 1`},
		{Server, "authorizer.class.name=my.Authorizer", `f:1: authorizer.class.name=my.Authorizer: want kafka.security.auth.SimpleAclAuthorizer, kafka.security.authorizer.AclAuthorizer or org.apache.kafka.metadata.authorizer.StandardAuthorizer`},
		{Server, "ssl.engine.factory.class=x.Y", `f:1: ssl.engine.factory.class=x.Y: want no value: classes of the Java virtual machine cannot be loaded`},
		{Server, "port=9092", `f:1: port=9092: want no value: Kafka 3.0 removed it; say it in listeners or advertised.listeners`},
		{Server, "log.cleanup.policy=delete,compac", `f:1: log.cleanup.policy=delete,compac: want a list of delete, compact`},
		{Server, "num.io.threads=many", `f:1: num.io.threads=many: want a whole number of 32 bits`},
		{Server, "listener.name.ssl.ssl.client.auth=x", `f:1: listener.name.ssl.ssl.client.auth=x: want required or requested or none`},
		{Consumer, "security.protocol=SASL_SSL", `f:1: security.protocol=SASL_SSL: want PLAINTEXT or SSL: SASL is not built; use SSL with client certificates`},
		{Consumer, "auto.offset.reset=smallest", `f:1: auto.offset.reset=smallest: want latest or earliest or none`},
		{Producer, "acks=2", `f:1: acks=2: want all or -1 or 0 or 1`},
		{Producer, "transactional.id=t", `f:1: transactional.id=t: want no value: transactions are not built`},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			_, _, err := read(t, test.table, test.line+"\n")
			var value *ValueError
			if !errors.As(err, &value) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %v", err, test.want)
			}
		})
	}
}

func TestReadUnknown(t *testing.T) {
	tests := []struct {
		name, line string
		table      *Table
		nearest    string // of the *UnknownError, or
		notice     string // the reason
	}{
		{"a letter missing", "ssl.keystore.locaton=x", Server, "ssl.keystore.location", ""},
		{"two letters swapped", "super.uesrs=User:a", Server, "super.users", ""},
		{"capitals", "Super.Users=User:a", Server, "super.users", ""},
		{"underscores", "allow_everyone_if_no_acl_found=true", Server, "allow.everyone.if.no.acl.found", ""},
		{"client slip", "securty.protocol=SSL", Producer, "security.protocol", ""},
		{"listener slip", "listener.name.ssl.ssl.client.aut=required", Server, "listener.name.ssl.ssl.client.auth", ""},
		{"listener in capitals", "listener.name.SSL.ssl.client.auth=required", Server, "listener.name.ssl.ssl.client.auth", ""},
		{"listener that is nearly there", "listeners=PLAINTEXT://:9092\nlistener.name.plaintxt.ssl.client.auth=required", Server, "listener.name.plaintext.ssl.client.auth", ""},
		{"listener that is not there", "listener.name.internal.ssl.client.auth=required", Server, "", "there is no listener INTERNAL"},
		{"stranger", "my.own.plugin=x", Server, "", "no setting of the broker has this name"},
		{"of a sibling, near by name", "key.serializer=x.Y", Consumer, "", "it is a setting of producers"},
		{"of a sibling", "acks=all", Consumer, "", "it is a setting of producers"},
		{"without effect", "num.io.threads=8", Server, "", noThreadPools},
		{"listener, without effect", "listener.name.plaintext.num.network.threads=8", Server, "", noThreadPools},
		{"listener, for all only", "listener.name.plaintext.log.segment.bytes=88", Server, "", "it cannot be set for one listener"},
		{"listener, a mechanism's", "listener.name.plaintext.scram-sha-256.sasl.jaas.config=x", Server, "", noSASL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, notices, err := read(t, test.table, test.line+"\n")
			var unknown *UnknownError
			switch {
			case test.nearest != "":
				if !errors.As(err, &unknown) || unknown.Nearest != test.nearest {
					t.Errorf("got %v, want the hint %q", err, test.nearest)
				}
			case err != nil:
				t.Errorf("got %v, want a notice", err)
			case len(notices) != 1 || notices[0].Reason != test.notice:
				t.Errorf("got %v, want one that says %q", notices, test.notice)
			}
		})
	}
}

func TestSecretsStayHidden(t *testing.T) {
	v := mustRead(t, Server, "ssl.keystore.password= hunter2 \n")
	if got := v.Secret("ssl.keystore.password").Reveal(); got != "hunter2" {
		t.Errorf("got %q", got)
	}
	if err := v.Invalid("ssl.keystore.password", "another").Error(); err != "f:1: ssl.keystore.password: want another" {
		t.Errorf("got %q", err)
	}
	for _, d := range DescribeServer(v) {
		if d.Name == "ssl.keystore.password" && (d.Value != nil || !d.Sensitive || d.Synonyms[0].Value != nil) {
			t.Errorf("described as %+v", d)
		}
	}
}

func TestValues(t *testing.T) {
	v := mustRead(t, Server, "log.dirs= a , b,,c \nlog.retention.minutes=90\nlog.roll.hours=+5\nDelete.topic.enable.x=1\nauto.create.topics.enable= FALSE\nsuper.users=User:CN=a,O=b;User:c\n")
	if got := v.List("log.dirs"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("List = %q", got)
	}
	if got := v.Duration("log.retention.minutes"); got != 90*time.Minute {
		t.Errorf("Duration = %v", got)
	}
	if got := v.Int("log.roll.hours"); got != 5 {
		t.Errorf("Int = %d", got)
	}
	if got := v.Duration("log.message.timestamp.before.max.ms"); got != 1<<63-1 {
		t.Errorf("a time without limit = %v", got)
	}
	if v.Bool("auto.create.topics.enable") || !v.Bool("delete.topic.enable") {
		t.Error("Bool is wrong")
	}
	if got := v.String("super.users"); got != "User:CN=a,O=b;User:c" {
		t.Errorf("String = %q", got)
	}
	if !v.IsSet("log.dirs") || v.IsSet("log.dir") || v.Origin("log.dirs") != "f:1" || v.Origin("log.dir") != "default" {
		t.Error("IsSet or Origin is wrong")
	}
	for _, wrong := range []func(){func() { v.String("no.such") }, func() { v.Int("log.dirs") }, func() { v.String("ssl.key.password") }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a wrong name or kind did not panic")
				}
			}()
			wrong()
		}()
	}
}

func TestPrefixed(t *testing.T) {
	v := mustRead(t, Server, "listeners=SSL://:1,INTERNAL://:2\nlistener.security.protocol.map=SSL:SSL,INTERNAL:SSL\nssl.client.auth=required\nlistener.name.internal.ssl.client.auth=none\nssl.keystore.location=/a\n")
	internal, outer := v.Listener("INTERNAL"), v.Listener("SSL")
	if got := internal.String("ssl.client.auth"); got != "none" {
		t.Errorf("got %q", got)
	}
	if got := internal.String("ssl.keystore.location"); got != "/a" {
		t.Errorf("got %q", got)
	}
	if got := internal.Origin("ssl.client.auth"); got != "f:4" {
		t.Errorf("got %q", got)
	}
	if got := outer.String("ssl.client.auth"); got != "required" {
		t.Errorf("got %q", got)
	}
	if got, want := internal.Invalid("ssl.client.auth", "x").Key, "listener.name.internal.ssl.client.auth"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
