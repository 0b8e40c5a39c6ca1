package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// OffsetForLeaderEpoch tells where the records of an epoch end, so that a
// consumer finds out what was cut off behind its position (KIP-320).
//
// Behavior: CLUSTER_ACTION on the cluster, or else DESCRIBE on each topic,
// before it is looked up. Nothing that is not durable is told.
//
// Versions: 3 names the replica that asks; consumers are -1.
func offsetForLeaderEpoch(b *Broker, c *call, req *kmsg.OffsetForLeaderEpochRequest) kmsg.Response {
	replica := c.sees(kafka.ClusterAction, kafka.Cluster, kafka.ClusterName)
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	for _, in := range req.Topics {
		allowed := replica || c.allowed(kafka.Describe, kafka.Topic, in.Topic)
		out := kmsg.NewOffsetForLeaderEpochResponseTopic()
		out.Topic = in.Topic
		for _, p := range in.Partitions {
			part := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			part.Partition, part.LeaderEpoch, part.EndOffset = p.Partition, -1, -1
			err := error(kafka.ErrTopicAuthorizationFailed)
			if allowed {
				err = epochEnd(b.topics.named(in.Topic).replica(p.Partition), p, &part)
			}
			part.ErrorCode = int16(codeOf(err))
			out.Partitions = append(out.Partitions, part)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func epochEnd(r *replica, in kmsg.OffsetForLeaderEpochRequestTopicPartition, out *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
	if r == nil {
		return kafka.ErrUnknownTopicOrPartition
	}
	epoch, err := r.lead()
	if err == nil {
		err = checkEpoch(kafka.Epoch(in.CurrentLeaderEpoch), epoch)
	}
	if err != nil {
		return err
	}
	of, end := r.endOf(kafka.Epoch(in.LeaderEpoch), epoch)
	out.LeaderEpoch, out.EndOffset = int32(of), int64(end)
	return nil
}

// endOf says where the records of an epoch, or of the next older one that has
// any, end; ours is the epoch under which this broker leads. NoEpoch and
// NoOffset when it is unknown.
func (r *replica) endOf(epoch, ours kafka.Epoch) (kafka.Epoch, kafka.Offset) {
	if epoch == ours { // it ends where the log does
		return ours, r.log.Durable()
	}
	of, end := r.log.EpochEnd(epoch)
	if end != kafka.NoOffset {
		end = min(end, r.log.Durable())
	}
	return of, end
}
