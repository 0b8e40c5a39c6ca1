package broker_test

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka/wire"
)

// rawConn sends requests of a version of the test's choice.
type rawConn struct {
	net.Conn
	next int32
}

func rawConnect(t testing.TB, b *testkit.Broker) *rawConn {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &rawConn{Conn: c}
}

func (c *rawConn) send(t testing.TB, req kmsg.Request, version int16) {
	t.Helper()
	req.SetVersion(version)
	c.next++
	out := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: req.Key(), Version: version, CorrelationID: c.next, ClientID: "test"})
	out = req.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(out); err != nil {
		t.Fatal(err)
	}
}

// receive is the body of the next response, without its header.
func (c *rawConn) receive(key, version int16) ([]byte, error) {
	frame, err := wire.ReadFrame(c, 64<<20, nil)
	if err != nil {
		return nil, err
	}
	return frame[len(wire.AppendResponseHeader(nil, key, version, 0)):], nil
}

func (c *rawConn) ask(t testing.TB, req kmsg.Request, version int16) kmsg.Response {
	t.Helper()
	c.send(t, req, version)
	body, err := c.receive(req.Key(), version)
	if err != nil {
		t.Fatalf("%T version %d: %v", req, version, err)
	}
	resp := req.ResponseKind()
	resp.SetVersion(version)
	if err := resp.ReadFrom(body); err != nil {
		t.Fatalf("%T version %d: read response: %v", req, version, err)
	}
	return resp
}
