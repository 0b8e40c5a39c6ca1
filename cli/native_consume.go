package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

func consumeCommand(s *session) *cobra.Command {
	var f clusterFlags
	var o consuming
	c := &cobra.Command{
		Use: "consume TOPIC...", Short: "Print the records of topics", Args: someWords("a topic"), ValidArgsFunction: f.completing(s, topicNames),
		Long: "Prints records, from the first on, and waits for more. With --group the group's\nmembers share them, and what has been printed is committed. Ctrl-C leaves the\ngroup in good order and exits with 130.\n\n" + formatHelp,
		Example: `  schloss consume orders
  schloss consume orders --offset @-1h -f '%d %k: %v\n'
  schloss consume orders --group billing -n 100 -f json
  schloss consume orders --partition 0 --offset 42 --until-end`,
	}
	f.register(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := f.resolve(s, c)
		if err != nil {
			return err
		}
		if r.form == jsonForm && !c.Flags().Changed("format") {
			o.format = "json"
		}
		if c.Flags().Changed("count") && o.most < 0 {
			return &usageError{problem: fmt.Sprintf("--count %d is none", o.most), advice: "leave it out to go on until Ctrl-C"}
		}
		o.begins, o.topics = c.Flags().Changed("offset"), distinct(args)
		return o.run(c.Context(), r)
	}
	flags := c.Flags()
	flags.Lookup("timeout").Usage = "connecting may take this `TIME`"
	flags.StringVarP(&o.format, "format", "f", `%v\n`, "how a record is printed: a `FORMAT`, or json")
	flags.Int64VarP(&o.most, "count", "n", -1, "end after `N` records")
	flags.StringVar(&o.offset, "offset", "start", "the `PLACE` to begin at: start, end, 42, @TIME, @-1h; of a group only where it has committed nothing")
	flags.StringVarP(&o.group, "group", "g", "", "read as a member of the group `NAME`")
	flags.Int32SliceVarP(&o.partitions, "partition", "p", nil, "only the partition `N`; may be given more than once")
	flags.BoolVarP(&o.untilEnd, "until-end", "e", false, "end at what is the end when reading begins")
	completed(c, "group", f.completing(s, groupNames))
	completed(c, "offset", cobra.FixedCompletions([]string{"start", "end"}, cobra.ShellCompDirectiveNoFileComp))
	completed(c, "format", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveNoFileComp))
	f.offering(s, c)
	return c
}

// consuming is what the flags of consume say.
type consuming struct {
	topics                []string
	format, offset, group string
	partitions            []int32
	most                  int64
	begins, untilEnd      bool
	from                  place
}

func (o *consuming) check(r *clusterRun) (err error) {
	if o.from, err = parsePlace(o.offset, time.Now()); err != nil {
		return err
	}
	switch {
	case o.from.moved:
		return &usageError{problem: fmt.Sprintf("--offset %s steps from nowhere", o.offset), advice: placeAdvice}
	case o.group != "" && len(o.partitions) > 0:
		return &usageError{problem: "a group shares the partitions out itself", advice: "leave out --group or --partition"}
	case o.group != "" && o.untilEnd:
		return &usageError{problem: "a member of a group does not see all ends", advice: "leave out --group, or end after a count: -n 100"}
	case o.group != "" && (!o.from.time.IsZero() || o.from.at >= 0):
		return &usageError{problem: fmt.Sprintf("a group cannot begin at %s", o.offset), advice: "set it first: schloss group reset " + quotedWord(o.group) + " --to " + quotedWord(o.offset) + " --topic " + quotedWord(o.topics[0])}
	case o.group != "" && r.profile.ReadOnly:
		return &readOnlyError{r.profile.Name} // a member commits
	}
	return nil
}

func (o *consuming) run(ctx context.Context, r *clusterRun) error {
	if err := o.check(r); err != nil {
		return err
	}
	print, err := newFormatPrinter(r.Out, o.format)
	if err != nil {
		return err
	}
	values, err := r.readSettings(o.settings(r))
	if err != nil {
		return err
	}
	options, err := client.ConsumerOptions(values)
	if err != nil {
		return err
	}
	run := &consumeRun{session: r.session, print: print, group: o.group, partition: len(o.partitions) > 0, most: o.most}
	if len(o.topics) == 1 {
		run.topic = o.topics[0]
	}
	err = r.within(ctx, func(ctx context.Context) error {
		if err := r.openWith(ctx, values); err != nil {
			return err
		}
		return o.seek(ctx, r, run)
	})
	if err != nil {
		return err
	}
	defer r.client.Close()
	if run.consumer, err = r.client.Kgo(append(options, o.reading()...)...); err != nil {
		return err
	}
	defer run.consumer.Close()
	return run.all(ctx)
}

