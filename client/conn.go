package client

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/wire"
	"schloss/security/tlsrecord"
)

// requestTimeout is how long a broker may take beyond the time that a request
// itself grants it; a connection that exceeds it is ended.
type requestTimeout time.Duration

const defaultRequestTimeout = requestTimeout(30 * time.Second)

// Conn is one connection to one broker. Requests are answered in the order in
// which they are sent, and several may be under way. Versions are negotiated
// with the first request. A Conn that fails once fails for ever.
type Conn struct {
	nc       net.Conn
	in       *bufio.Reader
	clientID string
	timeout  requestTimeout
	ended    chan struct{} // closed when the reader has answered every call

	negotiated sync.Mutex // held while versions are asked for; guards versions
	versions   map[int16]versionRange

	// writing orders frames on the socket as calls in the queue, and guards
	// what a frame is made in. It is taken before mu.
	writing     sync.Mutex
	scratch     []byte
	buffers     net.Buffers
	correlation int32

	mu     sync.Mutex // guards what follows, the deadlines of queued calls and those of nc
	queue  []*call
	silent time.Time // until when the broker does not read
	err    error     // why the connection ended
}

type versionRange struct{ min, max int16 }

// call is one request under way.
type call struct {
	key, version int16
	correlation  int32
	deadline     time.Time
	buf          []byte // to read the response into; grown as needed
	// done is called once, with the response's body, which is the end of
	// frame, or with why there is none.
	done func(frame, body []byte, err error)
}

// NewConn speaks Kafka's protocol over a connection, be it a socket or a pipe.
func NewConn(nc net.Conn) *Conn {
	if tcp, ok := nc.(*net.TCPConn); ok {
		if bulk, err := newBulkConn(tcp); err == nil { // else the first request tells
			nc = bulk
		}
	}
	in := io.Reader(nc)
	if secured, ok := nc.(*tlsrecord.Conn); ok {
		in = secured.Whole()
	}
	c := &Conn{
		nc:       nc,
		in:       bufio.NewReaderSize(in, 4<<10), // less than leastBulk
		clientID: "schloss",
		timeout:  defaultRequestTimeout,
		ended:    make(chan struct{}),
	}
	go c.read()
	return c
}

// Close ends the connection; requests under way fail.
func (c *Conn) Close() error {
	c.fail(net.ErrClosed)
	<-c.ended
	return nil
}

// fail ends the connection for a reason, the first of which counts.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.nc.Close()
}

// read hands every response to its call, until the connection ends.
func (c *Conn) read() {
	defer close(c.ended)
	for {
		if err := c.readOne(); err != nil {
			c.fail(err)
			break
		}
	}
	// A writer may still be sending from a caller's buffer; that buffer is
	// the caller's again only when the writer has given up.
	c.writing.Lock()
	c.mu.Lock()
	abandoned, err := c.queue, c.err
	c.queue = nil
	c.mu.Unlock()
	c.writing.Unlock()
	for _, call := range abandoned {
		call.done(nil, nil, err)
	}
}

func (c *Conn) readOne() error {
	if _, err := c.in.Peek(1); err != nil {
		return readError(err)
	}
	c.mu.Lock()
	if len(c.queue) == 0 {
		c.mu.Unlock()
		return errors.New("the broker sent a response to no request")
	}
	head := c.queue[0]
	c.mu.Unlock()
	frame, err := wire.ReadFrame(c.in, math.MaxInt32, head.buf)
	if err != nil {
		return readError(err)
	}
	body, err := head.body(frame)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.queue = c.queue[1:]
	if len(c.queue) > 0 {
		c.nc.SetReadDeadline(c.queue[0].deadline)
	} else {
		c.nc.SetReadDeadline(time.Time{})
	}
	c.mu.Unlock()
	head.done(frame, body, nil)
	return nil
}

func readError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return ErrClosed
	case isTimeout(err):
		return ErrTimeout
	}
	return err
}

// body is what follows the header of the response that is due.
func (call *call) body(frame []byte) ([]byte, error) {
	id, body, err := wire.ParseResponseHeader(call.key, call.version, frame)
	if err == nil && id != call.correlation {
		err = fmt.Errorf("response has correlation id %d, %d is due", id, call.correlation)
	}
	return body, err
}

