package acl

import "schloss/kafka"

// Shortcut is --producer, --consumer and --idempotent of kafka-acls.
type Shortcut struct {
	Producer, Consumer, Idempotent bool
}

// Operations are what the shortcut grants on a resource of the type, as
// kafka-acls does since 2.0; none for a type that it does not touch.
func (s Shortcut) Operations(t kafka.ResourceType) []kafka.Operation {
	var grants []kafka.Operation
	switch t {
	case kafka.Topic:
		if s.Producer {
			grants = append(grants, kafka.Write, kafka.Describe, kafka.Create)
		}
		if s.Consumer {
			grants = append(grants, kafka.Read)
		}
		if s.Consumer && !s.Producer {
			grants = append(grants, kafka.Describe)
		}
	case kafka.Group:
		if s.Consumer {
			grants = append(grants, kafka.Read)
		}
	case kafka.TransactionalID:
		if s.Producer {
			grants = append(grants, kafka.Write, kafka.Describe)
		}
	case kafka.Cluster:
		if s.Producer && s.Idempotent {
			grants = append(grants, kafka.IdempotentWrite)
		}
	}
	return grants
}
