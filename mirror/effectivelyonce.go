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
// A target that serves no transactional ids, as schloss, cannot be fenced. Then
// a batch of a dead mirror that is still on its way when the tail is read would
// be doubled. Nothing but time keeps it from that: another mirror gets the
// partition after the session timeout of the dead one, and a connection that has
// been closed delivers what it holds within moments.
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
		e.m.notice(fmt.Sprintf("the target cannot fence writers that have died (%v): effectively-once rests on the group's lease and the idempotent producer", err))
		return nil
	}
	return err
}

// errNoState is a promise that cannot be kept without the journal.
var errNoState = errors.New("the target does not let the mirror keep its state, which this delivery needs")

// id is the transactional id of one partition of this mirror.
func (e *effectivelyOnce) id(of string) *transactional {
	return &transactional{e.target.cluster, fmt.Sprintf("schloss-mirror-%s-%s-%s", e.m.settings.group, e.m.sourceID, of), e.target.backoff}
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
	if e.unfenced {
		c.who, err = e.target.initProducer(ctx)
	} else {
		c.who, err = e.id(c.p.tp.String()).fence(ctx, c.p.tp)
	}
	if err != nil {
		if c.halt = stays(TargetRefused, err); c.halt != nil {
			return nil
		}
		return err
	}
	if err := e.catchUp(ctx, c); err != nil {
		return err
	}
	c.at.producer = c.who.id
	return nil
}

// catchUp moves a claim over what the target has already.
func (e *effectivelyOnce) catchUp(ctx context.Context, c *claim) error {
	ends, err := e.target.Ends(ctx, []kafka.TopicPartition{c.p.tp})
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
	last, err := listEach(ctx, e.m.source.admin, kafka.LatestOffset, []kafka.TopicPartition{c.p.tp})
	if err != nil {
		return err
	}
	source := tailReader{e.m.settings.source, e.m.source.admin, c.p.tp, e.m.settings.committedOnly}
	next, stop := iter.Pull2(source.records(ctx, c.at.at, last[c.p.tp]))
	defer stop()
	match := tailMatch{next: next, offsets: &c.at.offsets, position: c.at.at, untimed: c.limits.LogAppendTime, seed: maphash.MakeSeed(),
		certain: c.at.producer != kafka.NoProducerID}
	target := tailReader{e.target.cluster, e.target.admin, c.p.tp, false}
	err = target.each(ctx, from, end, func(b batch.Batch) error {
		if b.Attributes().Control() || b.Attributes().Transactional() || match.certain && b.ProducerID() != c.at.producer {
			return nil
		}
		records, err := b.Records(unpackedLimit)
		for i := range records {
			if err == nil && records[i].Offset >= from {
				err = match.take(records[i])
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("compare the target's end of %s with the source: %w", c.p.tp, err)
	}
	if match.position > c.at.at {
		c.at.at, c.at.read = match.position, kafka.NoEpoch
	}
	return nil
}

func (e *effectivelyOnce) open(stream int, c *claim) Appender {
	return e.target.openAs(stream, c.p.tp, c.who)
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
