package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// RequestHeader begins every request.
type RequestHeader struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      string // "" for null too
}

// Keys of the messages that have a rule of their own here.
const (
	ProduceKey     int16 = 0
	FetchKey       int16 = 1
	ApiVersionsKey int16 = 18
)

// ParseRequestHeader reads the header of a request: v2 where the message is
// flexible, else v1. The body aliases the frame. A key that kmsg does not know
// is read as v1, so that the caller can say what was asked for.
func ParseRequestHeader(frame []byte) (h RequestHeader, body []byte, err error) {
	r := newReader(frame, false)
	h.Key, h.Version, h.CorrelationID = r.int16(), r.int16(), r.int32()
	// The client id is of the old form in both versions of the header: a
	// broker must find it before it knows what the version means.
	h.ClientID = r.message("")
	if r.flexible = Flexible(h.Key, h.Version); r.flexible {
		r.tags(nil)
	}
	if r.fault != "" {
		return h, nil, r.done(kmsg.NameForKey(h.Key)+" request header", h.Version)
	}
	return h, r.rest, nil
}

// ParseResponseHeader reads the header of a response to a request of this key
// and version. The body aliases the frame.
func ParseResponseHeader(key, version int16, frame []byte) (correlationID int32, body []byte, err error) {
	r := newReader(frame, key != ApiVersionsKey && Flexible(key, version))
	correlationID = r.int32()
	r.tags(nil)
	if r.fault != "" {
		return correlationID, nil, r.done(kmsg.NameForKey(key)+" response header", version)
	}
	return correlationID, r.rest, nil
}

// Flexible says whether a message has tagged fields and compact lengths
// (KIP-482), so that a request of it has header v2.
func Flexible(key, version int16) bool {
	switch key {
	case ProduceKey:
		return version >= flexibleProduce
	case FetchKey:
		return version >= flexibleFetch
	}
	request := kmsg.RequestForKey(key)
	if request == nil {
		return false
	}
	request.SetVersion(version)
	return request.IsFlexible()
}

// AppendResponseHeader appends the header of a response, without the length
// of the frame. That of ApiVersions is always v0: its reader does not know yet
// what we speak.
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte {
	w := writer{dst: dst, flexible: key != ApiVersionsKey && Flexible(key, version)}
	w.int32(correlationID)
	w.tags()
	return w.dst
}

// AppendRequestHeader appends the header of a request, without the length of
// the frame.
func AppendRequestHeader(dst []byte, h RequestHeader) []byte {
	w := writer{dst: dst}
	w.int16(h.Key)
	w.int16(h.Version)
	w.int32(h.CorrelationID)
	w.string(h.ClientID)
	w.flexible = Flexible(h.Key, h.Version)
	w.tags()
	return w.dst
}
