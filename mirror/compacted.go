package mirror

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
)

// createTopic creates a topic; a replication factor of -1 is the cluster's
// default.
func createTopic(ctx context.Context, admin *client.Admin, topic client.NewTopic) error {
	err := admin.CreateTopic(ctx, topic)
	if topic.ReplicationFactor == -1 && errors.Is(err, kafka.ErrInvalidReplicationFactor) {
		// Brokers before 2.4 have no default for this request (KIP-464).
		cluster, cerr := admin.Cluster(ctx)
		if cerr != nil {
			return err
		}
		topic.ReplicationFactor = int16(min(3, len(cluster.Nodes)))
		err = admin.CreateTopic(ctx, topic)
	}
	return err
}

// ensureCompacted creates a compacted topic of one partition where it is
// missing. Who may not create it may still use one that is there.
func ensureCompacted(ctx context.Context, admin *client.Admin, topic string) error {
	err := createTopic(ctx, admin, client.NewTopic{Name: topic, Partitions: 1, ReplicationFactor: -1,
		Configs: map[string]string{"cleanup.policy": "compact"}})
	if err == nil || errors.Is(err, kafka.ErrTopicAlreadyExists) {
		return nil
	}
	if found, ferr := admin.Topics(ctx, topic); ferr != nil || len(found) != 1 || found[0].Err != nil {
		return err
	}
	return nil
}

// openWriter makes a client that writes to a topic of one partition, in order.
func openWriter(target *client.Client, topic string) (*kgo.Client, error) {
	return target.Kgo(kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.RecordRetries(10))
}
