package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
)

func aclCommand(s *session) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "acl", Short: "List, add, remove and explain access rules", RunE: group, Args: cobra.ArbitraryArgs,
		Example: `  schloss acl list
  schloss acl add --principal 'User:CN=reader,C=CN' --operation Read \
    --topic orders
  schloss acl explain --principal 'User:CN=reader,C=CN' --operation Read \
    --topic orders --host 10.0.0.7`,
	}
	f.register(c.PersistentFlags())
	c.AddCommand(aclListCommand(s, &f), aclAddCommand(s, &f), aclRemoveCommand(s, &f), aclExplainCommand(s, &f))
	f.offering(s, c)
	return c
}

// aclFlags say which rules are meant.
type aclFlags struct {
	principals, hosts, operations []string
	topics, groups, txnIDs        []string
	cluster, allow, deny          bool
	pattern                       string
}

func (f *aclFlags) register(c *cobra.Command, cluster *clusterFlags, s *session) {
	flags := c.Flags()
	flags.StringArrayVar(&f.principals, "principal", nil, "who, as `USER:NAME`; User:* is everyone")
	flags.StringSliceVar(&f.hosts, "host", nil, "from the `ADDRESS`; * is everywhere")
	flags.StringSliceVar(&f.operations, "operation", nil, "the operation `NAME`: Read, Write, Describe, ..., All")
	flags.StringSliceVar(&f.topics, "topic", nil, "the topic `NAME`, or * for all")
	flags.StringArrayVar(&f.groups, "group", nil, "the group `NAME`, or * for all")
	flags.StringArrayVar(&f.txnIDs, "transactional-id", nil, "a transactional `ID`, or * for all")
	flags.BoolVar(&f.cluster, "cluster", false, "the cluster itself")
	completed(c, "topic", cluster.completing(s, topicNames))
	completed(c, "group", cluster.completing(s, groupNames))
	completed(c, "principal", cluster.completing(s, principalNames))
	completed(c, "operation", cobra.FixedCompletions(operationNames(), cobra.ShellCompDirectiveNoFileComp))
}

func operationNames() []string {
	var names []string
	for op := kafka.All; op <= kafka.DescribeTokens; op++ {
		names = append(names, op.String())
	}
	return names
}

// resources are the resources named.
func (f *aclFlags) resources(pattern kafka.PatternType) ([]acl.Resource, error) {
	var out []acl.Resource
	for _, kind := range []struct {
		t     kafka.ResourceType
		names []string
	}{{kafka.Topic, f.topics}, {kafka.Group, f.groups}, {kafka.TransactionalID, f.txnIDs}} {
		for _, name := range distinct(kind.names) {
			if name == "" {
				return nil, &usageError{problem: fmt.Sprintf("the name of a %s is empty", strings.ToLower(kind.t.String())), advice: "name it, or take '*' for all"}
			}
			out = append(out, acl.Resource{Type: kind.t, Name: name, Pattern: pattern})
		}
	}
	if f.cluster {
		if pattern == kafka.Prefixed {
			pattern = kafka.Literal // the cluster has one name
		}
		out = append(out, acl.Resource{Type: kafka.Cluster, Name: kafka.ClusterName, Pattern: pattern})
	}
	return out, nil
}

// parsedOperations are the operations named.
func parsedOperations(names []string) ([]kafka.Operation, error) {
	var out []kafka.Operation
	for _, name := range distinct(names) {
		op, ok := kafka.ParseOperation(strings.TrimSpace(name))
		if !ok || op == kafka.OperationAny {
			e := &usageError{problem: fmt.Sprintf("%q is no operation", name), advice: "the operations are " + strings.Join(operationNames(), ", ")}
			if near, ok := config.Nearest(name, operationNames()); ok {
				e.advice = "did you mean --operation " + near + "?"
			}
			return nil, e
		}
		out = append(out, op)
	}
	return out, nil
}

// patternOf reads --pattern.
func patternOf(text string, allowed ...kafka.PatternType) (kafka.PatternType, error) {
	var names []string
	for _, p := range allowed {
		if strings.EqualFold(text, p.String()) {
			return p, nil
		}
		names = append(names, strings.ToLower(p.String()))
	}
	e := &usageError{problem: fmt.Sprintf("--pattern %q is none of %s", text, strings.Join(names, ", ")), advice: "write it as --pattern " + names[0]}
	if near, ok := config.Nearest(text, names); ok {
		e.advice = "did you mean --pattern " + near + "?"
	}
	return 0, e
}

