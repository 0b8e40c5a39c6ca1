package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// clusterTarget writes to a Kafka cluster.
type clusterTarget struct {
	cluster       *client.Client
	admin         *client.Admin
	acks          int16
	insist        bool // enable.idempotence=true stands in the file
	window        int
	patience      time.Duration
	timeoutMillis int32
	requestSize   int
	backoff       time.Duration
	refreshEvery  time.Duration
	notice        func(string)
	outages       *outages
	throttles     *throttles
	trip          roundTrip
	transactional *string // the id of all that is sent; nil: none

	transactionTimeout time.Duration

	kick    chan struct{}
	running sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc

	mu      sync.Mutex // guards what follows
	senders map[int]*sender
	leaders map[kafka.TopicPartition]kafka.NodeID
	counts  map[string]int32 // partitions of topics
	topics  map[string]bool  // whose leaders are asked for

	identifying sync.Mutex // held while an identity is asked for; guards what follows
	idempotent  bool
	who         *identity
	used        map[kafka.TopicPartition]bool // by who
}

// newClusterTarget reads the producer's settings. MirrorMaker 1 changes some
// defaults: it never gives a record up, unless told to.
func newClusterTarget(cluster *client.Client, v *config.Values, notice func(string)) (*clusterTarget, error) {
	t := &clusterTarget{
		cluster:       cluster,
		admin:         client.NewAdmin(cluster),
		throttles:     &throttles{side: "target", notice: notice},
		acks:          -1,
		idempotent:    v.Bool("enable.idempotence"),
		insist:        v.IsSet("enable.idempotence") && v.Bool("enable.idempotence"),
		window:        min(maxInFlight, v.Int("max.in.flight.requests.per.connection")),
		timeoutMillis: int32(min(v.Duration("request.timeout.ms").Milliseconds(), math.MaxInt32)),
		requestSize:   v.Int("max.request.size"),
		backoff:       max(v.Duration("retry.backoff.ms"), time.Millisecond),
		refreshEvery:  refreshInterval(v),
		kick:          make(chan struct{}, 1),
		senders:       make(map[int]*sender),
		leaders:       make(map[kafka.TopicPartition]kafka.NodeID),
		counts:        make(map[string]int32),
		topics:        make(map[string]bool),
		notice:        notice,
		outages:       newOutages("target", notice),

		transactionTimeout: v.Duration("transaction.timeout.ms"),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	if v.IsSet("delivery.timeout.ms") {
		t.patience = v.Duration("delivery.timeout.ms")
	}
	switch acks := v.String("acks"); acks {
	case "all", "-1":
	case "1":
		t.acks, t.idempotent = 1, false
	default:
		return nil, &client.SettingError{Key: "acks", Value: acks, Problem: "a mirror commits what is acknowledged; want all or 1"}
	}
	if t.insist && t.acks != -1 {
		return nil, &client.SettingError{Key: "acks", Value: v.String("acks"), Problem: "enable.idempotence=true needs acks=all"}
	}
	return t, nil
}

// refreshInterval is how often topics and leaders are asked for: new topics
// are to be found within seconds, unless the file says otherwise.
func refreshInterval(v *config.Values) time.Duration {
	if v.IsSet("metadata.max.age.ms") {
		return max(v.Duration("metadata.max.age.ms"), 100*time.Millisecond)
	}
	return 5 * time.Second
}

// pause is the time before the n-th repetition, at most a second.
func (t *clusterTarget) pause(n int) time.Duration { return pause(t.backoff, n) }

func pause(first time.Duration, n int) time.Duration {
	return min(first<<min(max(n-1, 0), 10), max(first, time.Second))
}

// Topic describes a topic. What may not be described is not known.
func (t *clusterTarget) Topic(ctx context.Context, name string) (TargetTopic, error) {
	topics, err := t.admin.Topics(ctx, name)
	if err != nil {
		return TargetTopic{}, err
	}
	if len(topics) != 1 {
		return TargetTopic{}, fmt.Errorf("describe topic %q: the broker described %d topics", name, len(topics))
	}
	if topics[0].Err != nil {
		return TargetTopic{}, topics[0].Err
	}
	t.learn(topics)
	found := TargetTopic{Partitions: int32(len(topics[0].Partitions))}
	configs, err := t.admin.TopicConfigs(ctx, name)
	if err != nil {
		if transient(err) {
			return TargetTopic{}, err
		}
		return found, nil
	}
	for _, c := range configs {
		switch {
		case c.Value == nil:
		case c.Name == "max.message.bytes":
			found.Limits.MaxMessageBytes, _ = strconv.Atoi(*c.Value)
		case c.Name == "message.timestamp.type":
			found.Limits.LogAppendTime = *c.Value == "LogAppendTime"
		case c.Name == "cleanup.policy":
			found.Limits.Compacted = strings.Contains(*c.Value, "compact")
		}
	}
	return found, nil
}

// CreateTopic creates a topic with the cluster's default replication factor.
func (t *clusterTarget) CreateTopic(ctx context.Context, name string, partitions int32) error {
	return createTopic(ctx, t.admin, client.NewTopic{Name: name, Partitions: partitions, ReplicationFactor: -1})
}

// AddPartitions makes a topic have so many partitions.
func (t *clusterTarget) AddPartitions(ctx context.Context, name string, total int32) error {
	return t.admin.CreatePartitions(ctx, client.NewPartitions{Topic: name, Count: total})
}

// Partitions is how many partitions a topic had when it was last seen.
func (t *clusterTarget) Partitions(topic string) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.topics[topic] = true
	return t.counts[topic]
}

