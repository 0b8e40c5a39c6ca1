package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
	"schloss/security/acl"
	"schloss/security/principal"
)

func aclExplainCommand(s *session, cluster *clusterFlags) *cobra.Command {
	var f aclFlags
	var as asIf
	c := &cobra.Command{
		Use: "explain", Short: "Say whether something is allowed, by which rule, and what nearly fits", Args: noWords,
		Long: "Decides as Kafka's authorizer does, on the rules of the cluster: the rule that\ndecides, all others that match, and those that miss narrowly, with the reason.\nWithout --host: what holds from everywhere. Exit code 0: allowed, 8: denied.",
		Example: `  schloss acl explain --principal 'User:CN=reader,C=CN' --operation Read \
    --topic orders --host 10.0.0.7`,
		RunE: cluster.reading(s, func(ctx context.Context, r *clusterRun, _ []string) error {
			q, err := f.query()
			if err != nil {
				return err
			}
			rules, err := r.selected(ctx, []acl.Filter{{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}})
			if err != nil {
				return err
			}
			if err := as.complete(ctx, r); err != nil {
				return err
			}
			e := explain(rules, q, &as)
			if err := r.printExplained(e); err != nil {
				return err
			}
			if e.Allowed {
				return nil
			}
			r.hint("whoever may do so can allow it: " + e.Fix + r.reach)
			return &exitError{code: exitCheck, quiet: true}
		}),
	}
	f.register(c, cluster, s)
	c.Flags().StringVar(&as.superUsers, "super-users", "", "super users, as a `LIST` divided by semicolons; else the broker's")
	c.Flags().BoolVar(&as.allowEveryone, "allow-everyone-if-no-acl", false, "as if allow.everyone.if.no.acl.found were true")
	return c
}

// query is what the flags ask about: one of each.
func (f *aclFlags) query() (acl.Query, error) {
	resources, err := f.resources(kafka.Literal)
	if err != nil {
		return acl.Query{}, err
	}
	operations, err := parsedOperations(f.operations)
	if err != nil {
		return acl.Query{}, err
	}
	if len(f.principals) != 1 || len(operations) != 1 || len(resources) != 1 || len(f.hosts) > 1 {
		return acl.Query{}, &usageError{problem: "one principal, one operation and one resource are explained at a time", advice: "name each: --principal 'User:CN=...' --operation Read --topic NAME"}
	}
	if err := checkPrincipal(f.principals[0]); err != nil {
		return acl.Query{}, err
	}
	q := acl.Query{Principal: f.principals[0], Operation: operations[0], ResourceType: resources[0].Type, Name: resources[0].Name}
	if q.Operation == kafka.All || !acl.Valid(q.ResourceType, q.Operation) {
		return acl.Query{}, &usageError{problem: fmt.Sprintf("nobody asks a broker to %s a %s", q.Operation, q.ResourceType), advice: "ask for one of " + joined(acl.Operations(q.ResourceType))}
	}
	if len(f.hosts) == 1 && f.hosts[0] != "*" {
		address, err := netip.ParseAddr(f.hosts[0])
		if err != nil {
			return acl.Query{}, &usageError{problem: fmt.Sprintf("%q is no address", f.hosts[0]), advice: "find it: getent hosts " + quotedWord(f.hosts[0])}
		}
		q.Host = acl.HostOf(address)
	}
	return q, nil
}

// asIf is what decides beside the rules: settings of the brokers.
type asIf struct {
	superUsers    string
	allowEveryone bool
	supers        principal.Supers
	unknown       bool // the cluster does not tell who is a super user
}

// complete asks a broker for what the flags leave open. Few may ask; Kafka
// tells values that it does not know itself to nobody.
func (a *asIf) complete(ctx context.Context, r *clusterRun) error {
	cluster, err := r.admin.Cluster(ctx)
	if err != nil {
		return err
	}
	if a.superUsers == "" && len(cluster.Nodes) > 0 {
		answers, err := r.admin.DescribeConfigs(ctx, client.ConfigResource{Type: client.BrokerConfigs, Name: fmt.Sprint(cluster.Nodes[0].ID)})
		if err != nil {
			return err
		}
		if err := answers[0].Err; err != nil && !errors.As(err, new(*client.DeniedError)) {
			return err
		}
		a.unknown = true
		for _, setting := range answers[0].Configs {
			switch {
			case setting.Value == nil:
			case setting.Name == "super.users":
				a.superUsers, a.unknown = *setting.Value, false
			case setting.Name == "allow.everyone.if.no.acl.found":
				a.allowEveryone = a.allowEveryone || isTrue(*setting.Value)
			}
		}
	}
	a.supers, err = principal.ParseSupers(a.superUsers)
	if err != nil {
		return &usageError{problem: err.Error(), advice: "write it as --super-users 'User:CN=a,C=CN;User:CN=b,C=CN'"}
	}
	return nil
}

// explained is a decision with all that bears on it.
type explained struct {
	Principal       string         `json:"principal"`
	Host            string         `json:"host"` // "" is anywhere
	Operation       string         `json:"operation"`
	ResourceType    string         `json:"resource_type"`
	Name            string         `json:"name"`
	Allowed         bool           `json:"allowed"`
	Reason          string         `json:"reason"`
	Deciding        *shownBinding  `json:"deciding"`
	Matching        []shownBinding `json:"matching"`
	NearMisses      []shownMiss    `json:"near_misses"`
	SuperUsersKnown bool           `json:"super_users_known"`
	Fix             string         `json:"fix"`
}

