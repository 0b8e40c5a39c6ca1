package broker_test

import (
	"encoding/binary"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/wire"
)

// BenchmarkFetch measures what a fetch costs the process in CPU: of very many
// partitions without news, and of those of which one has records. Frames are
// made beforehand, so that the broker's part is most of it.
func BenchmarkFetch(b *testing.B) {
	const partitions = 1000
	for _, bb := range []struct {
		name           string
		session, waits bool // waits: it is parked, for a millisecond
		records        bool
	}{
		{"idle without a session", false, false, false},
		{"idle in a session", true, false, false},
		{"idle and waiting without a session", false, true, false},
		{"idle and waiting in a session", true, true, false},
		{"one of them with records without a session", false, false, true},
		{"one of them with records in a session", true, false, true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			kit := testkit.Start(b, testkit.Options{Authorizer: false})
			c := rawConnect(b, kit)
			create := kmsg.NewPtrCreateTopicsRequest()
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", partitions, 1
			create.Topics, create.TimeoutMillis = append(create.Topics, topic), 10000
			if got := codes(c.ask(b, create, 5)); got[0] != kafka.NoError {
				b.Fatal(got)
			}
			put(b, c, "t", "v")
			req := fetchIn(0, 0, "t")
			for i := range int32(partitions - 1) {
				req.Topics[0].Partitions = append(req.Topics[0].Partitions,
					kmsg.FetchRequestTopicPartition{Partition: i + 1, CurrentLeaderEpoch: -1, PartitionMaxBytes: 1 << 20})
			}
			if !bb.records {
				req.Topics[0].Partitions[0].FetchOffset = 1
			}
			epoch := int32(-1)
			if bb.session {
				req.SessionID, epoch = c.fetch(b, req).SessionID, 0
				req.Topics = nil
			}
			if bb.waits {
				req.MaxWaitMillis, req.MinBytes = 1, 1
			}
			req.SessionEpoch = epoch
			req.SetVersion(11)
			frame := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: 1, Version: 11, ClientID: "test"})
			epochAt := len(frame) + 4 + 4 + 4 + 4 + 1 + 4
			frame = req.AppendTo(frame)
			binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
			answer := make([]byte, 1<<20)
			if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
				b.Fatal(err)
			}
			before := cpu(b)
			b.ReportAllocs()
			for b.Loop() {
				if bb.session {
					epoch++
					binary.BigEndian.PutUint32(frame[epochAt:], uint32(epoch))
				}
				if _, err := c.Write(frame); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, answer[:4]); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, answer[:binary.BigEndian.Uint32(answer)]); err != nil {
					b.Fatal(err)
				}
				if code := binary.BigEndian.Uint16(answer[8:]); code != 0 {
					b.Fatalf("code %d", code)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// cpu is what the process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
