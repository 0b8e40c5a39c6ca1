package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
)

func mirrorCommand(s *session) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "mirror", Short: "Say where consumer groups stand on the other cluster of a mirror", RunE: group, Args: cobra.ArbitraryArgs,
		Example: "  schloss mirror translate billing --source source.properties",
	}
	f.register(c.PersistentFlags())
	c.AddCommand(mirrorTranslateCommand(s, &f))
	f.offering(s, c)
	return c
}

// mirrorFlags are those of "mirror translate".
type mirrorFlags struct {
	source, mirror, topic string
	reverse, csv          bool
}

func mirrorTranslateCommand(s *session, f *clusterFlags) *cobra.Command {
	var m mirrorFlags
	c := &cobra.Command{
		Use: "translate [GROUP...]", Short: "Translate what groups have committed to the other cluster's offsets", Args: cobra.ArbitraryArgs,
		Long:    "Translates the offsets that groups have committed on the mirror's source to\nthose of its target, by the offset maps that the mirror keeps there; with\n--reverse those of the target to the source, for the way back. Changes nothing.\nThe cluster to connect to is the target; --source names a file with the\nsource's bootstrap.servers and the rest. Without GROUP all groups.\n\nSTANDING says how good an offset is: exact, early (some records are read again),\nahead (of what was copied: goes to its end), expired (deleted there: goes to the\nfirst one left), at-end; or why there is none: before-map,\npast-end, not-mirrored, by-key (mirrored by key-hash).",
		Example: "  schloss mirror translate billing --source source.properties\n  schloss mirror translate billing --source source.properties --reverse --csv > back.csv\n  kafka-consumer-groups --bootstrap-server SOURCE --group billing \\\n    --reset-offsets --from-file back.csv --dry-run",
		RunE: f.reading(s, func(ctx context.Context, r *clusterRun, args []string) error {
			return r.translate(ctx, &m, distinct(args))
		}),
	}
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := needed(c, "source"); err != nil {
			return err
		}
		if m.csv && c.Flags().Changed("output") {
			return &usageError{problem: "--csv and -o both say how to print", advice: "leave one of them out"}
		}
		return run(c, args)
	}
	c.Flags().StringVar(&m.source, "source", "", "a `FILE` of client settings for the mirror's source")
	c.Flags().StringVar(&m.mirror, "mirror", "", "the mirror, by its `GROUP`; needed only where several write to the target")
	c.Flags().StringVar(&m.topic, "state-topic", mirror.StateTopic, "the `TOPIC` where the mirror keeps its state")
	c.Flags().BoolVar(&m.reverse, "reverse", false, "from the target's offsets to the source's")
	c.Flags().BoolVar(&m.csv, "csv", false, "as kafka-consumer-groups --reset-offsets --from-file reads it")
	return c
}

// translatedOffset is one partition of a group; To is null where there is no
// offset for it.
type translatedOffset struct {
	Group     string          `json:"group"`
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	From      kafka.Offset    `json:"from"`
	To        *kafka.Offset   `json:"to"`
	Standing  mirror.Standing `json:"standing"`
}

// translate reads the groups of one side and prints their offsets of the other.
func (r *clusterRun) translate(ctx context.Context, m *mirrorFlags, groups []string) error {
	state, err := mirror.ReadState(ctx, r.client, m.topic)
	if answered(err, kafka.ErrUnknownTopicOrPartition) {
		return fmt.Errorf("%w; no mirror has written to this cluster", &absentError{"topic", m.topic})
	}
	if err != nil {
		return err
	}
	values, err := r.readSettings(settings{table: config.Admin, file: m.source})
	if err != nil {
		return err
	}
	source, err := client.Open(ctx, client.Config{Values: values, ClientID: "schloss", Warn: r.ofSide("source")})
	if err != nil {
		return fmt.Errorf("reach the source: %w", err)
	}
	defer source.Close()
	of, err := r.mirrorOf(ctx, state, m, client.NewAdmin(source))
	if err != nil {
		return err
	}
	from, to := client.NewAdmin(source), r.admin
	if m.reverse {
		from, to = to, from
	}
	all := len(groups) == 0
	if all {
		listed, err := from.Groups(ctx)
		if err != nil {
			return err
		}
		for _, g := range listed {
			if g.ID != of.Group {
				groups = append(groups, g.ID)
			}
		}
	}
	out := []translatedOffset{}
	for _, group := range groups {
		committed, err := from.CommittedOffsets(ctx, group)
		if err != nil {
			return err
		}
		if len(committed) == 0 && !all {
			return &absentError{"group", group}
		}
		translated, err := state.Translate(ctx, of, m.reverse, committed, to)
		if err != nil {
			return err
		}
		for _, t := range translated {
			row := translatedOffset{group, t.Topic, t.Partition, t.From, nil, t.Standing}
			if t.Standing.Placed() {
				row.To = &t.To
			}
			out = append(out, row)
		}
	}
	return r.printTranslated(out, m.csv, len(groups) == 1)
}

// mirrorOf is the mirror that the state is asked for: of the source that was
// named, and of the group where several mirrors copy from there.
func (r *clusterRun) mirrorOf(ctx context.Context, state *mirror.State, m *mirrorFlags, source *client.Admin) (mirror.MirrorID, error) {
	cluster, err := source.Cluster(ctx)
	if err != nil {
		return mirror.MirrorID{}, err
	}
	var found []mirror.MirrorID
	var names []string
	for _, id := range state.Mirrors() {
		if id.SourceID == cluster.ID && (m.mirror == "" || m.mirror == id.Group) {
			found, names = append(found, id), append(names, id.Group)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return mirror.MirrorID{}, &usageError{problem: "several mirrors copy from that source: " + strings.Join(names, ", "), advice: "name one: --mirror " + quotedWord(names[0])}
	case m.mirror != "":
		return mirror.MirrorID{}, &absentMirrorError{absentError{"mirror", m.mirror}}
	}
	return mirror.MirrorID{}, &absentMirrorError{absentError{"mirror of cluster", cluster.ID}}
}

// absentMirrorError is a mirror that has written nothing to the target.
type absentMirrorError struct{ absentError }

func (e *absentMirrorError) Unwrap() error { return &e.absentError }
func (e *absentMirrorError) Hint() string {
	return "see which mirrors there are with: schloss consume " + mirror.StateTopic + " -o start -f '%k\\n' -n 10"
}

// printTranslated prints what was asked for. In a file for a reset only what has
// an offset can stand; the rest is told.
func (r *clusterRun) printTranslated(rows []translatedOffset, csv, one bool) error {
	t := &table{columns: []string{"GROUP", "TOPIC", "PARTITION", "FROM", "TO", "STANDING"}}
	var lines strings.Builder
	var without []error
	for _, o := range rows {
		t.add(o.Group, o.Topic, strconv.Itoa(int(o.Partition)), strconv.FormatInt(int64(o.From), 10), offsetText(o.To), string(o.Standing))
		if o.To == nil {
			without = append(without, fmt.Errorf("group %s has no offset for %s-%d: %s", o.Group, o.Topic, o.Partition, o.Standing))
			continue
		}
		if !one {
			lines.WriteString(o.Group + ",")
		}
		fmt.Fprintf(&lines, "%s,%d,%d\n", o.Topic, o.Partition, *o.To)
	}
	if !csv {
		return r.print(rows, t)
	}
	if _, err := fmt.Fprint(r.Out, lines.String()); err != nil {
		return err
	}
	for _, err := range without {
		r.report(err)
	}
	return several(len(rows)-len(without), without)
}
