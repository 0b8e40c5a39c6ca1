package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// ListOffsets finds offsets by time.
//
// Behavior: DESCRIBE on each topic, before it is looked up. -1 is the high
// watermark, -2 the log start, -3 the record with the largest timestamp; any
// other timestamp the first record at or after it. Nothing that is not durable
// is told. A partition that is named twice is refused, once.
//
// Versions: 4 brought leader epochs, 7 the largest timestamp, 8, 9 and 11 the
// offsets of tiered storage: there is none, so that the earliest local offset
// is the log start and there is neither a latest tiered one nor one that waits
// to be.

// The special timestamps of tiered storage (KIP-405, KIP-1005, KIP-1023).
const (
	earliestLocal   = -4
	latestTiered    = -5
	earliestPending = -6
)

func listOffsets(b *Broker, c *call, req *kmsg.ListOffsetsRequest) kmsg.Response {
	resp := kmsg.NewPtrListOffsetsResponse()
	twice := make(map[kafka.TopicPartition]bool) // of those that are not answered yet
	for _, in := range req.Topics {
		for _, p := range in.Partitions {
			tp := kafka.TopicPartition{Topic: in.Topic, Partition: p.Partition}
			_, again := twice[tp]
			twice[tp] = again
		}
	}
	for _, in := range req.Topics {
		allowed := c.allowed(kafka.Describe, kafka.Topic, in.Topic)
		out := kmsg.NewListOffsetsResponseTopic()
		out.Topic = in.Topic
		for _, p := range in.Partitions {
			tp := kafka.TopicPartition{Topic: in.Topic, Partition: p.Partition}
			again, ok := twice[tp]
			if !ok {
				continue
			}
			delete(twice, tp)
			part := kmsg.NewListOffsetsResponseTopicPartition()
			part.Partition = p.Partition
			part.Offset, part.Timestamp, part.LeaderEpoch = -1, -1, -1
			err := error(kafka.ErrTopicAuthorizationFailed)
			switch {
			case allowed && again:
				err = kafka.ErrInvalidRequest
			case allowed:
				err = listOffset(b.topics.named(in.Topic).replica(p.Partition), c.header.Version, p, &part)
			}
			part.ErrorCode = int16(codeOf(err))
			out.Partitions = append(out.Partitions, part)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func listOffset(r *replica, version int16, in kmsg.ListOffsetsRequestTopicPartition, out *kmsg.ListOffsetsResponseTopicPartition) error {
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
	var at kafka.Offset
	switch ts := in.Timestamp; {
	case ts == int64(kafka.LatestOffset):
		at = r.log.Durable()
		out.Offset, out.LeaderEpoch = int64(at), int32(epoch)
		return nil
	case ts == int64(kafka.EarliestOffset), ts == earliestLocal && version >= 8:
		at = r.log.Start()
	case ts == latestTiered && version >= 9, ts == earliestPending && version >= 11:
		return nil
	case ts == int64(kafka.MaxTimestampOffset) && version >= 7:
		offset, stamp, found, err := r.searchTime(r.log.MaxTimestamp)
		if err != nil || !found {
			return err
		}
		at, out.Timestamp = offset, stamp
	case ts < 0:
		return kafka.ErrUnsupportedVersion
	default:
		offset, stamp, found, err := r.searchTime(func() (kafka.Offset, int64, bool, error) { return r.log.OffsetForTime(ts) })
		if err != nil || !found {
			return err
		}
		at, out.Timestamp = offset, stamp
	}
	out.Offset, out.LeaderEpoch = int64(at), int32(r.log.EpochAt(at))
	if out.LeaderEpoch == int32(kafka.NoEpoch) {
		out.LeaderEpoch = int32(epoch) // an empty log: nothing was written under an older one
	}
	return nil
}

// searchTime searches by time, which may unpack a batch.
func (r *replica) searchTime(search func() (kafka.Offset, int64, bool, error)) (kafka.Offset, int64, bool, error) {
	r.b.unpacking.enter()
	defer r.b.unpacking.leave()
	return search()
}
