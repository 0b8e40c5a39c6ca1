package broker_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/audit"
	"schloss/security/principal"
	"schloss/store"
	"schloss/store/local"
)

// watchedLogs count who looks at a log or asks for its leader.
type watchedLogs struct {
	store.Logs
	leaders store.Leaders
	looks   atomic.Int64
}

func (w *watchedLogs) Leader(tp kafka.TopicPartition) (kafka.NodeID, kafka.Epoch, bool) {
	w.looks.Add(1)
	return w.leaders.Leader(tp)
}

func (w *watchedLogs) Open(tp kafka.TopicPartition, id kafka.TopicID, cfg store.LogConfig, r store.Replica, create bool) (store.PartitionLog, store.Recovery, error) {
	log, recovery, err := w.Logs.Open(tp, id, cfg, r, create)
	return watchedLog{log, &w.looks}, recovery, err
}

// stuckMetadata holds commits up.
type stuckMetadata struct {
	store.Metadata
	stuck atomic.Pointer[chan struct{}] // commits wait until it is closed
	held  chan struct{}                 // has one value when a commit waits
}

func (m *stuckMetadata) Commit(changes ...store.Change) error {
	if until := m.stuck.Load(); until != nil {
		m.held <- struct{}{}
		<-*until
	}
	return m.Metadata.Commit(changes...)
}

// watchedLog counts what a request could ask of a log.
type watchedLog struct {
	store.PartitionLog
	looks *atomic.Int64
}

func (l watchedLog) Append(batches []byte, epoch kafka.Epoch) (kafka.Offset, error) {
	l.looks.Add(1)
	return l.PartitionLog.Append(batches, epoch)
}

func (l watchedLog) Read(dst []byte, from, limit kafka.Offset, maxBytes int, atLeastOne bool) ([]byte, error) {
	l.looks.Add(1)
	return l.PartitionLog.Read(dst, from, limit, maxBytes, atLeastOne)
}

func (l watchedLog) Start() kafka.Offset {
	l.looks.Add(1)
	return l.PartitionLog.Start()
}

func (l watchedLog) Durable() kafka.Offset {
	l.looks.Add(1)
	return l.PartitionLog.Durable()
}

func (l watchedLog) Size() int64 {
	l.looks.Add(1)
	return l.PartitionLog.Size()
}

// watched is a broker with access rules on such a store, a topic, and what it
// told the audit log.
type watched struct {
	logs    *watchedLogs
	meta    *stuckMetadata
	audit   *audit.Log
	denials *bytes.Buffer
	addr    string
	hidden  subject
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	p := config.NewProperties("test")
	p.Set("offsets.topic.num.partitions", "1")
	values, _, err := config.Server.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	fsys := disk.NewFake(1)
	if err := fsys.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	s, err := local.Open(fsys, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{denials: &bytes.Buffer{}, hidden: subject{topic: hiddenTopic, group: hiddenGroup, id: kafka.TopicID{1}}}
	w.logs = &watchedLogs{Logs: s.Logs(), leaders: s}
	w.meta = &stuckMetadata{Metadata: s.Metadata(), held: make(chan struct{}, 1)}
	w.audit = audit.New(w.denials, time.Now)
	if err := s.Metadata().Commit(store.Booted{Boot: 1}, store.PutTopic{Topic: store.Topic{Name: hiddenTopic, ID: w.hidden.id, Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	var ids atomic.Uint32
	b := broker.New(broker.Config{Values: values, Authorizer: &acl.Authorizer{}, NewID: func() (id [16]byte) {
		id[0], id[15] = 2, byte(ids.Add(1))
		return id
	}}, broker.Deps{Logs: w.logs, Metadata: w.meta, Leaders: w.logs, Audit: w.audit, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	identify := func(context.Context, net.Conn) (principal.Principal, error) { return principal.Anonymous, nil }
	l := listener.New(listener.Config{Name: "T", Identify: identify}, socket, b)
	b.Advertise(map[string]broker.Endpoint{"T": {Host: "127.0.0.1", Port: 1}})
	go func() { _ = l.Serve() }() // ended by Shutdown
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, end := range []func() error{func() error { return l.Shutdown(ctx) }, b.Close, s.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	w.addr = socket.Addr().String()
	return w
}

func (w *watched) connect(t *testing.T) *rawConn {
	t.Helper()
	nc, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &rawConn{Conn: nc}
}

// TestAStrangerTouchesNoLog asks everything that is refused, about what is
// there: no log and no leader may be looked at, since how long that takes would
// tell.
func TestAStrangerTouchesNoLog(t *testing.T) {
	w := newWatched(t)
	conn := w.connect(t)
	walk := &rightsWalk{ranges: map[string][2]int16{}}
	for _, a := range broker.APIs() {
		walk.ranges[a.Name] = [2]int16{a.Min, a.Max}
	}
	for _, r := range rightsTable() {
		before := w.logs.looks.Load()
		for _, v := range walk.versions(r) {
			conn.ask(t, r.ask(w.hidden), v)
		}
		if looks := w.logs.looks.Load() - before; looks > 0 {
			t.Errorf("%s looked at logs or leaders %d times for a stranger", r, looks)
		}
	}
	before := w.logs.looks.Load()
	if err := w.meta.Commit(store.AddBindings{Bindings: []acl.Binding{onTopic(kafka.All)}}); err != nil {
		t.Fatal(err)
	}
	conn.ask(t, asked("ListOffsets")(w.hidden), 6)
	if w.logs.looks.Load() == before {
		t.Error("the counter does not count")
	}
}

// TestDecisionsGoOnWhileACommitIsStuck holds the commit of a new rule up, as a
// slow disk does. All else must be decided and answered meanwhile.
func TestDecisionsGoOnWhileACommitIsStuck(t *testing.T) {
	w := newWatched(t)
	if err := w.meta.Commit(store.AddBindings{Bindings: []acl.Binding{onTopic(kafka.Describe), onCluster(kafka.Alter)}}); err != nil {
		t.Fatal(err)
	}
	until := make(chan struct{})
	w.meta.stuck.Store(&until)
	changing, asking := w.connect(t), w.connect(t)
	changing.send(t, asked("CreateAcls")(w.hidden), 3)
	<-w.meta.held
	const decisions = 500
	for range decisions {
		if got := codes(asking.ask(t, asked("ListOffsets")(w.hidden), 6)); got[0] != kafka.NoError {
			t.Fatalf("codes are %v while a commit is stuck", got)
		}
	}
	w.meta.stuck.Store(nil)
	close(until)
	if _, err := changing.receive(kmsg.CreateACLs.Int16(), 3); err != nil {
		t.Errorf("the change that was held up: %v", err)
	}
}

// TestADeniedReplicaIsOneLine fetches as a replica from several topics.
func TestADeniedReplicaIsOneLine(t *testing.T) {
	w := newWatched(t)
	req := patientFetch(w.hidden, 1).(*kmsg.FetchRequest)
	for _, name := range []string{"a", "b", "c"} {
		req.Topics = append(req.Topics, patientFetch(subject{topic: name}, 1).(*kmsg.FetchRequest).Topics...)
	}
	w.connect(t).ask(t, req, 12)
	if err := w.audit.Flush(); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(w.denials.String(), "\n"); lines != 1 || !strings.Contains(w.denials.String(), `"operation":"CLUSTER_ACTION"`) {
		t.Errorf("%d lines tell of one request:\n%s", lines, w.denials)
	}
}
