package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
)

func groupCommand(s *session) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "group", Short: "List, describe, reset and delete consumer groups", RunE: group, Args: cobra.ArbitraryArgs,
		Example: "  schloss group list\n  schloss group describe billing\n  schloss group reset billing --topic orders --to start --dry-run",
	}
	f.register(c.PersistentFlags())
	c.AddCommand(groupListCommand(s, &f), groupDescribeCommand(s, &f), groupResetCommand(s, &f), groupDeleteCommand(s, &f))
	f.offering(s, c)
	return c
}

// listedGroup is a group of "group list".
type listedGroup struct {
	Group        string `json:"group"`
	State        string `json:"state"`
	Type         string `json:"type"`
	ProtocolType string `json:"protocol_type"`
}

func groupListCommand(s *session, f *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the groups", Args: noWords, Example: "  schloss group list",
		RunE: f.reading(s, func(ctx context.Context, r *clusterRun, _ []string) error {
			groups, err := r.admin.Groups(ctx)
			if err != nil {
				return err
			}
			listed := []listedGroup{}
			t := &table{columns: []string{"GROUP", "STATE", "TYPE", "PROTOCOL TYPE"}}
			for _, g := range groups {
				listed = append(listed, listedGroup{g.ID, g.State, g.Type, g.ProtocolType})
				t.add(g.ID, g.State, g.Type, g.ProtocolType)
			}
			return r.print(listed, t)
		}),
	}
}

// describedGroup is a group of "group describe".
type describedGroup struct {
	Group    string            `json:"group"`
	State    string            `json:"state"`
	Protocol string            `json:"protocol"`
	Lag      int64             `json:"lag"` // of all partitions whose lag is known
	Members  []describedMember `json:"members"`
	Offsets  []describedOffset `json:"offsets"`
}

type describedMember struct {
	ID         string              `json:"id"`
	InstanceID string              `json:"instance_id"`
	ClientID   string              `json:"client_id"`
	Host       string              `json:"host"`
	Assigned   []assignedPartition `json:"assigned"`
}

type assignedPartition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// describedOffset is one partition of a group; null is not known, or none.
type describedOffset struct {
	Topic     string        `json:"topic"`
	Partition int32         `json:"partition"`
	Committed *kafka.Offset `json:"committed"`
	End       *kafka.Offset `json:"end"`
	Lag       *int64        `json:"lag"`
	Member    string        `json:"member"`
	ClientID  string        `json:"client_id"`
	Host      string        `json:"host"`
}

func groupDescribeCommand(s *session, f *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use: "describe GROUP...", Short: "Show members, committed offsets and lag of groups", Args: someWords("a group"), ValidArgsFunction: f.completing(s, groupNames),
		Example: "  schloss group describe billing\n  schloss group describe billing -o json | jq '.[0].lag'",
		RunE: f.reading(s, func(ctx context.Context, r *clusterRun, args []string) error {
			groups, err := r.admin.DescribeGroups(ctx, distinct(args)...)
			if err != nil {
				return err
			}
			described := []describedGroup{}
			var failed []error
			for _, g := range groups {
				one, err := r.describeGroup(ctx, g)
				if err != nil {
					r.report(err)
					failed = append(failed, err)
					continue
				}
				described = append(described, one)
			}
			if err := r.printGroups(described); err != nil {
				return err
			}
			return several(len(described), failed)
		}),
	}
}

// describeGroup completes a group with its offsets. A dead group without any is
// how brokers describe one that does not exist.
func (r *clusterRun) describeGroup(ctx context.Context, g client.Group) (describedGroup, error) {
	out := describedGroup{Group: g.ID, State: g.State, Protocol: g.Protocol, Members: []describedMember{}, Offsets: []describedOffset{}}
	if g.Err != nil && !answered(g.Err, kafka.ErrGroupIDNotFound) {
		return out, g.Err
	}
	committed, err := r.admin.CommittedOffsets(ctx, g.ID)
	if err != nil {
		return out, err
	}
	if len(committed) == 0 && len(g.Members) == 0 && (g.Err != nil || g.State == "Dead") {
		return out, &absentError{"group", g.ID}
	}
	rows := map[kafka.TopicPartition]*describedOffset{}
	row := func(tp kafka.TopicPartition) *describedOffset {
		if rows[tp] == nil {
			rows[tp] = &describedOffset{Topic: tp.Topic, Partition: tp.Partition}
		}
		return rows[tp]
	}
	for _, c := range committed {
		if c.Err != nil {
			return out, c.Err
		}
		row(c.TopicPartition).Committed = &c.Offset
	}
	for _, m := range g.Members {
		member := describedMember{ID: m.ID, InstanceID: m.InstanceID, ClientID: m.ClientID, Host: m.Host, Assigned: []assignedPartition{}}
		for _, tp := range m.Assigned {
			member.Assigned = append(member.Assigned, assignedPartition{tp.Topic, tp.Partition})
			o := row(tp)
			o.Member, o.ClientID, o.Host = m.ID, m.ClientID, m.Host
		}
		out.Members = append(out.Members, member)
	}
	return out, r.completeLag(ctx, &out, rows)
}

