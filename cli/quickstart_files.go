package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/security/acl"
	"schloss/security/ca"
	"schloss/security/keystore"

	"schloss/client"
)

// The topic of the quickstart. It has one partition, so that its records have
// the order of the lines.
const quickstartTopic = "lines"

// What a record, and hence a line, may have. Kafka's default is 1 MB.
const quickstartMaxBytes = 16 << 20

// Who there is in the quickstart. The authority's own server and client
// stores are the administrator's; brokers act as it.
const (
	quickstartAdmin  = "CN=admin,O=quickstart"
	quickstartSender = "CN=sender,O=quickstart"
	quickstartMirror = "CN=mirror,O=quickstart"
	quickstartGroup  = "quickstart-mirror"
)

// prepare makes what a run needs in its folder: certificates and passwords
// once, settings anew each time (ports may change), and the access rules.
func (q *quickstart) prepare(ctx context.Context) error {
	if err := q.claim(); err != nil {
		return err
	}
	password, err := q.certificates()
	if err != nil {
		return err
	}
	if err := q.writeSettings(password); err != nil {
		return err
	}
	for _, broker := range []clusterFiles{q.primary, q.backup} {
		if err := q.allow(ctx, broker); err != nil {
			return fmt.Errorf("set the access rules of the %s broker: %w", broker.name, err)
		}
	}
	return nil
}

