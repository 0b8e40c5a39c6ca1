package cli

import (
	"context"
	"fmt"
	"net/netip"

	"schloss/client"
	"schloss/kafka"
	"schloss/security/acl"
)

// shownBinding is an access rule as it is printed, in the words of kafka-acls.
type shownBinding struct {
	ResourceType string `json:"resource_type"`
	Name         string `json:"name"`
	Pattern      string `json:"pattern"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Permission   string `json:"permission"`
}

func shown(b acl.Binding) shownBinding {
	return shownBinding{b.ResourceType.Enum(), b.Name, b.Pattern.Enum(), b.Principal, b.Host, b.Operation.Enum(), b.Permission.Enum()}
}

var bindingColumns = []string{"RESOURCE", "NAME", "PATTERN", "PRINCIPAL", "HOST", "OPERATION", "PERMISSION"}

func (b shownBinding) cells() []string {
	return []string{b.ResourceType, b.Name, b.Pattern, b.Principal, b.Host, b.Operation, b.Permission}
}

func (r *clusterRun) printBindings(bindings []acl.Binding) error {
	all := make([]shownBinding, len(bindings))
	t := &table{columns: bindingColumns}
	for i, b := range bindings {
		all[i] = shown(b)
		t.add(all[i].cells()...)
	}
	return r.print(all, t)
}

// checkHost refuses what a rule's host cannot be: Kafka compares it with the
// text of the address, as Java writes it.
func checkHost(host string) error {
	if host == "*" {
		return nil
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return &usageError{problem: fmt.Sprintf("%q is no address: rules know single addresses, no names and no ranges", host), advice: "write it as --host 10.0.0.7, or leave it out for everywhere"}
	}
	if text := acl.HostOf(address); text != host {
		return &usageError{problem: fmt.Sprintf("Kafka writes the address %s otherwise and would never find it", host), advice: "write it as --host " + text}
	}
	return nil
}

// principalNames are those that the cluster's rules name, for completion.
func principalNames(ctx context.Context, admin *client.Admin) ([]string, error) {
	all, err := admin.ACLs(ctx, acl.Filter{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, b := range all {
		names = append(names, b.Principal)
	}
	return distinct(names), nil
}
