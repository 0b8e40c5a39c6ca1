package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/config"
)

// Config says what to mirror, from where, to where.
type Config struct {
	Source   *client.Client
	Consumer *config.Values // the source's consumer.properties
	Target   *client.Client
	Producer *config.Values // the target's producer.properties

	Streams int    // num.streams; 0: 1
	Include string // Java regular expression of topics, as --include takes it

	CommitInterval time.Duration // offset.commit.interval.ms; 0: one minute
	// AbortOnSendFailure ends the mirror at the first record that the target
	// will not have, however it is sent. Without it such records are left out,
	// counted and told; a refusal that is not the record's fault, a denied
	// topic above all, halts the partition instead: to leave out all it has
	// would help nobody.
	AbortOnSendFailure bool
	// Quarantine, where set, is given what is left out, before the position
	// moves over it; it may be given the same again. Its error halts the
	// partition until it takes it.
	Quarantine func(Quarantined) error

	// StateTopic is the target's topic that keeps positions and offset maps;
	// "": StateTopic of this package.
	StateTopic        string
	OnTruncated       Policy // the source has lost records that were read from it
	OnTargetTruncated Policy // the target has lost records that were copied to it: they are copied again
	OnRecreated       Policy // another topic has taken the name of one that is copied
	OnRetention       Policy // the source has deleted records before they were copied

	// SyncGroups is a pattern, as Include is one, of the source's consumer
	// groups whose positions are brought to the target; "": none.
	SyncGroups         string
	SyncGroupsInterval time.Duration // 0: one minute
	// EmitCheckpoints, where set, also has them written in MirrorMaker 2's form,
	// for those who know the source by this alias.
	EmitCheckpoints string

	// Delivery is what is promised; "": AtLeastOnce.
	Delivery Delivery
	// Partitioning is to which partitions records go; "": SamePartition. KeyHash
	// goes with AtLeastOnce and without SyncGroups only.
	Partitioning Partitioning

	// Progress, where set, is called every ProgressInterval (0: one second)
	// and once at the end, from one goroutine.
	Progress         func(Progress)
	ProgressInterval time.Duration
	// Notice, where set, is told what an operator should know, one call at a
	// time. Trouble, where set, is told in its place what stands in the way, with
	// its cause: a *Halt, or a *client.DeniedError.
	Notice  func(string)
	Trouble func(text string, cause error)
}

// Mirror copies topics until it is told to stop.
type Mirror struct {
	config   Config
	settings settings
	source   *source
	sourceID string // of the cluster
	targetID string
	target   Target
	group    *group
	pool     *pool
	streams  []*stream

	throttles  []*throttles // of source and target
	running    sync.WaitGroup
	firstStart bool             // the group had committed nothing
	atStart    map[string]int32 // partitions of the topics that were there at the start

	groups       *groupSync // nil: none are wanted
	mode         mode
	journalRules bool            // positions are the journal's, not the group's
	carry        context.Context // of all that outlives the context of Run
	journal      *journal        // nil: the target does not allow it
	committing   sync.Mutex      // held while positions are written or given back; guards journalFails
	journalFails bool            // and that was told
	dirty        chan struct{}
	fatal        context.CancelCauseFunc
	telling      sync.Mutex // held while Notice is called

	mu      sync.Mutex // guards what follows
	given   map[kafka.TopicPartition]*partition
	pauses  map[kafka.TopicPartition]*pausing
	kept    map[kafka.TopicPartition]place   // of partitions that were given back, where the group does not know all of it
	seen    map[kafka.TopicPartition]traffic // of partitions that were given back: a pause does not make them younger
	rates   rates
	retired totals // of partitions that were given back
}

// New checks the config. Its error is a *PatternError or a
// *client.SettingError.
func New(c Config) (*Mirror, error) {
	m := &Mirror{
		config: c,
		dirty:  make(chan struct{}, 1),
		given:  make(map[kafka.TopicPartition]*partition),
		pauses: make(map[kafka.TopicPartition]*pausing),
		kept:   make(map[kafka.TopicPartition]place),
		seen:   make(map[kafka.TopicPartition]traffic),
	}
	var err error
	if m.settings, err = readSettings(c.Source, c.Consumer, c.Producer); err != nil {
		return nil, err
	}
	f, err := newFilter(c.Include, !c.Consumer.Bool("exclude.internal.topics"))
	if err != nil {
		return nil, err
	}
	f.state = c.StateTopic
	target, err := newClusterTarget(c.Target, c.Producer, m.notice)
	if err != nil {
		return nil, err
	}
	m.target = target
	if m.mode, m.journalRules, err = newMode(m, target, c.Delivery); err != nil {
		return nil, err
	}
	if m.journalRules {
		m.config.CommitInterval = min(max(c.CommitInterval, 0), journalEvery)
		if m.config.CommitInterval == 0 {
			m.config.CommitInterval = journalEvery
		}
	}
	m.source = newSource(c.Source, f, refreshInterval(c.Consumer), m.settings.backoff, m.notice)
	m.throttles = []*throttles{m.source.throttles, target.throttles}
	if m.groups, err = newGroupSync(m, c); err != nil {
		return nil, err
	}
	m.pool = newPool(m.settings.memory)
	return m, nil
}

