package broker

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/listener"
	"schloss/kafka/wire"
	"schloss/store"
)

// call is one request on its way: who asks what, and the state of the metadata
// it is judged by. Each call is ended once, by respond, answer, silence or
// hangup.
type call struct {
	b      *Broker
	req    *listener.Request
	api    *api
	header wire.RequestHeader
	peer   *listener.Peer
	image  *store.Image // as it was when the request came
	now    time.Time
	// reading is set while bytes of the peer are taken apart, with no lock held
	// and nothing changed yet: a panic then costs the peer its connection alone.
	reading bool
}

// Handle answers one frame (listener.Handler).
func (b *Broker) Handle(r *listener.Request) {
	header, body, err := wire.ParseRequestHeader(r.Frame)
	if err != nil {
		r.Hangup(fmt.Errorf("read request header: %w", err))
		return
	}
	a, ok := b.apis[header.Key]
	if !ok || r.Peer.Local && !a.local {
		r.Hangup(fmt.Errorf("request with API key %d, which is not served", header.Key))
		return
	}
	if (header.Version < a.min || header.Version > a.max) && header.Key != wire.ApiVersionsKey {
		r.Hangup(fmt.Errorf("%s request of version %d, versions %d to %d are served", a.name, header.Version, a.min, a.max))
		return
	}
	c := &call{b: b, req: r, api: a, header: header, peer: r.Peer, image: b.meta.Image(), now: b.now()}
	defer c.contain()
	a.handle(b, c, body)
}

// contain ends the call when it panics while it reads. Any other panic goes on
// and ends the process: a log, a group or the metadata may be half changed in
// memory, and what would be answered then may not be so after the next start.
func (c *call) contain() {
	if !c.reading {
		return
	}
	if value := recover(); value != nil {
		c.hangup(listener.NewPanicError(value))
	}
}

// read takes bytes of the peer apart.
func (c *call) read(take func() error) error {
	c.reading = true
	err := take()
	c.reading = false // not deferred: contain is to see it after a panic
	return err
}

func (c *call) parse(body []byte) (req kmsg.Request, err error) {
	err = c.read(func() (err error) {
		req, err = c.b.parser.Parse(c.header.Key, c.header.Version, body)
		return err
	})
	return req, err
}

// respond ends the call with a message of kmsg.
func (c *call) respond(resp kmsg.Response) {
	resp.SetVersion(c.header.Version)
	out := c.begin()
	out = resp.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	c.req.Answer(listener.Response{Buffers: net.Buffers{out}, Pooled: [][]byte{out}})
}

// begin is a pooled buffer that holds the space for the length and the header
// of the response.
func (c *call) begin() []byte {
	out := append(c.req.Pool().Get(0), 0, 0, 0, 0)
	return wire.AppendResponseHeader(out, c.header.Key, c.header.Version, c.header.CorrelationID)
}

// hangup ends the call by closing the connection, as Kafka does for what it
// cannot read.
func (c *call) hangup(reason error) {
	c.req.Hangup(fmt.Errorf("%s request of version %d: %w", c.api.name, c.header.Version, reason))
}

// parked marks a call that waits for others; it may be given up when its
// connection goes.
func (c *call) parked() { c.req.OnAbandon(func() {}) }

// distinct drops what was named before, so that an answer cannot grow with how
// often its request repeats itself. The list is changed in place.
func distinct[E any, K comparable](list []E, key func(*E) K) []E {
	seen := make(map[K]struct{})
	return slices.DeleteFunc(list, func(e E) bool {
		k := key(&e)
		_, again := seen[k]
		seen[k] = struct{}{}
		return again
	})
}
