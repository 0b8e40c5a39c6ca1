package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/principal"
)

// aclRequest is what the options of kafka-acls ask for: some resources, and
// for each who may or may not do what.
type aclRequest struct{ grants []aclGrant }

// aclGrant is one resource pattern with its entries. No entries means: all
// that are there.
type aclGrant struct {
	resource acl.Resource
	entries  []aclEntry
}

type aclEntry struct {
	principal, host string
	operation       kafka.Operation
	permission      kafka.Permission
}

// checkACLOptions refuses what makes no sense together, in the order and with
// the words of Kafka's tool.
func checkACLOptions(o *options) error {
	if o.has("bootstrap-server") && (o.has("authorizer-properties") || o.has("authorizer")) {
		return usage("The --authorizer-properties option can only be used with --authorizer option")
	}
	if o.has("command-config") && !o.has("bootstrap-server") {
		return usage("The --command-config option can only be used with --bootstrap-server option")
	}
	if !o.has("bootstrap-server") && !o.has("authorizer-properties") {
		return usage("One of --bootstrap-server or --bootstrap-controller must be specified").advised("add --bootstrap-server HOST:PORT")
	}
	if o.has("config") && o.has("bootstrap-server") {
		return usage("The --config option can only be used with --authorizer-properties option")
	}
	if countGiven(o, "add", "remove", "list") != 1 {
		return usage("Command must include exactly one action: --list, --add, --remove.").advised("add one of --add, --remove, --list")
	}
	if err := exclude(o, "list", "producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal"); err != nil {
		return err
	}
	for _, shortcut := range []string{"producer", "consumer"} {
		if err := exclude(o, shortcut, "operation", "deny-principal", "deny-host"); err != nil {
			return err
		}
	}
	if pattern, _ := kafka.ParsePatternType(o.get("resource-pattern-type")); o.has("add") && pattern != kafka.Literal && pattern != kafka.Prefixed {
		return usage("A '--resource-pattern-type' value of '%s' is not valid when adding acls.", pattern.Enum())
	}
	switch {
	case o.has("principal") && !o.has("list"):
		return usage("The --principal option is only available if --list is set")
	case o.has("producer") && !o.has("topic"):
		return usage("With --producer you must specify a --topic").advised("add --topic NAME")
	case o.has("idempotent") && !o.has("producer"):
		return usage("The --idempotent option is only available if --producer is set")
	case o.has("consumer") && (!o.has("topic") || !o.has("group") || !o.has("producer") && (o.has("cluster") || o.has("transactional-id"))):
		return usage("With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.").advised("add --topic NAME --group NAME, or --group '*' for all groups")
	}
	return nil
}

func countGiven(o *options, names ...string) (n int) {
	for _, name := range names {
		if o.has(name) {
			n++
		}
	}
	return n
}

// exclude refuses any of the others beside the option.
func exclude(o *options, name string, others ...string) error {
	for _, other := range others {
		if o.has(name) && o.has(other) {
			return usage("Option \"[%s]\" can't be used with option \"[%s]\"", name, other)
		}
	}
	return nil
}

func parseACLRequest(o *options) (*aclRequest, error) {
	r := &aclRequest{}
	for _, p := range o.all("principal") {
		if err := checkPrincipal(p); err != nil {
			return nil, err
		}
	}
	resources := aclResources(o)
	if len(resources) == 0 && !o.has("list") {
		return nil, usage("You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>").advised("add --topic NAME, --group NAME or --cluster")
	}
	if o.has("add") && !o.has("allow-principal") && !o.has("deny-principal") {
		return nil, usage("You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.").advised("add --allow-principal User:NAME")
	}
	for _, resource := range resources {
		if resource.Name == "" {
			return nil, usage("the name of a %s is empty", strings.ToLower(resource.Type.String())).advised("name it, or take '*' for all")
		}
	}
	shortcut := acl.Shortcut{Producer: o.has("producer"), Consumer: o.has("consumer"), Idempotent: o.has("idempotent")}
	for _, resource := range resources {
		operations := shortcut.Operations(resource.Type)
		if !shortcut.Producer && !shortcut.Consumer {
			var err error
			if operations, err = aclOperations(o, resource.Type); err != nil {
				return nil, err
			}
		} else if len(operations) == 0 {
			continue
		}
		entries, err := aclEntries(o, operations)
		if err != nil {
			return nil, err
		}
		r.grants = append(r.grants, aclGrant{resource: resource, entries: entries})
	}
	return r, nil
}

