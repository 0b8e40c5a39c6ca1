package mirror

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/wire"
)

// sender sends what one stream copies: a lane for each broker that leads
// something of it.
type sender struct {
	target *clusterTarget
	ctx    context.Context // ends with the target's run

	mu      sync.Mutex // guards the lanes' lists, the outboxes and what follows
	lanes   map[kafka.NodeID]*lane
	gathers int                           // requests that were gathered
	last    map[kafka.TopicPartition]*int // the last of them that took of a partition
}

// lane is one connection to one broker of the target.
type lane struct {
	sender *sender
	node   kafka.NodeID
	wake   chan struct{}
	ready  []*outbox
	flying int          // requests under way
	conn   *client.Conn // of run alone
}

// shipment is one parcel in a request.
type shipment struct {
	from   *outbox
	parcel *parcel
	told   int // outcomes that its answer brought
}

// outbox makes an outbox for a partition. Several may have the same one.
func (s *sender) outbox(tp kafka.TopicPartition) *outbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last[tp] == nil {
		s.last[tp] = new(int)
	}
	return &outbox{tp: tp, window: s.target.window, patience: s.target.patience, node: -1, last: s.last[tp]}
}

// appender is the Appender of one partition.
type appender struct {
	sender *sender
	box    *outbox
}

func (a *appender) Append(copies []Copy) {
	a.sender.mu.Lock()
	a.box.add(copies)
	a.sender.listLocked(a.box)
	done := a.box.report()
	a.sender.mu.Unlock()
	a.sender.tell(a.box, done)
}

func (a *appender) Close(ctx context.Context) {
	a.sender.mu.Lock()
	emptied := a.box.close()
	done := a.box.report()
	a.sender.mu.Unlock()
	a.sender.tell(a.box, done)
	select {
	case <-emptied:
	case <-ctx.Done():
	}
}

// tell tells the outcomes that an outbox has reported.
func (s *sender) tell(o *outbox, done []finished) {
	tell(done)
	s.told(shipment{from: o, told: len(done)})
}

func tell(done []finished) {
	for _, f := range done {
		f.copy.Done(f.base, f.err)
	}
}

// told notes that the outcomes of shipments are told.
func (s *sender) told(all ...shipment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range all {
		sh.from.told(sh.told)
		if sh.from.bound {
			signal(sh.from.quiet)
		}
	}
}

// listLocked puts an outbox that may send on the list of its leader's lane.
func (s *sender) listLocked(o *outbox) {
	if o.listed || !o.ready() {
		return
	}
	if o.flying == 0 { // only then may the leader change
		o.node = s.target.leader(o.tp)
	}
	if o.node < 0 {
		s.restLocked(o)
		return
	}
	l := s.lanes[o.node]
	if l == nil {
		l = &lane{sender: s, node: o.node, wake: make(chan struct{}, 1)}
		s.lanes[o.node] = l
		s.target.running.Go(func() { l.run(s.ctx) })
	}
	o.listed = true
	l.ready = append(l.ready, o)
	l.signal()
}

// restLocked pauses an outbox and has its leader looked for meanwhile.
func (s *sender) restLocked(o *outbox) {
	o.resting = true
	o.rests++
	s.target.refresh()
	time.AfterFunc(s.target.pause(o.rests), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		o.resting = false
		s.listLocked(o)
	})
}

// identify asks for an identity until there is one.
func (s *sender) identify(o *outbox) {
	for attempt := 1; ; attempt++ {
		who, err := s.target.identity(s.ctx, o.tp)
		s.mu.Lock()
		switch {
		case o.closed:
			s.mu.Unlock()
			return
		case err == nil:
			o.who = &who
			if who == nobody {
				o.window = 1 // order is kept by one at a time
			}
			s.listLocked(o)
			s.mu.Unlock()
			return
		case !transient(err):
			o.end(err)
			done := o.report()
			s.mu.Unlock()
			s.tell(o, done)
			return
		}
		s.mu.Unlock()
		select {
		case <-time.After(s.target.pause(attempt)):
		case <-s.ctx.Done():
			return
		}
	}
}

