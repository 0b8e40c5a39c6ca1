package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"schloss/client"
	"schloss/kafka"
)

var consumerGroups = &tool{
	name:  "kafka-consumer-groups",
	about: "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --list|--describe|--delete|--reset-offsets|--delete-offsets [--group GROUP] ...",
	run:   runConsumerGroups,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas; needed but for --validate-regex."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "list", doc: "List the groups."},
		{name: "describe", doc: "Show groups. LAG counts to the high watermark, open transactions included."},
		{name: "delete", doc: "Delete groups that have no members, with all their offsets."},
		{name: "reset-offsets", doc: "Set the offsets of groups that have no members."},
		{name: "delete-offsets", doc: "Delete offsets of one group."},
		{name: "validate-regex", value: needsValue, arg: "REGEX", doc: "Say whether the broker would take this regular expression (RE2)."},
		{name: "group", value: needsValue, many: true, doc: "The group."},
		{name: "all-groups", doc: "All groups."},
		{name: "topic", value: needsValue, arg: "TOPIC[:P,P]", many: true, doc: "With --reset-offsets and --delete-offsets: a topic, or some of its partitions."},
		{name: "all-topics", doc: "With --reset-offsets: all that the group has offsets of."},
		{name: "offsets", doc: "With --describe: offsets and lag, which is the default."},
		{name: "members", doc: "With --describe: the members."},
		{name: "state", value: optionalValue, arg: "STATE,STATE", doc: "With --describe: the state. With --list: show states, or only groups in these."},
		{name: "type", value: optionalValue, arg: "TYPE,TYPE", doc: "With --list: show types, or only groups of these: classic, consumer."},
		{name: "verbose", doc: "With --describe: more columns."},
		{name: "to-earliest", doc: "Reset to the first offset there is."},
		{name: "to-latest", doc: "Reset to the end."},
		{name: "to-current", doc: "Reset to what is committed; to the end where nothing is."},
		{name: "to-offset", value: needsValue, arg: "N", check: longNumber, doc: "Reset to this offset."},
		{name: "shift-by", value: needsValue, arg: "N", check: longNumber, doc: "Reset by so many records, back where negative."},
		{name: "to-datetime", value: needsValue, arg: "YYYY-MM-DDThh:mm:ss.sss", doc: "Reset to the first record since then; UTC unless a zone follows."},
		{name: "by-duration", value: needsValue, arg: "PnDTnHnMnS", doc: "Reset to the first record of the last so many days, hours, minutes, seconds."},
		{name: "from-file", value: needsValue, arg: "FILE", doc: "Reset to what a file of --export says."},
		{name: "dry-run", doc: "With --reset-offsets: only show what would become."},
		{name: "execute", doc: "With --reset-offsets: do it."},
		{name: "export", doc: "With --reset-offsets: print as CSV."},
		{name: "timeout", value: needsValue, arg: "MS", def: "30000", check: longNumber, doc: "How long the brokers may take in all."},
		{name: "by-period", value: needsValue, refused: "gone since Kafka 0.11", insteadUse: "--by-duration PnDTnHnMnS"},
		{name: "new-consumer", idle: "there is no other since Kafka 2.0"},
		{name: "zookeeper", value: needsValue, refused: oldConsumer, insteadUse: "--bootstrap-server HOST:PORT"},
	},
}

// What the option that names the groups, or the views of one, may be.
var (
	groupScopes  = []string{"group", "all-groups"}
	groupViews   = []string{"members", "offsets", "state"}
	groupActions = []string{"list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"}
)

