package mirror

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// source knows the topics of the source cluster and who leads them.
type source struct {
	cluster   *client.Client
	admin     *client.Admin
	filter    *filter
	every     time.Duration
	backoff   time.Duration
	outages   *outages
	throttles *throttles
	kick      chan struct{}
	trip      roundTrip

	mu       sync.Mutex // guards what follows
	leads    map[kafka.TopicPartition]lead
	nodes    int
	selected map[string]sourceTopic
	missing  map[string]int // look-ups in a row that did not find a topic
}

// lead is who leads a partition, and since when.
type lead struct {
	node  kafka.NodeID // -1: nobody
	epoch kafka.Epoch  // -1: the broker is too old to tell
}

// sourceTopic is a topic to mirror.
type sourceTopic struct {
	partitions int32
	id         kafka.TopicID // zero: the broker is too old to tell
}

// news are the selected topics that have changed since the last look.
type news struct {
	found, lost, grown, recreated []string
}

func newSource(cluster *client.Client, f *filter, every, backoff time.Duration, notice func(string)) *source {
	return &source{
		cluster: cluster, admin: client.NewAdmin(cluster), filter: f, every: every, backoff: backoff, outages: newOutages("source", notice),
		throttles: &throttles{side: "source", notice: notice},
		kick:      make(chan struct{}, 1),
		leads:     make(map[kafka.TopicPartition]lead),
		selected:  make(map[string]sourceTopic),
		missing:   make(map[string]int),
	}
}

// gone is how many look-ups must miss a topic before it counts as deleted:
// brokers that start up know few topics at first.
const gone = 3

// look asks for all topics and returns what has changed of those selected.
func (s *source) look(ctx context.Context) (n news, err error) {
	topics, err := s.admin.Topics(ctx)
	if err != nil {
		return news{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	nodes := make(map[kafka.NodeID]bool)
	seen := make(map[string]bool)
	for _, t := range topics {
		if t.Err != nil || !s.filter.selects(t.Name, t.Internal) {
			continue
		}
		seen[t.Name] = true
		now := sourceTopic{int32(len(t.Partitions)), t.ID}
		switch before, known := s.selected[t.Name]; {
		case !known:
			n.found = append(n.found, t.Name)
		case before.id != now.id && before.id != kafka.TopicID{}:
			n.recreated = append(n.recreated, t.Name)
		case now.partitions > before.partitions:
			n.grown = append(n.grown, t.Name)
		}
		s.selected[t.Name] = now
		delete(s.missing, t.Name)
		for _, p := range t.Partitions {
			s.leads[kafka.TopicPartition{Topic: t.Name, Partition: p.Index}] = lead{p.Leader, p.Epoch}
			nodes[p.Leader] = true
		}
	}
	for name := range s.selected {
		if seen[name] {
			continue
		}
		if s.missing[name]++; s.missing[name] >= gone {
			delete(s.selected, name)
			delete(s.missing, name)
			n.lost = append(n.lost, name)
		}
	}
	s.nodes = max(1, len(nodes))
	return n, nil
}

// topic is what is known of a selected topic; it has no partitions if nothing
// is.
func (s *source) topic(name string) sourceTopic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.selected[name]
}

// counts are the partitions of every selected topic.
func (s *source) counts() map[string]int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int32, len(s.selected))
	for name, t := range s.selected {
		counts[name] = t.partitions
	}
	return counts
}

// names are the selected topics.
func (s *source) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.selected))
}

// lead is who leads a partition, as far as it is known.
func (s *source) lead(tp kafka.TopicPartition) lead {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.leads[tp]; ok {
		return l
	}
	return lead{-1, kafka.NoEpoch}
}

// leadingNodes is how many brokers lead something that is mirrored.
func (s *source) leadingNodes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(1, s.nodes)
}

// refresh has topics and leaders looked for soon.
func (s *source) refresh() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// wait waits for the next look-up.
func (s *source) wait(ctx context.Context) {
	timer := time.NewTimer(s.every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.kick:
		// Many partitions ask at once; one answer serves them all.
		timer.Reset(s.backoff)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}