// Ends are the ends of the logs of partitions, those that there are.
func (t *clusterTarget) Ends(ctx context.Context, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Offset, error) {
	return listEach(ctx, t.admin, kafka.LatestOffset, tps)
}

// listEach asks for one place of each partition, those that there are.
func listEach(ctx context.Context, admin *client.Admin, place kafka.Offset, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Offset, error) {
	listed, err := admin.ListOffsets(ctx, int64(place), tps)
	at := make(map[kafka.TopicPartition]kafka.Offset, len(listed))
	switch missing := errors.Is(err, kerr.UnknownTopicOrPartition); {
	case missing && len(tps) == 1:
		return at, nil
	case missing: // one of them, which fails all
		half := len(tps) / 2
		for _, some := range [][]kafka.TopicPartition{tps[:half], tps[half:]} {
			there, err := listEach(ctx, admin, place, some)
			if err != nil {
				return nil, err
			}
			maps.Copy(at, there)
		}
		return at, nil
	case err != nil:
		return nil, err
	}
	for _, l := range listed {
		switch {
		case l.Err == nil:
			at[l.TopicPartition] = l.Offset
		case errors.Is(l.Err, kafka.ErrUnknownTopicOrPartition): // it is to be created
		case transient(l.Err):
			return nil, l.Err
		}
	}
	return at, nil
}

// Open prepares to append to a partition.
func (t *clusterTarget) Open(stream int, tp kafka.TopicPartition) Appender {
	s := t.sender(stream, tp)
	o := s.outbox(tp)
	t.running.Go(func() { s.identify(o) })
	return &appender{sender: s, box: o}
}

// sender is the sender of a stream, which is to send to a partition.
func (t *clusterTarget) sender(stream int, tp kafka.TopicPartition) *sender {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.senders[stream]
	if s == nil {
		s = &sender{target: t, ctx: t.ctx, lanes: make(map[kafka.NodeID]*lane), last: make(map[kafka.TopicPartition]*int)}
		t.senders[stream] = s
	}
	t.topics[tp.Topic] = true
	return s
}

// Measure measures the round trip.
func (t *clusterTarget) Measure(ctx context.Context) error { return t.trip.measure(ctx, t.admin) }

// RoundTrip is the measured one.
func (t *clusterTarget) RoundTrip() time.Duration { return t.trip.shortest() }

// Run keeps the leaders known until the context ends, then ends all
// connections.
func (t *clusterTarget) Run(ctx context.Context) {
	defer t.running.Wait()
	defer t.cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.kick:
		case <-time.After(t.refreshEvery):
		}
		if topics, err := t.admin.Topics(ctx, t.names()...); err == nil {
			t.learn(topics)
		}
		_ = t.Measure(ctx) // a cluster that does not answer is as far away as before
		select {           // many outboxes ask at once; one answer serves them all
		case <-ctx.Done():
			return
		case <-time.After(t.backoff):
		}
	}
}

func (t *clusterTarget) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := make([]string, 0, len(t.topics))
	for name := range t.topics {
		names = append(names, name)
	}
	return names
}

// refresh has the leaders looked for soon.
func (t *clusterTarget) refresh() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

func (t *clusterTarget) learn(topics []client.TopicInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, topic := range topics {
		if topic.Err == nil {
			t.counts[topic.Name] = int32(len(topic.Partitions))
		}
		for _, p := range topic.Partitions {
			t.leaders[kafka.TopicPartition{Topic: topic.Name, Partition: p.Index}] = p.Leader
		}
	}
}

// leader is the node that leads a partition, -1 if none is known.
func (t *clusterTarget) leader(tp kafka.TopicPartition) kafka.NodeID {
	t.mu.Lock()
	defer t.mu.Unlock()
	if node, ok := t.leaders[tp]; ok {
		return node
	}
	return -1
}

// identity is an idempotent producer that has never written to the partition:
// with one that has, sequence number 0 could pass for a repetition and the
// batch would be lost.
func (t *clusterTarget) identity(ctx context.Context, tp kafka.TopicPartition) (identity, error) {
	t.identifying.Lock() // one request at a time serves all
	defer t.identifying.Unlock()
	if !t.idempotent {
		return nobody, nil
	}
	if t.who == nil || t.used[tp] {
		who, err := t.initProducer(ctx)
		if errors.Is(err, kafka.ErrClusterAuthorizationFailed) && !t.insist {
			// Kafka before 2.8 wants IdempotentWrite on the cluster, which the
			// producers of that time did not need.
			t.idempotent = false
			t.notice("the target does not allow idempotent writes (IdempotentWrite on the cluster): records may be doubled where a send is repeated")
			return nobody, nil
		}
		if err != nil {
			return nobody, err
		}
		t.who, t.used = &who, make(map[kafka.TopicPartition]bool)
	}
	t.used[tp] = true
	return *t.who, nil
}

func (t *clusterTarget) initProducer(ctx context.Context) (identity, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionTimeoutMillis = -1
	raw, err := t.cluster.Request(ctx, req)
	if err != nil {
		return nobody, err
	}
	resp := raw.(*kmsg.InitProducerIDResponse)
	if resp.ErrorCode != 0 {
		err := &client.AnswerError{Doing: "become an idempotent producer", Code: kafka.ErrorCode(resp.ErrorCode)}
		return nobody, client.Denied(err, kafka.IdempotentWrite, kafka.Cluster, kafka.ClusterName)
	}
	return identity{kafka.ProducerID(resp.ProducerID), resp.ProducerEpoch}, nil
}
