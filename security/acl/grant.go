package acl

import (
	"strings"

	"schloss/kafka"
)

// Granting is the binding that would allow the query, from any host.
func (q Query) Granting() Binding {
	return Binding{ResourceType: q.ResourceType, Name: q.Name, Pattern: kafka.Literal, Principal: q.Principal, Host: anyHost, Operation: q.Operation, Permission: kafka.Allow}
}

var resourceFlags = map[kafka.ResourceType]string{
	kafka.Topic: "--topic", kafka.Group: "--group", kafka.TransactionalID: "--transactional-id",
	kafka.DelegationToken: "--delegation-token", kafka.User: "--user-principal",
}

// FlagOf is the option of kafka-acls that takes a resource's name; false for
// the cluster, whose option takes none.
func FlagOf(t kafka.ResourceType) (string, bool) {
	flag, ok := resourceFlags[t]
	return flag, ok
}

// Flags are the options of kafka-acls that name the binding, quoted for the
// shell: what stands behind --add or --remove.
func (b Binding) Flags() string {
	side := "--allow-"
	if b.Permission == kafka.Deny {
		side = "--deny-"
	}
	words := []string{side + "principal", inQuotes(b.Principal)}
	if b.Host != anyHost {
		words = append(words, side+"host", inQuotes(b.Host))
	}
	words = append(words, "--operation", b.Operation.String())
	if flag, ok := resourceFlags[b.ResourceType]; ok {
		words = append(words, flag, inQuotes(b.Name))
	} else {
		words = append(words, "--cluster")
	}
	if b.Pattern == kafka.Prefixed {
		words = append(words, "--resource-pattern-type", "prefixed")
	}
	return strings.Join(words, " ")
}

func inQuotes(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
