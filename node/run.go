package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/audit"
	"schloss/store/local"
)

const (
	drainTimeout       = 10 * time.Second // for answers that are owed at a stop
	checkpointInterval = 5 * time.Second
	reloadInterval     = 2 * time.Second // how often the files of key stores are looked at
	auditInterval      = time.Second     // how often counts of repeated denials are looked for
	auditTimeout       = 2 * time.Second // for denials that wait to be written at a stop
)

// Config is what Run needs.
type Config struct {
	Properties *config.Properties // server.properties
	Stdout     io.Writer          // the line that says ready
	Stderr     io.Writer          // the log
	// Ready, when set, is called once every listener answers.
	Ready func(Started)
}

// Started is what runs.
type Started struct {
	Listeners map[string]string // address by listener name, as clients reach it
}

// Run serves until ctx ends, then stops cleanly and returns nil.
func Run(ctx context.Context, cfg Config) error {
	values, notices, err := config.Server.Read(cfg.Properties)
	if err != nil {
		return err
	}
	stream := newLogStream(cfg.Stderr)
	defer stream.close()
	n := &running{values: values, log: slog.New(slog.NewTextHandler(stream, nil)), stream: stream, stderr: cfg.Stderr, began: time.Now()}
	for _, notice := range notices {
		n.log.Warn("setting without effect", "key", notice.Key, "at", fmt.Sprintf("%s:%d", notice.Source, notice.Line), "reason", notice.Reason)
	}
	if err := n.start(ctx); err != nil {
		return errors.Join(err, n.stop())
	}
	n.announce(cfg)
	select {
	case <-ctx.Done():
	case err = <-n.failed:
	}
	return errors.Join(err, n.stop())
}

// running is what has been started, in the order in which it was; stop goes
// through it backwards.
type running struct {
	values *config.Values
	log    *slog.Logger
	stream *logStream
	stderr io.Writer
	began  time.Time

	endpoints  []endpoint
	authorizer *acl.Authorizer
	store      *local.Store
	audit      *auditSink
	broker     *broker.Broker
	started    bool // the broker's partitions are open
	limits     *listener.Limits
	listeners  []*listener.Listener
	socket     *localSocket
	failed     chan error // a listener that can accept no more
	background func()     // stops checkpoints and reloads
}

func (n *running) start(ctx context.Context) error {
	var err error
	if n.endpoints, err = endpointsOf(n.values, n.log); err != nil {
		return err
	}
	if n.authorizer, err = authorizerOf(n.values); err != nil {
		return err
	}
	if n.store, err = openStore(n.values); err != nil {
		return err
	}
	if err := n.takeDynamic(); err != nil {
		return err
	}
	if err := n.checkOwnRights(); err != nil {
		return err
	}
	if n.audit, err = openAudit(n.values, n.stderr, n.log); err != nil {
		return err
	}
	n.broker = newBroker(broker.Config{Values: n.values, Reconfigure: n.reconfigure, Authorizer: n.authorizer}, n.store, n.audit.log, n.log)
	if err := countStart(n.store); err != nil {
		return err
	}
	if err := n.setLeftoversAside(); err != nil {
		return err
	}
	if err := n.broker.Start(); err != nil {
		return err
	}
	n.started = true
	if err := n.listen(); err != nil {
		return err
	}
	n.inBackground(ctx)
	return nil
}

// listen opens every socket before any of them serves, so that a port that is
// taken stops the start.
func (n *running) listen() error {
	n.limits = &listener.Limits{Max: n.maxConnections(n.values), PerIP: n.values.Int("max.connections.per.ip")}
	n.limits.Rate.Set(n.values.Int("max.connection.creation.rate"))
	whole := shared{limits: n.limits, pool: &listener.Pool{}, budget: &listener.Budget{Most: mostInFlight(n.values)}}
	reached := make(map[string]broker.Endpoint)
	for i := range n.endpoints {
		e := &n.endpoints[i]
		l, err := e.open(n.broker, whole, n.log)
		if err != nil {
			return err
		}
		n.listeners = append(n.listeners, l)
		reached[e.Name] = e.reached(l.Addr())
	}
	socket, err := openSocket(metadataDir(n.values), n.broker, whole.pool, n.log)
	if err != nil {
		return err
	}
	n.socket = socket
	n.broker.Advertise(reached)
	n.failed = make(chan error, len(n.listeners)+1)
	for _, l := range slices.Concat(n.listeners, []*listener.Listener{socket.Listener}) {
		go func() {
			if err := l.Serve(); err != nil {
				n.failed <- err
			}
		}()
	}
	return nil
}

