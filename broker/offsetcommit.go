package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// OffsetCommit stores the position of a group.
//
// Behavior: READ on the group, then READ on each topic, before it is looked up.
// The answer waits until the offsets are durable.
//
// Versions: 2 to 4 give the time to keep the offsets; 6 brought leader epochs,
// 7 static members; 10 names topics by id.
func offsetCommit(b *Broker, c *call, req *kmsg.OffsetCommitRequest) kmsg.Response {
	resp := kmsg.NewPtrOffsetCommitResponse()
	member := c.allowed(kafka.Read, kafka.Group, req.Group)
	commit := group.CommitRequest{
		Group: req.Group, MemberID: req.MemberID, InstanceID: text(req.InstanceID), Generation: req.Generation, Retention: -1,
	}
	if c.header.Version <= 4 && req.RetentionTimeMillis >= 0 {
		commit.Retention = time.Duration(min(req.RetentionTimeMillis, maxRetentionMillis)) * time.Millisecond
	}
	var codes []*int16 // where the answer to each of commit.Offsets goes
	resp.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	for i, in := range req.Topics {
		out := &resp.Topics[i]
		out.Topic, out.TopicID = in.Topic, in.TopicID
		out.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(in.Partitions))
		name, refusal := "", error(kafka.ErrGroupAuthorizationFailed)
		if member {
			name, refusal = c.mayTopic(kafka.Read, in.Topic, in.TopicID, c.header.Version >= 10)
		}
		for j, p := range in.Partitions {
			part := &out.Partitions[j]
			part.Partition = p.Partition
			switch {
			case refusal != nil:
				part.ErrorCode = int16(codeOf(refusal))
			case b.topics.named(name).replica(p.Partition) == nil:
				part.ErrorCode = int16(kafka.ErrUnknownTopicOrPartition)
			default:
				codes = append(codes, &part.ErrorCode)
				commit.Offsets = append(commit.Offsets, committed(name, p, c.header.Version))
			}
		}
	}
	if len(commit.Offsets) == 0 {
		return resp
	}
	err := b.coordinate(req.Group, func(coord *group.Coordinator, now time.Time) group.Effects {
		return coord.Commit(now, commit, func(r group.CommitResponse) {
			for i, code := range r.Errors {
				*codes[i] = int16(code)
			}
			c.respond(resp)
		})
	})
	if err == nil {
		return nil
	}
	for _, code := range codes {
		*code = int16(codeOf(err))
	}
	return resp
}

// maxRetentionMillis keeps a client's retention within what can be counted.
const maxRetentionMillis = int64(100 * 365 * 24 * time.Hour / time.Millisecond)

func committed(topic string, p kmsg.OffsetCommitRequestTopicPartition, version int16) group.PartitionOffset {
	epoch := kafka.NoEpoch
	if version >= 6 {
		epoch = kafka.Epoch(p.LeaderEpoch)
	}
	return group.PartitionOffset{
		Partition: kafka.TopicPartition{Topic: topic, Partition: p.Partition},
		Offset:    kafka.Offset(p.Offset), LeaderEpoch: epoch, Metadata: text(p.Metadata),
	}
}
