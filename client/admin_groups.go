package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// GroupListing is one group of a listing. State and Type ("Classic",
// "Consumer", "Share", "Streams") are "" where the broker is too old to tell.
type GroupListing struct {
	ID, ProtocolType, State, Type string
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
		groups = append(groups, GroupListing{ID: g.Group, ProtocolType: g.ProtocolType, State: g.GroupState, Type: typeName(g.GroupType)})
	}
	sortBy(groups, func(g GroupListing) string { return g.ID })
	return groups, nil
}

// typeName is a type as Kafka's tools print it; brokers write it small.
func typeName(t string) string {
	if t == "" {
		return t
	}
	return strings.ToUpper(t[:1]) + strings.ToLower(t[1:])
}

// GroupMember is one member of a group with what it is assigned.
type GroupMember struct {
	ID, InstanceID, ClientID, Host string
	Assigned                       []kafka.TopicPartition
	// Of a consumer group (KIP-848) alone.
	Epoch    int32
	Target   []kafka.TopicPartition // what it is to be assigned
	Upgraded MemberProtocol
}

// MemberProtocol is which protocol a member of a consumer group speaks.
type MemberProtocol int8

// The protocols, with their codes on the wire.
const (
	UnknownMember  MemberProtocol = -1
	ClassicMember  MemberProtocol = 0
	ConsumerMember MemberProtocol = 1
)

// Group is one group described. Err is what the broker said instead.
type Group struct {
	ID, State, ProtocolType string
	Type                    string // ClassicGroup or ConsumerGroup
	Protocol                string // the assignor
	Epoch, TargetEpoch      int32  // of a consumer group alone: of the group, and of its assignment
	Members                 []GroupMember
	Err                     error
}

// The types of groups that DescribeGroups tells.
const (
	ClassicGroup  = "Classic"
	ConsumerGroup = "Consumer"
)

var describeGroup = deed{"describe group", kafka.Describe, kafka.Group}

// DescribeGroups describes the named groups, ordered by name. As Kafka's admin
// client does, it asks for consumer groups first (KIP-848), and for those that
// are none, or by a broker that knows none, for classic ones.
func (a *Admin) DescribeGroups(ctx context.Context, ids ...string) ([]Group, error) {
	groups, classic, err := a.describeConsumerGroups(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(classic) > 0 {
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Groups = classic
		resp, err := askGroups[*kmsg.DescribeGroupsResponse](ctx, a.to, req, classic...)
		if err != nil {
			return nil, err
		}
		for i := range resp.Groups {
			groups = append(groups, classicGroup(&resp.Groups[i]))
		}
	}
	sortBy(groups, func(g Group) string { return g.ID })
	return groups, nil
}

// describeConsumerGroups returns also the ids of those that are none.
func (a *Admin) describeConsumerGroups(ctx context.Context, ids []string) (groups []Group, classic []string, err error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	if served, err := a.serves(ctx, req.Key()); err != nil || !served {
		return nil, ids, err
	}
	req.Groups = ids
	resp, err := askGroups[*kmsg.ConsumerGroupDescribeResponse](ctx, a.to, req, ids...)
	if err != nil {
		return nil, nil, err
	}
	for i := range resp.Groups {
		switch g := &resp.Groups[i]; kafka.ErrorCode(g.ErrorCode) {
		case kafka.ErrGroupIDNotFound, kafka.ErrUnsupportedVersion:
			classic = append(classic, g.Group)
		default:
			groups = append(groups, consumerGroup(g))
		}
	}
	return groups, classic, nil
}

// serves says whether the cluster knows an API at all.
func (a *Admin) serves(ctx context.Context, key int16) (bool, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "schloss", "unversioned"
	resp, err := ask[*kmsg.ApiVersionsResponse](ctx, a.to, req)
	if err != nil {
		return false, err
	}
	if code := kafka.ErrorCode(resp.ErrorCode); code != kafka.NoError {
		return false, fmt.Errorf("request ApiVersions: %w", code)
	}
	return slices.ContainsFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == key }), nil
}

func consumerGroup(g *kmsg.ConsumerGroupDescribeResponseGroup) Group {
	out := Group{
		ID: g.Group, State: g.State, ProtocolType: "consumer", Type: ConsumerGroup, Protocol: g.AssignorName,
		Epoch: g.Epoch, TargetEpoch: g.AssignmentEpoch, Err: describeGroup.err(g.ErrorCode, g.ErrorMessage, g.Group),
	}
	for _, m := range g.Members {
		member := GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Epoch: m.MemberEpoch, Upgraded: MemberProtocol(m.MemberType),
			Assigned: assignedPartitions(m.Assignment), Target: assignedPartitions(m.TargetAssignment)}
		if m.InstanceID != nil {
			member.InstanceID = *m.InstanceID
		}
		out.Members = append(out.Members, member)
	}
	return out
}

