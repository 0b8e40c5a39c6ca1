package mirror

import (
	"context"
	"slices"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/wire"
)

// fetcher reads what one broker of the source leads of one stream. Requests
// follow each other on one connection; while the target works on the records
// of one response, the next one arrives in another buffer.
type fetcher struct {
	stream *stream
	node   kafka.NodeID
	wakeup chan struct{}
	last   *partition // that had records in the last response: the next request begins behind it
	busy   int        // partitions that had records in the last response
	// starved is one that had some, and no whole batch. A broker gives at least one
	// batch of the first partition that has any, however large, so it comes first.
	starved *partition

	conn *client.Conn
	req  wire.FetchRequest
	resp wire.FetchResponse
}

func newFetcher(s *stream, node kafka.NodeID) *fetcher {
	return &fetcher{stream: s, node: node, wakeup: make(chan struct{}, 1)}
}

func (f *fetcher) signal() {
	select {
	case f.wakeup <- struct{}{}:
	default:
	}
}

// crowdedWait is how long idle partitions wait for their next turn while busy
// ones wait for the target. All of it may come upon a record's latency.
const crowdedWait = 5 * time.Millisecond

// run fetches until the context ends.
func (f *fetcher) run(ctx context.Context) {
	defer f.hangUp()
	for failures := 0; ctx.Err() == nil; {
		f.stream.mirror.source.throttles.keep(ctx, f.conn)
		asked, crowded := f.plan()
		if len(asked) == 0 {
			f.wait(ctx, time.Hour)
			continue
		}
		found, err := f.round(ctx, asked)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			failures++
			f.hangUp()
			f.stream.mirror.source.outages.trouble(f.node, err)
			f.stream.mirror.source.refresh()
			f.wait(ctx, pause(f.stream.mirror.settings.backoff, failures))
		default:
			failures = 0
			f.stream.mirror.source.outages.recovered(f.node)
			if crowded && !found {
				f.wait(ctx, crowdedWait)
			}
		}
	}
}

func (f *fetcher) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.wakeup:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *fetcher) hangUp() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// plan composes the request: every partition that runs and is led here, but
// for those whose records the target has not caught up with. With such ones,
// the broker is not to wait for the others' records.
func (f *fetcher) plan() (asked []*partition, crowded bool) {
	s := f.stream
	set := &s.mirror.settings
	s.mu.Lock()
	defer s.mu.Unlock()
	f.req = wire.FetchRequest{
		ReplicaID:     -1,
		MaxWaitMillis: set.fetchWaitMillis,
		MinBytes:      set.fetchMinBytes,
		MaxBytes:      s.mirror.fetchBytes(),
		Isolation:     set.isolation,
		SessionEpoch:  -1, // no session
		Topics:        f.req.Topics[:0],
		Rack:          set.rack,
	}
	share := f.req.MaxBytes / int32(max(1, f.busy)) // all that are busy are to be in it
	most := s.mirror.partitionFetchBytes(f.req.MaxBytes)
	first := slices.Index(s.partitions, f.last) + 1
	if at := slices.Index(s.partitions, f.starved); at >= 0 {
		first = at
	}
	for i := range s.partitions {
		p := s.partitions[(first+i)%len(s.partitions)]
		if p.leader != f.node || p.fetching || p.leaving || !p.running() {
			continue
		}
		if p.crowded() {
			crowded = true
			continue
		}
		p.fetching = true
		asked = append(asked, p)
		f.ask(p, min(most, max(share, p.fetchable())))
	}
	if crowded {
		f.req.MaxWaitMillis = 0
	}
	return asked, crowded
}

// ask adds a partition to the request, which may bring so many bytes.
func (f *fetcher) ask(p *partition, bytes int32) {
	topics := f.req.Topics
	if n := len(topics); n == 0 || topics[n-1].Name != p.tp.Topic {
		f.req.Topics = append(topics, wire.FetchTopic{Name: p.tp.Topic, ID: p.id})
	}
	p.asked = p.next
	t := &f.req.Topics[len(f.req.Topics)-1]
	t.Partitions = append(t.Partitions, wire.FetchPartition{
		Index: p.tp.Partition, LeaderEpoch: p.epoch, Offset: p.next, LastFetchedEpoch: kafka.NoEpoch, LogStart: -1, MaxBytes: bytes})
}

// frameRoom is what a response may need beside the records: a buffer that has
// it at once need not grow, which would copy what has arrived.
const frameRoom = 64 << 10

// round sends the request and hands out what comes back. found says whether
// there were records.
func (f *fetcher) round(ctx context.Context, asked []*partition) (found bool, err error) {
	m := f.stream.mirror
	defer f.finish(asked)
	if f.conn == nil {
		if f.conn, err = m.settings.source.Dial(ctx, f.node); err != nil {
			return false, err
		}
	}
	memory, err := m.pool.get(ctx, int(f.req.MaxBytes)+frameRoom)
	if err != nil {
		return false, err
	}
	defer memory.release()
	bytes, err := f.conn.Fetch(ctx, &f.req, &f.resp, memory.bytes)
	m.pool.grown(memory, bytes)
	if err != nil {
		return false, err
	}
	if err := f.resp.Error.Err(); err != nil {
		return false, err
	}
	return f.handOut(ctx, asked, memory), nil
}

// handOut gives each partition what the response has of it. found says whether
// there were records.
func (f *fetcher) handOut(ctx context.Context, asked []*partition, memory *buffer) (found bool) {
	at, busy := 0, 0
	f.starved = nil
	for i := range f.resp.Topics {
		t := &f.resp.Topics[i]
		for j := range t.Partitions {
			r := &t.Partitions[j]
			if at = f.find(asked, at, t, r.Index); at == len(asked) {
				continue
			}
			f.stream.fetched(ctx, asked[at], r, memory)
			if len(r.Records) == 0 {
				continue
			}
			if f.last, busy = asked[at], busy+1; f.stream.stands(f.last) {
				f.starved = f.last
			}
		}
	}
	f.busy = busy
	return busy > 0
}

// find looks a partition up among those that were asked for, by its topic's name
// or id. Answers come in the order of the request, or nearly, so it goes on from
// the last one.
func (f *fetcher) find(asked []*partition, from int, topic *wire.FetchedTopic, index int32) int {
	f.stream.mu.Lock() // a topic that is recreated gets another id meanwhile
	defer f.stream.mu.Unlock()
	for i := range asked {
		at := (from + i) % len(asked)
		if p := asked[at]; p.tp.Partition == index && (p.tp.Topic == topic.Name || topic.Name == "" && p.id == topic.ID) {
			return at
		}
	}
	return len(asked)
}

// finish lets the partitions be asked for again.
func (f *fetcher) finish(asked []*partition) {
	s := f.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range asked {
		p.fetching = false
		if p.leader != f.node { // its new leader's fetcher has waited for this
			if g := s.fetchers[p.leader]; g != nil {
				g.signal()
			}
		}
	}
}
