package mirror

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// groupSync brings the positions of the source's consumer groups to the target,
// translated by the offset maps, so that consumers may move over at any time. It
// works on the partitions that this mirror copies; what else a group reads is
// another mirror's.
type groupSync struct {
	mirror      *Mirror
	pattern     *regexp.Regexp
	every       time.Duration
	target      *client.Admin
	checkpoints *checkpoints

	mu    sync.Mutex // guards what follows
	seen  []SyncedGroup
	told  map[string]string // what was last told of a group
	fails bool              // and that was told
	trips map[groupPartition]*latency
}

// SyncedGroup is one group of the source, as the last round found it.
type SyncedGroup struct {
	Group   string
	Active  bool // it has members on the source
	Offsets []SyncedOffset
	Err     error     // why nothing of it was brought over
	At      time.Time // when the target's group last had all that can be translated; zero: not yet
}

// SyncedOffset is one of its positions. From and To are those of the target's
// group, where it may be moved.
type SyncedOffset struct {
	Translated
	Behind int64 // offsets of the source before From that a consumer reads again from To on; -1: there is no place

	metadata string     // of the commit
	of       *partition // the assignment it was translated under
}

// syncInterval is how often groups are brought over where nothing else is said.
const syncInterval = time.Minute

func newGroupSync(m *Mirror, c Config) (*groupSync, error) {
	if c.SyncGroups == "" {
		return nil, nil
	}
	pattern, err := CompilePattern(c.SyncGroups)
	if err != nil {
		return nil, err
	}
	return &groupSync{mirror: m, pattern: pattern, every: cmp.Or(c.SyncGroupsInterval, syncInterval),
		target: client.NewAdmin(c.Target), checkpoints: newCheckpoints(m, c.EmitCheckpoints),
		told: make(map[string]string), trips: make(map[groupPartition]*latency)}, nil
}

// Groups are the consumer groups that are brought over, as the last round found
// them, ordered by name.
func (m *Mirror) Groups() []SyncedGroup {
	if m.groups == nil {
		return nil
	}
	m.groups.mu.Lock()
	defer m.groups.mu.Unlock()
	return slices.Clone(m.groups.seen)
}

// run brings groups over until the context ends.
func (g *groupSync) run(ctx context.Context) {
	ticker := time.NewTicker(g.every)
	defer ticker.Stop()
	defer g.checkpoints.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := g.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !g.fails {
			g.mirror.notice(fmt.Sprintf("bring consumer groups over: %v; trying again", err))
		}
		g.fails = err != nil
	}
}

