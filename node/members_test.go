package node_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMembersOutliveARestart kills a broker while many members of a group join
// it. All of them get on: whatever is produced later is consumed.
func TestMembersOutliveARestart(t *testing.T) {
	const members, kills, each = 8, 3, 40
	path, addr := onFixedPort(t, map[string]string{"num.partitions": strconv.Itoa(members),
		"offsets.topic.num.partitions": "1", "group.initial.rebalance.delay.ms": "50", "group.min.session.timeout.ms": "1000",
	})
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	kill := burn(t, path)
	soon := kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond })
	producer, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("t"), soon, kgo.RetryTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	var mu sync.Mutex
	got := map[string]bool{}
	join := func() {
		c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), soon,
			kgo.SessionTimeout(2*time.Second), kgo.HeartbeatInterval(100*time.Millisecond), kgo.RebalanceTimeout(2*time.Second),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(10*time.Millisecond), kgo.AutoCommitInterval(100*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		var polling sync.WaitGroup
		polling.Go(func() {
			for {
				f := c.PollFetches(ctx)
				if f.IsClientClosed() || ctx.Err() != nil {
					return
				}
				mu.Lock()
				f.EachRecord(func(r *kgo.Record) { got[string(r.Value)] = true })
				mu.Unlock()
			}
		})
		t.Cleanup(func() {
			c.CloseAllowingRebalance()
			polling.Wait()
		})
	}
	want := 0
	for round := range kills + 1 {
		for i := range each {
			v := strconv.Itoa(round*each + i)
			if err := producer.ProduceSync(ctx, &kgo.Record{Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		want += each
		for range members / (kills + 1) {
			join()
		}
		if round < kills {
			kill() // in the middle of their joining
			kill = burn(t, path)
		}
	}
	for {
		mu.Lock()
		n := len(got)
		mu.Unlock()
		if n == want {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d of %d records were consumed", n, want)
		}
	}
}