// send writes one frame and queues its call. compose appends the frame to
// buffers, beginning with scratch, which holds four bytes for the length and
// the header. On error, done will not be called.
func (c *Conn) send(call *call, wait time.Duration, compose func(dst net.Buffers, scratch []byte) (net.Buffers, []byte)) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.correlation++
	call.correlation = c.correlation
	call.deadline = time.Now().Add(time.Duration(c.timeout) + wait)
	scratch := append(c.scratch[:0], 0, 0, 0, 0)
	scratch = wire.AppendRequestHeader(scratch, wire.RequestHeader{
		Key: call.key, Version: call.version, CorrelationID: call.correlation, ClientID: c.clientID})
	c.buffers, c.scratch = compose(c.buffers[:0], scratch)
	size := -4
	for _, b := range c.buffers {
		size += len(b)
	}
	binary.BigEndian.PutUint32(c.buffers[0], uint32(size))
	if err := c.enqueue(call); err != nil {
		return err
	}
	if err := c.write(); err != nil {
		// The reader fails every call in the queue, this one among them.
		c.fail(readError(err))
	}
	return nil
}

// enqueue appends the call, before its frame leaves: the answer may be there
// before the write returns.
func (c *Conn) enqueue(call *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	call.deadline = call.deadline.Add(c.silentLocked())
	if len(c.queue) == 0 {
		c.nc.SetReadDeadline(call.deadline)
	}
	c.nc.SetWriteDeadline(call.deadline)
	c.queue = append(c.queue, call)
	return nil
}

func (c *Conn) write() error {
	var err error
	if all, ok := c.nc.(interface {
		WriteBuffers(net.Buffers) (int64, error)
	}); ok { // a bulkConn, a tlsrecord.Conn
		_, err = all.WriteBuffers(c.buffers)
	} else {
		bufs := c.buffers // WriteTo consumes it; the array stays ours
		_, err = bufs.WriteTo(c.nc)
	}
	return err
}

// Request sends one request and waits for its response. Conn is a
// kmsg.Requestor.
func (c *Conn) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	high := req.MaxVersion()
	if named, ok := newestNamed[req.Key()]; ok {
		high = named
	}
	version, err := c.version(ctx, req.Key(), 0, high)
	if err != nil {
		return nil, err
	}
	return c.roundTrip(ctx, req, version)
}

// newestNamed are the last versions that still name topics, where newer ones
// have ids in place of names, which nothing here translates.
var newestNamed = map[int16]int16{
	int16(kmsg.Produce):      newestProduce,
	int16(kmsg.Fetch):        newestFetch,
	int16(kmsg.OffsetCommit): 9,
	int16(kmsg.OffsetFetch):  9,
}

func (c *Conn) roundTrip(ctx context.Context, req kmsg.Request, version int16) (kmsg.Response, error) {
	req.SetVersion(version)
	resp := req.ResponseKind()
	resp.SetVersion(version)
	answer := make(chan error, 1)
	call := &call{key: req.Key(), version: version, done: func(_, body []byte, err error) {
		if err == nil {
			err = resp.ReadFrom(body)
		}
		answer <- err
	}}
	var wait time.Duration
	if t, ok := req.(kmsg.TimeoutRequest); ok {
		wait = time.Duration(t.Timeout()) * time.Millisecond
	}
	err := c.send(call, wait, func(dst net.Buffers, scratch []byte) (net.Buffers, []byte) {
		scratch = req.AppendTo(scratch)
		return append(dst, scratch), scratch
	})
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	select {
	case err := <-answer:
		if err != nil {
			return nil, fmt.Errorf("request %s: %w", kmsg.NameForKey(req.Key()), err)
		}
		return resp, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// version chooses the newest version that both sides know.
func (c *Conn) version(ctx context.Context, key, low, high int16) (int16, error) {
	c.negotiated.Lock()
	defer c.negotiated.Unlock()
	if c.versions == nil {
		if err := c.negotiate(ctx); err != nil {
			return 0, err
		}
	}
	broker, ok := c.versions[key]
	if !ok {
		broker = versionRange{-1, -1}
	}
	if broker.max < low || broker.min > high {
		return 0, &VersionError{API: kafka.APIName(key), Min: broker.min, Max: broker.max, OurMin: low, OurMax: high}
	}
	return min(broker.max, high), nil
}

// negotiate asks with version 0, which every broker knows.
func (c *Conn) negotiate(ctx context.Context) error {
	resp, err := c.roundTrip(ctx, kmsg.NewPtrApiVersionsRequest(), 0)
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.ApiVersionsResponse)
	if answer.ErrorCode != 0 {
		return fmt.Errorf("request ApiVersions: %w", kafka.ErrorCode(answer.ErrorCode))
	}
	c.versions = make(map[int16]versionRange, len(answer.ApiKeys))
	for _, k := range answer.ApiKeys {
		c.versions[k.ApiKey] = versionRange{k.MinVersion, k.MaxVersion}
	}
	return nil
}
