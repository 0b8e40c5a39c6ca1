package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"schloss/client"
	"schloss/kafka"
	"schloss/security/acl"
)

const authorizerRetired = "support for ACL configuration directly through the authorizer is deprecated; use --bootstrap-server and --command-config"

var acls = &tool{
	name:  "kafka-acls",
	about: "This tool helps to manage acls on kafka.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --add|--remove|--list ...",
	run:   runACLs,

	unread: "Error while executing ACL command:",
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "command-config", value: optionalValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "bootstrap-controller", value: needsValue, refused: "controllers are not reached by themselves", insteadUse: "--bootstrap-server"},
		{name: "authorizer", value: needsValue, arg: "CLASS", doc: "Up to Kafka 3.9: the class of the authorizer. One of Kafka's own, all of which are served alike."},
		{name: "authorizer-properties", value: needsValue, arg: "K=V", many: true, doc: "Up to Kafka 3.9. zookeeper.connect=X finds the server.properties that names X and works on that broker's own store, whether it runs or not."},
		{name: "config", value: needsValue, arg: "FILE", doc: "The server.properties that zookeeper.connect means, when it is neither $SCHLOSS_CONFIG, config/server.properties nor ./server.properties."},
		{name: "zk-tls-config-file", value: needsValue, refused: "there is no ZooKeeper to reach", insteadUse: "--bootstrap-server with --command-config"},
		{name: "add", doc: "Add the rules that the other options describe."},
		{name: "remove", doc: "Remove them; with resources alone, remove all rules of these."},
		{name: "list", doc: "List the rules of the resources given, or all."},
		{name: "topic", value: needsValue, many: true, doc: "A topic, or '*' for all."},
		{name: "group", value: needsValue, many: true, doc: "A consumer group, or '*' for all."},
		{name: "cluster", doc: "The cluster itself."},
		{name: "transactional-id", value: needsValue, many: true, doc: "A transactional id, or '*' for all."},
		{name: "delegation-token", value: needsValue, many: true, doc: "A delegation token, or '*' for all."},
		{name: "user-principal", value: needsValue, many: true, doc: "A user as a resource, for CreateTokens and DescribeTokens."},
		{name: "resource-pattern-type", value: needsValue, arg: "ANY|MATCH|LITERAL|PREFIXED", def: "LITERAL", check: patternType,
			doc: "How a resource's name is meant. ANY and MATCH select rules to list or remove: ANY takes the name literally whatever the rule's type, MATCH takes every rule that affects the name."},
		{name: "operation", value: needsValue, many: true, def: "All", doc: "What is allowed or denied: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit, All."},
		{name: "allow-principal", value: needsValue, many: true, doc: "Who is allowed, as User:NAME; User:* is everyone."},
		{name: "deny-principal", value: needsValue, many: true, doc: "Who is denied. A denial beats every allowance."},
		{name: "allow-host", value: needsValue, many: true, doc: "From where it is allowed; everywhere unless given."},
		{name: "deny-host", value: needsValue, many: true, doc: "From where it is denied; everywhere unless given."},
		{name: "principal", value: optionalValue, many: true, doc: "With --list: only the rules of this principal."},
		{name: "producer", doc: "What a producer needs: Write, Describe and Create on the topics, Write and Describe on the transactional ids."},
		{name: "consumer", doc: "What a consumer needs: Read and Describe on the topics, Read on the groups."},
		{name: "idempotent", doc: "With --producer: also IdempotentWrite on the cluster."},
		{name: "force", doc: "Ask nothing."},
	},
}

func patternType(value string) error {
	if p, ok := kafka.ParsePatternType(value); !ok || p == kafka.PatternUnknown {
		return fmt.Errorf("expected one of ANY, MATCH, LITERAL, PREFIXED")
	}
	return nil
}

func runACLs(ctx context.Context, s *session, o *options) error {
	if o.has("authorizer-properties") || o.has("authorizer") {
		s.warn("%s", authorizerRetired)
	}
	if err := checkACLOptions(o); err != nil {
		return err
	}
	request, err := parseACLRequest(o)
	if err != nil {
		return toldAsACLError(s, err)
	}
	for _, p := range request.odd() {
		s.warn("principal %q %s, so this rule meets nobody", p.text, p.why)
		s.hint("use " + quoted(p.instead))
	}
	admin, done, err := s.aclAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	run := &aclRun{session: s, admin: admin, request: request, force: o.has("force"), again: !o.has("bootstrap-server"), answers: bufio.NewReader(s.In)}
	switch {
	case o.has("add"):
		err = run.add(ctx)
	case o.has("remove"):
		err = run.remove(ctx)
	default:
		err = run.list(ctx, o.all("principal"))
	}
	return toldAsACLError(s, err)
}

