package acl

import (
	"slices"

	"schloss/kafka"
)

// Operations are those that make sense on a resource type, All excepted, in
// the order of their codes (Kafka 4.3: AclEntry.supportedOperations).
func Operations(t kafka.ResourceType) []kafka.Operation {
	switch t {
	case kafka.Topic:
		return []kafka.Operation{kafka.Read, kafka.Write, kafka.Create, kafka.Delete, kafka.Alter, kafka.Describe, kafka.DescribeConfigs, kafka.AlterConfigs}
	case kafka.Group:
		return []kafka.Operation{kafka.Read, kafka.Delete, kafka.Describe}
	case kafka.Cluster:
		return []kafka.Operation{kafka.Create, kafka.Alter, kafka.Describe, kafka.ClusterAction, kafka.DescribeConfigs, kafka.AlterConfigs, kafka.IdempotentWrite}
	case kafka.TransactionalID:
		return []kafka.Operation{kafka.Write, kafka.Describe, kafka.TwoPhaseCommit}
	case kafka.DelegationToken:
		return []kafka.Operation{kafka.Describe}
	case kafka.User:
		return []kafka.Operation{kafka.CreateTokens, kafka.DescribeTokens}
	}
	return nil
}

// Valid says whether the operation, or All, makes sense on the resource type.
// kafka-acls refuses others; the authorizer evaluates any.
func Valid(t kafka.ResourceType, op kafka.Operation) bool {
	valid := Operations(t)
	return len(valid) > 0 && (op == kafka.All || slices.Contains(valid, op))
}
