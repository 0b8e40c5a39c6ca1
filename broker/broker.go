package broker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/kafka/wire"
	"schloss/security/acl"
	"schloss/security/audit"
	"schloss/store"
)

// Endpoint is where clients reach a listener.
type Endpoint struct {
	Host string
	Port int32
}

// Config is what a Broker is told.
type Config struct {
	Node   kafka.NodeID
	Values *config.Values // the settings of server.properties
	// Reconfigure checks what the broker's settings are to become, and makes of
	// them what takes effect outside of the broker; it is to be called once the
	// settings are durable. nil: there is nothing outside.
	Reconfigure func(*config.Values) (apply func(), err error)
	// Authorizer decides; nil allows everyone everything.
	Authorizer *acl.Authorizer
	// NewID makes random ids of topics and members.
	NewID func() [16]byte
}

// Deps is what a Broker works with. Log, Audit and Now must be set.
type Deps struct {
	Logs     store.Logs
	Metadata store.Metadata
	Leaders  store.Leaders
	Audit    *audit.Log
	Log      *slog.Logger
	Now      func() time.Time
}

// Broker answers requests. New makes one that serves what needs no partition
// (ApiVersions, ACLs); Start opens the partitions.
type Broker struct {
	node       kafka.NodeID
	set        settings
	values     atomic.Pointer[config.Values] // with what was changed at run time
	outside    func(*config.Values) (apply func(), err error)
	authorizer *acl.Authorizer
	newID      func() [16]byte
	apis       map[int16]*api
	parser     wire.Parser
	unpacking  unpacking

	logs    store.Logs
	meta    store.Metadata
	leaders store.Leaders
	audit   *audit.Log
	log     *slog.Logger
	now     func() time.Time

	endpoints map[string]Endpoint // by listener name; written before the first request
	topics    topics
	groups    groups
	sessions  fetchSessions
	producers producerIDs

	changing sync.Mutex    // one change of topics or settings at a time
	opening  chan struct{} // bounds the logs that are being opened
	stop     context.CancelFunc
	stopped  context.Context
	loops    sync.WaitGroup
}

// New makes a broker.
func New(cfg Config, deps Deps) *Broker {
	b := &Broker{
		node: cfg.Node, set: settingsOf(cfg.Values), outside: cfg.Reconfigure, authorizer: cfg.Authorizer, newID: cfg.NewID,
		apis: make(map[int16]*api), unpacking: newUnpacking(),
		logs: deps.Logs, meta: deps.Metadata, leaders: deps.Leaders, audit: deps.Audit, log: deps.Log, now: deps.Now,
	}
	for _, a := range apis() {
		b.apis[a.key] = &a
	}
	b.values.Store(cfg.Values.With(DynamicOf(b.meta.Image(), b.node)))
	b.stopped, b.stop = context.WithCancel(context.Background())
	b.groups.b = b
	b.opening = make(chan struct{}, openAtOnce)
	b.sessions = newFetchSessions(b.set.fetchSessions, b.newID)
	b.topics.byName = make(map[string]*topic)
	b.topics.byID = make(map[kafka.TopicID]*topic)
	return b
}

// Start opens every partition, tells what recovery found, and begins loading
// the groups and the loops of retention. A damaged partition stays offline; any
// other error ends the start.
func (b *Broker) Start() error {
	recovered, err := b.openTopics()
	if err != nil {
		return err
	}
	if recovered > 0 {
		b.log.Info("recovered after an unclean stop", "partitions", recovered)
	}
	b.groups.load()
	b.loops.Go(b.retainLoop)
	b.loops.Go(b.rewriteLoop)
	return nil
}

// openTopics opens every topic of the metadata, side by side.
func (b *Broker) openTopics() (recovered int, err error) {
	var all sync.WaitGroup
	var mu sync.Mutex // guards what is returned
	slots := make(chan struct{}, openAtOnce)
	for _, t := range b.meta.Image().Topics {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			n, failed := b.openTopic(t)
			mu.Lock()
			defer mu.Unlock()
			recovered += n
			if err == nil {
				err = failed
			}
		})
	}
	all.Wait()
	return recovered, err
}

// Advertise tells where clients reach a listener. All listeners are to be told
// before any of them serves.
func (b *Broker) Advertise(endpoints map[string]Endpoint) { b.endpoints = endpoints }

// Close stops the loops and the groups and closes every log cleanly. No request
// may come any more.
func (b *Broker) Close() error {
	b.stop()
	b.groups.close()
	b.loops.Wait()
	return b.topics.close()
}
