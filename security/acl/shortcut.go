package acl

import "schloss/kafka"

// Shortcut is --producer, --consumer and --idempotent of kafka-acls.
type Shortcut struct {
	Producer, Consumer, Idempotent bool
}

// Operations are what the shortcut grants on a resource of the type, as
// kafka-acls does since 2.0; none for a type that it does not touch.
func (s Shortcut) Operations(t kafka.ResourceType) []kafka.Operation { return nil }
