package mirror

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// effectivelyOnce copies each record once without transactions. The group's
// assignment is the lease on a partition. Whoever begins with one fences those
// before, finds out by the target's own records how far they came, and writes
// down by which producer it goes on; so a crash at any moment leaves a tail that
// is known to the record.
//
// A target that serves no transactional ids, as schloss, cannot be fenced: a
// batch of a dead mirror may still be on its way when the tail is read. There
// all owners of a partition are one producer, and each goes on with the sequence
// number behind the last one in the log. So a sequence number is a place in the
// copy, and the broker gives each to one batch only:
//
//	in the log   on its way   ours
//	..7 8 9      10 11 12     10 11 12   whichever is later is a repetition: it is not
//	                                     appended, and answered with the other's offset
//	..7 8 9      10 11 12     10 11      whichever is later is out of order; if that is
//	                                     ours, the tail is read again
//
// This needs both to have the same record at a place. They do, as long as the
// source deletes none of those that are on their way (compaction, in those
// moments). A fence needs no such condition, and is used where there is one.
// Where the mirror itself leaves a record out, the places change, and another
// producer goes on: the target has definitely refused the next batch of the one
// before, so nothing of that can be appended any more.
type effectivelyOnce struct {
	m        *Mirror
	target   *clusterTarget
	unfenced bool // the target serves no transactional ids
}

// start finds out whether the target can be fenced.
func (e *effectivelyOnce) start(ctx context.Context) error {
	if !e.target.idempotent {
		return &client.SettingError{Key: "enable.idempotence", Value: "false", Problem: "effectively-once needs an idempotent producer"}
	}
	_, err := e.id("probe").init(ctx, nobody)
	var old *client.VersionError
	if errors.Is(err, kafka.ErrTransactionalIDAuthorizationFailed) || errors.As(err, &old) {
		e.unfenced = true
		e.m.notice(fmt.Sprintf("the target cannot fence writers that have died (%v): effectively-once goes on as the producer that wrote last", err))
		return nil
	}
	return err
}

// errNoState is a promise that cannot be kept without the journal.
var errNoState = errors.New("the target does not let the mirror keep its state, which this delivery needs")

// id is the transactional id of one partition of this mirror.
func (e *effectivelyOnce) id(of string) *transactional {
	return e.target.transaction(fmt.Sprintf("schloss-mirror-%s-%s-%s", e.m.settings.group, e.m.sourceID, of))
}

// owning is how many partitions are made ours at a time.
const owning = 8

func (e *effectivelyOnce) own(ctx context.Context, claims []*claim) error {
	var all sync.WaitGroup
	errs := make([]error, len(claims))
	slots := make(chan struct{}, owning)
	for i, c := range claims {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = e.take(ctx, c)
			<-slots
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	state := make(map[kafka.TopicPartition]entry, len(claims))
	for _, c := range claims {
		if c.halt == nil {
			state[c.p.tp] = c.at.entry(c.p.id)
		}
	}
	if len(state) == 0 {
		return nil
	}
	return e.m.journal.write(ctx, state)
}

// take makes one partition ours.
func (e *effectivelyOnce) take(ctx context.Context, c *claim) (err error) {
	who := nobody
	if !e.unfenced {
		if who, err = e.id(c.p.tp.String()).fence(ctx, c.p.tp); err != nil {
			return c.refused(err)
		}
	}
	if err := e.catchUp(ctx, c); err != nil {
		return err
	}
	if e.unfenced {
		if c.at.writer.next != noSequence { // that is us
			return nil
		}
		if who, err = e.target.initProducer(ctx); err != nil {
			return c.refused(err)
		}
	}
	c.at.writer = writer{who, 0}
	return nil
}

// refused halts the partition where an error does not pass.
func (c *claim) refused(err error) error {
	if c.halt = stays(TargetRefused, err); c.halt != nil {
		return nil
	}
	return err
}

// catchUp moves a claim over what the target has already, and its writer behind
// its last batch.
func (e *effectivelyOnce) catchUp(ctx context.Context, c *claim) error {
	one := []kafka.TopicPartition{c.p.tp}
	ends, err := e.target.Ends(ctx, one)
	if err != nil {
		return err
	}
	end, ok := ends[c.p.tp]
	if !ok {
		return fmt.Errorf("the target does not show %s yet", c.p.tp)
	}
	from := c.at.base
	if _, mapped, ok := c.at.offsets.End(); ok {
		from = max(from, mapped)
	}
	if from == kafka.NoOffset { // nothing was ever written down of it
		c.at.base = end
		return nil
	}
	last, err := listEach(ctx, e.m.source.admin, kafka.LatestOffset, one)
	if err != nil {
		return err
	}
	source := tailReader{e.m.settings.source, e.m.source.admin, c.p.tp, e.m.settings.committedOnly}
	next, stop := iter.Pull2(source.records(ctx, c.at.at, last[c.p.tp]))
	defer stop()
	found, err := e.match(ctx, c, from, end, next)
	if err != nil {
		return fmt.Errorf("compare the target's end of %s with the source: %w", c.p.tp, err)
	}
	if found || !e.unfenced {
		return nil
	}
	starts, err := listEach(ctx, e.target.admin, kafka.EarliestOffset, one)
	if err == nil && (from > end || starts[c.p.tp] > from) { // where the writer stands is lost
		c.at.writer.next = noSequence
	}
	return err
}

// match finds the records of the target's tail in the source, and says whether
// there was one of the writer's.
func (e *effectivelyOnce) match(ctx context.Context, c *claim, from, end kafka.Offset, next func() (batch.Record, error, bool)) (found bool, err error) {
	match := tailMatch{next: next, offsets: &c.at.offsets, position: c.at.at, untimed: c.limits.LogAppendTime, seed: maphash.MakeSeed(),
		certain: c.at.writer.id != kafka.NoProducerID}
	target := tailReader{e.target.cluster, e.target.admin, c.p.tp, false}
	err = target.each(ctx, from, end, func(b batch.Batch) error {
		if b.Attributes().Control() || b.Attributes().Transactional() || match.certain && b.ProducerID() != c.at.writer.id {
			return nil
		}
		if found = true; c.at.writer.next != noSequence {
			c.at.writer.epoch, c.at.writer.next = b.ProducerEpoch(), addSequence(b.BaseSequence(), b.LastOffsetDelta()+1)
		}
		records, err := b.Records(unpackedLimit)
		for i := range records {
			if err == nil && records[i].Offset >= from {
				err = match.take(records[i])
			}
		}
		return err
	})
	if match.position > c.at.at {
		c.at.at, c.at.read = match.position, kafka.NoEpoch
	}
	return found, err
}

func (e *effectivelyOnce) open(stream int, c *claim) Appender {
	return e.target.openAs(stream, c.p.tp, c.at.writer)
}

// renews: the target has forgotten the producer, or another owner has fenced
// us, though the lease is ours as far as we know.
func (e *effectivelyOnce) renews(err error) bool {
	var code kafka.ErrorCode
	return errors.As(err, &code) && forgotten(code)
}

// commit lets the group know only what the journal has.
func (e *effectivelyOnce) commit(ctx context.Context, ps []*partition) map[kafka.TopicPartition]kafka.Offset {
	moved, state := movedOf(ps)
	if len(moved) > 0 && e.m.writeJournal(ctx, state) != nil {
		return nil
	}
	return moved
}

func (e *effectivelyOnce) run(context.Context) {}
