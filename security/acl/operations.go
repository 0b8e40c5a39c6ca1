package acl

import "schloss/kafka"

// Operations are those that make sense on a resource type, All excepted.
func Operations(t kafka.ResourceType) []kafka.Operation { return nil }

// Valid says whether the operation, or All, makes sense on the resource type.
func Valid(t kafka.ResourceType, op kafka.Operation) bool { return false }