// Notices are the settings of both files that have no effect here.
func (m *Mirror) Notices() []string { return notices(m.config.Consumer, m.config.Producer) }

// leaveWithin bounds the end: draining, the last commit, leaving the group.
const leaveWithin = 15 * time.Second

// Run mirrors until the context ends; then it waits for what is under way,
// commits, leaves the group and returns nil. It returns a *SendError when the
// target refused a batch and AbortOnSendFailure is set.
func (m *Mirror) Run(ctx context.Context) error {
	ctx, m.fatal = context.WithCancelCause(ctx)
	defer m.fatal(nil)
	if err := m.start(ctx); err != nil {
		if ctx.Err() != nil {
			return m.outcome(ctx)
		}
		return err
	}
	// What carries the copies outlives the context: the end is to be orderly.
	carry, stop := context.WithCancel(context.Background())
	m.carry = carry
	m.group.assign = func(tps []kafka.TopicPartition) {
		ours := m.accept(tps)
		m.running.Go(func() { m.begin(carry, ours) })
	}
	m.running.Go(func() { m.target.Run(carry) })
	m.running.Go(func() { m.mode.run(carry) })
	m.running.Go(func() { m.commitEvery(carry) })
	m.running.Go(func() { m.tellProgress(carry) })
	m.running.Go(func() { m.mindPauses(ctx, carry) })
	m.running.Go(func() { m.mindEnds(ctx) })
	if m.groups != nil && m.journal != nil { // without offset maps there is nothing to translate by
		m.running.Go(func() { m.groups.run(ctx) })
	}

	m.discover(ctx, carry)

	m.mu.Lock()
	holding := len(m.given) > 0
	m.mu.Unlock()
	m.group.leave(leaveWithin, holding)
	m.commit(carry) // what partitions that were lost have left in a transaction
	stop()
	m.running.Wait()
	if m.journal != nil {
		m.journal.close()
	}
	if m.config.Progress != nil {
		m.config.Progress(m.Snapshot())
	}
	return m.outcome(ctx)
}

// start does what must succeed before anything is copied.
func (m *Mirror) start(ctx context.Context) error {
	if err := m.compareClusters(ctx); err != nil {
		return err
	}
	if err := m.measureTrips(ctx); err != nil {
		return err
	}
	err := m.insist(ctx, fmt.Sprintf("look up the positions of group %q", m.settings.group), func() error {
		committed, err := m.source.admin.CommittedOffsets(ctx, m.settings.group)
		m.firstStart = len(committed) == 0
		return client.Denied(err, kafka.Read, kafka.Group, m.settings.group) // a member's right implies it
	})
	if err != nil {
		return err
	}
	err = m.insist(ctx, "look up the source's topics", func() error {
		_, err := m.source.look(ctx)
		return err
	})
	if err != nil {
		return err
	}
	m.atStart = m.source.counts()
	if err := m.insist(ctx, "prepare delivery "+string(m.config.Delivery), func() error { return m.mode.start(ctx) }); err != nil {
		return err
	}
	if err := m.openJournal(ctx); err != nil {
		return err
	}
	if m.journal == nil && m.journalRules {
		return errNoState
	}
	if m.config.Partitioning == KeyHash {
		m.notice("records go to the target's partitions by their keys (key-hash), at least once: no offset maps are kept, so no group can be moved over exactly")
	}
	m.others(ctx)
	m.preflight(ctx, m.source.names())
	m.mu.Lock()
	m.rates.begin(time.Now())
	m.mu.Unlock()
	m.group = &group{release: m.release, fail: m.fatal}
	return joinGroup(m.config.Source, m.config.Consumer, m.group)
}

// openJournal opens the journal. A target that does not allow it gets its
// records all the same.
func (m *Mirror) openJournal(ctx context.Context) error {
	topic := m.config.StateTopic
	if topic == "" {
		topic = StateTopic
	}
	err := m.insist(ctx, "open the mirror's state", func() (err error) {
		m.journal, err = openJournal(ctx, m.config.Target, topic, m.settings.group, m.sourceID)
		return err
	})
	var denied *client.DeniedError
	if errors.As(err, &denied) {
		m.journal = nil
		m.notice(fmt.Sprintf("offsets of source and target are not kept, so no group can be moved over exactly: %v", err))
		return nil
	}
	return err
}

// compareClusters refuses one cluster under two addresses: each record would
// be copied behind itself without end.
func (m *Mirror) compareClusters(ctx context.Context) error {
	var source, target client.Cluster
	err := m.insist(ctx, "compare the clusters", func() (err error) {
		if source, err = m.source.admin.Cluster(ctx); err == nil {
			target, err = client.NewAdmin(m.config.Target).Cluster(ctx)
		}
		return err
	})
	if err == nil && source.ID != "" && source.ID == target.ID {
		err = &SameClusterError{ID: source.ID}
	}
	m.sourceID, m.targetID = source.ID, target.ID
	return err
}

