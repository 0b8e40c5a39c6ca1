package broker_test

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/wire"
	"schloss/security/acl"
)

// FuzzHandle sends the body of any request in any version to a broker in this
// process. Nothing may panic, and the broker must go on serving. The rights
// let every API get to work, but leave no way to make topics without end.
func FuzzHandle(f *testing.F) {
	table := broker.APIs()
	for i, a := range table {
		w, ok := walk[a.Name]
		if !ok {
			f.Add(uint8(i), uint8(3), []byte{0, 2, 'x', 2, '1', 0})
			continue
		}
		for _, version := range []int16{max(a.Min, 3), a.Max} {
			req := w.ask(hiddenTopic, hiddenGroup)
			req.SetVersion(version)
			f.Add(uint8(i), uint8(version), req.AppendTo(nil))
		}
	}
	b := testkit.Start(f, testkit.Options{Authorizer: true, ACLs: []acl.Binding{
		onTopic(kafka.All), onGroup(kafka.All), onCluster(kafka.Describe), onCluster(kafka.DescribeConfigs), onCluster(kafka.IdempotentWrite),
	}})
	f.Fuzz(func(t *testing.T, which, version uint8, body []byte) {
		a := table[int(which)%len(table)]
		frame := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: a.Key, Version: int16(version % 20), CorrelationID: 1})
		frame = append(frame, body...)
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(30 * time.Millisecond)); err != nil { // a join may wait for long
			t.Fatal(err)
		}
		if _, err := c.Write(frame); errors.Is(err, os.ErrDeadlineExceeded) { // a busy machine
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.ReadFrame(c, 64<<20, nil); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		alive := &rawConn{Conn: c}
		if c, err := net.Dial("tcp", b.Addr); err == nil {
			defer c.Close()
			alive.Conn = c
		}
		alive.ask(t, kmsg.NewPtrApiVersionsRequest(), 0)
	})
}
