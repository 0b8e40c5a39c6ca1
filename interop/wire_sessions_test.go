//go:build interop

package interop

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// asked is what a fetch asks of one partition.
type asked struct {
	topic     string
	partition int32
	offset    int64
	epoch     int32 // of its leader; 0 is none, as brokers begin with different ones
	last      int32 // epoch of the last record, counted from one above the leader's; 0 is none
}

// session is a fetch session as a client keeps it.
type session struct {
	*player
	version  int16
	id       int32
	epoch    int32
	maxBytes int32
}

func (p *player) session(version int16) *session {
	return &session{player: p, version: version, maxBytes: 1 << 20}
}

// fetch sends one request of the session, says what came, and goes on to the
// next epoch unless there is an error.
func (s *session) fetch(what string, forget []asked, ask ...asked) {
	s.t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MaxBytes, req.SessionID, req.SessionEpoch = 0, s.maxBytes, s.id, s.epoch
	for _, a := range ask {
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = a.partition, a.offset, 1<<20
		if part.CurrentLeaderEpoch = a.epoch; a.epoch == 0 {
			part.CurrentLeaderEpoch = -1
		}
		if part.LastFetchedEpoch = -1; a.last != 0 {
			part.LastFetchedEpoch = s.leaderEpoch(a.topic) + a.last - 1
		}
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID, t.Partitions = a.topic, s.ids[a.topic], []kmsg.FetchRequestTopicPartition{part}
		req.Topics = append(req.Topics, t)
	}
	for _, a := range forget {
		t := kmsg.NewFetchRequestForgottenTopic()
		t.Topic, t.TopicID, t.Partitions = a.topic, s.ids[a.topic], []int32{a.partition}
		req.ForgottenTopics = append(req.ForgottenTopics, t)
	}
	resp := s.ask(req, s.version).(*kmsg.FetchResponse)
	s.say("%s: %s %s%s", what, code(resp.ErrorCode), s.named(resp.SessionID), s.described(resp))
	if resp.ErrorCode == 0 {
		s.id = resp.SessionID
		s.epoch++
	}
}

// named gives the ids that a broker chose names in their order.
func (s *session) named(id int32) string {
	if id == 0 {
		return "without session"
	}
	if s.made[id] == "" {
		s.made[id] = fmt.Sprintf("session %d", len(s.made)+1)
	}
	return s.made[id]
}

func (s *session) described(resp *kmsg.FetchResponse) string {
	var out strings.Builder
	for _, t := range resp.Topics {
		name := t.Topic
		for n, id := range s.ids {
			if s.version >= 13 && id == t.TopicID {
				name = n
			}
		}
		for _, part := range t.Partitions {
			fmt.Fprintf(&out, "\n    %s-%d %s high watermark %d, log start %d, %d bytes", name, part.Partition, code(part.ErrorCode),
				part.HighWatermark, part.LogStartOffset, len(part.RecordBatches))
			if part.DivergingEpoch.Epoch >= 0 {
				fmt.Fprintf(&out, ", diverging at epoch %+d, offset %d", part.DivergingEpoch.Epoch-s.leaderEpoch(name), part.DivergingEpoch.EndOffset)
			}
		}
	}
	return out.String()
}

// leaderEpoch is the epoch under which partition 0 of a topic is led.
func (p *player) leaderEpoch(topic string) int32 {
	p.t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	return p.ask(req, 8).(*kmsg.MetadataResponse).Topics[0].Partitions[0].LeaderEpoch
}