// insist tries again while the error may pass: a cluster that has just started
// has no coordinator yet.
func (m *Mirror) insist(ctx context.Context, what string, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return wrap(what, err)
		}
		if attempt == 10 {
			m.notice(fmt.Sprintf("%s: %v; trying again", what, err))
		}
		select {
		case <-time.After(pause(m.settings.backoff, attempt)):
		case <-ctx.Done():
		}
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// outcome is nil when it was the caller who ended the run.
func (m *Mirror) outcome(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// discover looks for topics and leaders until the context ends.
func (m *Mirror) discover(ctx, carry context.Context) {
	names := m.source.names()
	if len(names) == 0 {
		m.notice(fmt.Sprintf("no topic of the source matches %q yet; looking every %v", m.config.Include, m.source.every))
	}
	m.group.member.AddConsumeTopics(names...)
	for failed := false; ctx.Err() == nil; {
		m.source.wait(ctx)
		news, err := m.source.look(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			m.notice(fmt.Sprintf("look up the source's topics: %v; trying again", err))
		}
		failed = err != nil
		_ = m.source.trip.measure(ctx, m.source.admin) // a cluster that does not answer is as far away as before
		for _, topic := range news.found {
			m.notice(fmt.Sprintf("topic %s is new", topic))
		}
		m.preflight(ctx, news.found)
		m.group.member.AddConsumeTopics(news.found...)
		for _, topic := range news.grown {
			m.notice(fmt.Sprintf("topic %s has %d partitions now", topic, m.source.topic(topic).partitions))
			m.group.member.ForceMetadataRefresh() // that assigns them
		}
		for _, topic := range news.recreated {
			m.recreated(topic)
		}
		for _, topic := range news.lost {
			m.notice(fmt.Sprintf("topic %s is gone from the source", topic))
			m.group.member.PurgeTopicsFromConsuming(topic)
		}
		for _, s := range m.streams {
			s.follow(carry)
		}
		m.recount()
	}
}

// notice tells the operator.
func (m *Mirror) notice(text string) {
	m.telling.Lock()
	defer m.telling.Unlock()
	if m.config.Notice != nil {
		m.config.Notice(text)
	}
}

// halted tells of a partition that does not go on, and ends the mirror where it
// is to end at what the target will not have.
func (m *Mirror) halted(tp kafka.TopicPartition, h *Halt) {
	if m.paused(tp, h) {
		m.trouble(fmt.Sprintf("partition %s: %v", tp, h), h)
	}
	if m.config.AbortOnSendFailure && (h.Reason == UnfitRecord || h.Reason == TargetRefused) {
		m.fatal(&SendError{TopicPartition: tp, Offset: h.Offset, Err: h.Err})
	}
}

// trouble tells the operator what stands in the way.
func (m *Mirror) trouble(text string, cause error) {
	if m.config.Trouble == nil {
		m.notice(text)
		return
	}
	m.telling.Lock()
	defer m.telling.Unlock()
	m.config.Trouble(text, cause)
}

// Quarantined are records that the target does not take.
type Quarantined struct {
	kafka.TopicPartition
	Offset  kafka.Offset // of the source
	Records int64
	Reason  string
	Batch   batch.Batch // it holds them; to be copied, if kept
}

// quarantine has what was left out kept.
func (m *Mirror) quarantine(tp kafka.TopicPartition, all []omitted) *Halt {
	if m.config.Quarantine == nil {
		return nil
	}
	for _, o := range all {
		if err := m.config.Quarantine(Quarantined{tp, o.offset, o.records, o.reason, o.batch}); err != nil {
			return &Halt{NotQuarantined, o.offset, err}
		}
	}
	return nil
}

// leftOut tells of records that are not copied.
func (m *Mirror) leftOut(tp kafka.TopicPartition, all []omitted) {
	for _, o := range all {
		m.notice(fmt.Sprintf("partition %s: left out %d of the records from offset %d on: %s", tp, o.records, o.offset, o.reason))
	}
}

// fetchError is the error for a code that the source answered.
func (m *Mirror) fetchError(tp kafka.TopicPartition, code kafka.ErrorCode) error {
	err := &client.AnswerError{Doing: "fetch from partition", Name: tp.String(), Code: code}
	return client.Denied(err, kafka.Read, kafka.Topic, tp.Topic)
}

// SameClusterError is one cluster as source and target.
type SameClusterError struct{ ID string }

func (e *SameClusterError) Error() string {
	return "source and target are one cluster, " + e.ID
}

// SendError is a batch that the target refused (exit code 255 in MirrorMaker 1).
type SendError struct {
	kafka.TopicPartition
	Offset kafka.Offset // of the source
	Err    error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send %s at offset %d to the target: %v", e.TopicPartition, e.Offset, e.Err)
}

func (e *SendError) Unwrap() error { return e.Err }
