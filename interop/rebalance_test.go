//go:build interop

package interop

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"schloss/internal/peers"
)

// javaMember is a console consumer of a real release that stays until it is
// stopped.
func (s secured) javaMember(version, topic, group string) background {
	s.t.Helper()
	cmd, err := peers.Java(context.Background(), version, "console-consumer", "--bootstrap-server", s.addr, "--topic", topic, "--group", group,
		"--consumer.config", "tenant.properties", "--from-beginning", "--consumer-property", "heartbeat.interval.ms=300")
	if err != nil {
		s.t.Fatal(err)
	}
	return s.spawnCmd(cmd)
}

// TestJavaRebalances lets two members of each release share a topic while
// records arrive: the second joins, then leaves, and no record is missed.
func TestJavaRebalances(t *testing.T) {
	s := newSecured(t)
	for _, v := range []string{peers.Oldest, peers.Last3, peers.Newest} {
		t.Run("Java "+v, func(t *testing.T) {
			s := s
			s.t = t
			topic, group := "tenant-shared-"+v, "tenant-shared-"+v
			s.must(s.as("admin", "bin/kafka-topics.sh") + " --create --partitions 4 --topic " + topic)
			produce := func(from int) {
				t.Helper()
				var lines strings.Builder
				for i := range 100 {
					fmt.Fprintf(&lines, "%d:record %d.\n", from+i, from+i)
				}
				if r := s.shIn(s.as("tenant", "bin/kafka-console-producer.sh")+" --property parse.key=true --property key.separator=: --topic "+topic, lines.String()); r.code != 0 {
					t.Fatal(r.all())
				}
			}
			members := func(want int) {
				t.Helper()
				eventually(t, time.Minute, func() error {
					r := s.sh(s.as("tenant", "bin/kafka-consumer-groups.sh") + " --describe --members --group " + group)
					if got := strings.Count(r.stdout, "\n"+group+" "); got != want || strings.Contains(r.all(), "rebalancing") {
						return fmt.Errorf("%d members, want %d:\n%s", got, want, r.all())
					}
					return nil
				})
			}
			produce(0)
			first := s.javaMember(v, topic, group)
			seen := func(want int, by ...background) {
				t.Helper()
				eventually(t, time.Minute, func() error {
					var text string
					for _, b := range by {
						text += b.log.String()
					}
					for i := range want {
						if !strings.Contains(text, fmt.Sprintf("record %d.", i)) {
							return fmt.Errorf("record %d is missing", i)
						}
					}
					return nil
				})
			}
			seen(100, first)
			second := s.javaMember(v, topic, group)
			members(2)
			produce(100)
			seen(200, first, second)
			second.end(20 * time.Second)
			members(1)
			produce(200)
			seen(300, first, second)
			first.end(20 * time.Second)
		})
	}
}
