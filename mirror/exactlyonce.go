package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// exactlyOnce writes in transactions of its own, still raw: the bit, the
// producer and the sequence number stand in the header. What a transaction
// moves the positions to is a record of the same transaction, so both are there
// or neither is.
//
//	add partitions > let their outboxes send > no new batches > all answered
//	> the journal's records > commit
//
// One process works for one group: the transactional id is the group's, and who
// uses it last fences those before.
type exactlyOnce struct {
	m      *Mirror
	target *clusterTarget
	txn    *transactional
	who    identity  // changed by run alone, under mu
	state  *appender // of the journal's partition; of run alone

	wake  chan struct{} // something waits to be sent
	quiet chan struct{} // an answer came
	hurry chan struct{} // somebody waits for the end of the transaction

	mu     sync.Mutex // guards what follows
	boxes  map[*boundAppender]bool
	undone map[kafka.TopicPartition]bool // what was acknowledged of it is not there
	undos  int
	going  chan struct{} // closed at the end of the transaction; nil: there is none
}

// transactionTime is how long a transaction takes up new batches: a record is
// seen by readers of committed ones that much later, and each transaction costs
// each of its partitions a marker.
const transactionTime = 100 * time.Millisecond

// transactionalSegments bounds the maps that are written with each transaction:
// the marker of each makes another segment.
const transactionalSegments = 1024

func newExactlyOnce(m *Mirror, target *clusterTarget) *exactlyOnce {
	x := &exactlyOnce{m: m, target: target,
		wake: make(chan struct{}, 1), quiet: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		boxes: make(map[*boundAppender]bool), undone: make(map[kafka.TopicPartition]bool)}
	x.txn = target.transaction("")
	return x
}

// start becomes the writer, which ends what an earlier one has left.
func (x *exactlyOnce) start(ctx context.Context) (err error) {
	x.txn.id = "schloss-mirror-" + x.m.settings.group
	x.target.transactional = &x.txn.id
	if x.who, err = x.txn.init(ctx, nobody); err != nil {
		var old *client.VersionError
		if errors.Is(err, kafka.ErrTransactionalIDAuthorizationFailed) || errors.As(err, &old) {
			return fmt.Errorf("exactly-once needs a target that serves transactions to this client: %w", err)
		}
		return err
	}
	return nil
}

func (x *exactlyOnce) openState() {
	x.state = x.target.openAs(0, kafka.TopicPartition{Topic: x.m.journal.topic}, writer{x.who, 0})
	x.state.box.bind(x.quiet)
}

// own waits for the end of the transaction that may hold batches of the
// partitions. If it was undone, they go back to where the journal has them.
func (x *exactlyOnce) own(ctx context.Context, claims []*claim) error {
	if err := x.flush(ctx); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range claims {
		c.turn, c.at.writer = x.undos, noWriter
		if !x.undone[c.p.tp] {
			continue
		}
		if e, ok := x.m.journal.entry(c.p.tp); ok {
			c.at = place{at: e.position, committed: c.at.committed, read: e.epoch, offsets: e.offsets.Clone(), base: e.base, writer: noWriter}
		} else {
			c.at = c.p.began
		}
		delete(x.undone, c.p.tp)
	}
	return nil
}

// flush waits for the end of the transaction under way.
func (x *exactlyOnce) flush(ctx context.Context) error {
	x.mu.Lock()
	going := x.going
	x.mu.Unlock()
	if going == nil {
		return nil
	}
	signal(x.hurry)
	select {
	case <-going:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// boundAppender tells when there is something to send.
type boundAppender struct {
	*appender
	x *exactlyOnce
	p *partition
}

func (b *boundAppender) Append(copies []Copy) {
	b.appender.Append(copies)
	signal(b.x.wake)
}

func (x *exactlyOnce) open(stream int, c *claim) Appender {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c.turn != x.undos {
		return nil
	}
	a := &boundAppender{x.target.openAs(stream, c.p.tp, writer{x.who, 0}), x, c.p}
	a.box.bind(x.quiet)
	x.boxes[a] = true
	return a
}

func (x *exactlyOnce) renews(err error) bool {
	var code kafka.ErrorCode
	return errors.As(err, &code) && forgotten(code)
}

// commit tells the group what the journal has.
func (x *exactlyOnce) commit(ctx context.Context, ps []*partition) map[kafka.TopicPartition]kafka.Offset {
	if x.flush(ctx) != nil {
		return nil
	}
	moved := make(map[kafka.TopicPartition]kafka.Offset)
	for _, p := range ps {
		e, ok := x.m.journal.entry(p.tp)
		p.stream.mu.Lock()
		at := p.done // nothing was copied yet: where it began
		if ok {
			at = e.position
		}
		if !p.revoked && at >= 0 && at != p.committed && (ok || p.records == 0) {
			moved[p.tp] = at
		}
		p.stream.mu.Unlock()
	}
	return moved
}

// run makes one transaction after the other.
func (x *exactlyOnce) run(ctx context.Context) {
	x.openState()
	x.target.refresh() // its leader
	for ctx.Err() == nil {
		select {
		case <-x.wake:
		case <-ctx.Done():
			return
		}
		boxes := x.begin()
		if len(boxes) == 0 {
			continue
		}
		err := x.transaction(ctx, boxes)
		if err != nil && ctx.Err() == nil {
			err = x.undo(ctx, err)
		}
		x.mu.Lock()
		close(x.going)
		x.going = nil
		x.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			x.m.fatal(err)
			return
		}
		signal(x.wake) // what has come meanwhile
	}
}

// begin collects the outboxes that wait, and forgets those that are closed.
func (x *exactlyOnce) begin() (waiting []*boundAppender) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for a := range x.boxes {
		switch a.condition() {
		case boxGone:
			delete(x.boxes, a)
		case boxWaits:
			waiting = append(waiting, a)
		}
	}
	if len(waiting) > 0 {
		x.going = make(chan struct{})
		select {
		case <-x.hurry:
		default:
		}
	}
	return waiting
}