// round brings all groups over, once.
func (g *groupSync) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(g.every, commitWithin))
	defer cancel()
	g.checkpoints.begin(ctx, g.target)
	listed, err := g.mirror.source.admin.Groups(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, l := range listed {
		if g.selects(l) {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		g.show(nil)
		return nil
	}
	described, err := g.mirror.source.admin.DescribeGroups(ctx, ids...)
	if err != nil {
		return err
	}
	there, err := g.target.DescribeGroups(ctx, ids...)
	if err != nil {
		return err
	}
	occupied := make(map[string]bool)
	for _, d := range there {
		occupied[d.ID] = len(d.Members) > 0
	}
	var seen []SyncedGroup
	for _, d := range described {
		one := SyncedGroup{Group: d.ID, Active: len(d.Members) > 0}
		one.Offsets, one.Err = g.bring(ctx, d.ID, occupied[d.ID])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if one.At = g.before(d.ID).At; one.Err == nil && !occupied[d.ID] {
			one.At = time.Now()
		}
		seen = append(seen, one)
	}
	g.checkpoints.end()
	g.show(seen)
	return nil
}

// before is a group as the round before this one found it.
func (g *groupSync) before(group string) (found SyncedGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.IndexFunc(g.seen, func(s SyncedGroup) bool { return s.Group == group }); i >= 0 {
		found = g.seen[i]
	}
	return found
}

// selects leaves out the groups in which mirrors keep their positions: those
// are of the source alone.
func (g *groupSync) selects(l client.GroupListing) bool {
	if l.ProtocolType != "consumer" && l.ProtocolType != "" || l.ID == g.mirror.settings.group {
		return false
	}
	return !slices.Contains(g.mirror.journal.others, l.ID) && g.pattern.MatchString(l.ID)
}

// bring translates what a group has committed, writes its checkpoints and moves
// the target's group.
func (g *groupSync) bring(ctx context.Context, group string, occupied bool) ([]SyncedOffset, error) {
	began := time.Now()
	committed, err := g.mirror.source.admin.CommittedOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	out, err := g.translate(ctx, committed)
	if err != nil || len(out) == 0 {
		return out, err
	}
	arrived := g.checkpoints.write(ctx, group, out)
	moved, err := g.move(ctx, group, occupied, out)
	g.arrived(group, append(arrived, moved...), began, time.Now())
	return out, err
}

// move commits what is new on the target, and returns of which partitions. A
// group that has members there is theirs to move.
func (g *groupSync) move(ctx context.Context, group string, occupied bool, out []SyncedOffset) (moved []kafka.TopicPartition, err error) {
	before, err := g.target.CommittedOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	at := make(map[kafka.TopicPartition]kafka.Offset)
	for _, c := range before {
		if c.Err != nil {
			return nil, c.Err
		}
		at[c.TopicPartition] = c.Offset
	}
	var fresh []client.Committed
	for i := range out {
		o := &out[i]
		old, had := at[o.TopicPartition]
		switch {
		case !o.Standing.Placed() || had && old == o.To:
		case occupied:
			o.To, o.Standing = kafka.NoOffset, StandsOccupied
		case had && old > o.To:
			o.To, o.Standing = kafka.NoOffset, StandsBack
		default:
			fresh = append(fresh, client.Committed{TopicPartition: o.TopicPartition, Offset: o.To, Epoch: kafka.NoEpoch, Metadata: o.metadata})
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	results, err := g.target.CommitGroupOffsets(ctx, group, fresh)
	for _, r := range results {
		switch {
		case r.Err == nil:
			moved = append(moved, r.TopicPartition)
		case err == nil:
			err = r.Err
		}
	}
	return moved, err
}

// translate translates the offsets of the partitions that are copied here.
func (g *groupSync) translate(ctx context.Context, committed []client.Committed) ([]SyncedOffset, error) {
	var ours []client.Committed
	var tps []kafka.TopicPartition
	for _, c := range committed {
		if g.mirror.mapped(c.TopicPartition) == nil {
			continue
		}
		if c.Err != nil {
			return nil, c.Err
		}
		ours, tps = append(ours, c), append(tps, c.TopicPartition)
	}
	ends, err := listEach(ctx, g.mirror.source.admin, kafka.LatestOffset, tps)
	if err != nil {
		return nil, err
	}
	logs, err := logBounds(ctx, g.target, tps)
	if err != nil {
		return nil, err
	}
	out := make([]SyncedOffset, 0, len(ours))
	for _, c := range ours {
		o := SyncedOffset{Translated: Translated{TopicPartition: c.TopicPartition, From: c.Offset, To: kafka.NoOffset, Standing: StandsNowhere},
			Behind: -1, metadata: c.Metadata, of: g.mirror.mapped(c.TopicPartition)} // the group may have taken it from us meanwhile
		end, there := ends[c.TopicPartition]
		log, copied := logs[c.TopicPartition]
		switch {
		case o.of == nil || !there || !copied:
		case c.Offset > end:
			o.Standing = StandsPastEnd
		default:
			o.place(log)
		}
		out = append(out, o)
	}
	return out, nil
}

// place finds the place of a position in the log of the target.
func (o *SyncedOffset) place(log bounds) {
	p := o.of
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	if p.halt != nil && !p.halt.Reason.passes() { // the map may be of another topic
		return
	}
	o.To, o.Standing = toTarget(&p.offsets, p.done, o.From, log)
	if o.Standing.Placed() {
		back, _ := toSource(&p.offsets, p.done, o.To, bounds{0, math.MaxInt64})
		o.Behind = max(0, int64(o.From-back))
	}
}

// mapped is a partition that is copied, nil if it is not ours or not begun.
func (m *Mirror) mapped(tp kafka.TopicPartition) *partition {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.given[tp]; p != nil && p.stream != nil {
		return p
	}
	return nil
}

// show keeps what a round found, and tells of each group whose standing has
// changed.
func (g *groupSync) show(seen []SyncedGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = seen
	told := make(map[string]string, len(seen))
	for _, s := range seen {
		text := s.summary()
		if told[s.Group] = text; g.told[s.Group] != text {
			g.mirror.notice(fmt.Sprintf("group %s: %s", s.Group, text))
		}
	}
	for _, group := range slices.Sorted(maps.Keys(g.told)) {
		if _, still := told[group]; !still {
			g.mirror.notice(fmt.Sprintf("group %s: it is gone from the source, and stays on the target as it is", group))
		}
	}
	g.told = told
}

// summary is what an operator is told of a group. What comes and goes as
// consumers and mirror overtake each other is no news.
func (s *SyncedGroup) summary() string {
	state := "idle on the source"
	if s.Active {
		state = "active on the source"
	}
	if s.Err != nil {
		return fmt.Sprintf("%s; not brought over: %v", state, s.Err)
	}
	left := make(map[Standing][]string)
	synced := 0
	for _, t := range s.Offsets {
		switch t.Standing {
		case StandsExactly, StandsAhead, StandsEarly, StandsBack:
			synced++
		default:
			left[t.Standing] = append(left[t.Standing], t.TopicPartition.String())
		}
	}
	out := fmt.Sprintf("%s; %d partitions brought over", state, synced)
	for _, standing := range slices.Sorted(maps.Keys(left)) {
		names := left[standing]
		const most = 5
		if len(names) > most {
			names = append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
		}
		out += fmt.Sprintf("; %s: %s", standing, strings.Join(names, ", "))
	}
	return out
}