// toldAsACLError prints the line that scripts look for on standard output.
func toldAsACLError(s *session, err error) error {
	var wrong *usageError
	if err != nil && !errors.As(err, &wrong) && !brokenPipe(err) {
		fmt.Fprintf(s.Out, "Error while executing ACL command: %s\n", oneLine(brokerWords(err)))
	}
	return err
}

// aclAdmin reaches whoever keeps the rules: a cluster, or the store of the
// server.properties that zookeeper.connect names.
func (s *session) aclAdmin(ctx context.Context, o *options) (*client.Admin, func(), error) {
	if o.has("bootstrap-server") {
		c, err := s.openAdmin(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		return client.NewAdmin(c), c.Close, nil
	}
	return s.localAdmin(ctx, o)
}

// aclRun is one run of the tool after its words have been understood.
type aclRun struct {
	*session
	admin   *client.Admin
	request *aclRequest
	force   bool
	again   bool // add what is there already, in silence: so do releases that know --authorizer
	answers *bufio.Reader
}

func (r *aclRun) add(ctx context.Context) error {
	for _, g := range r.request.grants {
		bindings, err := r.fresh(ctx, g)
		if err != nil {
			return err
		}
		if len(bindings) == 0 {
			continue
		}
		if err := printACLs(r.Out, "Adding ACLs", g.resource, bindings); err != nil {
			return err
		}
		each, err := r.admin.CreateACLs(ctx, bindings)
		if err != nil {
			return err
		}
		if err := errors.Join(each...); err != nil {
			return firstOf(each)
		}
	}
	return nil
}

// fresh are the grant's rules that are not there yet; the others are told, as
// Kafka does from 4.2 on. Whoever may add rules may list them, too.
func (r *aclRun) fresh(ctx context.Context, g aclGrant) ([]acl.Binding, error) {
	if r.again {
		return g.bindings(), nil
	}
	found, err := r.admin.ACLs(ctx, g.any())
	if err != nil {
		return nil, err
	}
	there := make(map[acl.Binding]bool, len(found))
	for _, b := range found {
		there[b] = true
	}
	var fresh []acl.Binding
	for _, b := range g.bindings() {
		if !there[b] {
			fresh = append(fresh, b)
			continue
		}
		if _, err := fmt.Fprintf(r.Out, "Acl (pattern=%s, entry=%s) already exists.\n", g.resource, b.Entry()); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (r *aclRun) remove(ctx context.Context) error {
	for _, g := range r.request.grants {
		filters := g.filters()
		question := fmt.Sprintf("Are you sure you want to delete all ACLs for resource filter `%s`? (y/n)", g.resource)
		if entries := g.bindings(); len(entries) > 0 {
			question = fmt.Sprintf("Are you sure you want to remove ACLs: \n %s \n from resource filter `%s`? (y/n)", entriesText(entries), g.resource)
		}
		if yes, err := r.confirmed(ctx, question); err != nil {
			return err
		} else if !yes {
			continue
		}
		deleted, err := r.admin.DeleteACLs(ctx, filters)
		if err != nil {
			return err
		}
		for _, d := range deleted {
			if d.Err != nil {
				return d.Err
			}
		}
	}
	return nil
}

// confirmed asks on standard output, as Kafka does; the end of input is a no.
func (r *aclRun) confirmed(ctx context.Context, question string) (bool, error) {
	if r.force {
		return true, nil
	}
	fmt.Fprintln(r.Out, question)
	answer, err := readAnswer(ctx, r.answers)
	return err == nil && answer == "y", err
}

// readAnswer reads a line in lower case; an unreadable one is empty.
func readAnswer(ctx context.Context, in *bufio.Reader) (string, error) {
	answered := make(chan string, 1)
	go func() {
		answer, _ := in.ReadString('\n')
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case answer := <-answered:
		return answer, nil
	}
}

func (r *aclRun) list(ctx context.Context, principals []string) error {
	found, err := r.listed(ctx)
	if err != nil {
		return err
	}
	if len(principals) == 0 {
		return printBlocks(r.Out, found, func(acl.Binding) bool { return true })
	}
	for _, p := range principals {
		if _, err := fmt.Fprintf(r.Out, "ACLs for principal `%s`\n", p); err != nil {
			return err
		}
		if err := printBlocks(r.Out, found, func(b acl.Binding) bool { return b.Principal == p }); err != nil {
			return err
		}
	}
	return nil
}

func (r *aclRun) listed(ctx context.Context) ([]acl.Binding, error) {
	if len(r.request.grants) == 0 {
		return r.admin.ACLs(ctx, acl.Filter{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny})
	}
	seen := map[acl.Binding]bool{}
	var all []acl.Binding
	for _, g := range r.request.grants {
		some, err := r.admin.ACLs(ctx, g.any())
		if err != nil {
			return nil, err
		}
		for _, b := range some {
			if !seen[b] {
				seen[b] = true
				all = append(all, b)
			}
		}
	}
	return all, nil
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
