package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"schloss/client"
	"schloss/client/doctor"
	"schloss/kafka"
)

// leaderPatience is how long a leader may be awaited without a word: one is
// elected, or a topic made, in less.
const leaderPatience = 3 * time.Second

// watchLeaders tells after a while of partitions that nobody leads. Clients
// wait for a leader as long as they may, and do not say so.
func (s *session) watchLeaders(ctx context.Context, c *client.Client, topic string) (stop func()) {
	if topic == "" { // a pattern: whatever matches
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(leaderPatience):
		}
		found, err := metadataOf(ctx, c, topic)
		if err != nil {
			return // the command itself will tell
		}
		if orphans := doctor.Leaderless(found.Partitions); len(orphans) > 0 {
			s.warn("partition %s has no leader (%v, %s), one of %d; still trying", kafka.TopicPartition{Topic: topic, Partition: orphans[0]}, kafka.ErrLeaderNotAvailable, doctor.NoLeader, len(orphans))
			s.hint(fmt.Sprintf("start the broker that holds it: kafka-topics --describe --topic %s names its replicas", quotedWord(topic)))
		}
	})
	return func() {
		cancel()
		watch.Wait()
	}
}
