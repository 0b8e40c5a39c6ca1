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

// checkCollision refuses a name that differs from an existing one only in '.'
// and '_', since both are '_' in metric names (Kafka: Topic.hasCollision).
func checkCollision(image *store.Image, name string) error {
	plain := strings.ReplaceAll(name, ".", "_")
	if !strings.Contains(plain, "_") {
		return nil
	}
	for other := range image.Topics {
		if other != name && strings.ReplaceAll(other, ".", "_") == plain {
			return &faultError{kafka.ErrInvalidTopicException, fmt.Sprintf("topic %q collides with existing topic %q", name, other)}
		}
	}
	return nil
}
