package acl

import "schloss/kafka"

// Binding is one ACL: a pattern of resources and what one principal may or may
// not do on them (Kafka: AclBinding). It is comparable.
type Binding struct {
	ResourceType kafka.ResourceType
	Name         string
	Pattern      kafka.PatternType // Literal or Prefixed
	Principal    string            // "User:CN=..." or "User:*"
	Host         string            // an address as Java prints it, or "*"
	Operation    kafka.Operation
	Permission   kafka.Permission
}

// Filter selects bindings (Kafka: AclBindingFilter). nil strings and the Any
// values select everything.
type Filter struct {
	ResourceType kafka.ResourceType
	Name         *string
	Pattern      kafka.PatternType
	Principal    *string
	Host         *string
	Operation    kafka.Operation
	Permission   kafka.Permission
}