func assignedPartitions(a kmsg.Assignment) []kafka.TopicPartition {
	var out []kafka.TopicPartition
	for _, t := range a.TopicPartitions {
		for _, p := range t.Partitions {
			out = append(out, kafka.TopicPartition{Topic: t.Topic, Partition: p})
		}
	}
	sortPartitions(out, func(tp kafka.TopicPartition) kafka.TopicPartition { return tp })
	return out
}

func classicGroup(g *kmsg.DescribeGroupsResponseGroup) Group {
	out := Group{
		ID: g.Group, State: g.State, ProtocolType: g.ProtocolType, Type: ClassicGroup, Protocol: g.Protocol,
		Err: describeGroup.err(g.ErrorCode, g.ErrorMessage, g.Group),
	}
	for _, m := range g.Members {
		member := GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Upgraded: UnknownMember}
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

// askGroups sends a request to the coordinators of the groups. To find them
// takes the right to describe the groups, whatever the request is about.
func askGroups[R kmsg.Response](ctx context.Context, to kmsg.Requestor, req kmsg.Request, ids ...string) (R, error) {
	var resp R
	err := awaitCoordinator(ctx, func() (err error) {
		resp, err = ask[R](ctx, to, req)
		return err
	})
	return resp, Denied(err, kafka.Describe, kafka.Group, strings.Join(ids, ", "))
}

// coordinatorWait is how long a cluster may take to make the topic of the
// groups' offsets, which it does when it is first asked for a coordinator, or
// to load it.
const coordinatorWait = 15 * time.Second

// awaitCoordinator asks again while there is no coordinator yet, as Kafka's
// admin client does.
func awaitCoordinator(ctx context.Context, ask func() error) error {
	for deadline := time.Now().Add(coordinatorWait); ; {
		err := ask()
		coming := errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kafka.ErrCoordinatorNotAvailable) ||
			errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kafka.ErrCoordinatorLoadInProgress)
		if !coming || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// GroupCoordinator is the broker that coordinates the group.
func (a *Admin) GroupCoordinator(ctx context.Context, group string) (node Node, err error) {
	err = awaitCoordinator(ctx, func() error {
		node, err = a.groupCoordinator(ctx, group)
		return err
	})
	return node, err
}

func (a *Admin) groupCoordinator(ctx context.Context, group string) (Node, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys = group, []string{group} // up to version 3 the first
	resp, err := askGroups[*kmsg.FindCoordinatorResponse](ctx, a.to, req, group)
	if err != nil {
		return Node{}, err
	}
	d := deed{"find the coordinator of group", kafka.Describe, kafka.Group}
	if resp.Version < 4 {
		return Node{ID: kafka.NodeID(resp.NodeID), Host: resp.Host, Port: resp.Port}, d.err(resp.ErrorCode, resp.ErrorMessage, group)
	}
	if len(resp.Coordinators) != 1 {
		return Node{}, errAnswers("FindCoordinator", len(resp.Coordinators), 1)
	}
	c := resp.Coordinators[0]
	return Node{ID: kafka.NodeID(c.NodeID), Host: c.Host, Port: c.Port}, d.err(c.ErrorCode, c.ErrorMessage, group)
}

// GroupResult is what became of a deed on one group: Err is nil where it is done.
type GroupResult struct {
	ID  string
	Err error
}

// DeleteGroups deletes the named groups, which must have no members, with all
// their offsets. The results are ordered by name.
func (a *Admin) DeleteGroups(ctx context.Context, ids ...string) ([]GroupResult, error) {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = ids
	resp, err := askGroups[*kmsg.DeleteGroupsResponse](ctx, a.to, req, ids...)
	if err != nil {
		return nil, err
	}
	results := make([]GroupResult, 0, len(resp.Groups))
	for _, g := range resp.Groups {
		results = append(results, GroupResult{ID: g.Group, Err: deed{"delete group", kafka.Delete, kafka.Group}.err(g.ErrorCode, nil, g.Group)})
	}
	sortBy(results, func(r GroupResult) string { return r.ID })
	return results, nil
}

// ListedOffset is the answer of ListOffsets for one partition. Err is what the
// broker said instead.
type ListedOffset struct {
	kafka.TopicPartition
	Offset    kafka.Offset
	Timestamp int64
	Err       error
}

// offsetSince is from which version on a special offset may be asked for.
var offsetSince = map[int64]int16{
	int64(kafka.MaxTimestampOffset):          7,
	int64(kafka.EarliestLocalOffset):         8,
	int64(kafka.LatestTieredOffset):          9,
	int64(kafka.EarliestPendingUploadOffset): 11,
}

// ListOffsets asks for an offset by timestamp in milliseconds, or by a special
// offset such as kafka.EarliestOffset. The answers are ordered by
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
	// An older broker takes what it does not know for a time.
	if need := offsetSince[at]; resp.Version < need {
		return nil, &VersionError{API: kafka.APIName(req.Key()), Max: resp.Version, OurMin: need, OurMax: req.MaxVersion()}
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
