package acl

import "schloss/kafka"

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
func (r Resource) String() string { return "" }

// Entry is the rest of the binding as kafka-acls prints it:
// (principal=User:a, host=*, operation=READ, permissionType=ALLOW).
func (b Binding) Entry() string { return "" }

// String is the resource and the entry.
func (b Binding) String() string { return "" }
