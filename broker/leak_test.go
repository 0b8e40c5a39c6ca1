package broker_test

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
)

// TestPeersThatGoLeaveNothing parks fetches and joins that would wait for ever
// and lets their connections go: nothing of them stays.
func TestPeersThatGoLeaveNothing(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	c.ask(t, walk["OffsetFetch"].ask("t", "g"), 8) // makes __consumer_offsets
	before := runtime.NumGoroutine()
	for i := range 60 {
		gone := rawConnect(t, b)
		var req kmsg.Request
		switch i % 3 {
		case 0, 1:
			fetch := askFetch("t", "").(*kmsg.FetchRequest)
			fetch.MaxWaitMillis, fetch.MinBytes = math.MaxInt32, math.MaxInt32
			req = fetch
		case 2:
			join := kmsg.NewPtrJoinGroupRequest()
			join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = "g", "consumer", 10000, math.MaxInt32
			join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
			req = join
		}
		version := int16(11)
		if i%3 == 2 {
			version = 3
		}
		gone.send(t, req, version)
		if i%2 == 0 { // while it is parked, else perhaps before
			time.Sleep(2 * time.Millisecond)
		}
		if err := gone.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