// announce says in one line what is served and how, and then that it is.
func (n *running) announce(cfg Config) {
	started := Started{Listeners: make(map[string]string)}
	var names []string
	for i, e := range n.endpoints {
		at := e.reached(n.listeners[i].Addr())
		address := net.JoinHostPort(at.Host, fmt.Sprint(at.Port))
		started.Listeners[e.Name] = address
		names = append(names, e.Name+"://"+address)
	}
	rules := "none: everyone may do everything"
	if n.authorizer != nil {
		rules = fmt.Sprintf("%d ACLs", n.store.Metadata().Image().ACLs.Len())
	}
	supers := n.values.String("super.users")
	if n.authorizer == nil || strings.Trim(supers, " ;") == "" {
		supers = "none"
	}
	n.lint()
	durability := "acks=all after fsync"
	if !n.values.Bool("flush.before.ack") {
		durability = "acks=all from the page cache (flush.before.ack=false)"
	}
	n.log.Info("started", "node", nodeID(n.values), "listeners", strings.Join(names, ","), "authorizer", rules, "super.users", supers, "plaintext", n.plaintext(), "durability", durability,
		"topics", len(n.store.Metadata().Image().Topics), "took", time.Since(n.began).Round(time.Millisecond).String())
	n.stream.settle()                                               // who waits for ready finds the log of the start
	fmt.Fprintf(cfg.Stdout, "ready %s\n", strings.Join(names, " ")) //nolint:errcheck // nobody reads it: not our failure
	if cfg.Ready != nil {
		cfg.Ready(started)
	}
}

// plaintext names the listeners without TLS.
func (n *running) plaintext() string {
	var names []string
	for _, e := range n.endpoints {
		if e.tls == nil {
			names = append(names, e.Name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ",")
}

// inBackground starts what runs beside the requests: checkpoints, reloads of
// key stores.
func (n *running) inBackground(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		checkpoint := time.NewTicker(checkpointInterval)
		defer checkpoint.Stop()
		for {
			select {
			case <-checkpoint.C:
				n.tell("write checkpoint", n.store.Checkpoint())
			case <-ctx.Done():
				return
			}
		}
	})
	for _, e := range n.endpoints {
		if e.tls == nil {
			continue
		}
		all.Go(func() {
			e.tls.Watch(ctx, reloadInterval, func(err error) {
				if err != nil {
					n.log.Error("key stores could not be read again, the old ones stay", "listener", e.Name, "error", err)
					return
				}
				n.log.Info("key stores read again", "listener", e.Name)
			})
		})
	}
	n.background = func() {
		cancel()
		all.Wait()
	}
}

func (n *running) tell(what string, err error) {
	if err != nil {
		n.log.Error(what, "error", err)
	}
}

// stop ends what was started, last first. Answers that are owed get a while.
func (n *running) stop() error {
	var errs []error
	if n.started {
		n.log.Info("stopping")
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	ended := make(chan error, len(n.listeners))
	for _, l := range n.listeners {
		go func() { ended <- l.Shutdown(ctx) }()
	}
	for range n.listeners {
		errs = append(errs, <-ended)
	}
	if n.socket != nil {
		errs = append(errs, n.socket.close(ctx))
	}
	if n.background != nil {
		n.background()
	}
	if n.broker != nil {
		errs = append(errs, n.broker.Close())
	}
	if n.audit != nil {
		errs = append(errs, n.audit.close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if n.started {
		n.log.Info("stopped")
	}
	return nil
}

// auditSink is where denials go, and what is to be closed behind them.
type auditSink struct {
	log    *audit.Log
	file   io.Closer // nil for the log stream
	cancel context.CancelFunc
	ended  chan struct{} // closed when all is written
}

// close has the last denials written. A writer that is stuck, such as a pipe
// that nobody reads, does not keep the process from ending.
func (a *auditSink) close() error {
	a.cancel()
	select {
	case <-a.ended:
	case <-time.After(auditTimeout):
		if a.file == nil {
			return nil // who is told of errors reads the same stream
		}
		return fmt.Errorf("write audit log: its writer was stuck for %v, so the last denials are not in it", auditTimeout)
	}
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
