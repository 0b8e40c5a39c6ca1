package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// The quickstart is a whole system in one folder:
//
//	FILE ─ sender ─> primary ─ mirror ─> backup
//
// two brokers with mutual TLS and access rules, and a mirror between them,
// each a process of this same binary. Everything is found out anew from what
// the folder and the topics hold, so a run may end anywhere and the next one
// goes on from there.

// quickstart is one run.
type quickstart struct {
	*session
	dir, input      string
	primary         clusterFiles
	backup          clusterFiles
	children        []*child
	died            chan *child
	senderPrincipal string
}

func quickstartCommand(s *session) *cobra.Command {
	var dir, input string
	var port, backupPort int
	c := &cobra.Command{
		Use: "quickstart", Short: "Run two secured brokers and a mirror, and send a file", Args: noWords,
		Long: "Makes certificates, starts a primary and a backup broker with mutual TLS and\naccess rules, and a mirror between them; sends every line of a file as a client\n" +
			"that may do nothing else; checks that the backup holds the same records; stays\nup until Ctrl-C. A second run goes on in the same folder and sends only the\nlines that are new.\n\n" +
			"A line ends with a line feed, which is not sent; all other bytes are, a carriage\nreturn and NUL too. A last line without line feed is a line.",
		Example: "  schloss quickstart --dir quickstart --input README.md",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needed(c, "dir", "input"); err != nil {
				return err
			}
			if input == "" {
				return &usageError{problem: "the name of the input is empty", advice: "name a file: --input README.md"}
			}
			q := &quickstart{session: s, input: input, died: make(chan *child, 3)}
			var err error
			if q.dir, err = filepath.Abs(dir); err != nil {
				return err
			}
			q.primary = clusterFiles{name: "primary", dir: filepath.Join(q.dir, "primary"), port: port, flag: "--port"}
			q.backup = clusterFiles{name: "backup", dir: filepath.Join(q.dir, "backup"), port: backupPort, flag: "--backup-port"}
			return q.run(c.Context())
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the folder for everything; made when missing")
	c.Flags().StringVar(&input, "input", "", "the `FILE` whose lines are sent")
	c.Flags().IntVar(&port, "port", 9093, "of the primary broker")
	c.Flags().IntVar(&backupPort, "backup-port", 9193, "of the backup broker")
	return c
}

// run is the order of things. Whatever was started is ended on every way out.
func (q *quickstart) run(ctx context.Context) (err error) {
	source, err := openLines(q.input)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := q.checkPorts(); err != nil {
		return err
	}
	if err := q.prepare(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer q.stop()
	for _, broker := range []clusterFiles{q.primary, q.backup} {
		if err := q.start(broker.name, "kafka-server-start", broker.properties()); err != nil {
			return err
		}
	}
	err = q.watched(ctx, cancel, func() error { return q.mirrorLines(ctx, source) })
	if err != nil {
		return err
	}
	q.sayReady()
	select {
	case <-ctx.Done():
		fmt.Fprintln(q.IO.Err, "stopping")
		return nil
	case c := <-q.died:
		return q.deathOf(c)
	}
}

// watched runs a step that a child's death ends.
func (q *quickstart) watched(ctx context.Context, cancel context.CancelCauseFunc, step func() error) error {
	done := make(chan error, 1)
	go func() { done <- step() }()
	select {
	case err := <-done:
		if ctx.Err() != nil {
			return interruption(ctx)
		}
		return err
	case c := <-q.died:
		cancel(errors.New("a child died"))
		<-done
		return q.deathOf(c)
	}
}

// mirrorLines waits for the brokers, starts the mirror, sends what is new and
// waits until the backup has it.
func (q *quickstart) mirrorLines(ctx context.Context, source *lineSource) error {
	for _, broker := range []clusterFiles{q.primary, q.backup} {
		c, err := q.reach(ctx, broker)
		if err != nil {
			return err
		}
		if broker.name == "primary" {
			err = createQuickstartTopic(ctx, client.NewAdmin(c))
		}
		c.Close()
		if err != nil {
			return err
		}
	}
	if err := q.start("mirror", "kafka-mirror-maker", "--consumer.config", q.file("mirror-consumer.properties"),
		"--producer.config", q.file("mirror-producer.properties"), "--include", quickstartTopic, "--offset.commit.interval.ms", "1000"); err != nil {
		return err
	}
	sender, err := q.newSender(ctx)
	if err != nil {
		return err
	}
	defer sender.close()
	if err := sender.send(ctx, source); err != nil {
		return err
	}
	if err := sender.waitForBackup(ctx); err != nil {
		return err
	}
	fmt.Fprint(q.Out, q.summary(sender))
	return nil
}

// reach connects as the administrator, waiting for the broker to answer.
func (q *quickstart) reach(ctx context.Context, broker clusterFiles) (*client.Client, error) {
	values, err := q.readSettings(settings{table: config.Admin, file: q.file("admin.properties"), server: broker.address()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		c, err := client.Open(ctx, client.Config{Values: values})
		var refused *client.ConnectError
		if err == nil || !errors.As(err, &refused) || refused.Step != client.Connect || ctx.Err() != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func createQuickstartTopic(ctx context.Context, admin *client.Admin) error {
	err := admin.CreateTopic(ctx, client.NewTopic{Name: quickstartTopic, Partitions: 1, ReplicationFactor: 1})
	if errors.Is(err, kafka.ErrTopicAlreadyExists) {
		return nil
	}
	return err
}

func (q *quickstart) file(name string) string { return filepath.Join(q.dir, name) }

// portTakenError is a port that somebody listens on already.
type portTakenError struct {
	port int
	flag string
	err  error
}

func (e *portTakenError) Error() string {
	return fmt.Sprintf("port %d is not free: %v", e.port, e.err)
}

func (e *portTakenError) Unwrap() error { return e.err }

// checkPorts tries both ports before anything is made or started.
func (q *quickstart) checkPorts() error {
	if q.primary.port == q.backup.port {
		return &usageError{problem: fmt.Sprintf("both brokers cannot have port %d", q.port()), advice: "choose another with --backup-port"}
	}
	for _, broker := range []clusterFiles{q.primary, q.backup} {
		if broker.port < 1 || broker.port > 65535 {
			return &usageError{problem: fmt.Sprintf("%s %d is no port", broker.flag, broker.port), advice: "choose one from 1024 to 65535"}
		}
		l, err := net.Listen("tcp", broker.address())
		if err != nil {
			return &portTakenError{port: broker.port, flag: broker.flag, err: err}
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (q *quickstart) port() int { return q.primary.port }

// clusterFiles is one of the two brokers.
type clusterFiles struct {
	name, dir string
	port      int
	flag      string // that changes the port
}

func (c clusterFiles) address() string    { return "localhost:" + strconv.Itoa(c.port) }
func (c clusterFiles) properties() string { return filepath.Join(c.dir, "server.properties") }

var _ io.Closer = (*lineSource)(nil)

// relative shortens a path for the eye and for pasting.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(wd, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