// claim makes the folder, or takes one that an earlier run has made. Any other
// folder with something in it is left alone.
func (q *quickstart) claim() error {
	entries, err := os.ReadDir(q.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(q.dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("prepare the quickstart's folder: %w", err)
	}
	ours := func(e fs.DirEntry) bool { return e.Name() == "certificates" || e.Name() == "certificates.new" }
	if len(entries) > 0 && !slices.ContainsFunc(entries, ours) {
		return &usageError{problem: fmt.Sprintf("%s is not empty and no quickstart's folder", relative(q.dir)), advice: "name a new folder: --dir quickstart"}
	}
	return os.MkdirAll(q.file("logs"), 0o755)
}

// certificates are made in a folder that gets its name when all are there.
func (q *quickstart) certificates() (config.Secret, error) {
	dir := q.file("certificates")
	if _, err := os.Stat(dir); err == nil {
		return leftPassword(filepath.Join(dir, "client.properties"))
	}
	password := config.Secret(rand.Text())
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	if _, err := ca.CreateAll(ca.CreateParams{Dir: fresh, DName: quickstartAdmin, Password: password, Now: time.Now()}); err != nil {
		return "", err
	}
	for name, dname := range map[string]string{"sender": quickstartSender, "mirror": quickstartMirror} {
		if _, err := ca.IssueNamed(ca.IssueParams{Dir: fresh, Name: name, DName: dname, Password: password, Now: time.Now()}); err != nil {
			return "", err
		}
	}
	settings, err := clientSettings(dir, "client", password)
	if err != nil {
		return "", err
	}
	if err := keystore.WriteFile(filepath.Join(fresh, "client.properties"), propertiesText(settings), 0o600, true); err != nil {
		return "", err
	}
	return password, os.Rename(fresh, dir)
}

// writeSettings writes every properties file. Passwords are in them, as Kafka
// wants it, so nobody else may read them.
func (q *quickstart) writeSettings(password config.Secret) error {
	write := func(path, name string, more ...[2]string) error {
		lines, err := clientSettings(q.file("certificates"), name, password)
		if err != nil {
			return err
		}
		if name == "server" {
			lines = lines[1:] // a broker's listeners say how they are secured
		}
		text := "# Written by schloss quickstart, anew by each run.\n" + string(propertiesText(append(more, lines...)))
		return keystore.WriteFile(path, []byte(text), 0o600, true)
	}
	largest := fmt.Sprint(quickstartMaxBytes)
	var errs []error
	for _, broker := range []clusterFiles{q.primary, q.backup} {
		if err := os.MkdirAll(broker.dir, 0o755); err != nil {
			return err
		}
		errs = append(errs, write(broker.properties(), "server", [][2]string{
			{"listeners", "SSL://" + broker.address()},
			{"security.inter.broker.protocol", "SSL"},
			{"ssl.client.auth", "required"},
			{"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
			{"log.dirs", filepath.Join(broker.dir, "data")},
			{"message.max.bytes", largest},
			{"log.retention.ms", "-1"}, // the topic tells the next run what has been sent
			{"auto.create.topics.enable", "false"},
			{"group.initial.rebalance.delay.ms", "0"},
		}...))
	}
	errs = append(errs,
		write(q.file("admin.properties"), "client"),
		write(q.file("sender.properties"), "sender", [2]string{"max.request.size", largest}),
		write(q.file("mirror-consumer.properties"), "mirror", [][2]string{{"bootstrap.servers", q.primary.address()},
			{"group.id", quickstartGroup}, {"auto.offset.reset", "earliest"}}...),
		write(q.file("mirror-producer.properties"), "mirror", [][2]string{{"bootstrap.servers", q.backup.address()}, {"max.request.size", largest}}...))
	return errors.Join(errs...)
}

// rules are who may do what on a broker. Nothing else is allowed.
func (c clusterFiles) rules() []acl.Binding {
	rule := func(who string, op kafka.Operation, t kafka.ResourceType, name string) acl.Binding {
		return acl.Binding{ResourceType: t, Name: name, Pattern: kafka.Literal, Principal: "User:" + who, Host: "*", Operation: op, Permission: kafka.Allow}
	}
	all := []acl.Binding{
		rule(quickstartAdmin, kafka.All, kafka.Cluster, kafka.ClusterName),
		rule(quickstartAdmin, kafka.Describe, kafka.Topic, "*"),
		rule(quickstartAdmin, kafka.DescribeConfigs, kafka.Topic, "*"),
		rule(quickstartAdmin, kafka.Describe, kafka.Group, "*"),
		rule(quickstartSender, kafka.Read, kafka.Topic, quickstartTopic),
	}
	if c.name == "primary" {
		return append(all,
			rule(quickstartSender, kafka.Write, kafka.Topic, quickstartTopic),
			rule(quickstartMirror, kafka.Read, kafka.Topic, quickstartTopic),
			rule(quickstartMirror, kafka.DescribeConfigs, kafka.Topic, quickstartTopic),
			rule(quickstartMirror, kafka.Read, kafka.Group, quickstartGroup))
	}
	return append(all,
		rule(quickstartMirror, kafka.Write, kafka.Topic, quickstartTopic),
		rule(quickstartMirror, kafka.Create, kafka.Topic, quickstartTopic),
		rule(quickstartMirror, kafka.DescribeConfigs, kafka.Topic, quickstartTopic),
		rule(quickstartMirror, kafka.Create, kafka.Topic, mirror.StateTopic),
		rule(quickstartMirror, kafka.Read, kafka.Topic, mirror.StateTopic),
		rule(quickstartMirror, kafka.Write, kafka.Topic, mirror.StateTopic))
}

// allow sets the rules in the store of a broker that does not run yet: with
// SSL between brokers it could not start without them.
func (q *quickstart) allow(ctx context.Context, broker clusterFiles) error {
	p, err := config.ReadFile(broker.properties())
	if err != nil {
		return err
	}
	dial, closer, err := q.node.Offline(p)
	if errors.Is(err, q.node.ErrRunning) {
		return &usageError{problem: fmt.Sprintf("another run works in %s", relative(q.dir)), advice: "end it with Ctrl-C, or take another folder with --dir"}
	}
	if err != nil {
		return err
	}
	nc, err := dial(ctx)
	if err != nil {
		return errors.Join(err, closer.Close())
	}
	conn := client.NewConn(nc)
	each, err := client.NewAdmin(conn).CreateACLs(ctx, broker.rules())
	return errors.Join(err, firstOf(each), conn.Close(), closer.Close())
}
