package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka/config"
)

// describe prints the settings of what is named, or of all of its kind.
func (r *configRun) describe(ctx context.Context) error {
	first := r.entities[0]
	if first.quota != "" {
		return r.describeQuotas(ctx)
	}
	wanted, err := r.described(ctx, first)
	if err != nil {
		return err
	}
	answers, err := r.admin.DescribeConfigs(ctx, wanted...)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Err != nil {
			return answer.Err
		}
		if err := r.printConfigs(first, answer); err != nil {
			return err
		}
	}
	return nil
}

// described are the resources that are asked for. One by name has to be there.
func (r *configRun) described(ctx context.Context, e configEntity) ([]client.ConfigResource, error) {
	if e.byDefault {
		return []client.ConfigResource{{Type: e.resource}}, nil
	}
	names, err := r.named(ctx, e)
	if err != nil {
		return nil, err
	}
	if e.name != nil {
		if !slices.Contains(names, *e.name) {
			_, err := fmt.Fprintf(r.Out, "The %s '%s' doesn't exist and doesn't have dynamic config.\n", e.one(), *e.name)
			return nil, err
		}
		return []client.ConfigResource{{Type: e.resource, Name: *e.name}}, nil
	}
	wanted := make([]client.ConfigResource, 0, len(names)+1)
	for _, name := range names {
		wanted = append(wanted, client.ConfigResource{Type: e.resource, Name: name})
	}
	if e.resource == client.BrokerConfigs {
		wanted = append(wanted, client.ConfigResource{Type: e.resource}) // the default of all
	}
	return wanted, nil
}

// named lists what there is of the kind, in order.
func (r *configRun) named(ctx context.Context, e configEntity) ([]string, error) {
	switch e.resource {
	case client.TopicConfigs:
		return r.topicNames(ctx, e.name)
	case client.BrokerConfigs, client.BrokerLoggers:
		return r.brokerIDs(ctx)
	}
	names, err := r.admin.ConfigNames(ctx, e.resource)
	if old := (*client.VersionError)(nil); errors.As(err, &old) && e.name != nil {
		return []string{*e.name}, nil // who cannot list them still describes one
	}
	if err != nil || e.resource != client.GroupConfigs {
		return names, err
	}
	groups, err := r.admin.Groups(ctx)
	for _, g := range groups {
		names = append(names, g.ID)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func (r *configRun) topicNames(ctx context.Context, one *string) ([]string, error) {
	var only []string
	if one != nil {
		only = []string{*one}
	}
	topics, err := r.admin.Topics(ctx, only...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range topics {
		if t.Err == nil {
			names = append(names, t.Name)
		} else if one != nil && !absent(t.Err) {
			return nil, t.Err
		}
	}
	return names, nil
}

func (r *configRun) brokerIDs(ctx context.Context) ([]string, error) {
	cluster, err := r.admin.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(cluster.Nodes, func(a, b client.Node) int { return int(a.ID - b.ID) })
	var ids []string
	for _, n := range cluster.Nodes {
		ids = append(ids, strconv.Itoa(int(n.ID)))
	}
	return ids, nil
}

func (r *configRun) printConfigs(e configEntity, answer client.ConfigAnswer) error {
	var b strings.Builder
	kind := "Dynamic"
	if r.all {
		kind = "All"
	}
	if e.resource == client.BrokerConfigs && answer.Name == "" {
		fmt.Fprintln(&b, "Default configs for brokers in the cluster are:")
	} else {
		fmt.Fprintf(&b, "%s configs for %s %s are:\n", kind, e.one(), answer.Name)
	}
	for _, c := range answer.Configs {
		if r.all || e.resource == client.BrokerLoggers || c.Source == answer.Source() {
			fmt.Fprintf(&b, "  %s=%s sensitive=%t synonyms={%s}\n", c.Name, orNull(c.Value), c.Sensitive, synonymList(c.Synonyms))
		}
	}
	_, err := fmt.Fprint(r.Out, b.String())
	return err
}

func synonymList(synonyms []config.Synonym) string {
	words := make([]string, len(synonyms))
	for i, s := range synonyms {
		words[i] = fmt.Sprintf("%s:%s=%s", s.Source, s.Name, orNull(s.Value))
	}
	return strings.Join(words, ", ")
}

// orNull is a value that may be missing, as Java prints it.
func orNull(value *string) string {
	if value == nil {
		return "null"
	}
	return *value
}
