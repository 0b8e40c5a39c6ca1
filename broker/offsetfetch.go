package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// OffsetFetch tells the committed position of groups.
//
// Behavior: DESCRIBE on the group, then DESCRIBE on each topic; among all
// topics those that the caller may not describe are left out.
//
// Versions: from 2 on null topics mean all of them and the whole may have an
// error; 5 brought leader epochs, 8 several groups at once, 9 who asks, which
// only matters to groups of Kafka's newer protocol; 10 names topics by id.
func offsetFetch(b *Broker, c *call, req *kmsg.OffsetFetchRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetFetchResponse()
	if c.header.Version >= 8 {
		for _, g := range distinct(req.Groups, func(g *kmsg.OffsetFetchRequestGroup) string { return g.Group }) {
			resp.Groups = append(resp.Groups, b.offsetsOf(c, g))
		}
		return resp
	}
	one := kmsg.OffsetFetchRequestGroup{Group: req.Group}
	if req.Topics != nil {
		one.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, len(req.Topics))
	}
	for i, t := range req.Topics {
		one.Topics[i] = kmsg.OffsetFetchRequestGroupTopic{Topic: t.Topic, Partitions: t.Partitions}
	}
	oneGroup(c, one, b.offsetsOf(c, one), resp)
	return resp
}

// oneGroup gives the answer for one group the shape of versions before 8.
func oneGroup(c *call, in kmsg.OffsetFetchRequestGroup, found kmsg.OffsetFetchResponseGroup, resp *kmsg.OffsetFetchResponse) {
	resp.ErrorCode = found.ErrorCode
	if found.ErrorCode != 0 && c.header.Version < 2 { // there each partition says it
		for _, t := range in.Topics {
			out := kmsg.NewOffsetFetchResponseTopic()
			out.Topic = t.Topic
			for _, p := range t.Partitions {
				out.Partitions = append(out.Partitions, kmsg.OffsetFetchResponseTopicPartition{
					Partition: p, Offset: -1, LeaderEpoch: -1, Metadata: kmsg.StringPtr(""), ErrorCode: found.ErrorCode,
				})
			}
			resp.Topics = append(resp.Topics, out)
		}
		return
	}
	for _, t := range found.Topics {
		out := kmsg.NewOffsetFetchResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, kmsg.OffsetFetchResponseTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata, ErrorCode: p.ErrorCode,
			})
		}
		resp.Topics = append(resp.Topics, out)
	}
}

func (b *Broker) offsetsOf(c *call, in kmsg.OffsetFetchRequestGroup) kmsg.OffsetFetchResponseGroup {
	out := kmsg.NewOffsetFetchResponseGroup()
	out.Group = in.Group
	if !c.allowed(kafka.Describe, kafka.Group, in.Group) {
		out.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
		return out
	}
	if in.Topics == nil {
		return b.allOffsets(c, out)
	}
	onlyOnce(in.Topics)
	// Judged before the coordinator is locked.
	refusals := make([]error, len(in.Topics))
	for i := range in.Topics {
		t := &in.Topics[i]
		t.Topic, refusals[i] = c.mayTopic(kafka.Describe, t.Topic, t.TopicID, c.header.Version >= 10)
	}
	s, err := b.groups.shard(in.Group)
	if err == nil {
		err = s.look(func(coord *group.Coordinator) {
			for i, t := range in.Topics {
				out.Topics = append(out.Topics, namedOffsets(coord, in.Group, t, refusals[i]))
			}
		})
	}
	out.ErrorCode = int16(codeOf(err))
	return out
}

// onlyOnce drops the partitions of topics that were named before, since each
// may have long metadata. The lists are changed in place.
func onlyOnce(topics []kmsg.OffsetFetchRequestGroupTopic) {
	type partition struct {
		topic string
		id    kafka.TopicID
		index int32
	}
	seen := make(map[partition]struct{})
	for i := range topics {
		t := &topics[i]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(index int32) bool {
			p := partition{t.Topic, t.TopicID, index}
			_, again := seen[p]
			seen[p] = struct{}{}
			return again
		})
	}
}

func (b *Broker) allOffsets(c *call, out kmsg.OffsetFetchResponseGroup) kmsg.OffsetFetchResponseGroup {
	var all []group.PartitionOffset // sorted by topic
	s, err := b.groups.shard(out.Group)
	if err == nil {
		err = s.look(func(coord *group.Coordinator) { all = coord.AllCommittedOffsets(out.Group) })
	}
	out.ErrorCode = int16(codeOf(err))
	for _, at := range all {
		name := at.Partition.Topic
		if n := len(out.Topics); n == 0 || out.Topics[n-1].Topic != name {
			open := b.topics.named(name)
			if open == nil && c.header.Version >= 10 || !c.sees(kafka.Describe, kafka.Topic, name) {
				continue // what has no id cannot be told by id
			}
			t := kmsg.NewOffsetFetchResponseGroupTopic()
			t.Topic = name
			if open != nil {
				t.TopicID = open.id
			}
			out.Topics = append(out.Topics, t)
		}
		t := &out.Topics[len(out.Topics)-1]
		t.Partitions = append(t.Partitions, fetched(at))
	}
	return out
}

func namedOffsets(coord *group.Coordinator, name string, in kmsg.OffsetFetchRequestGroupTopic, refusal error) kmsg.OffsetFetchResponseGroupTopic {
	out := kmsg.NewOffsetFetchResponseGroupTopic()
	out.Topic, out.TopicID = in.Topic, in.TopicID
	if refusal != nil {
		for _, p := range in.Partitions {
			out.Partitions = append(out.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{
				Partition: p, Offset: -1, LeaderEpoch: -1, Metadata: kmsg.StringPtr(""), ErrorCode: int16(codeOf(refusal)),
			})
		}
		return out
	}
	wanted := make([]kafka.TopicPartition, len(in.Partitions))
	for i, p := range in.Partitions {
		wanted[i] = kafka.TopicPartition{Topic: in.Topic, Partition: p}
	}
	for _, at := range coord.CommittedOffsets(name, wanted) {
		out.Partitions = append(out.Partitions, fetched(at))
	}
	return out
}

func fetched(at group.PartitionOffset) kmsg.OffsetFetchResponseGroupTopicPartition {
	return kmsg.OffsetFetchResponseGroupTopicPartition{
		Partition: at.Partition.Partition, Offset: int64(at.Offset), LeaderEpoch: int32(at.LeaderEpoch), Metadata: &at.Metadata,
	}
}
