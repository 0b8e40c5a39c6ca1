package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/security/acl"
)

// Admin does administrative deeds over anything that sends requests: a
// [Client], or a [Conn] to a broker's Unix socket or to one in process.
type Admin struct{ to kmsg.Requestor }

// NewAdmin returns an Admin over the requestor.
func NewAdmin(to kmsg.Requestor) *Admin { return &Admin{to: to} }

// Node is one broker.
type Node struct {
	ID   kafka.NodeID
	Host string
	Port int32
	Rack string
}

// Cluster is what a cluster says of itself.
type Cluster struct {
	ID         string
	Controller kafka.NodeID
	Nodes      []Node
}

// Partition is one partition of a topic.
type Partition struct {
	Index    int32
	Leader   kafka.NodeID // -1: none
	Epoch    kafka.Epoch
	Replicas []kafka.NodeID
	ISR      []kafka.NodeID
	Offline  []kafka.NodeID
}

// TopicInfo is one topic. Err is what the broker said instead of describing it.
type TopicInfo struct {
	Name       string
	ID         kafka.TopicID
	Internal   bool
	Partitions []Partition
	Err        error
}

// NewTopic is a topic to create. Partitions and ReplicationFactor of -1 take
// the broker's defaults; Assignment, where given, stands for both.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignment        [][]kafka.NodeID // replicas of partition 0, 1, ...
	Configs           map[string]string
	ValidateOnly      bool
}

// ConfigEntry is one setting of a topic or broker.
type ConfigEntry struct {
	Name      string
	Value     *string // nil: null or sensitive
	Source    int8    // Kafka: DescribeConfigsResponse.ConfigSource
	Sensitive bool
	ReadOnly  bool
	Synonyms  []ConfigSynonym
}

// ConfigSynonym is one place a setting's value can come from.
type ConfigSynonym struct {
	Name   string
	Value  *string
	Source int8
}

// GroupListing is one group of a listing.
type GroupListing struct {
	ID, ProtocolType, State string
	Coordinator             kafka.NodeID
}

// GroupMember is one member of a group with what it is assigned.
type GroupMember struct {
	ID, InstanceID, ClientID, Host string
	Assigned                       []kafka.TopicPartition
}

// Group is one group described. Err is what the broker said instead.
type Group struct {
	ID, State, ProtocolType, Protocol string
	Coordinator                       kafka.NodeID
	Members                           []GroupMember
	Err                               error
}

// Committed is the offset that a group has committed for a partition.
type Committed struct {
	kafka.TopicPartition
	Offset   kafka.Offset
	Epoch    kafka.Epoch
	Metadata string
	Err      error
}

// ListedOffset is the answer of ListOffsets for one partition.
type ListedOffset struct {
	kafka.TopicPartition
	Offset    kafka.Offset
	Timestamp int64
	Err       error
}

// DeletedACLs is what one filter deleted. Err is what the broker said instead.
type DeletedACLs struct {
	Bindings []acl.Binding
	Err      error
}

// Cluster describes the cluster.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) { return Cluster{}, nil }

// Topics describes the named topics, or all when none is named. Auto-creation
// is never asked for. The order is that of the names.
func (a *Admin) Topics(ctx context.Context, names ...string) ([]TopicInfo, error) { return nil, nil }

// CreateTopic creates one topic.
func (a *Admin) CreateTopic(ctx context.Context, t NewTopic) error { return nil }

// DeleteTopic deletes one topic.
func (a *Admin) DeleteTopic(ctx context.Context, name string) error { return nil }

// TopicConfigs describes all settings of one topic, ordered by name.
func (a *Admin) TopicConfigs(ctx context.Context, topic string) ([]ConfigEntry, error) {
	return nil, nil
}

// ACLs lists the bindings that the filter selects.
func (a *Admin) ACLs(ctx context.Context, f acl.Filter) ([]acl.Binding, error) { return nil, nil }

// CreateACLs creates bindings; the error of each is at its place, nil where it
// was created.
func (a *Admin) CreateACLs(ctx context.Context, bindings []acl.Binding) ([]error, error) {
	return nil, nil
}

// DeleteACLs deletes what the filters select; the answer to each is at its
// place.
func (a *Admin) DeleteACLs(ctx context.Context, filters []acl.Filter) ([]DeletedACLs, error) {
	return nil, nil
}

// Groups lists the groups of the cluster, ordered by name.
func (a *Admin) Groups(ctx context.Context) ([]GroupListing, error) { return nil, nil }

// DescribeGroups describes the named groups, in the order of the names.
func (a *Admin) DescribeGroups(ctx context.Context, ids ...string) ([]Group, error) { return nil, nil }

// CommittedOffsets lists all offsets that the group has committed, ordered by
// topic and partition.
func (a *Admin) CommittedOffsets(ctx context.Context, group string) ([]Committed, error) {
	return nil, nil
}

// ListOffsets asks for an offset by timestamp in milliseconds, or by
// kafka.EarliestOffset and kafka.LatestOffset.
func (a *Admin) ListOffsets(ctx context.Context, at int64, partitions []kafka.TopicPartition) ([]ListedOffset, error) {
	return nil, nil
}
