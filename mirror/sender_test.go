package mirror

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// Of two outboxes for one partition only one may be in a request.
func TestOnePartitionOnceInARequest(t *testing.T) {
	s := &sender{target: &clusterTarget{requestSize: 1 << 20, window: maxInFlight}, lanes: make(map[kafka.NodeID]*lane), last: make(map[kafka.TopicPartition]*int)}
	l := &lane{sender: s, wake: make(chan struct{}, 1)}
	s.lanes[0] = l
	var log []string
	for i, partition := range []int32{7, 7, 8, 7} {
		o := s.outbox(kafka.TopicPartition{Topic: "t", Partition: partition})
		o.who, o.node, o.flying = &identity{id: kafka.ProducerID(i)}, 0, 0
		o.add([]Copy{&note{name: strconv.Itoa(i), batch: made{records: 1}.build(t), log: &log}})
		o.listed = true
		l.ready = append(l.ready, o)
	}
	var requests []string
	for {
		var names []string
		for _, sh := range l.gather(time.Now()) {
			names = append(names, sh.parcel.copy.(*note).name)
		}
		if names == nil {
			break
		}
		requests = append(requests, strings.Join(names, " "))
	}
	if want := []string{"0 2", "1", "3"}; !slices.Equal(requests, want) {
		t.Errorf("requests hold %q, want %q", requests, want)
	}
}

// slow is a Copy whose Done takes until it may end.
type slow struct {
	note
	told, end chan struct{}
}

func (s *slow) Done(base kafka.Offset, err error) {
	close(s.told)
	<-s.end
	s.note.Done(base, err)
}

// Who closes an appender to begin again has been told all that is in the target.
func TestAClosedAppenderHasToldAll(t *testing.T) {
	s := &sender{target: &clusterTarget{requestSize: 1 << 20, window: maxInFlight}, lanes: make(map[kafka.NodeID]*lane), last: make(map[kafka.TopicPartition]*int)}
	l := &lane{sender: s, wake: make(chan struct{}, 1)}
	o := s.outbox(kafka.TopicPartition{Topic: "t"})
	o.who, o.node, o.listed, l.ready = &identity{id: 1}, 0, true, []*outbox{o}
	var log []string
	c := &slow{note{name: "a", batch: made{records: 1}.build(t), log: &log}, make(chan struct{}), make(chan struct{})}
	o.add([]Copy{c})
	load := l.gather(time.Now())
	answered := make(chan struct{})
	go func() {
		l.answered(load, &wire.ProduceResponse{Topics: []wire.ProducedTopic{{Name: "t", Partitions: []wire.ProducedPartition{{}}}}}, nil)
		close(answered)
	}()
	<-c.told
	s.mu.Lock()
	emptied, done := o.close(), o.report()
	s.mu.Unlock()
	s.tell(o, done)
	select {
	case <-emptied:
		t.Error("it counts as closed while an outcome is being told")
	default:
	}
	close(c.end)
	<-answered
	<-emptied
	if !slices.Equal(log, []string{"a:ok"}) {
		t.Errorf("told %v", log)
	}
}
