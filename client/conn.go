package client

import (
	"context"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka/wire"
)

// Conn is one connection to one broker. Requests are answered in the order in
// which they are sent, and several may be under way. Versions are negotiated
// with the first request.
type Conn struct{ nc net.Conn }

// NewConn speaks Kafka's protocol over a connection, be it a socket or a pipe.
func NewConn(nc net.Conn) *Conn { return &Conn{nc: nc} }

// Request sends one request and waits for its response. Conn is a
// kmsg.Requestor.
func (c *Conn) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return nil, nil
}

// Fetch sends the request and reads the response into buf, which grows when
// the response is larger. The records in resp are slices of the returned
// buffer.
func (c *Conn) Fetch(ctx context.Context, req *wire.FetchRequest, resp *wire.FetchResponse, buf []byte) ([]byte, error) {
	return nil, nil
}

// Produce sends the request and returns; done is called once, from another
// goroutine, with the response or with why there is none. The records must not
// change until then.
func (c *Conn) Produce(req *wire.ProduceRequest, done func(*wire.ProduceResponse, error)) error {
	return nil
}

// Close ends the connection; requests under way fail.
func (c *Conn) Close() error { return nil }
