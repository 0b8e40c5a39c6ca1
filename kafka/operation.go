package kafka

import "strings"

// Operation is what a principal wants to do (Kafka: AclOperation).
type Operation int8

// The operations, with their codes on the wire. Any stands in filters only.
const (
	OperationUnknown Operation = iota
	OperationAny
	All
	Read
	Write
	Create
	Delete
	Alter
	Describe
	ClusterAction
	DescribeConfigs
	AlterConfigs
	IdempotentWrite
	CreateTokens
	DescribeTokens
	TwoPhaseCommit
)

var operationNames = []string{"Unknown", "Any", "All", "Read", "Write", "Create", "Delete", "Alter", "Describe",
	"ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "CreateTokens", "DescribeTokens", "TwoPhaseCommit"}

// String is the Pascal-case name that kafka-acls takes.
func (o Operation) String() string { return nameOf(operationNames, int(o)) }

// Enum is the upper-case name that listings print, such as DESCRIBE_CONFIGS.
func (o Operation) Enum() string { return enumOf(o.String()) }

// ParseOperation reads a name in Pascal case, in capitals without or with
// underscores, as kafka-acls of all versions print or take it.
func ParseOperation(s string) (Operation, bool) {
	i, ok := parseName(operationNames, s)
	return Operation(i), ok
}

// ResourceType is the kind of thing that an ACL guards.
type ResourceType int8

// The resource types, with their codes on the wire.
const (
	ResourceUnknown ResourceType = iota
	ResourceAny
	Topic
	Group
	Cluster
	TransactionalID
	DelegationToken
	User
)

// ClusterName is the only legal name of a cluster resource.
const ClusterName = "kafka-cluster"

var resourceNames = []string{"Unknown", "Any", "Topic", "Group", "Cluster", "TransactionalId", "DelegationToken", "User"}

// String is the Pascal-case name.
func (r ResourceType) String() string { return nameOf(resourceNames, int(r)) }

// Enum is the upper-case name that listings print, such as TRANSACTIONAL_ID.
func (r ResourceType) Enum() string { return enumOf(r.String()) }

// ParseResourceType reads a name in any of Kafka's spellings.
func ParseResourceType(s string) (ResourceType, bool) {
	i, ok := parseName(resourceNames, s)
	return ResourceType(i), ok
}

// PatternType says how the name of an ACL's resource is to be matched.
type PatternType int8

// The pattern types, with their codes on the wire. Any and Match stand in
// filters only.
const (
	PatternUnknown PatternType = iota
	PatternAny
	PatternMatch
	Literal
	Prefixed
)

var patternNames = []string{"Unknown", "Any", "Match", "Literal", "Prefixed"}

// String is the Pascal-case name.
func (p PatternType) String() string { return nameOf(patternNames, int(p)) }

// Enum is the upper-case name that listings print.
func (p PatternType) Enum() string { return enumOf(p.String()) }

// ParsePatternType reads a name in any case.
func ParsePatternType(s string) (PatternType, bool) {
	i, ok := parseName(patternNames, s)
	return PatternType(i), ok
}

// Permission is what an ACL says of the operation it names.
type Permission int8

// The permissions, with their codes on the wire. Any stands in filters only.
const (
	PermissionUnknown Permission = iota
	PermissionAny
	Deny
	Allow
)

var permissionNames = []string{"Unknown", "Any", "Deny", "Allow"}

// String is the Pascal-case name.
func (p Permission) String() string { return nameOf(permissionNames, int(p)) }

// Enum is the upper-case name that listings print.
func (p Permission) Enum() string { return enumOf(p.String()) }

// ParsePermission reads a name in any case.
func ParsePermission(s string) (Permission, bool) {
	i, ok := parseName(permissionNames, s)
	return Permission(i), ok
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return names[0]
	}
	return names[i]
}

// enumOf turns DescribeConfigs into DESCRIBE_CONFIGS.
func enumOf(pascal string) string {
	var b strings.Builder
	for i, c := range pascal {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToUpper(b.String())
}

func parseName(names []string, s string) (int, bool) {
	plain := strings.ReplaceAll(s, "_", "")
	for i, n := range names {
		if i > 0 && strings.EqualFold(n, plain) {
			return i, true
		}
	}
	return 0, false
}
