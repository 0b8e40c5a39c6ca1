package mirror

import (
	"context"
	"sync"
	"time"

	"schloss/client"
)

// Over a long line what is under way decides how much arrives: rate is bytes
// under way by the round trip. These bounds follow from it.
const (
	// longTrip is the round trip from which on a line is long. On a busy machine
	// a neighbour may take half of it to answer.
	longTrip = 10 * time.Millisecond
	// streamRate is what one broker's records are to be fetched with over a long
	// line, in bytes a second.
	streamRate = 200e6
	// partitionRate is what one partition is to be sent with over a long line;
	// the window of an idempotent producer allows five batches.
	partitionRate = 32e6
	// tripPerConnection is the round trip from which on each stream has one more
	// connection to each broker: Linux lets one have 4 MB under way
	// (net.ipv4.tcp_wmem), which makes 100 MB/s of it.
	tripPerConnection = 40 * time.Millisecond
	// mostConnections are of one stream to one broker.
	mostConnections = 4
)

// connections is how many each stream has to each broker.
func connections(trip time.Duration) int {
	return min(mostConnections, 1+int(trip/tripPerConnection))
}

// batchFor is the size of batches by which a partition gets its rate; 0: any
// will do.
func batchFor(trip time.Duration) int {
	if trip < longTrip {
		return 0
	}
	return int(partitionRate * trip.Seconds() / maxInFlight)
}

// underWay is what has left at a rate before its answer is there.
func underWay(rate float64, trip time.Duration) int { return int(rate * trip.Seconds()) }

// roundTrip measures how far away a cluster is. It is measured beside the
// records, not with them: behind five megabytes of records each answer is late,
// and the line no longer than before.
type roundTrip struct {
	mu   sync.Mutex // guards what follows
	last [8]time.Duration
	n    int // all that were noted
}

// measure asks the cluster something that costs it nothing.
func (r *roundTrip) measure(ctx context.Context, admin *client.Admin) error {
	begun := time.Now()
	if _, err := admin.Cluster(ctx); err != nil {
		return err
	}
	r.note(time.Since(begun))
	return nil
}

func (r *roundTrip) note(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.n%len(r.last)] = d
	r.n++
}

// shortest is the least of the last ones; 0: there is none yet. The others may
// have waited for a processor, or for a connection to be made.
func (r *roundTrip) shortest() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var least time.Duration
	for i, d := range r.last[:min(r.n, len(r.last))] {
		if i == 0 || d < least {
			least = d
		}
	}
	return least
}

// measureTrips finds out how far away both clusters are, and makes the streams:
// num.streams, and more of them over long lines.
func (m *Mirror) measureTrips(ctx context.Context) error {
	for begun, n := time.Now(), 0; n < 3 || n < len(m.source.trip.last) && time.Since(begun) < longTrip; n++ {
		err := m.insist(ctx, "measure the round trips", func() error {
			if err := m.source.trip.measure(ctx, m.source.admin); err != nil {
				return err
			}
			return m.target.Measure(ctx)
		})
		if err != nil {
			return err
		}
	}
	each := connections(max(m.source.trip.shortest(), m.target.RoundTrip()))
	m.makeStreams(max(1, m.config.Streams) * each)
	return nil
}

// minFetchBytes is the least that one response may bring.
const minFetchBytes = 256 << 10

// fetchBytes is how much one response may bring: two for every connection fit
// in the memory, four where much of it is on its way to a distant target. Over a
// long line from the source all of it is that of responses which are still to
// come.
func (m *Mirror) fetchBytes() int32 {
	connections := int64(len(m.streams) * m.source.leadingNodes())
	most, share := int64(m.settings.fetchMaxBytes), m.settings.memory/(2*connections)
	if m.target.RoundTrip() >= longTrip {
		share /= 2
	}
	if trip := m.source.trip.shortest(); trip >= longTrip {
		share = m.settings.memory / connections
		if !m.settings.fetchBytesSet {
			most = max(most, int64(underWay(streamRate, trip))/connections)
		}
	}
	return int32(min(most, max(share, minFetchBytes)))
}

// partitionFetchBytes is how much one partition may bring to a response of so
// many bytes: all of them, unless the file says otherwise. What is busy shares.
func (m *Mirror) partitionFetchBytes(all int32) int32 {
	if m.settings.partitionBytesSet {
		return m.settings.partitionFetchBytes
	}
	return max(all, m.settings.partitionFetchBytes)
}