// completeLag adds the ends of the partitions. One that cannot be asked, such
// as of a topic that is gone, has none.
func (r *clusterRun) completeLag(ctx context.Context, g *describedGroup, rows map[kafka.TopicPartition]*describedOffset) error {
	partitions := make([]kafka.TopicPartition, 0, len(rows))
	for tp := range rows {
		partitions = append(partitions, tp)
	}
	slices.SortFunc(partitions, inOrder)
	ends, err := r.admin.ListOffsets(ctx, int64(kafka.LatestOffset), partitions)
	if err != nil {
		return err
	}
	for _, end := range ends {
		o := rows[end.TopicPartition]
		switch {
		case end.Err != nil:
			r.warn("%v", end.Err)
			continue
		case o.Committed != nil:
			lag := max(int64(end.Offset-*o.Committed), 0)
			o.Lag, g.Lag = &lag, g.Lag+lag
		}
		o.End = &end.Offset
	}
	for _, tp := range partitions {
		g.Offsets = append(g.Offsets, *rows[tp])
	}
	return nil
}

func inOrder(a, b kafka.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

func (r *clusterRun) printGroups(groups []describedGroup) error {
	t := &table{columns: []string{"GROUP", "TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST"}}
	for _, g := range groups {
		for _, o := range g.Offsets {
			lag := "-"
			if o.Lag != nil {
				lag = strconv.FormatInt(*o.Lag, 10)
			}
			t.add(g.Group, o.Topic, strconv.Itoa(int(o.Partition)), offsetText(o.Committed), offsetText(o.End), lag, orDash(o.Member), orDash(o.ClientID), orDash(o.Host))
		}
		if r.form == tableForm {
			if _, err := fmt.Fprintf(r.Out, "%s: %s, %s, lag %d\n", oneLine(g.Group), g.State, counted(int64(len(g.Members)), "member"), g.Lag); err != nil {
				return err
			}
		}
	}
	return r.print(groups, t)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func groupDeleteCommand(s *session, f *clusterFlags) *cobra.Command {
	var change changeFlags
	c := &cobra.Command{
		Use: "delete GROUP...", Short: "Delete groups without members, with their offsets", Args: someWords("a group"), ValidArgsFunction: f.completing(s, groupNames),
		Example: "  schloss group delete billing\n  schloss group delete billing --yes",
	}
	run := f.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		names := distinct(args)
		if change.dryRun {
			return r.eachOf("GROUP", names, func(name string) (string, error) { return r.wouldDelete(ctx, name) })
		}
		if err := r.agreed(ctx, &change, names, fmt.Sprintf("delete %s with all offsets?", counted(int64(len(names)), "group"))); err != nil {
			return err
		}
		return r.eachOf("GROUP", names, func(name string) (string, error) {
			results, err := r.admin.DeleteGroups(ctx, name)
			if err == nil && len(results) > 0 {
				err = results[0].Err
			}
			if answered(err, kafka.ErrGroupIDNotFound) {
				err = &absentError{"group", name}
			}
			return "deleted", err
		})
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := s.askable(&change, "deleting groups"); err != nil {
			return err
		}
		return run(c, args)
	}
	change.register(c, true)
	return c
}

func (r *clusterRun) wouldDelete(ctx context.Context, name string) (string, error) {
	groups, err := r.admin.DescribeGroups(ctx, name)
	if err != nil {
		return "", err
	}
	if len(groups) == 0 {
		return "", &absentError{"group", name}
	}
	g, err := r.describeGroup(ctx, groups[0])
	if err != nil {
		return "", err
	}
	if len(g.Members) > 0 {
		return "", &busyGroupError{name, len(g.Members)}
	}
	return "would be deleted", nil
}

// busyGroupError is a group whose offsets belong to its members.
type busyGroupError struct {
	group   string
	members int
}

func (e *busyGroupError) Error() string {
	return fmt.Sprintf("group %s has %s", e.group, counted(int64(e.members), "member"))
}
