package client

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// Admin does administrative deeds over anything that sends requests: a
// [Client], or a [Conn] to a broker's Unix socket or to one in process. What
// the broker answers for one thing is a *DeniedError or an *AnswerError.
type Admin struct{ to kmsg.Requestor }

// NewAdmin returns an Admin over the requestor.
func NewAdmin(to kmsg.Requestor) *Admin { return &Admin{to: to} }

// adminTimeoutMillis is what requests grant the broker for its work.
const adminTimeoutMillis = 15_000

// ask sends a request whose response is an R.
func ask[R kmsg.Response](ctx context.Context, to kmsg.Requestor, req kmsg.Request) (R, error) {
	var none R
	resp, err := to.Request(ctx, req)
	if err != nil {
		return none, err
	}
	typed, ok := resp.(R)
	if !ok {
		return none, fmt.Errorf("request %s: answered with a %T", kmsg.NameForKey(req.Key()), resp)
	}
	return typed, nil
}

// Node is one broker.
type Node struct {
	ID   kafka.NodeID
	Host string
	Port int32
	Rack string
}

// Address is HOST:PORT, as the node advertises it.
func (n Node) Address() string { return net.JoinHostPort(n.Host, strconv.Itoa(int(n.Port))) }

// Endpoint is where a broker is reached. A fenced one is registered but not in
// service.
type Endpoint struct {
	Node
	Fenced bool
}

// Endpoints lists the brokers that clients may reach, ordered by id; with
// fenced also those that are registered and not in service (KIP-1073).
func (a *Admin) Endpoints(ctx context.Context, fenced bool) ([]Endpoint, error) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.EndpointType = 1 // brokers
	req.IncludeFencedBrokers = fenced
	resp, err := ask[*kmsg.DescribeClusterResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if err := (deed{"describe the cluster", kafka.Describe, kafka.Cluster}).err(resp.ErrorCode, resp.ErrorMessage, ""); err != nil {
		return nil, err
	}
	if fenced && resp.Version < 2 {
		return nil, &VersionError{API: kafka.APIName(req.Key()), Max: resp.Version, OurMin: 2, OurMax: req.MaxVersion()}
	}
	endpoints := make([]Endpoint, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		e := Endpoint{Node: Node{ID: kafka.NodeID(b.NodeID), Host: b.Host, Port: b.Port}, Fenced: b.IsFenced}
		if b.Rack != nil {
			e.Rack = *b.Rack
		}
		endpoints = append(endpoints, e)
	}
	sortBy(endpoints, func(e Endpoint) kafka.NodeID { return e.ID })
	return endpoints, nil
}

// Cluster is what a cluster says of itself.
type Cluster struct {
	ID         string // "" where the broker is too old to tell
	Controller kafka.NodeID
	Nodes      []Node
}

// Cluster describes the cluster.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := ask[*kmsg.MetadataResponse](ctx, a.to, req)
	if err != nil {
		return Cluster{}, err
	}
	c := Cluster{Controller: kafka.NodeID(resp.ControllerID)}
	if resp.ClusterID != nil {
		c.ID = *resp.ClusterID
	}
	for _, b := range resp.Brokers {
		n := Node{ID: kafka.NodeID(b.NodeID), Host: b.Host, Port: b.Port}
		if b.Rack != nil {
			n.Rack = *b.Rack
		}
		c.Nodes = append(c.Nodes, n)
	}
	return c, nil
}

// Partition is one partition of a topic.
type Partition struct {
	Index    int32
	Leader   kafka.NodeID // -1: none
	Epoch    kafka.Epoch
	Replicas []kafka.NodeID
	ISR      []kafka.NodeID
	Offline  []kafka.NodeID
	// Elr are the replicas that may lead although they are not in sync,
	// LastElr who they were before (KIP-966); nil where nobody told.
	Elr, LastElr []kafka.NodeID
}

// TopicInfo is one topic. Err is what the broker said instead of describing
// it; without one, Partitions are in order, from 0 on.
type TopicInfo struct {
	Name       string
	ID         kafka.TopicID
	Internal   bool
	Partitions []Partition
	Err        error
}

// Topics describes the named topics, or all when none is named, ordered by
// name. Auto-creation is never asked for.
func (a *Admin) Topics(ctx context.Context, names ...string) ([]TopicInfo, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask[*kmsg.MetadataResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	topics := make([]TopicInfo, 0, len(resp.Topics))
	for i := range resp.Topics {
		topics = append(topics, topicInfo(&resp.Topics[i]))
	}
	sortBy(topics, func(t TopicInfo) string { return t.Name })
	return topics, nil
}

func topicInfo(t *kmsg.MetadataResponseTopic) TopicInfo {
	info := TopicInfo{ID: t.TopicID, Internal: t.IsInternal}
	if t.Topic != nil {
		info.Name = *t.Topic
	}
	info.Err = deed{"describe topic", kafka.Describe, kafka.Topic}.err(t.ErrorCode, nil, info.Name)
	for _, p := range t.Partitions {
		info.Partitions = append(info.Partitions, Partition{
			Index:    p.Partition,
			Leader:   kafka.NodeID(p.Leader),
			Epoch:    kafka.Epoch(p.LeaderEpoch),
			Replicas: nodeIDs(p.Replicas),
			ISR:      nodeIDs(p.ISR),
			Offline:  nodeIDs(p.OfflineReplicas),
		})
	}
	sortBy(info.Partitions, func(p Partition) int32 { return p.Index })
	return info
}

// nodeIDs keeps nil, which stands for what was not told.
func nodeIDs(in []int32) []kafka.NodeID {
	if in == nil {
		return nil
	}
	out := make([]kafka.NodeID, len(in))
	for i, id := range in {
		out[i] = kafka.NodeID(id)
	}
	return out
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

// CreateTopic creates one topic.
func (a *Admin) CreateTopic(ctx context.Context, t NewTopic) error {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = t.Name, t.Partitions, t.ReplicationFactor
	if len(t.Assignment) > 0 {
		topic.NumPartitions, topic.ReplicationFactor = -1, -1
	}
	for i, replicas := range t.Assignment {
		ra := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		ra.Partition = int32(i)
		for _, id := range replicas {
			ra.Replicas = append(ra.Replicas, int32(id))
		}
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, ra)
	}
	for _, name := range sortedKeys(t.Configs) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, kmsg.StringPtr(t.Configs[name])
		topic.Configs = append(topic.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	req.TimeoutMillis = adminTimeoutMillis
	req.ValidateOnly = t.ValidateOnly
	resp, err := ask[*kmsg.CreateTopicsResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errAnswers("CreateTopics", len(resp.Topics), 1)
	}
	r := resp.Topics[0]
	return deed{"create topic", kafka.Create, kafka.Topic}.err(r.ErrorCode, r.ErrorMessage, t.Name)
}

// DeleteTopic deletes one topic.
func (a *Admin) DeleteTopic(ctx context.Context, name string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = adminTimeoutMillis
	req.TopicNames = []string{name} // up to version 5
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = kmsg.StringPtr(name)
	req.Topics = append(req.Topics, topic)
	resp, err := ask[*kmsg.DeleteTopicsResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errAnswers("DeleteTopics", len(resp.Topics), 1)
	}
	r := resp.Topics[0]
	return deed{"delete topic", kafka.Delete, kafka.Topic}.err(r.ErrorCode, r.ErrorMessage, name)
}

// errAnswers is a response that does not answer what was asked.
func errAnswers(api string, got, want int) error {
	return fmt.Errorf("request %s: the response has %d answers, want %d", api, got, want)
}