// sessions plays what a consumer does, and what it should not do.
func (p *player) sessions(version int16) {
	a, b := fmt.Sprintf("a%d", version), fmt.Sprintf("b%d", version)
	p.create(a, 3)
	p.create(b, 1)
	s := p.session(version)
	s.fetch("the first", nil, asked{topic: a}, asked{topic: a, partition: 1}, asked{topic: b})
	s.fetch("nothing new", nil)
	p.produce(a, 100, 1)
	s.fetch("records", nil)
	s.fetch("the same records", nil)
	s.fetch("a step on", nil, asked{topic: a, partition: 1, offset: 1})
	s.fetch("nothing new", nil)
	good := s.epoch
	s.epoch = good - 1
	s.fetch("an old epoch", nil)
	s.epoch = good + 1
	s.fetch("a later epoch", nil)
	s.epoch = good
	s.fetch("the right epoch", nil)
	p.produce(b, 10, 0)
	s.fetch("one is forgotten", []asked{{topic: b}})
	s.fetch("one is forgotten that was not there", []asked{{topic: b}, {topic: a, partition: 2}})
	s.fetch("one comes back", nil, asked{topic: b, offset: 1})
	s.fetch("asked for and forgotten", []asked{{topic: b}}, asked{topic: b})
	s.fetch("a partition that is not there", nil, asked{topic: a, partition: 9})
	s.fetch("it is still not there", nil)
	s.fetch("it is forgotten", []asked{{topic: a, partition: 9}})
	s.fetch("beyond the end", nil, asked{topic: a, partition: 1, offset: 50})
	s.fetch("still beyond the end", nil)
	s.fetch("back within", nil, asked{topic: a, partition: 1, offset: 1})
	s.fetch("a leader to come", nil, asked{topic: a, partition: 1, offset: 1, epoch: 1000})
	s.fetch("any leader", nil, asked{topic: a, partition: 1, offset: 1})
	s.fetch("nothing new", nil)
	if version >= 12 {
		s.fetch("a reader that follows", nil, asked{topic: a, partition: 1, offset: 1, last: 1})
		s.fetch("a reader that has more than the log", nil, asked{topic: a, partition: 1, offset: 50, last: 1})
		s.fetch("it still has", nil)
		s.fetch("a reader from an epoch to come", nil, asked{topic: a, partition: 1, offset: 1, last: 100})
		s.fetch("any reader", nil, asked{topic: a, partition: 1, offset: 1})
	}
	other := *s
	other.version = 29 - version + 1
	if other.version > 17 {
		other.version = 17
	}
	if version > 12 {
		other.version = 12
	}
	other.fetch("topics are named otherwise", nil)
	s.fetch("as before", nil)

	stranger := *s
	stranger.id, stranger.epoch = 1, 1
	stranger.fetch("an id that is not there", nil, asked{topic: a})
	stranger.id, stranger.epoch = 0, 1
	stranger.fetch("an epoch without an id", nil, asked{topic: a})
	stranger.id, stranger.epoch = 0, -1
	stranger.fetch("none wanted", nil, asked{topic: a})
	stranger.id, stranger.epoch = s.id, -7
	stranger.fetch("an epoch that cannot be", nil, asked{topic: a})

	old := *s
	s.epoch = 0
	s.fetch("a new one for the old", nil, asked{topic: a}, asked{topic: b, offset: 1})
	old.fetch("the old one", nil)
	s.fetch("the new one", nil)
	s.fetch("all is forgotten", []asked{{topic: a}, {topic: b}})
	gone := *s
	gone.id, gone.epoch = old.id, 2
	gone.fetch("it has gone", nil)
	s.id, s.epoch = 0, 0
	s.fetch("again", nil, asked{topic: a})
	closing := *s
	closing.epoch = -1
	closing.fetch("it is closed", nil, asked{topic: a, partition: 1})
	s.fetch("it was closed", nil)
	s.rotation(a)
}

// rotation reads partitions that all hold more than one answer gives.
func (s *session) rotation(topic string) {
	for range 3 {
		s.produce(topic, 1000, 0, 1, 2)
	}
	s.id, s.epoch, s.maxBytes = 0, 0, 1
	s.fetch("one batch at a time", nil, asked{topic: topic}, asked{topic: topic, partition: 1, offset: 1}, asked{topic: topic, partition: 2})
	for range 5 {
		s.fetch("the next", nil)
	}
	s.maxBytes = 2 * 1070
	for range 4 {
		s.fetch("two at a time", nil)
	}
}

// recreated deletes and recreates a topic of a session.
func (p *player) recreated(version int16) {
	gone, stays := fmt.Sprintf("gone%d", version), fmt.Sprintf("stays%d", version)
	p.create(gone, 1)
	p.create(stays, 1)
	p.produce(gone, 10, 0)
	s := p.session(version)
	s.fetch("both", nil, asked{topic: gone}, asked{topic: stays})
	p.drop(gone)
	s.fetch("one was deleted", nil)
	s.fetch("it is still gone", nil)
	late := p.session(version)
	late.fetch("who comes late", nil, asked{topic: gone}, asked{topic: stays})
	late.fetch("who came late", nil)
	old := p.ids[gone]
	p.create(gone, 1)
	p.ids["new"+gone], p.ids[gone] = p.ids[gone], old
	s.fetch("there is one of its name", nil)
	s.fetch("still", nil)
	late.fetch("for who came late", nil)
	p.produce(gone, 10, 0)
	s.fetch("it has records", nil)
	if version >= 13 {
		s.fetch("the new one", []asked{{topic: gone}}, asked{topic: "new" + gone})
		s.fetch("the new one again", nil)
	}
}
