package acl

import (
	"fmt"

	"schloss/kafka"
)

// Resource is the thing or the pattern of things that bindings are about.
type Resource struct {
	Type    kafka.ResourceType
	Name    string
	Pattern kafka.PatternType
}

// Resource is what the binding is about.
func (b Binding) Resource() Resource { return Resource{b.ResourceType, b.Name, b.Pattern} }

// String is the pattern as kafka-acls prints it:
// ResourcePattern(resourceType=TOPIC, name=test, patternType=LITERAL).
func (r Resource) String() string {
	return fmt.Sprintf("ResourcePattern(resourceType=%s, name=%s, patternType=%s)", r.Type.Enum(), r.Name, r.Pattern.Enum())
}

// Entry is the rest of the binding as kafka-acls prints it:
// (principal=User:a, host=*, operation=READ, permissionType=ALLOW).
func (b Binding) Entry() string {
	return fmt.Sprintf("(principal=%s, host=%s, operation=%s, permissionType=%s)", b.Principal, b.Host, b.Operation.Enum(), b.Permission.Enum())
}

// String is the resource and the entry.
func (b Binding) String() string { return b.Resource().String() + " " + b.Entry() }
