package broker

import (
	"sync"
	"testing"

	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/kafka/wire"
)

// TestASessionThatHasToGoAtOnceLeavesNothing makes sessions side by side, as
// parked fetches of one connection do, where there is room for one alone: a
// session may be out of the cache before its partitions are registered.
func TestASessionThatHasToGoAtOnceLeavesNothing(t *testing.T) {
	b := onDisk(t, newDisk(t))
	makeTopic(t, b, "t")
	var ids sync.Mutex
	var last byte
	b.sessions = newFetchSessions(1, func() (id [16]byte) {
		ids.Lock()
		defer ids.Unlock()
		last++
		id[15] = last
		return id
	})
	peer := &listener.Peer{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				f := &fetchCall{call: &call{b: b, peer: peer, image: b.meta.Image(), now: b.now()}}
				f.in = wire.FetchRequest{ReplicaID: -1, Topics: []wire.FetchTopic{{Name: "t", Partitions: []wire.FetchPartition{{LeaderEpoch: kafka.NoEpoch, LastFetchedEpoch: kafka.NoEpoch}}}}}
				f.gather()
				f.makeSession()
			}
		})
	}
	all.Wait()
	left := 0
	for id := range int32(256) {
		if s := b.sessions.find(id, ""); s != nil {
			left++
			b.sessions.end(s)
		}
	}
	if left != 1 {
		t.Errorf("%d sessions are in the cache, want 1", left)
	}
	r := b.topics.named("t").replica(0)
	r.waitMu.Lock()
	defer r.waitMu.Unlock()
	if n := len(r.waiters); n > 0 {
		t.Errorf("%d registrations are left of sessions that have gone", n)
	}
}
