package wire

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Parser decodes requests with kmsg, safely. kmsg by itself counts up to 2^32
// tagged fields that are not there (a minute for a request of ten bytes) and
// sets memory aside for as many array elements as bytes are left, whatever an
// element takes. So the Parser first walks the bytes by the layout that it has
// learned from kmsg, believes no count that the bytes cannot hold, and adds up
// what the request will take in memory.
//
// The zero value is ready. A Parser may be used by many goroutines.
type Parser struct {
	// Limit is what a decoded request may take in memory; 0: DefaultLimit.
	Limit uint64

	layouts sync.Map // versionedKey -> *layout: a few hundred at most
}

// DefaultLimit is a hundred times what large requests of well-known clients
// take.
const DefaultLimit = 128 << 20

type versionedKey struct{ key, version int16 }

// Parse decodes the body of a request. Byte fields of the result alias body,
// strings do not. It does not take Produce and Fetch, which are decoded by
// ProduceRequest and FetchRequest, nor requests between Kafka's controllers;
// for those and for keys and versions that kmsg does not know the error is
// ErrUnsupported.
func (p *Parser) Parse(key, version int16, body []byte) (kmsg.Request, error) {
	request := kmsg.RequestForKey(key)
	if request == nil {
		return nil, unsupported(fmt.Sprintf("request of API %d", key), version)
	}
	message := kmsg.NameForKey(key) + " request"
	if version < 0 || version > request.MaxVersion() || !walkable(key) {
		return nil, unsupported(message, version)
	}
	request.SetVersion(version)
	limit := p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	r := newReader(body, request.IsFlexible())
	memory := p.layout(key, version).walk(&r)
	if memory > limit {
		r.fail(fmt.Sprintf("it would take %d bytes of memory, %d are allowed", memory, limit))
	}
	if err := r.done(message, version); err != nil {
		return nil, err
	}
	if err := request.ReadFrom(body); err != nil {
		return nil, &DecodeError{Message: message, Version: version, Err: err}
	}
	return request, nil
}

// walkable says whether every tagged field of a request is unknown to kmsg,
// so that the layout tells all.
func walkable(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.Produce, kmsg.Fetch, kmsg.FetchSnapshot, kmsg.BrokerHeartbeat:
		return false
	}
	return true
}

func (p *Parser) layout(key, version int16) *layout {
	k := versionedKey{key, version}
	if l, ok := p.layouts.Load(k); ok {
		return l.(*layout)
	}
	request := kmsg.RequestForKey(key)
	request.SetVersion(version)
	l := layoutOf(request)
	known, _ := p.layouts.LoadOrStore(k, &l)
	return known.(*layout)
}