// settings lays the flags over the file. Whoever names no group is in none,
// whatever the file says.
func (o *consuming) settings(r *clusterRun) settings {
	from := r.settings(config.Consumer)
	from.lay = [][2]string{{"group.id", o.group}}
	from.under = [][2]string{{"client.id", "schloss"}}
	reset := [2]string{"auto.offset.reset", "earliest"}
	if o.from.at == kafka.LatestOffset && o.from.time.IsZero() {
		reset[1] = "latest"
	}
	if o.begins || o.group == "" {
		from.lay = append(from.lay, reset)
	} else {
		from.under = append(from.under, reset)
	}
	return from
}

// reading are the options of what to read and from where.
func (o *consuming) reading() []kgo.Opt {
	begin := kgo.NewOffset()
	switch {
	case !o.from.time.IsZero():
		begin = begin.AfterMilli(o.from.time.UnixMilli())
	case o.from.at == kafka.EarliestOffset:
		begin = begin.AtStart()
	case o.from.at == kafka.LatestOffset:
		begin = begin.AtEnd()
	default:
		begin = begin.At(int64(o.from.at))
	}
	if len(o.partitions) > 0 {
		at := map[string]map[int32]kgo.Offset{}
		for _, topic := range o.topics {
			at[topic] = map[int32]kgo.Offset{}
			for _, p := range o.partitions {
				at[topic][p] = begin
			}
		}
		return []kgo.Opt{kgo.ConsumePartitions(at), kgo.KeepControlRecords()}
	}
	options := []kgo.Opt{kgo.ConsumeTopics(o.topics...), kgo.KeepControlRecords()}
	if o.group == "" {
		return append(options, kgo.ConsumeStartOffset(begin))
	}
	return append(options, kgo.AutoCommitMarks()) // only what has been printed counts as read
}

// seek finds out that all is there that is to be read, and where it ends now.
func (o *consuming) seek(ctx context.Context, r *clusterRun, run *consumeRun) error {
	found, err := r.topicsNamed(ctx, o.topics)
	if err != nil {
		return err
	}
	var all []kafka.TopicPartition
	for _, t := range found {
		if t.Err != nil {
			return t.Err
		}
		for _, p := range o.partitions {
			if p < 0 || int(p) >= len(t.Partitions) {
				return &usageError{problem: fmt.Sprintf("topic %s has no partition %d", t.Name, p), advice: fmt.Sprintf("its partitions are 0 to %d", len(t.Partitions)-1)}
			}
		}
		for _, tp := range ledPartitions(t) {
			if len(o.partitions) == 0 || slices.Contains(o.partitions, tp.Partition) {
				all = append(all, tp)
			}
		}
	}
	if !o.untilEnd {
		return nil
	}
	run.until, err = r.endings(ctx, all, o.from)
	return err
}

// endings are the ends up to which to read. A nil one is no end.
type endings struct {
	left map[kafka.TopicPartition]kafka.Offset
}

// endings asks for the ends; partitions with nothing before theirs are at the
// end already.
func (r *clusterRun) endings(ctx context.Context, partitions []kafka.TopicPartition, from place) (*endings, error) {
	at := int64(from.at)
	switch {
	case !from.time.IsZero():
		at = from.time.UnixMilli()
	case from.at >= 0:
		at = int64(kafka.EarliestOffset)
	}
	begin, err := r.admin.ListOffsets(ctx, at, partitions)
	if err != nil {
		return nil, err
	}
	end, err := r.admin.ListOffsets(ctx, int64(kafka.LatestOffset), partitions)
	if err != nil {
		return nil, err
	}
	e := &endings{map[kafka.TopicPartition]kafka.Offset{}}
	for i, one := range end { // both are in the same order
		if one.Err != nil || begin[i].Err != nil {
			return nil, firstOf([]error{one.Err, begin[i].Err})
		}
		first := max(begin[i].Offset, from.at)
		if !from.time.IsZero() && begin[i].Offset < 0 { // no record is that young
			first = one.Offset
		}
		if first < one.Offset {
			e.left[one.TopicPartition] = one.Offset
		}
	}
	return e, nil
}

// reached says that no partition is left to be read.
func (e *endings) reached() bool { return e != nil && len(e.left) == 0 }

// wants says whether to print the record: not what marks transactions, nor
// what came after the end; and notes where the partition has come to.
func (e *endings) wants(r *kgo.Record) bool {
	if e == nil {
		return !r.Attrs.IsControl()
	}
	tp := kafka.TopicPartition{Topic: r.Topic, Partition: r.Partition}
	end, open := e.left[tp]
	if !open || kafka.Offset(r.Offset) >= end {
		delete(e.left, tp)
		return false
	}
	if kafka.Offset(r.Offset)+1 >= end {
		delete(e.left, tp)
	}
	return !r.Attrs.IsControl()
}