// aclResources are the resources named. The cluster has a literal name only:
// with another pattern type Kafka leaves it out without a word.
func aclResources(o *options) []acl.Resource {
	pattern, _ := kafka.ParsePatternType(o.get("resource-pattern-type"))
	var all []acl.Resource
	named := func(flag string, t kafka.ResourceType) {
		seen := map[string]bool{}
		for _, name := range o.all(flag) {
			if name = strings.TrimSpace(name); !seen[name] {
				seen[name] = true
				all = append(all, acl.Resource{Type: t, Name: name, Pattern: pattern})
			}
		}
	}
	named("topic", kafka.Topic)
	named("group", kafka.Group)
	if pattern == kafka.Literal && (o.has("cluster") || o.has("idempotent")) {
		all = append(all, acl.Resource{Type: kafka.Cluster, Name: kafka.ClusterName, Pattern: kafka.Literal})
	}
	named("transactional-id", kafka.TransactionalID)
	named("delegation-token", kafka.DelegationToken)
	named("user-principal", kafka.User)
	return all
}

func aclOperations(o *options, t kafka.ResourceType) ([]kafka.Operation, error) {
	names := o.all("operation")
	if len(names) == 0 {
		return []kafka.Operation{kafka.All}, nil
	}
	var out []kafka.Operation
	for _, name := range names {
		op, ok := kafka.ParseOperation(strings.TrimSpace(name))
		if !ok || !acl.Valid(t, op) {
			var valid []string
			for _, v := range acl.Operations(t) {
				valid = append(valid, v.String())
			}
			e := usage("ResourceType %s only supports operations %s, All", t.Enum(), strings.Join(valid, ", "))
			if near, ok := config.Nearest(name, append(valid, "All")); ok {
				return nil, e.advised("did you mean --operation " + near + "?")
			}
			return nil, e.advised("choose one of these, or --operation All; other operations belong to --topic or --group")
		}
		out = append(out, op)
	}
	return out, nil
}

// aclEntries are one entry for each principal, operation and host.
func aclEntries(o *options, operations []kafka.Operation) ([]aclEntry, error) {
	var entries []aclEntry
	seen := map[aclEntry]bool{}
	for _, side := range []struct {
		flag       string
		permission kafka.Permission
	}{{"allow", kafka.Allow}, {"deny", kafka.Deny}} {
		hosts := o.all(side.flag + "-host")
		if len(hosts) == 0 {
			hosts = []string{"*"}
		}
		for _, p := range o.all(side.flag + "-principal") {
			if err := checkPrincipal(p); err != nil {
				return nil, err
			}
			for _, op := range operations {
				for _, host := range hosts {
					e := aclEntry{strings.TrimSpace(p), strings.TrimSpace(host), op, side.permission}
					if !seen[e] {
						seen[e] = true
						entries = append(entries, e)
					}
				}
			}
		}
	}
	return entries, nil
}

// principalError is a principal without its type.
type principalError struct{ text string }

func (e *principalError) Error() string {
	return "expected a string in format principalType:principalName but got " + e.text
}

func checkPrincipal(text string) error {
	if _, err := principal.Parse(strings.TrimSpace(text)); err != nil {
		return &principalError{text: text}
	}
	return nil
}