type shownMiss struct {
	shownBinding
	Why []string `json:"why"`
}

// explain decides, and looks at every rule beside the one that decided.
func explain(rules []acl.Binding, q acl.Query, as *asIf) explained {
	decision := (&acl.Authorizer{Supers: as.supers, AllowEveryoneIfNoACL: as.allowEveryone}).Authorize(acl.New(rules), q)
	e := explained{Principal: q.Principal, Host: q.Host, Operation: q.Operation.Enum(), ResourceType: q.ResourceType.Enum(), Name: q.Name,
		Allowed: decision.Allowed, Reason: decision.Reason.String(), Matching: []shownBinding{}, NearMisses: []shownMiss{}, SuperUsersKnown: !as.unknown}
	if decision.Reason == acl.ByBinding {
		deciding := shown(decision.Binding)
		e.Deciding = &deciding
	}
	for _, b := range rules {
		if decides(b, q) {
			e.Matching = append(e.Matching, shown(b))
		}
	}
	opposite := kafka.Allow
	if e.Allowed {
		opposite = kafka.Deny
	}
	for _, miss := range acl.NearMisses(rules, q, opposite) {
		e.NearMisses = append(e.NearMisses, shownMiss{shown(miss.Binding), miss.Why})
	}
	switch {
	case !e.Allowed && decision.Reason == acl.ByBinding:
		e.Fix = "schloss acl remove " + aclWords(decision.Binding)
	case !e.Allowed:
		e.Fix = "schloss acl add " + aclWords(q.Granting())
	}
	return e
}

// decides says whether the rule alone would decide the query: the authorizer is
// asked, not imitated.
func decides(b acl.Binding, q acl.Query) bool {
	return (&acl.Authorizer{}).Authorize(acl.New([]acl.Binding{b}), q).Reason == acl.ByBinding
}

// aclWords are the flags of "acl add" and "acl remove" that name the rule.
func aclWords(b acl.Binding) string {
	words := "--principal " + quoted(b.Principal) + " --operation " + b.Operation.String()
	if flag, ok := acl.FlagOf(b.ResourceType); ok {
		words += " " + flag + " " + quotedWord(b.Name)
	} else {
		words += " --cluster"
	}
	if b.Host != "*" {
		words += " --host " + b.Host
	}
	if b.Pattern == kafka.Prefixed {
		words += " --pattern prefixed"
	}
	if b.Permission == kafka.Deny {
		words += " --deny"
	}
	return words
}

// sentence is the decision in words.
func (e explained) sentence() string {
	verb, host := "may", e.Host
	word := "allowed"
	if !e.Allowed {
		verb, word = "may not", "denied"
	}
	if host == "" {
		host = "everywhere"
	}
	reason := map[string]string{acl.NoBinding.String(): "no rule allows it", acl.SuperUser.String(): "it is a super user",
		acl.DefaultAllow.String(): "no rule is about it, and allow.everyone.if.no.acl.found is true"}[e.Reason]
	if e.Deciding != nil {
		reason = "by " + e.Deciding.line()
	}
	return oneLine(fmt.Sprintf("%s: %s %s %s %s %s from %s: %s", word, e.Principal, verb, e.Operation, e.ResourceType, e.Name, host, reason))
}

func (b shownBinding) line() string {
	return fmt.Sprintf("%s %s on %s %s %s to %s from %s", b.Permission, b.Operation, b.Pattern, b.ResourceType, b.Name, b.Principal, b.Host)
}

// printExplained prints sentences for people and rows for pipes: a first word
// that says what the row is, then the rule, then why it misses.
func (r *clusterRun) printExplained(e explained) error {
	if !e.SuperUsersKnown {
		r.warn("who is a super user is not told by this cluster: name them with --super-users")
	}
	if r.form != tableForm {
		t := &table{}
		word := strings.SplitN(e.sentence(), ":", 2)[0]
		t.add(word, e.Reason)
		for _, b := range e.Matching {
			kind := "matching"
			if e.Deciding != nil && b == *e.Deciding {
				kind = "deciding"
			}
			t.add(append([]string{kind}, b.cells()...)...)
		}
		for _, miss := range e.NearMisses {
			t.add(append(append([]string{"near"}, miss.cells()...), strings.Join(miss.Why, "; "))...)
		}
		return r.print(e, t)
	}
	var b strings.Builder
	fmt.Fprintln(&b, e.sentence())
	for _, other := range e.Matching {
		if e.Deciding == nil || other != *e.Deciding {
			fmt.Fprintf(&b, "also matches: %s\n", oneLine(other.line()))
		}
	}
	for _, miss := range e.NearMisses {
		fmt.Fprintf(&b, "nearly: %s\n", oneLine(miss.line()))
		for _, why := range miss.Why {
			fmt.Fprintf(&b, "    %s\n", oneLine(why))
		}
	}
	_, err := fmt.Fprint(r.Out, b.String())
	return err
}
