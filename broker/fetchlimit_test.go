package broker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

// TestAFetchDoesNotWaitForWhatItsLimitsKeepBack asks for at least as much as
// for at most, of a log that holds more: whole batches never fill that, and no
// waiting would.
func TestAFetchDoesNotWaitForWhatItsLimitsKeepBack(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	value := strings.Repeat("v", 1000)
	for range 10 {
		if got := codes(c.ask(t, produceRequest("t", -1, build(t, nil, value)), 9)); got[0] != kafka.NoError {
			t.Fatal(got)
		}
	}
	for _, tt := range []struct {
		name                string
		least, most, inPart int32
		batches             int
	}{
		{"the partition's limit", 2500, 1 << 20, 2500, 2},
		{"the limit of all", 2500, 2500, 1 << 20, 2},
		{"more than is ever given", math.MaxInt32, 3500, 1 << 20, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := askFetch("t", "").(*kmsg.FetchRequest)
			req.MinBytes, req.MaxBytes, req.MaxWaitMillis = tt.least, tt.most, int32(patience/time.Millisecond/2)
			req.Topics[0].Partitions[0].PartitionMaxBytes = tt.inPart
			began := time.Now()
			got := c.ask(t, req, 11).(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
			if n := len(got) / 1000; n != tt.batches {
				t.Errorf("got %d batches, want %d", n, tt.batches)
			}
			if took := time.Since(began); took > patience/4 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestAParkedFetchIsAnsweredWhenItsLimitsAreFull parks a fetch that asks for
// more than it allows, at the end of a log that then grows.
func TestAParkedFetchIsAnsweredWhenItsLimitsAreFull(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c, other := rawConnect(t, b), rawConnect(t, b)
	createTopic(t, c, "t", nil)
	req := askFetch("t", "").(*kmsg.FetchRequest)
	req.MinBytes, req.MaxBytes, req.MaxWaitMillis = math.MaxInt32, 1<<20, int32(patience/time.Millisecond/2)
	req.Topics[0].Partitions[0].PartitionMaxBytes = 2500
	began := time.Now()
	c.send(t, req, 11)
	for range 4 {
		other.ask(t, produceRequest("t", -1, build(t, nil, strings.Repeat("v", 1000))), 9)
	}
	if _, err := c.receive(req.Key(), 11); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > patience/4 {
		t.Errorf("it took %v", took)
	}
}
