package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka"
)

// lagRow is one partition of a group: what is committed for it, where it ends
// and who reads it.
type lagRow struct {
	kafka.TopicPartition
	committed *client.Committed // nil: nothing
	end       kafka.Offset      // kafka.NoOffset: unknown, as of a topic that is gone
	member    *client.GroupMember
}

// lag is end minus committed; false where one of them is not known.
func (l *lagRow) lag() (int64, bool) {
	if l.committed == nil || l.committed.Offset < 0 || l.end < 0 {
		return 0, false
	}
	return int64(l.end - l.committed.Offset), true
}

// groupLag finds the rows of a group: first the partitions of its members, who
// has most of them first, then what is committed but assigned to nobody.
func groupLag(ctx context.Context, admin *client.Admin, g *client.Group) ([]lagRow, error) {
	committed, err := admin.CommittedOffsets(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	at := make(map[kafka.TopicPartition]*client.Committed, len(committed))
	for i := range committed {
		if committed[i].Err == nil {
			at[committed[i].TopicPartition] = &committed[i]
		}
	}
	members := slices.Clone(g.Members)
	slices.SortStableFunc(members, func(a, b client.GroupMember) int { return len(b.Assigned) - len(a.Assigned) })
	var rows []lagRow
	assigned := make(map[kafka.TopicPartition]bool)
	for i := range members {
		for _, tp := range members[i].Assigned {
			assigned[tp] = true
			rows = append(rows, lagRow{TopicPartition: tp, committed: at[tp], member: &members[i]})
		}
	}
	for i := range committed {
		if tp := committed[i].TopicPartition; committed[i].Err == nil && !assigned[tp] {
			rows = append(rows, lagRow{TopicPartition: tp, committed: &committed[i]})
		}
	}
	return rows, endOffsets(ctx, admin, rows)
}

// endOffsets fills in where the partitions end. A topic that is gone, or a
// partition without a leader, has no end.
func endOffsets(ctx context.Context, admin *client.Admin, rows []lagRow) error {
	var all []kafka.TopicPartition
	for i := range rows {
		rows[i].end = kafka.NoOffset
		all = append(all, rows[i].TopicPartition)
	}
	led, err := leadersOf(ctx, admin, all)
	if err != nil {
		return err
	}
	listed, err := admin.ListOffsets(ctx, int64(kafka.LatestOffset), slices.DeleteFunc(sortedPartitions(all), func(tp kafka.TopicPartition) bool { return !led[tp] }))
	if err != nil {
		return err
	}
	end := make(map[kafka.TopicPartition]kafka.Offset, len(listed))
	for _, l := range listed {
		if l.Err != nil {
			return l.Err
		}
		end[l.TopicPartition] = l.Offset
	}
	for i := range rows {
		if offset, ok := end[rows[i].TopicPartition]; ok {
			rows[i].end = offset
		}
	}
	return nil
}

// leadersOf says of the partitions that are there whether they have a leader.
func leadersOf(ctx context.Context, admin *client.Admin, partitions []kafka.TopicPartition) (map[kafka.TopicPartition]bool, error) {
	var names []string
	for _, tp := range partitions {
		names = append(names, tp.Topic)
	}
	slices.Sort(names)
	led := make(map[kafka.TopicPartition]bool)
	if names = slices.Compact(names); len(names) == 0 {
		return led, nil // to name none would ask for all
	}
	topics, err := admin.Topics(ctx, names...)
	if err != nil {
		return nil, err
	}
	for _, t := range topics {
		if t.Err != nil && !errors.Is(t.Err, kafka.ErrUnknownTopicOrPartition) {
			return nil, t.Err
		}
		for _, p := range t.Partitions {
			led[kafka.TopicPartition{Topic: t.Name, Partition: p.Index}] = p.Leader >= 0
		}
	}
	return led, nil
}

func (r *groupRun) describe(ctx context.Context) error {
	ids, err := r.chosen(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	groups, err := r.admin.DescribeGroups(ctx, ids...)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if g.Err != nil {
			return g.Err
		}
		if g.ProtocolType != "" && g.ProtocolType != "consumer" {
			return fmt.Errorf("describe group %q: it is no consumer group but one of %s", g.ID, g.ProtocolType)
		}
	}
	for i := range groups {
		g := &groups[i]
		switch {
		case r.has("members"):
			err = r.printMembers(g)
		case r.has("state"):
			err = r.printState(ctx, g)
		default:
			err = r.printOffsets(ctx, g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remark says what the state means for the rows that follow, and whether there
// are any at all.
func (r *groupRun) remark(g *client.Group, rows int) bool {
	switch g.State {
	case "Dead":
		r.problem("Consumer group '%s' does not exist.", g.ID)
		return false
	case "Empty":
		fmt.Fprintf(r.IO.Err, "\nConsumer group '%s' has no active members.\n", g.ID)
	case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
		fmt.Fprintf(r.IO.Err, "\nWarning: Consumer group '%s' is rebalancing.\n", g.ID)
	}
	return rows > 0
}

func (r *groupRun) printOffsets(ctx context.Context, g *client.Group) error {
	rows, err := groupLag(ctx, r.admin, g)
	if err != nil {
		return err
	}
	if !r.remark(g, len(rows)) {
		return nil
	}
	group, topic, id, host := max(15, len(g.ID)), 15, 15, 15
	for _, l := range rows {
		topic = max(topic, len(l.Topic))
		if l.member != nil {
			id, host = max(id, len(l.member.ID)), max(host, len(l.member.Host))
		}
	}
	verbose := r.has("verbose")
	t := &columns{between: true}
	t.add(group, "GROUP").add(topic, "TOPIC").add(10, "PARTITION")
	if verbose {
		t.add(15, "LEADER-EPOCH")
	}
	t.add(15, "CURRENT-OFFSET").add(15, "LOG-END-OFFSET").add(15, "LAG").add(id, "CONSUMER-ID").add(host, "HOST").add(0, "CLIENT-ID").head()
	for _, l := range rows {
		epoch, offset, end, lag := none, none, none, none
		if l.committed != nil {
			offset = strconv.FormatInt(int64(l.committed.Offset), 10)
			if l.committed.Epoch >= 0 {
				epoch = strconv.Itoa(int(l.committed.Epoch))
			}
		}
		if l.end >= 0 {
			end = strconv.FormatInt(int64(l.end), 10)
		}
		if n, ok := l.lag(); ok {
			lag = strconv.FormatInt(n, 10)
		}
		cells := []string{g.ID, l.Topic, strconv.Itoa(int(l.Partition))}
		if verbose {
			cells = append(cells, epoch)
		}
		cells = append(cells, offset, end, lag)
		if m := l.member; m != nil {
			cells = append(cells, m.ID, m.Host, m.ClientID)
		} else {
			cells = append(cells, none, none, none)
		}
		t.row(cells...)
	}
	return t.print(r.Out)
}

func (r *groupRun) printMembers(g *client.Group) error {
	r.remark(g, len(g.Members))
	verbose, static, classic, modern := r.has("verbose"), false, false, false
	group, id, instance, host, client, current, target := max(15, len(g.ID)), 15, 17, 15, 15, 20, 20
	for _, m := range g.Members {
		id, instance, host, client = max(id, len(m.ID)), max(instance, len(m.InstanceID)), max(host, len(m.Host)), max(client, len(m.ClientID))
		current, target = max(current, len(assignmentText(m.Assigned))), max(target, len(assignmentText(m.Target)))
		static = static || m.InstanceID != ""
		classic, modern = classic || speaksClassic(m), modern || speaksConsumer(m)
	}
	t := &columns{}
	t.add(group, "GROUP").add(id, "CONSUMER-ID")
	if static {
		t.add(instance, "GROUP-INSTANCE-ID")
	}
	t.add(host, "HOST").add(client, "CLIENT-ID").add(15, "#PARTITIONS")
	upgrading := verbose && classic && modern
	if verbose {
		t.add(15, "CURRENT-EPOCH").add(current, "CURRENT-ASSIGNMENT").add(15, "TARGET-EPOCH").add(target, "TARGET-ASSIGNMENT")
	} else {
		t.add(0, "") // Kafka ends these rows with a blank
	}
	if upgrading {
		t.add(0, "UPGRADED")
	}
	t.out.WriteByte('\n')
	t.head()
	for _, m := range g.Members {
		cells := []string{g.ID, m.ID}
		if static {
			cells = append(cells, m.InstanceID)
		}
		cells = append(cells, m.Host, m.ClientID, strconv.Itoa(len(m.Assigned)))
		if verbose {
			cells = append(cells, epochCell(g, m.Epoch), assignmentText(m.Assigned), epochCell(g, g.TargetEpoch), assignmentText(m.Target))
		} else {
			cells = append(cells, "")
		}
		if upgrading {
			cells = append(cells, strconv.FormatBool(speaksConsumer(m)))
		}
		t.row(cells...)
	}
	return t.print(r.Out)
}

func speaksClassic(m client.GroupMember) bool  { return m.Upgraded == client.ClassicMember }
func speaksConsumer(m client.GroupMember) bool { return m.Upgraded == client.ConsumerMember }

// epochCell is an epoch of a consumer group; a classic one has none.
func epochCell(g *client.Group, epoch int32) string {
	if g.Type != client.ConsumerGroup {
		return none
	}
	return strconv.Itoa(int(epoch))
}

// assignmentText is topic:partition,partition;topic:... in order.
func assignmentText(assigned []kafka.TopicPartition) string {
	if len(assigned) == 0 {
		return none
	}
	var out strings.Builder
	for i, tp := range assigned {
		switch {
		case i > 0 && assigned[i-1].Topic == tp.Topic:
			out.WriteByte(',')
		case i > 0:
			out.WriteString(";" + tp.Topic + ":")
		default:
			out.WriteString(tp.Topic + ":")
		}
		out.WriteString(strconv.Itoa(int(tp.Partition)))
	}
	return out.String()
}

func (r *groupRun) printState(ctx context.Context, g *client.Group) error {
	if !r.remark(g, 1) {
		return nil
	}
	node, err := r.admin.GroupCoordinator(ctx, g.ID)
	if err != nil {
		return err
	}
	coordinator := fmt.Sprintf("%s:%d  (%d)", node.Host, node.Port, node.ID)
	assignor := g.Protocol
	if assignor == "" {
		assignor = none
	}
	t := &columns{between: true}
	t.add(max(15, len(g.ID)), "GROUP").add(max(25, len(coordinator)), "COORDINATOR (ID)").add(20, "ASSIGNMENT-STRATEGY").add(20, "STATE")
	cells := []string{g.ID, coordinator, assignor, g.State}
	if r.has("verbose") {
		t.add(15, "GROUP-EPOCH").add(25, "TARGET-ASSIGNMENT-EPOCH")
		cells = append(cells, epochCell(g, g.Epoch), epochCell(g, g.TargetEpoch))
	}
	t.add(0, "#MEMBERS").head()
	return t.row(append(cells, strconv.Itoa(len(g.Members)))...).print(r.Out)
}