func checkGroupOptions(o *options) error {
	if countGiven(o, groupActions...) != 1 {
		return usage("Command must include exactly one action: --%s", strings.Join(groupActions, ", --")).advised("add one of --" + strings.Join(groupActions, ", --"))
	}
	if !o.has("bootstrap-server") && !o.has("validate-regex") {
		return usage(`Missing required argument "[bootstrap-server]"`).advised("add --bootstrap-server HOST:PORT")
	}
	for _, action := range []string{"describe", "delete", "reset-offsets"} {
		if o.has(action) && countGiven(o, groupScopes...) == 0 {
			return usage("Option [%s] takes one of these options: [all-groups], [group]", action).advised("add --group NAME, or --all-groups")
		}
	}
	if o.has("describe") && countGiven(o, groupViews...) > 1 {
		return usage("Option [describe] takes at most one of these options: [members], [offsets], [state]").advised("choose one of --offsets, --members, --state")
	}
	if o.has("describe") && o.get("state") != "" {
		return usage("Option [describe] does not take a value for [state]").advised("write --state alone; --list --state " + o.get("state") + " lists groups by state")
	}
	for _, beside := range []struct {
		option  string
		actions []string
	}{{"members", []string{"describe"}}, {"offsets", []string{"describe"}}, {"verbose", []string{"describe"}},
		{"state", []string{"describe", "list"}}, {"type", []string{"list"}}} {
		if o.has(beside.option) && countGiven(o, beside.actions...) == 0 {
			return usage("Option(s) [%s] are unavailable given other options on the command line", beside.option).advised("it goes with --" + strings.Join(beside.actions, " or --"))
		}
	}
	if o.has("delete") && o.has("topic") {
		return usage("The consumer does not support topic-specific offset deletion from a consumer group.").advised("use --delete-offsets --group NAME --topic TOPIC")
	}
	if o.has("delete-offsets") && (!o.has("group") || !o.has("topic")) {
		return usage("Option [delete-offsets] takes the following options: [topic], [group]").advised("add --group NAME --topic TOPIC")
	}
	if err := checkResetOptions(o); err != nil {
		return err
	}
	if err := exclude(o, "group", "all-groups", "list"); err != nil {
		return err
	}
	return exclude(o, "topic", "list", "describe")
}

func runConsumerGroups(ctx context.Context, s *session, o *options) error {
	if err := checkGroupOptions(o); err != nil {
		return err
	}
	if o.has("validate-regex") {
		return validateRegex(s, o.get("validate-regex"))
	}
	run := &groupRun{session: s, options: o}
	var err error
	if run.states, err = wantedWords("state", o.get("state"), groupStates); err != nil {
		return err
	}
	if run.types, err = wantedWords("types", o.get("type"), groupTypes); err != nil {
		return err
	}
	c, err := s.openAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	run.admin = client.NewAdmin(c)
	timed, cancel := context.WithTimeout(ctx, time.Duration(o.integer("timeout"))*time.Millisecond)
	defer cancel()
	switch {
	case o.has("list"):
		err = run.list(timed)
	case o.has("describe"):
		err = run.describe(timed)
	case o.has("delete"):
		err = run.delete(timed)
	case o.has("reset-offsets"):
		err = run.reset(timed)
	default:
		err = run.deleteOffsets(timed)
	}
	return run.told(ctx, err)
}

// groupRun is one run of the tool after its options have been checked.
type groupRun struct {
	*session
	*options
	admin         *client.Admin
	states, types []string // of --list: only these, all where empty
}

// told prints an error as Kafka's tool does, on standard output. What a broker
// has answered ends that tool with 0, and a script may count on it; where none
// could be asked we exit with 1, as our other tools.
func (r *groupRun) told(ctx context.Context, err error) error {
	var wrong *usageError
	if err == nil || ctx.Err() != nil || brokenPipe(err) || errors.As(err, &wrong) {
		return err
	}
	var words string
	switch {
	case r.has("describe"):
		words = javaException(err)
	default:
		words = javaMessage(err)
	}
	if _, failed := fmt.Fprintf(r.Out, "\nError: Executing consumer group command failed due to %s\n", oneLine(words)); failed != nil {
		return failed
	}
	r.report(err)
	var code kafka.ErrorCode
	if errors.As(err, &code) {
		return nil
	}
	return &exitError{code: 1, err: err, quiet: true}
}

// problem is Kafka's line for what went wrong with a part of the work.
func (r *groupRun) problem(format string, args ...any) {
	fmt.Fprintf(r.Out, "\nError: "+format+"\n", args...)
}