// transaction is one transaction, from the first request to the commit. After
// an error it is not known what of it is there.
func (x *exactlyOnce) transaction(ctx context.Context, boxes []*boundAppender) error {
	boxes, err := x.enrol(ctx, boxes)
	if err != nil || len(boxes) == 0 {
		return err
	}
	select {
	case <-time.After(transactionTime):
	case <-x.hurry:
	case <-ctx.Done():
	}
	for _, a := range boxes {
		a.enrol(false)
	}
	refused, err := x.drain(ctx, boxes)
	if err != nil {
		return err
	}
	entries := make(map[kafka.TopicPartition]entry, len(boxes))
	for _, a := range boxes {
		p := a.p
		p.stream.mu.Lock()
		p.offsets.Shorten(transactionalSegments)
		entries[p.tp] = p.entry()
		p.stream.mu.Unlock()
	}
	if err := x.writeState(ctx, entries); err != nil {
		return err
	}
	who, err := x.txn.end(ctx, x.who, true)
	if err != nil {
		return err
	}
	x.m.journal.note(entries)
	if refused { // sequence numbers were used up that the target has not seen
		if who, err = x.txn.init(ctx, who); err != nil {
			return err
		}
	}
	if who != x.who {
		x.become(who)
	}
	return nil
}

// enrol adds the partitions to the transaction and lets them send. Those that
// the target refuses are told.
func (x *exactlyOnce) enrol(ctx context.Context, boxes []*boundAppender) ([]*boundAppender, error) {
	for len(boxes) > 0 {
		tps := []kafka.TopicPartition{{Topic: x.m.journal.topic}}
		for _, a := range boxes {
			tps = append(tps, a.box.tp)
		}
		refused, err := x.txn.add(ctx, x.who, tps)
		if err != nil {
			return nil, err
		}
		if err := refused[tps[0]]; err != nil {
			return nil, err
		}
		if len(refused) == 0 {
			break
		}
		var rest []*boundAppender
		for _, a := range boxes {
			if err := refused[a.box.tp]; err != nil {
				a.fail(err)
				continue
			}
			rest = append(rest, a)
		}
		boxes = rest
	}
	for _, a := range boxes {
		a.enrol(true)
	}
	return boxes, nil
}

// drain waits until everything that was sent is answered and told. refused says
// that the target has definitely not taken something.
func (x *exactlyOnce) drain(ctx context.Context, boxes []*boundAppender) (refused bool, err error) {
	for _, a := range boxes {
		for !a.drained() {
			select {
			case <-x.quiet:
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
		if err := a.ended(); err != nil {
			var code kafka.ErrorCode
			if !errors.As(err, &code) || code.Retriable() || forgotten(code) {
				return false, err
			}
			refused = true
		}
	}
	return refused, nil
}

// become has all outboxes, of which none has anything under way, go on as
// somebody else.
func (x *exactlyOnce) become(who identity) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.who = who
	x.state.rename(who)
	for a := range x.boxes {
		a.rename(who)
	}
}

// stateBatch is how large the journal's batches are made, before compression;
// each holds at least one record.
const stateBatch = 512 << 10

// writeState writes entries into the transaction.
func (x *exactlyOnce) writeState(ctx context.Context, entries map[kafka.TopicPartition]entry) error {
	written := make(chan error, len(entries))
	var copies []Copy
	b := batch.NewBuilder(batch.None)
	finish := func() error {
		bytes, err := b.Build()
		if err == nil {
			copies = append(copies, &stateCopy{bytes, written})
		}
		return err
	}
	for tp, e := range entries {
		key, value, err := x.m.journal.record(tp, &e)
		if err != nil {
			return err
		}
		if b.Len() > 0 && b.Size()+len(value) > stateBatch {
			if err := finish(); err != nil {
				return err
			}
			b = batch.NewBuilder(batch.None)
		}
		b.Add(batch.Record{Offset: kafka.Offset(b.Len()), Timestamp: time.Now().UnixMilli(), Key: key, Value: value})
	}
	if err := finish(); err != nil {
		return err
	}
	x.state.enrol(true)
	x.state.Append(copies)
	for range copies {
		select {
		case err := <-written:
			if err != nil {
				return fmt.Errorf("write the mirror's state to %s: %w", x.m.journal.topic, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	x.state.enrol(false)
	return nil
}

// stateCopy is a batch of the journal on its way.
type stateCopy struct {
	batch   batch.Batch
	written chan<- error
}

func (c *stateCopy) Batch() batch.Batch             { return c.batch }
func (c *stateCopy) Partition() int32               { return 0 }
func (c *stateCopy) Done(_ kafka.Offset, err error) { c.written <- err }