// filters select the rules that are meant: every combination of what is named.
func (f *aclFlags) filters() ([]acl.Filter, error) {
	pattern, err := patternOf(f.pattern, kafka.PatternAny, kafka.PatternMatch, kafka.Literal, kafka.Prefixed)
	if err != nil {
		return nil, err
	}
	resources, err := f.resources(pattern)
	if err != nil {
		return nil, err
	}
	operations, err := parsedOperations(f.operations)
	if err != nil {
		return nil, err
	}
	one := acl.Filter{ResourceType: kafka.ResourceAny, Pattern: pattern, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
	switch {
	case f.allow && !f.deny:
		one.Permission = kafka.Allow
	case f.deny && !f.allow:
		one.Permission = kafka.Deny
	}
	all := []acl.Filter{one}
	all = multiplied(all, resources, func(f *acl.Filter, r acl.Resource) {
		f.ResourceType, f.Name, f.Pattern = r.Type, &r.Name, r.Pattern
	})
	all = multiplied(all, distinct(f.principals), func(f *acl.Filter, p string) { f.Principal = &p })
	all = multiplied(all, distinct(f.hosts), func(f *acl.Filter, h string) { f.Host = &h })
	return multiplied(all, operations, func(f *acl.Filter, op kafka.Operation) { f.Operation = op }), nil
}

// multiplied has each of the filters once for every value; none leaves them.
func multiplied[T any](filters []acl.Filter, values []T, set func(*acl.Filter, T)) []acl.Filter {
	if len(values) == 0 {
		return filters
	}
	var out []acl.Filter
	for _, f := range filters {
		for _, v := range values {
			set(&f, v)
			out = append(out, f)
		}
	}
	return out
}

// selected are the rules that the filters select.
func (r *clusterRun) selected(ctx context.Context, filters []acl.Filter) ([]acl.Binding, error) {
	seen := map[acl.Binding]bool{}
	var out []acl.Binding
	for _, f := range filters {
		some, err := r.admin.ACLs(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, b := range some {
			if !seen[b] {
				seen[b] = true
				out = append(out, b)
			}
		}
	}
	return out, nil
}

func aclListCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f aclFlags
	c := &cobra.Command{
		Use: "list", Short: "List access rules", Args: noWords,
		Example: "  schloss acl list\n  schloss acl list --topic orders --pattern match\n  schloss acl list --principal 'User:CN=reader,C=CN' -o json",
		RunE: cluster.reading(s, func(ctx context.Context, r *clusterRun, _ []string) error {
			filters, err := f.filters()
			if err != nil {
				return err
			}
			found, err := r.selected(ctx, filters)
			if err != nil {
				return err
			}
			return r.printBindings(found)
		}),
	}
	f.register(c, cluster, s)
	f.registerSelection(c)
	return c
}

// registerSelection adds the flags that only select.
func (f *aclFlags) registerSelection(c *cobra.Command) {
	c.Flags().StringVar(&f.pattern, "pattern", "any", "how names are meant, as a `WORD`: any, match (whatever covers them), literal, prefixed")
	c.Flags().BoolVar(&f.allow, "allow", false, "only what allows")
	c.Flags().BoolVar(&f.deny, "deny", false, "only what denies")
	completed(c, "pattern", cobra.FixedCompletions([]string{"any", "match", "literal", "prefixed"}, cobra.ShellCompDirectiveNoFileComp))
}

func aclAddCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f aclFlags
	var change changeFlags
	var shortcut acl.Shortcut
	c := &cobra.Command{
		Use: "add", Short: "Allow, or deny, somebody something", Args: noWords,
		Long: "Allows somebody something, or denies it with --deny. --producer and --consumer\nstand for the operations that a producer and a consumer need.",
		Example: `  schloss acl add --principal 'User:CN=writer,C=CN' --producer --topic orders
  schloss acl add --principal 'User:CN=reader,C=CN' --consumer \
    --topic orders --group billing
  schloss acl add --principal 'User:*' --operation Read --topic public- \
    --pattern prefixed`,
	}
	c.RunE = cluster.changing(s, &change, func(ctx context.Context, r *clusterRun, _ []string) error {
		bindings, err := f.toAdd(shortcut)
		if err != nil {
			return err
		}
		for _, p := range f.principals {
			if odd := oddWriting(p); odd != nil {
				r.warn("principal %q %s, so this rule meets nobody", odd.text, odd.why)
				r.hint("use " + quoted(odd.instead))
			}
		}
		if change.dryRun {
			return r.printBindings(bindings)
		}
		each, err := r.admin.CreateACLs(ctx, bindings)
		if err != nil {
			return err
		}
		var added []acl.Binding
		var failed []error
		for i, err := range each {
			if err != nil {
				r.report(fmt.Errorf("add %s: %w", bindings[i], err))
				failed = append(failed, err)
				continue
			}
			added = append(added, bindings[i])
		}
		if !r.flags.quiet {
			if err := r.printBindings(added); err != nil {
				return err
			}
		}
		return several(len(added), failed)
	})
	f.register(c, cluster, s)
	change.register(c, false)
	c.Flags().BoolVar(&f.deny, "deny", false, "deny it; a denial beats every allowance")
	c.Flags().BoolVar(&shortcut.Producer, "producer", false, "what a producer needs on topics and transactional ids")
	c.Flags().BoolVar(&shortcut.Consumer, "consumer", false, "what a consumer needs on topics and groups")
	c.Flags().StringVar(&f.pattern, "pattern", "literal", "how names are meant, as a `WORD`: literal, or prefixed (whatever begins so)")
	completed(c, "pattern", cobra.FixedCompletions([]string{"literal", "prefixed"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// toAdd are the rules that the flags describe.
func (f *aclFlags) toAdd(shortcut acl.Shortcut) ([]acl.Binding, error) {
	pattern, err := patternOf(f.pattern, kafka.Literal, kafka.Prefixed)
	if err != nil {
		return nil, err
	}
	resources, err := f.resources(pattern)
	if err != nil {
		return nil, err
	}
	operations, err := parsedOperations(f.operations)
	byRole := shortcut.Producer || shortcut.Consumer
	switch {
	case err != nil:
		return nil, err
	case len(f.principals) == 0:
		return nil, &usageError{problem: "--principal is needed", advice: "say who: --principal 'User:CN=...'"}
	case len(resources) == 0:
		return nil, &usageError{problem: "no resource is named", advice: "add --topic NAME, --group NAME, --transactional-id ID or --cluster"}
	case byRole == (len(operations) > 0):
		return nil, &usageError{problem: "either --operation or a role is needed", advice: "add --operation Read, or --producer, or --consumer"}
	case byRole && f.deny:
		return nil, &usageError{problem: "a role is allowed, not denied", advice: "name what is denied: --deny --operation Write"}
	case shortcut.Consumer && (len(f.groups) == 0 || len(f.topics) == 0), shortcut.Producer && len(f.topics) == 0:
		return nil, &usageError{problem: "a producer needs --topic, a consumer --topic and --group", advice: "add --topic NAME --group NAME, or '*' for all"}
	}
	for _, p := range f.principals {
		if err := checkPrincipal(p); err != nil {
			return nil, err
		}
	}
	return f.combined(resources, operations, shortcut)
}

// combined is every combination, each checked as Kafka's tool checks it.
func (f *aclFlags) combined(resources []acl.Resource, operations []kafka.Operation, shortcut acl.Shortcut) ([]acl.Binding, error) {
	hosts, permission := f.hosts, kafka.Allow
	if len(hosts) == 0 {
		hosts = []string{"*"}
	}
	if f.deny {
		permission = kafka.Deny
	}
	var out []acl.Binding
	for _, res := range resources {
		if err := checkStar(res); err != nil {
			return nil, err
		}
		ops := operations
		if len(ops) == 0 {
			ops = shortcut.Operations(res.Type)
		}
		if len(ops) == 0 {
			return nil, &usageError{problem: fmt.Sprintf("the role needs nothing on a %s", res.Type), advice: "leave it out, or add a rule of its own for it: --operation NAME"}
		}
		for _, op := range ops {
			if !acl.Valid(res.Type, op) {
				return nil, &usageError{problem: fmt.Sprintf("%s is no operation on a %s", op, res.Type), advice: "there are " + joined(acl.Operations(res.Type)) + " and All"}
			}
			for _, p := range distinct(f.principals) {
				for _, h := range distinct(hosts) {
					b := acl.Binding{ResourceType: res.Type, Name: res.Name, Pattern: res.Pattern, Principal: strings.TrimSpace(p), Host: h, Operation: op, Permission: permission}
					if err := errors.Join(acl.CheckCreate(b), checkHost(h)); err != nil {
						return nil, err
					}
					out = append(out, b)
				}
			}
		}
	}
	return out, nil
}

func joined(ops []kafka.Operation) string {
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = op.String()
	}
	return strings.Join(names, ", ")
}

// checkStar refuses what looks like a pattern and is a name that nothing has.
func checkStar(r acl.Resource) error {
	if r.Name == "*" && r.Pattern == kafka.Literal || !strings.HasSuffix(r.Name, "*") || r.Type != kafka.Topic {
		return nil
	}
	stem := strings.TrimRight(r.Name, "*")
	advice := "for all topics: --topic '*' --pattern literal"
	if stem != "" {
		advice = "for all that begin so: --topic " + quotedWord(stem) + " --pattern prefixed"
	}
	return &usageError{problem: fmt.Sprintf("no topic can be named %q: a star means all only when it stands alone, as a literal", r.Name), advice: advice}
}

func aclRemoveCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f aclFlags
	var change changeFlags
	c := &cobra.Command{
		Use: "remove", Short: "Remove access rules", Args: noWords,
		Long:    "Removes the rules that the flags select, as schloss acl list shows them.",
		Example: "  schloss acl remove --principal 'User:CN=reader,C=CN' --dry-run\n  schloss acl remove --topic orders --operation Read --yes",
	}
	run := cluster.changing(s, &change, func(ctx context.Context, r *clusterRun, _ []string) error {
		filters, err := f.filters()
		if err != nil {
			return err
		}
		found, err := r.selected(ctx, filters)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return &absentError{"acl", "that fits"}
		}
		if change.dryRun {
			return r.printBindings(found)
		}
		plan := make([]string, len(found))
		for i, b := range found {
			plan[i] = b.String()
		}
		if err := r.agreed(ctx, &change, plan, fmt.Sprintf("remove %s?", counted(int64(len(found)), "rule"))); err != nil {
			return err
		}
		return r.removeBindings(ctx, found)
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if c.Flags().NFlag() == 0 || !anyChanged(c, "principal", "host", "operation", "topic", "group", "transactional-id", "cluster", "allow", "deny") {
			return &usageError{problem: "which rules?", advice: "select some: --principal 'User:CN=...' or --topic NAME; schloss acl list shows all"}
		}
		if err := s.askable(&change, "removing rules"); err != nil {
			return err
		}
		return run(c, args)
	}
	f.register(c, cluster, s)
	f.registerSelection(c)
	change.register(c, true)
	return c
}

func anyChanged(c *cobra.Command, flags ...string) bool {
	for _, name := range flags {
		if c.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// removeBindings removes exactly what was shown, not what may fit by now.
func (r *clusterRun) removeBindings(ctx context.Context, bindings []acl.Binding) error {
	filters := make([]acl.Filter, len(bindings))
	for i, b := range bindings {
		filters[i] = acl.Filter{ResourceType: b.ResourceType, Name: &b.Name, Pattern: b.Pattern, Principal: &b.Principal, Host: &b.Host, Operation: b.Operation, Permission: b.Permission}
	}
	answers, err := r.admin.DeleteACLs(ctx, filters)
	if err != nil {
		return err
	}
	var removed []acl.Binding
	var failed []error
	for i, a := range answers {
		if a.Err != nil {
			r.report(fmt.Errorf("remove %s: %w", bindings[i], a.Err))
			failed = append(failed, a.Err)
		}
		removed = append(removed, a.Bindings...)
	}
	if !r.flags.quiet {
		if err := r.printBindings(removed); err != nil {
			return err
		}
	}
	return several(len(removed), failed)
}