// The states and types that a listing may be asked for, as Kafka spells them.
var (
	groupStates = []string{"CompletingRebalance", "Stable", "Reconciling", "PreparingRebalance", "Empty", "Dead", "Assigning"}
	groupTypes  = []string{client.ConsumerGroup, client.ClassicGroup}
)

// wantedWords reads a list of the known words, in whatever case.
func wantedWords(what, list string, known []string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	var out []string
	for _, word := range strings.Split(list, ",") {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(word)) })
		if i < 0 {
			return nil, usage("Invalid %s list '%s'. Valid %s are: %s", what, list, strings.TrimSuffix(what, "s")+"s", strings.Join(known, ", ")).
				advised("write them by commas: " + strings.ToLower(known[0]) + "," + strings.ToLower(known[1]))
		}
		out = append(out, known[i])
	}
	return out, nil
}

// wantedGroups lists the consumer groups, those of one offset store without
// members included; groups of other protocols (connect, share) are not ours.
func (r *groupRun) wantedGroups(ctx context.Context) ([]client.GroupListing, error) {
	all, err := r.admin.Groups(ctx)
	if err != nil {
		return nil, err
	}
	var out []client.GroupListing
	for _, g := range all {
		if g.ProtocolType != "" && g.ProtocolType != "consumer" || g.Type != "" && !slices.Contains(groupTypes, g.Type) {
			continue
		}
		if len(r.states) > 0 && !slices.Contains(r.states, g.State) || len(r.types) > 0 && !slices.Contains(r.types, g.Type) {
			continue
		}
		out = append(out, g)
	}
	return out, nil
}

func (r *groupRun) list(ctx context.Context) error {
	groups, err := r.wantedGroups(ctx)
	if err != nil {
		return err
	}
	withType, withState := r.has("type"), r.has("state")
	t := &columns{}
	if withType || withState {
		width := 15
		for _, g := range groups {
			width = max(width, len(g.ID))
		}
		t.add(width+10, "GROUP")
		if withType {
			t.add(20, "TYPE")
		}
		if withState {
			t.add(20, "STATE")
		}
		t.head()
	} else {
		t.add(0, "")
	}
	for _, g := range groups {
		cells := []string{g.ID}
		if withType {
			cells = append(cells, orUnknown(g.Type))
		}
		if withState {
			cells = append(cells, orUnknown(g.State))
		}
		t.row(cells...)
	}
	return t.print(r.Out)
}

func orUnknown(word string) string {
	if word == "" {
		return "Unknown"
	}
	return word
}

