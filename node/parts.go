package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"syscall"
	"time"

	"schloss/broker"
	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/audit"
	"schloss/security/principal"
	"schloss/store"
	"schloss/store/local"
)

// nodeID is the id of this broker: node.id, else broker.id, else 0.
func nodeID(v *config.Values) kafka.NodeID {
	for _, name := range []string{"node.id", "broker.id"} {
		if id := v.Int(name); id >= 0 {
			return kafka.NodeID(id)
		}
	}
	return 0
}

// dataDirs are the data directories; the metadata is in the first.
func dataDirs(v *config.Values) []string {
	if v.IsSet("log.dirs") {
		return v.List("log.dirs")
	}
	return v.List("log.dir")
}

func metadataDir(v *config.Values) string { return dataDirs(v)[0] }

// mostOpenFiles is how many files of logs are kept open for later.
const mostOpenFiles = 1024

// descriptors is how many the process may have.
func descriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("ask for the limit of descriptors: %w", err)
	}
	return int(min(limit.Cur, math.MaxInt32)), nil
}

// openStore opens the data directories, made if they are missing.
func openStore(v *config.Values) (*local.Store, error) {
	dirs := dataDirs(v)
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
	}
	limit, err := descriptors()
	if err != nil {
		return nil, err
	}
	s, err := local.Open(disk.OS(), dirs, local.Options{
		FlushBeforeAck: v.Bool("flush.before.ack"), NodeID: nodeID(v),
		MaxOpenFiles: min(limit/4, mostOpenFiles), MaxFiles: limit * 3 / 8, // half is for connections, the rest for what is read
	})
	var held *disk.LockedError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("%w: %w", ErrRunning, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open data directories: %w", err)
	}
	return s, nil
}

// authorizerOf is nil when authorizer.class.name is not set. The table of
// settings lets only the names of Kafka's own authorizers through.
func authorizerOf(v *config.Values) (*acl.Authorizer, error) {
	if v.String("authorizer.class.name") == "" {
		return nil, nil
	}
	supers, err := principal.ParseSupers(v.String("super.users"))
	if err != nil {
		return nil, fmt.Errorf("read super.users: %w", err)
	}
	return &acl.Authorizer{Supers: supers, AllowEveryoneIfNoACL: v.Bool("allow.everyone.if.no.acl.found")}, nil
}

// openAudit opens the file that audit.log names, or takes the log stream, and
// starts to write what is denied.
func openAudit(v *config.Values, stream io.Writer, log *slog.Logger) (*auditSink, error) {
	a := &auditSink{ended: make(chan struct{})}
	if path := v.String("audit.log"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open audit log: %w", err)
		}
		a.file, stream = f, f
	}
	a.log = audit.New(stream, time.Now)
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	go func() {
		tick := time.NewTicker(auditInterval)
		defer tick.Stop()
		a.log.Run(ctx, tick.C, func(err error) { log.Error("write audit log", "error", err) })
		close(a.ended)
	}()
	return a, nil
}

// newBroker makes a broker of what the configuration lacks yet.
func newBroker(cfg broker.Config, s *local.Store, denials *audit.Log, log *slog.Logger) *broker.Broker {
	cfg.Node, cfg.NewID = nodeID(cfg.Values), randomID
	return broker.New(cfg, broker.Deps{Logs: s.Logs(), Metadata: s.Metadata(), Leaders: s, Audit: denials, Log: log, Now: time.Now})
}

// mostInFlight is queued.max.request.bytes. Kafka's default is no bound, with
// which a few thousand peers could take all memory.
func mostInFlight(v *config.Values) int64 {
	if set := v.Int64("queued.max.request.bytes"); set > 0 {
		return set
	}
	return 1 << 30
}

// maxConnections is max.connections, or half of the descriptors that the
// process may have if those are fewer: the other half is for the files of the
// logs, which strangers must not starve.
func (n *running) maxConnections(v *config.Values) int {
	wanted := v.Int("max.connections")
	limit, err := descriptors()
	if err != nil {
		n.tell("bound the connections", err)
		return wanted
	}
	half := limit / 2
	if v.IsSet("max.connections") && wanted > half {
		n.log.Warn("fewer connections than max.connections are taken: half of the descriptors stay for files",
			"max.connections", wanted, "taken", half, "descriptors", limit)
	}
	return min(wanted, half)
}

// randomID is a random UUID (version 4).
func randomID() (id [16]byte) {
	rand.Read(id[:]) //nolint:errcheck // it never fails: the process ends instead
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// countStart makes this start the leader epoch.
func countStart(s *local.Store) error {
	boot := s.Metadata().Image().Boot + 1
	if err := s.Metadata().Commit(store.Booted{Boot: boot}); err != nil {
		return fmt.Errorf("count this start: %w", err)
	}
	return nil
}

// setLeftoversAside renames partition directories that no topic owns: what a
// deletion left that a crash cut short, or what somebody put there. Nothing is
// lost, and nothing of it can be taken for a topic of that name to come.
func (n *running) setLeftoversAside() error {
	topics := n.store.Metadata().Image().Topics
	for _, tp := range n.store.Partitions() {
		if t, ok := topics[tp.Topic]; ok && tp.Partition < t.Partitions {
			continue
		}
		name, err := n.store.SetAside(tp)
		if err != nil {
			return err
		}
		n.log.Warn("partition directory belongs to no topic and was set aside", "partition", tp.String(), "directory", name)
	}
	return nil
}
