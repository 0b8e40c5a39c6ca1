package broker

import (
	"fmt"
	"strings"

	"schloss/kafka"
	"schloss/store"
)

// metadataTopic names the directory of the embedded metadata; no topic may
// take it.
const metadataTopic = "__cluster_metadata"

// reserved says that clients may not create a topic of this name.
func reserved(name string) bool { return name == metadataTopic || kafka.Internal(name) }

// checkReplicas refuses replicas on brokers that are not there (Kafka:
// ReplicationControlManager.validateManualPartitionAssignment, in its words).
func (b *Broker) checkReplicas(replicas []int32) error {
	if len(replicas) == 0 {
		return &faultError{kafka.ErrInvalidReplicaAssignment, "The manual partition assignment includes an empty replica list."}
	}
	for i, id := range replicas {
		if id != int32(b.node) {
			return &faultError{kafka.ErrInvalidReplicaAssignment, fmt.Sprintf("The manual partition assignment includes broker %d, but no such broker is registered.", id)}
		}
		if i > 0 {
			return &faultError{kafka.ErrInvalidReplicaAssignment, fmt.Sprintf("The manual partition assignment includes the broker %d more than once.", id)}
		}
	}
	return nil
}

// checkCollision refuses a name that differs from an existing one only in '.'
// and '_', since both are '_' in metric names (Kafka: Topic.hasCollision).
func checkCollision(image *store.Image, name string) error {
	plain := strings.ReplaceAll(name, ".", "_")
	if !strings.Contains(plain, "_") {
		return nil
	}
	for other := range image.Topics {
		if other != name && strings.ReplaceAll(other, ".", "_") == plain {
			return &faultError{kafka.ErrInvalidTopicException, fmt.Sprintf("Topic '%s' collides with existing topic: %s", name, other)}
		}
	}
	return nil
}
