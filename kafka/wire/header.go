package wire

// RequestHeader begins every request.
type RequestHeader struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      string // "" for null too
}

// Keys of the messages that are written by hand.
const (
	ProduceKey     int16 = 0
	FetchKey       int16 = 1
	ApiVersionsKey int16 = 18
)

// ParseRequestHeader reads the header of a request: v2 where the message is
// flexible, else v1. The body aliases the frame. A key that kmsg does not know
// is read as v1, so that the caller can say what was asked for.
func ParseRequestHeader(frame []byte) (h RequestHeader, body []byte, err error) {
	return h, nil, nil
}

// Flexible says whether a message has tagged fields and compact lengths
// (KIP-482), so that a request of it has header v2.
func Flexible(key, version int16) bool { return false }

// AppendResponseHeader appends the header of a response, without the length
// of the frame. That of ApiVersions is always v0: its reader does not know yet
// what we speak.
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte { return dst }

// AppendRequestHeader appends the header of a request, without the length of
// the frame.
func AppendRequestHeader(dst []byte, h RequestHeader) []byte { return dst }
