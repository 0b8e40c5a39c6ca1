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
	cluster *client.Client
	admin   *client.Admin
	filter  *filter
	every   time.Duration
	backoff time.Duration
	outages *outages
	kick    chan struct{}

	mu       sync.Mutex // guards what follows
	leaders  map[kafka.TopicPartition]kafka.NodeID
	nodes    int
	selected map[string]int32 // partitions of the topics to mirror
	missing  map[string]int   // look-ups in a row that did not find a topic
}

func newSource(cluster *client.Client, f *filter, every, backoff time.Duration, notice func(string)) *source {
	return &source{
		cluster: cluster, admin: client.NewAdmin(cluster), filter: f, every: every, backoff: backoff, outages: newOutages("source", notice),
		kick:     make(chan struct{}, 1),
		leaders:  make(map[kafka.TopicPartition]kafka.NodeID),
		selected: make(map[string]int32),
		missing:  make(map[string]int),
	}
}

// gone is how many look-ups must miss a topic before it counts as deleted:
// brokers that start up know few topics at first.
const gone = 3

// look asks for all topics and returns which of those selected are new and
// which are gone.
func (s *source) look(ctx context.Context) (found, lost []string, err error) {
	topics, err := s.admin.Topics(ctx)
	if err != nil {
		return nil, nil, err
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
		if _, known := s.selected[t.Name]; !known {
			found = append(found, t.Name)
		}
		s.selected[t.Name] = int32(len(t.Partitions))
		delete(s.missing, t.Name)
		for _, p := range t.Partitions {
			s.leaders[kafka.TopicPartition{Topic: t.Name, Partition: p.Index}] = p.Leader
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
			lost = append(lost, name)
		}
	}
	s.nodes = max(1, len(nodes))
	return found, lost, nil
}

// partitions is how many partitions a selected topic has, 0 if none is known.
func (s *source) partitions(topic string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.selected[topic]
}

// counts are the partitions of every selected topic.
func (s *source) counts() map[string]int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.selected)
}

// names are the selected topics.
func (s *source) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.selected))
}

// leader is the node that leads a partition, -1 if none is known.
func (s *source) leader(tp kafka.TopicPartition) kafka.NodeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if node, ok := s.leaders[tp]; ok {
		return node
	}
	return -1
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
