package acl

import (
	"errors"
	"fmt"
	"strings"

	"schloss/kafka"
)

// CheckCreate says why Kafka would refuse to create the binding, or nil.
// Kafka checks neither that an operation makes sense on the resource type,
// nor that a resource of the name can exist.
func CheckCreate(b Binding) error {
	switch {
	case b.ResourceType <= kafka.ResourceAny || b.ResourceType > kafka.User:
		return fmt.Errorf("resource type %s cannot be guarded", b.ResourceType.Enum())
	case b.Pattern != kafka.Literal && b.Pattern != kafka.Prefixed:
		return fmt.Errorf("pattern type %s is for filters; want LITERAL or PREFIXED", b.Pattern.Enum())
	case b.Operation <= kafka.OperationAny || b.Operation > kafka.TwoPhaseCommit:
		return fmt.Errorf("operation %s cannot be granted", b.Operation.Enum())
	case b.Permission != kafka.Allow && b.Permission != kafka.Deny:
		return fmt.Errorf("permission %s is for filters; want ALLOW or DENY", b.Permission.Enum())
	case b.Name == "":
		return errors.New("resource name is empty")
	case b.ResourceType == kafka.Cluster && b.Name != kafka.ClusterName:
		return fmt.Errorf("the only cluster resource is %s, and not %q", kafka.ClusterName, b.Name)
	case b.Host == "":
		return errors.New("host is empty")
	}
	if kind, name, ok := strings.Cut(b.Principal, ":"); !ok || kind == "" || name == "" {
		return fmt.Errorf("principal %q is not of the form TYPE:NAME", b.Principal)
	}
	return nil
}

// CheckFilter says why Kafka would refuse the filter, or nil.
func CheckFilter(f Filter) error {
	switch {
	case f.ResourceType <= kafka.ResourceUnknown || f.ResourceType > kafka.User:
		return errors.New("filter has an unknown resource type")
	case f.Pattern <= kafka.PatternUnknown || f.Pattern > kafka.Prefixed:
		return errors.New("filter has an unknown pattern type")
	case f.Operation <= kafka.OperationUnknown || f.Operation > kafka.TwoPhaseCommit:
		return errors.New("filter has an unknown operation")
	case f.Permission <= kafka.PermissionUnknown || f.Permission > kafka.Allow:
		return errors.New("filter has an unknown permission")
	}
	return nil
}
