package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
)

func groupResetCommand(s *session, f *clusterFlags) *cobra.Command {
	var change changeFlags
	var topics []string
	var to string
	c := &cobra.Command{
		Use: "reset GROUP --to PLACE", Short: "Set the offsets from which a group goes on", Args: oneWord("a group", nil), ValidArgsFunction: f.completing(s, groupNames),
		Long:    "Sets the offsets from which a group goes on. It must have no members. PLACE is\nstart, end, an offset (42), a time (@2026-01-31T12:00:00Z, @2026-01-31, @-1h, or\n@ and milliseconds) or a step from what is committed (+10, -10). Offsets beyond\na partition are moved to its nearest end. Without --topic all partitions that\nthe group has committed.",
		Example: "  schloss group reset billing --to start --dry-run\n  schloss group reset billing --topic orders --to @-1h\n  schloss group reset billing --topic orders:0 --to 42 --yes",
	}
	run := f.changing(s, &change, func(ctx context.Context, r *clusterRun, args []string) error {
		where, err := parsePlace(to, time.Now())
		if err != nil {
			return err
		}
		reset := &groupReset{clusterRun: r, group: args[0]}
		if err := reset.plan(ctx, topics, where); err != nil {
			return err
		}
		if change.dryRun {
			return reset.print()
		}
		if err := r.agreed(ctx, &change, reset.lines(), fmt.Sprintf("set %s of group %s?", counted(int64(len(reset.moves)), "offset"), reset.group)); err != nil {
			return err
		}
		return reset.commit(ctx)
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := needed(c, "to"); err != nil {
			return err
		}
		if err := s.askable(&change, "resetting offsets"); err != nil {
			return err
		}
		return run(c, args)
	}
	change.register(c, true)
	c.Flags().StringVar(&to, "to", "", "the `PLACE`: start, end, 42, @TIME, @-1h, +10, -10")
	c.Flags().StringSliceVar(&topics, "topic", nil, "of a `TOPIC` or TOPIC:PARTITION; may be given more than once")
	completed(c, "topic", f.completing(s, topicNames))
	completed(c, "to", cobra.FixedCompletions([]string{"start", "end"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// groupReset is one reset: what is to move, and from where to where.
type groupReset struct {
	*clusterRun
	group string
	moves []offsetMove
}

// offsetMove is one partition of a reset; From is null where nothing was
// committed.
type offsetMove struct {
	Topic     string        `json:"topic"`
	Partition int32         `json:"partition"`
	From      *kafka.Offset `json:"from"`
	To        kafka.Offset  `json:"to"`
	Result    string        `json:"result"`
	Error     string        `json:"error"`
}

// plan finds out the partitions and their new offsets.
func (g *groupReset) plan(ctx context.Context, topics []string, where place) error {
	groups, err := g.admin.DescribeGroups(ctx, g.group)
	if err != nil {
		return err
	}
	for _, one := range groups {
		if one.Err != nil && !answered(one.Err, kafka.ErrGroupIDNotFound) {
			return one.Err
		}
		if len(one.Members) > 0 {
			return &busyGroupError{g.group, len(one.Members)}
		}
	}
	committed, err := g.admin.CommittedOffsets(ctx, g.group)
	if err != nil {
		return err
	}
	from := map[kafka.TopicPartition]kafka.Offset{}
	for _, c := range committed {
		if c.Err != nil {
			return c.Err
		}
		from[c.TopicPartition] = c.Offset
	}
	if len(from) == 0 && len(topics) == 0 {
		return &absentError{"group", g.group}
	}
	partitions, err := g.partitions(ctx, topics, from)
	if err != nil {
		return err
	}
	to, err := g.places(ctx, partitions, from, where)
	if err != nil {
		return err
	}
	for _, tp := range partitions {
		move := offsetMove{Topic: tp.Topic, Partition: tp.Partition, To: to[tp]}
		if offset, ok := from[tp]; ok {
			move.From = &offset
		}
		g.moves = append(g.moves, move)
	}
	return nil
}

// partitions are those of the words TOPIC and TOPIC:PARTITION, or those that
// the group has committed.
func (g *groupReset) partitions(ctx context.Context, words []string, committed map[kafka.TopicPartition]kafka.Offset) ([]kafka.TopicPartition, error) {
	var out []kafka.TopicPartition
	for tp := range committed {
		if len(words) == 0 {
			out = append(out, tp)
		}
	}
	for _, word := range words {
		name, number, one := strings.Cut(word, ":")
		found, err := g.topicsNamed(ctx, []string{name})
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, &absentError{"topic", name}
		}
		if found[0].Err != nil {
			return nil, found[0].Err
		}
		all := ledPartitions(found[0])
		if !one {
			out = append(out, all...)
			continue
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if tp := (kafka.TopicPartition{Topic: name, Partition: int32(n)}); err == nil && slices.Contains(all, tp) {
			out = append(out, tp)
			continue
		}
		return nil, &usageError{problem: fmt.Sprintf("topic %s has no partition %q", name, number), advice: "see what it has with: schloss topic describe " + quotedWord(name)}
	}
	slices.SortFunc(out, inOrder)
	return slices.Compact(out), nil
}

// places are the new offsets, within what the partitions hold.
func (g *groupReset) places(ctx context.Context, partitions []kafka.TopicPartition, from map[kafka.TopicPartition]kafka.Offset, where place) (map[kafka.TopicPartition]kafka.Offset, error) {
	start, err := g.offsets(ctx, int64(kafka.EarliestOffset), partitions)
	if err != nil {
		return nil, err
	}
	end, err := g.offsets(ctx, int64(kafka.LatestOffset), partitions)
	if err != nil {
		return nil, err
	}
	at := map[kafka.TopicPartition]kafka.Offset{}
	if !where.time.IsZero() {
		if at, err = g.offsets(ctx, where.time.UnixMilli(), partitions); err != nil {
			return nil, err
		}
	}
	to := map[kafka.TopicPartition]kafka.Offset{}
	for _, tp := range partitions {
		old, had := from[tp]
		offset := where.at
		switch {
		case where.moved && !had:
			return nil, &usageError{problem: fmt.Sprintf("group %s has committed no offset of %s, so there is nothing to step from", g.group, tp), advice: "name a place: --to start, --to end, --to 42 or --to @-1h"}
		case where.moved:
			offset = old + kafka.Offset(where.by)
		case !where.time.IsZero() && at[tp] < 0: // no record is that young
			offset = end[tp]
		case !where.time.IsZero():
			offset = at[tp]
		case where.at == kafka.EarliestOffset:
			offset = start[tp]
		case where.at == kafka.LatestOffset:
			offset = end[tp]
		}
		to[tp] = min(max(offset, start[tp]), end[tp])
	}
	return to, nil
}

func (g *groupReset) offsets(ctx context.Context, at int64, partitions []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Offset, error) {
	listed, err := listedOffsets(ctx, g.admin, at, partitions)
	if err != nil {
		return nil, err
	}
	out := map[kafka.TopicPartition]kafka.Offset{}
	for _, o := range listed {
		out[o.TopicPartition] = o.Offset
	}
	return out, nil
}

func (g *groupReset) lines() []string {
	var out []string
	for _, m := range g.moves {
		out = append(out, fmt.Sprintf("%s-%d: %s -> %d", m.Topic, m.Partition, offsetText(m.From), m.To))
	}
	return out
}

func (g *groupReset) commit(ctx context.Context) error {
	offsets := make([]client.Committed, len(g.moves))
	for i, m := range g.moves {
		offsets[i] = client.Committed{TopicPartition: kafka.TopicPartition{Topic: m.Topic, Partition: m.Partition}, Offset: m.To, Epoch: kafka.NoEpoch}
	}
	results, err := g.admin.CommitGroupOffsets(ctx, g.group, offsets)
	if err != nil {
		return err
	}
	var failed []error
	for _, result := range results {
		i := slices.IndexFunc(g.moves, func(m offsetMove) bool { return m.Topic == result.Topic && m.Partition == result.Partition })
		if g.moves[i].Result = "set"; result.Err != nil {
			g.report(result.Err)
			failed = append(failed, result.Err)
			g.moves[i].Result, g.moves[i].Error = "failed", result.Err.Error()
		}
	}
	if !g.flags.quiet {
		if err := g.print(); err != nil {
			return err
		}
	}
	return several(len(results)-len(failed), failed)
}

func (g *groupReset) print() error {
	t := &table{columns: []string{"TOPIC", "PARTITION", "FROM", "TO", "RESULT"}}
	for i := range g.moves {
		m := &g.moves[i]
		if m.Result == "" {
			m.Result = "would be set"
		}
		t.add(m.Topic, strconv.Itoa(int(m.Partition)), offsetText(m.From), strconv.FormatInt(int64(m.To), 10), m.Result)
	}
	return g.clusterRun.print(g.moves, t)
}