func (g aclGrant) bindings() []acl.Binding {
	var out []acl.Binding
	for _, e := range g.entries {
		out = append(out, acl.Binding{ResourceType: g.resource.Type, Name: g.resource.Name, Pattern: g.resource.Pattern,
			Principal: e.principal, Host: e.host, Operation: e.operation, Permission: e.permission})
	}
	return out
}

// any selects all rules of the resource.
func (g aclGrant) any() acl.Filter {
	return acl.Filter{ResourceType: g.resource.Type, Name: &g.resource.Name, Pattern: g.resource.Pattern,
		Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
}

// filters select the entries, or all rules of the resource where there are none.
func (g aclGrant) filters() []acl.Filter {
	if len(g.entries) == 0 {
		return []acl.Filter{g.any()}
	}
	var out []acl.Filter
	for _, e := range g.entries {
		f := g.any()
		f.Principal, f.Host, f.Operation, f.Permission = &e.principal, &e.host, e.operation, e.permission
		out = append(out, f)
	}
	return out
}

// A DN as people paste it from keytool or a certificate viewer.
var spacedDN = regexp.MustCompile(`=[^,]*,\s+[A-Za-z0-9.]+=`)

// oddPrincipal is one that Kafka takes as it stands and never meets.
type oddPrincipal struct{ text, why, instead string }

// odd are the principals that look like a mistake. They are used as they
// stand, as Kafka does.
func (r *aclRequest) odd() []oddPrincipal {
	var out []oddPrincipal
	seen := map[string]bool{}
	for _, g := range r.grants {
		for _, e := range g.entries {
			if seen[e.principal] {
				continue
			}
			seen[e.principal] = true
			if odd := oddWriting(e.principal); odd != nil {
				out = append(out, *odd)
			}
		}
	}
	return out
}

// oddWriting says what in a principal looks like a mistake; nil: nothing.
func oddWriting(principal string) *oddPrincipal {
	kind, name, _ := strings.Cut(principal, ":")
	switch bare := unquoted.Replace(name); {
	case bare != name:
		return &oddPrincipal{principal, "holds quotes that are none of the keyboard's", "User:" + withoutBlanks(bare)}
	case spacedDN.MatchString(name):
		return &oddPrincipal{principal, "has blanks after commas; Kafka writes distinguished names without them", "User:" + withoutBlanks(name)}
	case kind != "User" && strings.EqualFold(kind, "User"):
		return &oddPrincipal{principal, "is not of the type User, which begins with a capital", "User:" + name}
	}
	return nil
}

var blanksAfterComma = regexp.MustCompile(`,\s+([A-Za-z0-9.]+=)`)

func withoutBlanks(dn string) string { return blanksAfterComma.ReplaceAllString(dn, ",$1") }

// quoted is text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// printACLs prints one resource's block, blank for blank as Kafka 2.4 to 3.9.
func printACLs(w io.Writer, title string, resource acl.Resource, entries []acl.Binding) error {
	_, err := fmt.Fprintf(w, "%s for resource `%s`: \n %s \n\n", title, resource, entriesText(entries))
	return err
}

func entriesText(entries []acl.Binding) string {
	lines := make([]string, len(entries))
	for i, b := range entries {
		lines[i] = "\t" + b.Entry()
	}
	return strings.Join(lines, "\n")
}

// printBlocks prints the rules that are wanted, grouped by resource in the
// order in which they come.
func printBlocks(w io.Writer, all []acl.Binding, wanted func(acl.Binding) bool) error {
	var order []acl.Resource
	blocks := map[acl.Resource][]acl.Binding{}
	for _, b := range all {
		if !wanted(b) {
			continue
		}
		if _, known := blocks[b.Resource()]; !known {
			order = append(order, b.Resource())
		}
		blocks[b.Resource()] = append(blocks[b.Resource()], b)
	}
	for _, resource := range order {
		if err := printACLs(w, "Current ACLs", resource, blocks[resource]); err != nil {
			return err
		}
	}
	return nil
}
