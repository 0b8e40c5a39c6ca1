package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/store"
)

// CreateTopics makes topics.
//
// Behavior: CREATE on the cluster or on the topic, before anything is looked
// up. A topic named twice is refused, all else is judged for each topic alone.
// -1 partitions or replicas mean the broker's default. The one broker there is
// holds every replica, so that more than one replica is refused. validateOnly
// does everything but the deed.
//
// Versions: 5 brought the settings in the response, for those who may describe
// them, 7 the topic id.

// maxNewPartitions is the number of partitions that one topic may be created
// with (Kafka: MAX_PARTITIONS_PER_BATCH).
const maxNewPartitions = 10_000

func createTopics(b *Broker, c *call, req *kmsg.CreateTopicsRequest) kmsg.Response {
	everywhere := c.sees(kafka.Create, kafka.Cluster, kafka.ClusterName)
	named := make(map[string]int)
	for _, t := range req.Topics {
		named[t.Topic]++
	}
	resp := kmsg.NewPtrCreateTopicsResponse()
	for i := range req.Topics {
		in := &req.Topics[i]
		if named[in.Topic] == 0 {
			continue // a duplicate that was answered
		}
		out := kmsg.NewCreateTopicsResponseTopic()
		out.Topic = in.Topic
		var err error
		switch {
		case !everywhere && !c.allowed(kafka.Create, kafka.Topic, in.Topic):
			err = &faultError{kafka.ErrTopicAuthorizationFailed, "Authorization failed."}
		case named[in.Topic] > 1:
			err = &faultError{kafka.ErrInvalidRequest, "the request names this topic more than once"}
		default:
			err = b.createOne(c, in, &out, req.ValidateOnly)
		}
		named[in.Topic] = 0
		if err != nil {
			out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
			out.NumPartitions, out.ReplicationFactor, out.TopicID = -1, -1, kafka.TopicID{}
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (b *Broker) createOne(c *call, in *kmsg.CreateTopicsRequestTopic, out *kmsg.CreateTopicsResponseTopic, dry bool) error {
	meta, err := b.plan(in)
	if err != nil {
		return err
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	image := b.meta.Image()
	if _, ok := image.Topics[meta.Name]; ok {
		return &faultError{kafka.ErrTopicAlreadyExists, fmt.Sprintf("Topic '%s' already exists.", meta.Name)}
	}
	if err := checkCollision(image, meta.Name); err != nil {
		return err
	}
	if !dry {
		if err := b.createTopic(meta); err != nil {
			b.log.Error("create topic", "topic", meta.Name, "error", err)
			return err
		}
		b.log.Info("topic created", "topic", meta.Name, "partitions", meta.Partitions, "by", c.peer.Name)
		out.TopicID = meta.ID
	}
	out.NumPartitions, out.ReplicationFactor = meta.Partitions, 1
	if c.sees(kafka.DescribeConfigs, kafka.Topic, meta.Name) {
		for _, d := range config.DescribeTopic(b.values.Load(), meta.Configs) {
			out.Configs = append(out.Configs, kmsg.CreateTopicsResponseTopicConfig{
				Name: d.Name, Value: d.Value, ReadOnly: d.ReadOnly, Source: int8(d.Source), IsSensitive: d.Sensitive,
			})
		}
	} else {
		out.ConfigErrorCode = int16(kafka.ErrTopicAuthorizationFailed)
		out.NumPartitions, out.ReplicationFactor = -1, -1
	}
	return nil
}

// plan is the topic that a request describes.
func (b *Broker) plan(in *kmsg.CreateTopicsRequestTopic) (store.Topic, error) {
	none := store.Topic{}
	if err := kafka.CheckTopicName(in.Topic); err != nil {
		return none, &faultError{kafka.ErrInvalidTopicException, err.Error()}
	}
	if reserved(in.Topic) {
		return none, &faultError{kafka.ErrInvalidTopicException, fmt.Sprintf("topic %q is made by the broker alone", in.Topic)}
	}
	partitions, err := b.planPartitions(in)
	if err != nil {
		return none, err
	}
	configs := make(map[string]string, len(in.Configs))
	for _, cfg := range in.Configs {
		if cfg.Value == nil {
			return none, &faultError{kafka.ErrInvalidConfig, fmt.Sprintf("setting %s has no value", cfg.Name)}
		}
		configs[cfg.Name] = *cfg.Value
	}
	if err := config.CheckTopic(configs); err != nil {
		return none, err
	}
	return store.Topic{Name: in.Topic, ID: b.newID(), Partitions: partitions, Configs: configs}, nil
}

func (b *Broker) planPartitions(in *kmsg.CreateTopicsRequestTopic) (int32, error) {
	if len(in.ReplicaAssignment) > 0 {
		return b.planAssigned(in)
	}
	partitions, replicas := in.NumPartitions, in.ReplicationFactor
	if partitions == -1 {
		partitions = b.set.partitions
	}
	if replicas == -1 {
		replicas = b.set.replication
	}
	switch {
	case partitions <= 0:
		return 0, &faultError{kafka.ErrInvalidPartitions, "the number of partitions must be larger than 0"}
	case partitions > maxNewPartitions:
		return 0, &faultError{kafka.ErrPolicyViolation, fmt.Sprintf("%d partitions are too many at once, %d are allowed", partitions, maxNewPartitions)}
	case replicas <= 0:
		return 0, &faultError{kafka.ErrInvalidReplicationFactor, "the replication factor must be larger than 0"}
	case replicas > 1:
		return 0, &faultError{kafka.ErrInvalidReplicationFactor, fmt.Sprintf("Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only 1 broker(s) are registered.", replicas, replicas)}
	}
	return partitions, nil
}

// planAssigned takes partitions whose replicas the caller placed.
func (b *Broker) planAssigned(in *kmsg.CreateTopicsRequestTopic) (int32, error) {
	if in.NumPartitions != -1 || in.ReplicationFactor != -1 {
		return 0, &faultError{kafka.ErrInvalidRequest, "with an assignment of replicas, partitions and replication factor must be -1"}
	}
	n := len(in.ReplicaAssignment)
	seen := make(map[int32]bool, n)
	for _, a := range in.ReplicaAssignment {
		if a.Partition < 0 || int(a.Partition) >= n || seen[a.Partition] {
			return 0, &faultError{kafka.ErrInvalidReplicaAssignment, "partitions must be 0, 1, 2 and so on, each once"}
		}
		seen[a.Partition] = true
		if err := b.checkReplicas(a.Replicas); err != nil {
			return 0, err
		}
	}
	if n > maxNewPartitions {
		return 0, &faultError{kafka.ErrPolicyViolation, "too many partitions at once"}
	}
	return int32(n), nil
}
