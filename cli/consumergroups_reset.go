package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// resetWays are the options that say where to: one of them, and no second.
var resetWays = []string{"to-current", "to-latest", "by-duration", "to-datetime", "from-file", "shift-by", "to-offset", "to-earliest"}

func checkResetOptions(o *options) error {
	if !o.has("reset-offsets") {
		return nil
	}
	if o.has("dry-run") && o.has("execute") {
		return usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]").advised("--dry-run shows what --execute does")
	}
	for i, way := range resetWays {
		if err := exclude(o, way, resetWays[i+1:]...); err != nil {
			return err
		}
	}
	if countGiven(o, "all-topics", "topic", "from-file") == 0 {
		return usage("One of the reset scopes should be defined: --all-topics, --topic.").advised("add --all-topics, or --topic NAME")
	}
	if countGiven(o, resetWays...) == 0 {
		return usage("Option '[reset-offsets]' requires one of the following scenarios: [[%s]]", strings.Join(resetWays, "], [")).advised("add one of --to-earliest, --to-latest, --to-offset N, --shift-by N, --to-datetime, --by-duration, --to-current, --from-file FILE")
	}
	return nil
}

// planned is where an offset of a group is to stand.
type planned struct {
	group string
	client.PartitionOffset
}

func (r *groupRun) reset(ctx context.Context) error {
	if !r.has("dry-run") && !r.has("execute") {
		r.say("WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. " +
			"You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.")
	}
	target, err := r.resetTarget()
	if err != nil {
		return err
	}
	ids, err := r.chosen(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	groups, err := r.admin.DescribeGroups(ctx, ids...)
	if err != nil {
		return err
	}
	var plan []planned
	for _, g := range groups {
		offsets, err := r.resetGroup(ctx, g, target)
		if err != nil {
			return err
		}
		for _, o := range offsets {
			plan = append(plan, planned{g.ID, o})
		}
	}
	if r.has("export") {
		return r.exportPlan(plan)
	}
	return r.printPlan(plan)
}

// resetGroup plans, and with --execute commits, the offsets of one group.
func (r *groupRun) resetGroup(ctx context.Context, g client.Group, target resetTarget) ([]client.PartitionOffset, error) {
	switch {
	case errors.Is(g.Err, kafka.ErrGroupIDNotFound): // it comes to be by its first offset
	case g.Err != nil:
		return nil, g.Err
	case g.State != "Empty" && g.State != "Dead":
		r.problem("Assignments can only be reset if the group '%s' is inactive, but the current state is %s.", g.ID, g.State)
		return nil, nil
	}
	partitions, err := r.resetScope(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	offsets, err := target(ctx, g.ID, partitions)
	if err != nil || !r.has("execute") || len(offsets) == 0 {
		return offsets, err
	}
	commit := make([]client.Committed, len(offsets))
	for i, o := range offsets {
		commit[i] = client.Committed{TopicPartition: o.TopicPartition, Offset: o.Offset, Epoch: kafka.NoEpoch}
	}
	results, err := r.admin.CommitGroupOffsets(ctx, g.ID, commit)
	if err != nil {
		return nil, err
	}
	for _, p := range results {
		if p.Err != nil {
			return nil, p.Err
		}
	}
	return offsets, nil
}

// resetScope are the partitions to reset, all of them there and led. A file
// names its own.
func (r *groupRun) resetScope(ctx context.Context, group string) ([]kafka.TopicPartition, error) {
	var scope []kafka.TopicPartition
	switch {
	case r.has("all-topics"):
		committed, err := r.admin.CommittedOffsets(ctx, group)
		if err != nil {
			return nil, err
		}
		for _, c := range committed {
			scope = append(scope, c.TopicPartition)
		}
	case r.has("topic"):
		partitions, absent, err := r.topicPartitions(ctx)
		if err != nil {
			return nil, err
		}
		if len(absent) > 0 {
			return nil, absent[0].Err
		}
		scope = partitions
	}
	return scope, r.checkPartitions(ctx, scope)
}

func (r *groupRun) checkPartitions(ctx context.Context, scope []kafka.TopicPartition) error {
	led, err := leadersOf(ctx, r.admin, scope)
	if err != nil {
		return err
	}
	var gone, leaderless []string
	for _, tp := range scope {
		if leads, there := led[tp]; !there {
			gone = append(gone, tp.String())
		} else if !leads {
			leaderless = append(leaderless, tp.String())
		}
	}
	switch {
	case len(gone) > 0:
		return &client.AnswerError{Doing: "reset offsets", Code: kafka.ErrUnknownTopicOrPartition, Message: fmt.Sprintf("The partitions %q do not exist", strings.Join(gone, ","))}
	case len(leaderless) > 0:
		return &client.AnswerError{Doing: "reset offsets", Code: kafka.ErrLeaderNotAvailable, Message: fmt.Sprintf("The partitions %q have no leader", strings.Join(leaderless, ","))}
	}
	return nil
}

// resetTarget finds where the partitions of a group are to stand.
type resetTarget func(ctx context.Context, group string, partitions []kafka.TopicPartition) ([]client.PartitionOffset, error)

// resetTarget is the one that the options ask for.
func (r *groupRun) resetTarget() (resetTarget, error) {
	listed := func(at int64) resetTarget {
		return func(ctx context.Context, _ string, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
			return r.listed(ctx, at, tps)
		}
	}
	switch {
	case r.has("to-earliest"):
		return listed(int64(kafka.EarliestOffset)), nil
	case r.has("to-latest"):
		return listed(int64(kafka.LatestOffset)), nil
	case r.has("to-offset"):
		return r.toOffset, nil
	case r.has("shift-by"):
		return r.shifted, nil
	case r.has("to-current"):
		return r.toCurrent, nil
	case r.has("from-file"):
		plan, err := r.planFile(r.get("from-file"))
		return func(ctx context.Context, group string, _ []kafka.TopicPartition) ([]client.PartitionOffset, error) {
			offsets, ok := plan[group]
			if !ok {
				r.problem("No reset plan for group %s found.", group)
				return nil, nil
			}
			return r.inRange(ctx, offsets)
		}, err
	case r.has("to-datetime"):
		at, err := parseDatetime(r.get("to-datetime"))
		return r.since(at), err
	}
	back, err := parseDuration(r.get("by-duration"))
	return r.since(time.Now().Add(-back)), err
}

func (r *groupRun) listed(ctx context.Context, at int64, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
	return listedOffsets(ctx, r.admin, at, tps)
}

// listedOffsets are the offsets of all the partitions at a time or special
// place, or the first error among them.
func listedOffsets(ctx context.Context, admin *client.Admin, at int64, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
	answers, err := admin.ListOffsets(ctx, at, tps)
	if err != nil {
		return nil, err
	}
	out := make([]client.PartitionOffset, 0, len(answers))
	for _, a := range answers {
		if a.Err != nil {
			return nil, a.Err
		}
		out = append(out, client.PartitionOffset{TopicPartition: a.TopicPartition, Offset: a.Offset})
	}
	return out, nil
}

func (r *groupRun) toOffset(ctx context.Context, _ string, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
	wanted := make([]client.PartitionOffset, len(tps))
	for i, tp := range tps {
		wanted[i] = client.PartitionOffset{TopicPartition: tp, Offset: kafka.Offset(r.integer("to-offset"))}
	}
	return r.inRange(ctx, wanted)
}

func (r *groupRun) shifted(ctx context.Context, group string, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
	at, err := r.committed(ctx, group)
	if err != nil {
		return nil, err
	}
	wanted := make([]client.PartitionOffset, len(tps))
	for i, tp := range tps {
		offset, ok := at[tp]
		if !ok {
			return nil, usage("Cannot shift offset for partition %s since there is no current committed offset", tp).advised("--to-earliest or --to-latest need none")
		}
		wanted[i] = client.PartitionOffset{TopicPartition: tp, Offset: offset + kafka.Offset(r.integer("shift-by"))}
	}
	return r.inRange(ctx, wanted)
}

func (r *groupRun) toCurrent(ctx context.Context, group string, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
	at, err := r.committed(ctx, group)
	if err != nil {
		return nil, err
	}
	var out []client.PartitionOffset
	var uncommitted []kafka.TopicPartition
	for _, tp := range tps {
		if offset, ok := at[tp]; ok {
			out = append(out, client.PartitionOffset{TopicPartition: tp, Offset: offset})
		} else {
			uncommitted = append(uncommitted, tp)
		}
	}
	ends, err := r.listed(ctx, int64(kafka.LatestOffset), uncommitted)
	out = append(out, ends...)
	slices.SortFunc(out, comparePartitionOffsets)
	return out, err
}

func comparePartitionOffsets(a, b client.PartitionOffset) int {
	return comparePartitions(a.TopicPartition, b.TopicPartition)
}

func (r *groupRun) committed(ctx context.Context, group string) (map[kafka.TopicPartition]kafka.Offset, error) {
	committed, err := r.admin.CommittedOffsets(ctx, group)
	at := make(map[kafka.TopicPartition]kafka.Offset, len(committed))
	for _, c := range committed {
		if c.Err == nil {
			at[c.TopicPartition] = c.Offset
		}
	}
	return at, err
}

// since finds the first record at or after the time, the end where there is none.
func (r *groupRun) since(at time.Time) resetTarget {
	return func(ctx context.Context, _ string, tps []kafka.TopicPartition) ([]client.PartitionOffset, error) {
		found, err := r.listed(ctx, at.UnixMilli(), tps)
		if err != nil {
			return nil, err
		}
		var out []client.PartitionOffset
		var none []kafka.TopicPartition
		for _, f := range found {
			if f.Offset >= 0 {
				out = append(out, f)
				continue
			}
			fmt.Fprintf(r.Out, "\nWarn: Partition %d from topic %s is empty. Falling back to latest known offset.\n", f.Partition, f.Topic)
			none = append(none, f.TopicPartition)
		}
		ends, err := r.listed(ctx, int64(kafka.LatestOffset), none)
		out = append(out, ends...)
		slices.SortFunc(out, comparePartitionOffsets)
		return out, err
	}
}

// inRange moves offsets that lie outside of their partition to its border.
func (r *groupRun) inRange(ctx context.Context, wanted []client.PartitionOffset) ([]client.PartitionOffset, error) {
	slices.SortFunc(wanted, comparePartitionOffsets)
	tps := make([]kafka.TopicPartition, len(wanted))
	for i, w := range wanted {
		tps[i] = w.TopicPartition
	}
	if err := r.checkPartitions(ctx, tps); err != nil {
		return nil, err
	}
	first, err := r.listed(ctx, int64(kafka.EarliestOffset), tps)
	if err != nil {
		return nil, err
	}
	last, err := r.listed(ctx, int64(kafka.LatestOffset), tps)
	if err != nil {
		return nil, err
	}
	for i := range wanted {
		w := &wanted[i]
		switch {
		case w.Offset > last[i].Offset:
			r.warn("new offset %d is higher than latest offset for topic partition %s; value will be set to %d", w.Offset, w.TopicPartition, last[i].Offset)
			w.Offset = last[i].Offset
		case w.Offset < first[i].Offset:
			r.warn("new offset %d is lower than earliest offset for topic partition %s; value will be set to %d", w.Offset, w.TopicPartition, first[i].Offset)
			w.Offset = first[i].Offset
		}
	}
	return wanted, nil
}

// planFile reads what --export has printed: group,topic,partition,offset, or
// without the group where the options name one.
func (r *groupRun) planFile(path string) (map[string][]client.PartitionOffset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.FieldsPerRecord = -1
	records, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	plan := make(map[string][]client.PartitionOffset)
	seen := make(map[planned]bool)
	one := ""
	if groups := r.all("group"); len(groups) == 1 {
		one = groups[0]
	}
	for i, fields := range records {
		line := i + 1
		if len(fields) == 3 && one != "" {
			fields = append([]string{one}, fields...)
		}
		if len(fields) != 4 {
			return nil, usage("line %d of %s has %d fields", line, path, len(fields)).advised("write topic,partition,offset for one --group, and group,topic,partition,offset for several")
		}
		partition, err := strconv.ParseInt(fields[2], 10, 32)
		offset, err2 := strconv.ParseInt(fields[3], 10, 64)
		if err := cmp.Or(err, err2); err != nil {
			return nil, usage("line %d of %s: %v", line, path, err).advised("write partition and offset as whole numbers")
		}
		at := client.PartitionOffset{TopicPartition: kafka.TopicPartition{Topic: fields[1], Partition: int32(partition)}, Offset: kafka.Offset(offset)}
		key := planned{fields[0], client.PartitionOffset{TopicPartition: at.TopicPartition}}
		if seen[key] {
			return nil, usage("line %d of %s names %s of group %s once more", line, path, at.TopicPartition, fields[0]).advised("leave one line for each partition of a group")
		}
		seen[key] = true
		plan[fields[0]] = append(plan[fields[0]], at)
	}
	return plan, nil
}

func (r *groupRun) exportPlan(plan []planned) error {
	out := csv.NewWriter(r.Out)
	for _, p := range plan {
		fields := []string{p.group, p.Topic, strconv.Itoa(int(p.Partition)), strconv.FormatInt(int64(p.Offset), 10)}
		if len(r.all("group")) == 1 {
			fields = fields[1:]
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(r.Out) // Kafka's tool ends with an empty line
	return err
}

func (r *groupRun) printPlan(plan []planned) error {
	group, topic := 15, 15
	for _, p := range plan {
		group, topic = max(group, len(p.group)), max(topic, len(p.Topic))
	}
	t := &columns{between: true}
	t.add(group, "GROUP").add(topic, "TOPIC").add(10, "PARTITION").add(0, "NEW-OFFSET").head()
	for _, p := range plan {
		t.row(p.group, p.Topic, strconv.Itoa(int(p.Partition)), strconv.FormatInt(int64(p.Offset), 10))
	}
	return t.print(r.Out)
}
