package broker

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/store"
)

// Metadata tells which broker leads which partition.
//
// Behavior: a named topic that the caller may not describe gets
// TOPIC_AUTHORIZATION_FAILED whether it exists or not; its id is unknown to it;
// among all topics it is left out. A missing topic is created when the broker's settings and the
// request allow it and the caller may CREATE it, and is then there at once. The
// broker's address is the one of the listener the caller came by.
//
// Versions: 0 takes an empty list for all topics, later ones null. Before 4
// creation cannot be refused by the request. 8 to 10 tell the caller's rights
// on the cluster, 8 on those on topics. From 10 on topics have ids, and from 12
// they may be asked for by id.
func metadata(b *Broker, c *call, req *kmsg.MetadataRequest) kmsg.Response {
	resp := kmsg.NewPtrMetadataResponse()
	resp.Brokers = []kmsg.MetadataResponseBroker{b.brokerFor(c)}
	resp.ControllerID = int32(b.node)
	resp.ClusterID = kmsg.StringPtr(c.image.ClusterID)
	if req.IncludeClusterAuthorizedOperations && c.header.Version <= 10 {
		resp.AuthorizedOperations = c.clusterOperations()
	}
	if req.Topics == nil || c.header.Version == 0 && len(req.Topics) == 0 {
		for name := range c.image.Topics {
			if c.sees(kafka.Describe, kafka.Topic, name) {
				resp.Topics = append(resp.Topics, b.metadataNamed(c, req, name))
			}
		}
		return resp
	}
	for _, t := range distinct(req.Topics, named) {
		if t.Topic == nil {
			resp.Topics = append(resp.Topics, b.metadataByID(c, req, t.TopicID))
			continue
		}
		resp.Topics = append(resp.Topics, b.metadataNamed(c, req, *t.Topic))
	}
	return resp
}

// named is the key under which a request names a topic.
func named(t *kmsg.MetadataRequestTopic) any {
	if t.Topic == nil {
		return t.TopicID
	}
	return *t.Topic
}

func (b *Broker) brokerFor(c *call) kmsg.MetadataResponseBroker {
	at := b.endpoints[c.peer.Listener]
	out := kmsg.NewMetadataResponseBroker()
	out.NodeID, out.Host, out.Port, out.Rack = int32(b.node), at.Host, at.Port, b.set.rack
	return out
}

// clusterOperations is the bit field of the caller's rights on the cluster; who
// may not describe it learns of none.
func (c *call) clusterOperations() int32 {
	if !c.sees(kafka.Describe, kafka.Cluster, kafka.ClusterName) {
		return 0
	}
	return c.operations(kafka.Cluster, kafka.ClusterName)
}

func (b *Broker) metadataByID(c *call, req *kmsg.MetadataRequest, id kafka.TopicID) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.TopicID = id
	t, ok := c.image.TopicIDs[id]
	switch {
	case c.header.Version < 12:
		out.ErrorCode = int16(kafka.ErrInvalidRequest)
	case !ok, !c.allowed(kafka.Describe, kafka.Topic, t.Name): // see call.refuses
		out.ErrorCode = int16(kafka.ErrUnknownTopicID)
	default:
		return b.metadataOf(c, req, t)
	}
	return out
}

func (b *Broker) metadataNamed(c *call, req *kmsg.MetadataRequest, name string) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic = &name
	if !c.allowed(kafka.Describe, kafka.Topic, name) {
		out.ErrorCode = int16(kafka.ErrTopicAuthorizationFailed)
		return out
	}
	t, ok := c.image.Topics[name]
	if !ok {
		var err error
		if t, err = b.autoCreate(c, req, name); err != nil {
			out.ErrorCode = int16(codeOf(err))
			out.IsInternal = kafka.Internal(name)
			return out
		}
	}
	return b.metadataOf(c, req, t)
}

// autoCreate makes a topic that a client asked for.
func (b *Broker) autoCreate(c *call, req *kmsg.MetadataRequest, name string) (*store.Topic, error) {
	wanted := c.header.Version < 4 || req.AllowAutoTopicCreation
	if kafka.CheckTopicName(name) != nil {
		return nil, kafka.ErrInvalidTopicException
	}
	if !wanted || !b.set.autoCreate || reserved(name) {
		return nil, kafka.ErrUnknownTopicOrPartition
	}
	if !c.sees(kafka.Create, kafka.Cluster, kafka.ClusterName) && !c.allowed(kafka.Create, kafka.Topic, name) {
		return nil, kafka.ErrTopicAuthorizationFailed
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	image := b.meta.Image()
	if t, ok := image.Topics[name]; ok {
		return t, nil // another request was faster
	}
	if err := checkCollision(image, name); err != nil {
		return nil, err
	}
	t := store.Topic{Name: name, ID: b.newID(), Partitions: b.set.partitions}
	if err := b.createTopic(t); err != nil {
		b.log.Error("create topic", "topic", name, "error", err)
		return nil, err
	}
	b.log.Info("topic created", "topic", name, "partitions", t.Partitions, "by", c.peer.Name)
	return &t, nil
}

func (b *Broker) metadataOf(c *call, req *kmsg.MetadataRequest, t *store.Topic) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, kafka.Internal(t.Name)
	out.AuthorizedOperations = math.MinInt32
	if req.IncludeTopicAuthorizedOperations {
		out.AuthorizedOperations = c.operations(kafka.Topic, t.Name)
	}
	for i := range t.Partitions {
		out.Partitions = append(out.Partitions, b.partitionOf(t, i))
	}
	return out
}

// partitionOf tells who leads a partition of a topic.
func (b *Broker) partitionOf(t *store.Topic, index int32) kmsg.MetadataResponseTopicPartition {
	p := kmsg.NewMetadataResponseTopicPartition()
	p.Partition, p.Leader = index, -1
	p.Replicas, p.ISR = []int32{int32(b.node)}, []int32{int32(b.node)}
	node, epoch, ok := b.leaders.Leader(kafka.TopicPartition{Topic: t.Name, Partition: index})
	switch r := b.topics.named(t.Name).replica(index); {
	case r != nil && r.offline != nil:
		p.ErrorCode = int16(kafka.ErrLeaderNotAvailable)
		p.OfflineReplicas, p.ISR = []int32{int32(b.node)}, nil
	case !ok || r == nil:
		p.ErrorCode = int16(kafka.ErrLeaderNotAvailable)
	default:
		p.Leader, p.LeaderEpoch = int32(node), int32(epoch)
	}
	return p
}
