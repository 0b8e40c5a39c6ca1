package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"schloss/client"
	"schloss/kafka"
)

// FencedError is another mirror of the same group that has taken over.
type FencedError struct {
	Group string
	Err   error
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("another mirror of group %q has taken over: exactly-once works with one process a group: %v", e.Group, e.Err)
}

func (e *FencedError) Unwrap() error { return e.Err }

// undo ends a transaction of which something went wrong: it becomes the writer
// anew, which aborts it, and has all partitions go back to what the journal has.
func (x *exactlyOnce) undo(ctx context.Context, cause error) error {
	who, err := nobody, cause
	if !lostWriter(cause) {
		who, err = x.txn.init(ctx, x.who)
	}
	if lostWriter(err) {
		who, err = x.regain(ctx, err)
	}
	if err != nil {
		return err
	}
	x.m.notice(fmt.Sprintf("a transaction was undone, and its records are sent again: %v", cause))
	if err := x.m.insist(ctx, "read the mirror's state", func() error { return x.m.journal.read(ctx) }); err != nil {
		return err
	}
	x.mu.Lock()
	x.who = who
	x.undos++
	closed := x.boxes
	x.boxes = make(map[*boundAppender]bool)
	for a := range closed {
		x.undone[a.p.tp] = true
	}
	x.mu.Unlock()
	x.state.Close(ctx)
	x.openState()
	for a := range closed {
		a.Close(ctx)
		a.p.stream.redo(a.p)
	}
	return nil
}

// lostWriter says that we are not the writer any more: somebody else is, or the
// target gave the transaction up because it took too long, or it has forgotten
// the id.
func lostWriter(err error) bool {
	return errors.Is(err, kafka.ErrProducerFenced) || errors.Is(err, kafka.ErrInvalidProducerIDMapping)
}

// joinsWithin is how long another mirror that has become the writer may take
// until the group shows it.
const joinsWithin = 2 * time.Second

// regain becomes the writer anew. Brokers before 4.0 do not tell another mirror
// from a transaction that took too long; the group does: its only member goes
// on, and one that is not alone ends. Should both meet
// while neither sees the other, each undoes what the other has under way; no
// record is doubled by that.
func (x *exactlyOnce) regain(ctx context.Context, cause error) (identity, error) {
	select {
	case <-time.After(joinsWithin):
	case <-ctx.Done():
		return nobody, ctx.Err()
	}
	group := x.m.settings.group
	ours, _ := x.m.group.member.GroupMetadata()
	others := false
	err := x.m.insist(ctx, fmt.Sprintf("look up the members of group %q", group), func() error {
		groups, err := x.m.source.admin.DescribeGroups(ctx, group)
		if err == nil {
			err = groups[0].Err
		}
		if err == nil {
			others = slices.ContainsFunc(groups[0].Members, func(g client.GroupMember) bool { return g.ID != ours })
		}
		return err
	})
	if err != nil {
		return nobody, err
	}
	if others {
		return nobody, &FencedError{group, cause}
	}
	return x.txn.init(ctx, nobody)
}