// transient says whether an error may pass by itself: what a broker answers
// says so, what the network does always may.
func transient(err error) bool {
	var code kafka.ErrorCode
	return !errors.As(err, &code) || code.Retriable()
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends until the context ends.
func (l *lane) run(ctx context.Context) {
	defer func() {
		if l.conn != nil {
			l.conn.Close()
		}
	}()
	for ctx.Err() == nil {
		l.sender.target.throttles.keep(ctx, l.conn)
		load := l.gather(time.Now())
		if len(load) == 0 {
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		if err := l.ship(ctx, load); err != nil {
			l.answered(load, nil, err)
		}
	}
}

// gather takes one parcel of each partition that may send, which is as many
// as Kafka takes in one request, up to the size of a request. Of two outboxes
// for one partition the second waits for the next request: of two batches for
// one partition Kafka would take one, and its answer would stand for both.
func (l *lane) gather(now time.Time) (load []shipment) {
	l.sender.mu.Lock()
	defer l.sender.mu.Unlock()
	if l.flying >= maxInFlight+int(l.sender.target.trip.shortest()/longTrip) {
		return nil
	}
	l.sender.gathers++
	size := 0
	for n := len(l.ready); n > 0 && size < l.sender.target.requestSize; n-- {
		o := l.ready[0]
		l.ready = l.ready[1:]
		if *o.last == l.sender.gathers {
			l.ready = append(l.ready, o)
			continue
		}
		o.listed = false
		if !o.ready() {
			continue
		}
		*o.last = l.sender.gathers
		p := o.take(now)
		size += len(p.copy.Batch())
		load = append(load, shipment{from: o, parcel: p})
		l.sender.listLocked(o)
	}
	if len(load) > 0 {
		l.flying++
	}
	return load
}

// ship sends a request. On error, nothing of it has been answered.
func (l *lane) ship(ctx context.Context, load []shipment) error {
	if l.conn == nil {
		conn, err := l.sender.target.cluster.Dial(ctx, l.node)
		if err != nil {
			if ctx.Err() == nil {
				l.sender.target.outages.trouble(l.node, err)
			}
			return err
		}
		l.conn = conn
		l.sender.target.outages.recovered(l.node)
	}
	req := &wire.ProduceRequest{TransactionalID: l.sender.target.transactional, Acks: l.sender.target.acks, TimeoutMillis: l.sender.target.timeoutMillis}
	for _, s := range load {
		i := 0
		for i < len(req.Topics) && req.Topics[i].Name != s.from.tp.Topic {
			i++
		}
		if i == len(req.Topics) {
			req.Topics = append(req.Topics, wire.ProduceTopic{Name: s.from.tp.Topic})
		}
		t := &req.Topics[i]
		t.Partitions = append(t.Partitions, wire.ProducePartition{Index: s.from.tp.Partition, Records: s.parcel.copy.Batch()})
	}
	conn := l.conn
	err := conn.Produce(ctx, req, func(resp *wire.ProduceResponse, err error) { l.answered(load, resp, err) })
	if err != nil {
		l.conn = nil // it is dialled again, and that tells whether there is trouble
		conn.Close()
	}
	return err
}

// errNoAnswer is a response that leaves out a partition that was sent.
var errNoAnswer = errors.New("the broker's response does not name the partition")

// answered hands the outcome of a request to the outboxes.
func (l *lane) answered(load []shipment, resp *wire.ProduceResponse, err error) {
	s := l.sender
	now := time.Now()
	var done []finished
	s.mu.Lock()
	l.flying--
	for i, sh := range load {
		base, outcome := kafka.NoOffset, err
		if err == nil {
			base, outcome = outcomeOf(resp, sh.from.tp)
		}
		switch sh.from.answer(sh.parcel, base, outcome, now) {
		case rest:
			s.restLocked(sh.from)
		case identify:
			s.target.running.Go(func() { s.identify(sh.from) })
		case nothing:
			s.listLocked(sh.from)
		}
		before := len(done)
		done = append(done, sh.from.report()...)
		load[i].told = len(done) - before
	}
	waiting := len(l.ready) > 0
	s.mu.Unlock()
	if waiting {
		l.signal()
	}
	tell(done)
	s.told(load...)
}

// outcomeOf finds the answer for a partition.
func outcomeOf(resp *wire.ProduceResponse, tp kafka.TopicPartition) (kafka.Offset, error) {
	for i := range resp.Topics {
		if resp.Topics[i].Name != tp.Topic {
			continue
		}
		for j := range resp.Topics[i].Partitions {
			if p := &resp.Topics[i].Partitions[j]; p.Index == tp.Partition {
				return p.BaseOffset, produceError(tp, p)
			}
		}
	}
	return kafka.NoOffset, errNoAnswer
}

func produceError(tp kafka.TopicPartition, p *wire.ProducedPartition) error {
	if p.Error == kafka.NoError {
		return nil
	}
	message := p.Message
	if message == "" && len(p.RecordErrors) > 0 {
		message = p.RecordErrors[0].Message
	}
	var err error = &client.AnswerError{Doing: "produce to partition", Name: tp.String(), Code: p.Error, Message: message}
	if len(p.RecordErrors) > 0 {
		return &recordErrors{err, slices.Clone(p.RecordErrors)} // the response is read into again
	}
	return client.Denied(err, kafka.Write, kafka.Topic, tp.Topic)
}

// recordErrors is a refusal for which the target has named the records.
type recordErrors struct {
	err     error
	records []wire.ProducedRecordError
}

func (e *recordErrors) Error() string { return e.err.Error() }

func (e *recordErrors) Unwrap() error { return e.err }
