package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// GroupListing is one group of a listing. State is "" where the broker is too
// old to tell.
type GroupListing struct {
	ID, ProtocolType, State string
}

// Groups lists the groups of the cluster, ordered by name.
func (a *Admin) Groups(ctx context.Context) ([]GroupListing, error) {
	resp, err := ask[*kmsg.ListGroupsResponse](ctx, a.to, kmsg.NewPtrListGroupsRequest())
	if err != nil {
		return nil, err
	}
	if err := (deed{"list groups", kafka.Describe, kafka.Cluster}).err(resp.ErrorCode, nil, ""); err != nil {
		return nil, err
	}
	groups := make([]GroupListing, 0, len(resp.Groups))
	for _, g := range resp.Groups {
		groups = append(groups, GroupListing{ID: g.Group, ProtocolType: g.ProtocolType, State: g.GroupState})
	}
	sortBy(groups, func(g GroupListing) string { return g.ID })
	return groups, nil
}

// GroupMember is one member of a group with what it is assigned.
type GroupMember struct {
	ID, InstanceID, ClientID, Host string
	Assigned                       []kafka.TopicPartition
}

// Group is one group described. Err is what the broker said instead.
type Group struct {
	ID, State, ProtocolType, Protocol string
	Members                           []GroupMember
	Err                               error
}

// DescribeGroups describes the named groups, ordered by name.
func (a *Admin) DescribeGroups(ctx context.Context, ids ...string) ([]Group, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = ids
	resp, err := ask[*kmsg.DescribeGroupsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, 0, len(resp.Groups))
	for i := range resp.Groups {
		groups = append(groups, describedGroup(&resp.Groups[i]))
	}
	sortBy(groups, func(g Group) string { return g.ID })
	return groups, nil
}

func describedGroup(g *kmsg.DescribeGroupsResponseGroup) Group {
	out := Group{
		ID: g.Group, State: g.State, ProtocolType: g.ProtocolType, Protocol: g.Protocol,
		Err: deed{"describe group", kafka.Describe, kafka.Group}.err(g.ErrorCode, g.ErrorMessage, g.Group),
	}
	for _, m := range g.Members {
		member := GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
		if m.InstanceID != nil {
			member.InstanceID = *m.InstanceID
		}
		// Only consumers fill the assignment the way consumers do.
		var assigned kmsg.ConsumerMemberAssignment
		if g.ProtocolType == "consumer" && len(m.MemberAssignment) > 0 && assigned.ReadFrom(m.MemberAssignment) == nil {
			for _, t := range assigned.Topics {
				for _, p := range t.Partitions {
					member.Assigned = append(member.Assigned, kafka.TopicPartition{Topic: t.Topic, Partition: p})
				}
			}
		}
		sortPartitions(member.Assigned, func(tp kafka.TopicPartition) kafka.TopicPartition { return tp })
		out.Members = append(out.Members, member)
	}
	return out
}

// Committed is the offset that a group has committed for a partition. Err is
// what the broker said instead.
type Committed struct {
	kafka.TopicPartition
	Offset   kafka.Offset
	Epoch    kafka.Epoch
	Metadata string
	Err      error
}

// CommittedOffsets lists all offsets that the group has committed, ordered by
// topic and partition. A group that does not exist has committed none.
func (a *Admin) CommittedOffsets(ctx context.Context, group string) ([]Committed, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group // up to version 7; Topics nil: all
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = group
	req.Groups = append(req.Groups, one)
	resp, err := ask[*kmsg.OffsetFetchResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	d := deed{"fetch the offsets of group", kafka.Describe, kafka.Group}
	if err := d.err(resp.ErrorCode, nil, group); err != nil && !errors.Is(err, kafka.ErrGroupIDNotFound) {
		return nil, err
	}
	var out []Committed
	add := func(topic string, partition int32, offset int64, epoch int32, metadata *string, code int16) {
		c := Committed{TopicPartition: kafka.TopicPartition{Topic: topic, Partition: partition}, Offset: kafka.Offset(offset), Epoch: kafka.Epoch(epoch)}
		if metadata != nil {
			c.Metadata = *metadata
		}
		c.Err = deed{"fetch the committed offset of topic", kafka.Describe, kafka.Topic}.err(code, nil, topic)
		if c.Offset >= 0 || c.Err != nil {
			out = append(out, c)
		}
	}
	if resp.Version < 8 {
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				add(t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
	}
	for _, g := range resp.Groups {
		if err := d.err(g.ErrorCode, nil, g.Group); err != nil && !errors.Is(err, kafka.ErrGroupIDNotFound) {
			return nil, err
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				add(t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
	}
	sortPartitions(out, func(c Committed) kafka.TopicPartition { return c.TopicPartition })
	return out, nil
}

// ListedOffset is the answer of ListOffsets for one partition. Err is what the
// broker said instead.
type ListedOffset struct {
	kafka.TopicPartition
	Offset    kafka.Offset
	Timestamp int64
	Err       error
}

// ListOffsets asks for an offset by timestamp in milliseconds, or by
// kafka.EarliestOffset and kafka.LatestOffset. The answers are ordered by
// topic and partition.
func (a *Admin) ListOffsets(ctx context.Context, at int64, partitions []kafka.TopicPartition) ([]ListedOffset, error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	byTopic := make(map[string]*kmsg.ListOffsetsRequestTopic)
	for _, tp := range partitions {
		t := byTopic[tp.Topic]
		if t == nil {
			n := kmsg.NewListOffsetsRequestTopic()
			n.Topic = tp.Topic
			t, byTopic[tp.Topic] = &n, &n
		}
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = tp.Partition, at
		t.Partitions = append(t.Partitions, p)
	}
	for _, name := range sortedKeys(byTopic) {
		req.Topics = append(req.Topics, *byTopic[name])
	}
	resp, err := ask[*kmsg.ListOffsetsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	var out []ListedOffset
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, ListedOffset{
				TopicPartition: kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition},
				Offset:         kafka.Offset(p.Offset),
				Timestamp:      p.Timestamp,
				Err:            deed{"list offsets of topic", kafka.Describe, kafka.Topic}.err(p.ErrorCode, nil, t.Topic),
			})
		}
	}
	if len(out) != len(partitions) {
		return nil, fmt.Errorf("list offsets: %w", errAnswers("ListOffsets", len(out), len(partitions)))
	}
	sortPartitions(out, func(o ListedOffset) kafka.TopicPartition { return o.TopicPartition })
	return out, nil
}

func sortPartitions[T any](s []T, of func(T) kafka.TopicPartition) {
	slices.SortFunc(s, func(a, b T) int {
		x, y := of(a), of(b)
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
}