// chosen are the groups that the options name, each once, in order.
func (r *groupRun) chosen(ctx context.Context) ([]string, error) {
	var ids []string
	if r.has("all-groups") {
		groups, err := r.wantedGroups(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			ids = append(ids, g.ID)
		}
		return ids, nil
	}
	ids = slices.Clone(r.all("group"))
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (r *groupRun) delete(ctx context.Context) error {
	ids, err := r.chosen(ctx)
	if err != nil {
		return err
	}
	var results []client.GroupResult
	if len(ids) > 0 {
		if results, err = r.admin.DeleteGroups(ctx, ids...); err != nil {
			return err
		}
	}
	var done []string
	var failed []client.GroupResult
	for _, g := range results {
		if g.Err != nil {
			failed = append(failed, g)
		} else {
			done = append(done, "'"+g.ID+"'")
		}
	}
	if len(failed) == 0 {
		_, err := fmt.Fprintf(r.Out, "Deletion of requested consumer groups (%s) was successful.\n", strings.Join(done, ", "))
		return err
	}
	r.problem("Deletion of some consumer groups failed:")
	for _, g := range failed {
		fmt.Fprintf(r.Out, "* Group '%s' could not be deleted due to: %s\n", g.ID, oneLine(javaException(g.Err)))
	}
	if len(done) > 0 {
		fmt.Fprintf(r.Out, "\nThese consumer groups were deleted successfully: %s\n", strings.Join(done, ", "))
	}
	return nil
}

func (r *groupRun) deleteOffsets(ctx context.Context) error {
	if len(r.all("group")) > 1 {
		return usage("Found multiple arguments for option group, but you asked for only one").advised("--delete-offsets takes one group at a time")
	}
	group := r.get("group")
	partitions, absent, err := r.topicPartitions(ctx)
	if err != nil {
		return err
	}
	results, err := r.admin.DeleteGroupOffsets(ctx, group, partitions)
	var code kafka.ErrorCode
	if err != nil && !errors.As(err, &code) {
		return err
	}
	partly := slices.IndexFunc(results, func(p client.PartitionResult) bool { return p.Err != nil })
	switch {
	case err != nil:
		r.problem("%s", oneLine(javaMessage(err)))
		for _, tp := range partitions {
			results = append(results, client.PartitionResult{TopicPartition: tp, Err: err})
		}
	case partly >= 0:
		r.problem("Encountered some partition-level error, see the follow-up details.")
	default:
		fmt.Fprintf(r.Out, "Request succeeded for deleting offsets from group %s.\n", group)
	}
	for _, t := range absent {
		results = append(results, client.PartitionResult{TopicPartition: kafka.TopicPartition{Topic: t.Name, Partition: -1}, Err: t.Err})
	}
	width := 15
	for _, p := range results {
		width = max(width, len(p.Topic))
	}
	t := &columns{between: true}
	t.add(width, "TOPIC").add(10, "PARTITION").add(15, "STATUS").head()
	slices.SortStableFunc(results, func(a, b client.PartitionResult) int { return strings.Compare(a.Topic, b.Topic) })
	for _, p := range results {
		partition, status := none, "Successful"
		if p.Partition >= 0 {
			partition = strconv.Itoa(int(p.Partition))
		}
		if p.Err != nil {
			status = "Error: " + oneLine(javaException(p.Err))
		}
		t.row(p.Topic, partition, status)
	}
	return t.print(r.Out)
}

// topicPartitions are those that the --topic options name; absent are the
// topics that are not there, or not to be described.
func (r *groupRun) topicPartitions(ctx context.Context) (partitions []kafka.TopicPartition, absent []client.TopicInfo, err error) {
	var whole []string
	for _, arg := range r.all("topic") {
		topic, list, ok := strings.Cut(arg, ":")
		if !ok {
			whole = append(whole, topic)
			continue
		}
		if strings.Contains(list, ":") || list == "" {
			return nil, nil, usage("Invalid topic arg '%s', expected topic name and partitions", arg).advised("write it as --topic NAME:0,1")
		}
		for _, text := range strings.Split(list, ",") {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil || n < 0 {
				return nil, nil, usage("Invalid partition '%s' specified in topic arg '%s''", text, arg).advised("write it as --topic NAME:0,1")
			}
			partitions = append(partitions, kafka.TopicPartition{Topic: topic, Partition: int32(n)})
		}
	}
	if len(whole) > 0 {
		topics, err := r.admin.Topics(ctx, whole...)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range topics {
			if t.Err != nil {
				absent = append(absent, t)
			}
			for _, p := range t.Partitions {
				partitions = append(partitions, kafka.TopicPartition{Topic: t.Name, Partition: p.Index})
			}
		}
	}
	return sortedPartitions(partitions), absent, nil
}

// sortedPartitions are the partitions in order, each once.
func sortedPartitions(tps []kafka.TopicPartition) []kafka.TopicPartition {
	slices.SortFunc(tps, comparePartitions)
	return slices.Compact(tps)
}

func comparePartitions(a, b kafka.TopicPartition) int {
	if c := strings.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	return int(a.Partition) - int(b.Partition)
}

// validateRegex says what RE2 thinks of an expression; Go's is RE2.
func validateRegex(s *session, text string) error {
	_, err := regexp.Compile(text)
	if err == nil {
		_, err = fmt.Fprintf(s.Out, "The regular expression `%s` is valid.\n", text)
		return err
	}
	reason := err.Error()
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		reason = wrong.Code.String()
	}
	_, err = fmt.Fprintf(s.Out, "The regular expression `%s` is invalid: %s.\n", text, reason)
	return err
}
