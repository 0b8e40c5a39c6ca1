package client

import (
	"context"
	"net"
	"time"

	"schloss/kafka"
	"schloss/kafka/wire"
)

// Fetch and Produce name topics up to version 12. From 13 on it is ids.
const (
	newestFetch   int16 = 12
	newestProduce int16 = 12
)

// byID says whether all topics have ids, so that no topic can take the place of
// another one that had its name.
func byID(req *wire.FetchRequest) bool {
	for i := range req.Topics {
		if req.Topics[i].ID == (kafka.TopicID{}) {
			return false
		}
	}
	return true
}

// Fetch asks by the topics' ids where all are given and the broker knows them,
// else by their names; the answer names them in the same way. The response is
// read into buf, which is replaced by a larger one where it does not fit; what
// is returned is to be given next time. The records in resp are slices of it.
// When ctx ends before the response is there, the connection is closed, because
// nobody else may use the buffer while the response can still arrive.
func (c *Conn) Fetch(ctx context.Context, req *wire.FetchRequest, resp *wire.FetchResponse, buf []byte) ([]byte, error) {
	newest := newestFetch
	if byID(req) {
		newest = wire.MaxFetch
	}
	version, err := c.version(ctx, wire.FetchKey, wire.MinFetch, newest)
	if err != nil {
		return buf, err
	}
	type answer struct {
		frame []byte
		err   error
	}
	answered := make(chan answer, 1)
	call := &call{key: wire.FetchKey, version: version, buf: buf, done: func(frame, body []byte, err error) {
		if err == nil {
			err = resp.Decode(version, body)
		}
		if err == nil && version >= silentFetch {
			c.hush(resp.ThrottleMillis)
		}
		if frame == nil {
			frame = buf
		}
		answered <- answer{frame, err}
	}}
	wait := time.Duration(req.MaxWaitMillis) * time.Millisecond
	err = c.send(call, wait, func(dst net.Buffers, scratch []byte) (net.Buffers, []byte) {
		scratch = req.Append(scratch, version)
		return append(dst, scratch), scratch
	})
	if err != nil {
		return buf, err
	}
	select {
	case a := <-answered:
		return a.frame, a.err
	case <-ctx.Done():
		c.Close()
		a := <-answered
		return a.frame, ctx.Err()
	}
}

// Produce sends the request and returns; done is called once, from another
// goroutine, with the response or with why there is none. The records must not
// change until then. The error is one of sending: done is then not called.
func (c *Conn) Produce(ctx context.Context, req *wire.ProduceRequest, done func(*wire.ProduceResponse, error)) error {
	version, err := c.version(ctx, wire.ProduceKey, wire.MinProduce, newestProduce)
	if err != nil {
		return err
	}
	call := &call{key: wire.ProduceKey, version: version, done: func(_, body []byte, err error) {
		var resp wire.ProduceResponse
		if err == nil {
			err = resp.Decode(version, body)
		}
		if err != nil {
			done(nil, err)
			return
		}
		if version >= silentProduce {
			c.hush(resp.ThrottleMillis)
		}
		done(&resp, nil)
	}}
	wait := time.Duration(req.TimeoutMillis) * time.Millisecond
	return c.send(call, wait, func(dst net.Buffers, scratch []byte) (net.Buffers, []byte) {
		return req.Encode(dst, scratch, version)
	})
}
