package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestReadFrame(t *testing.T) {
	long := bytes.Repeat([]byte("frame"), 100_000)
	for _, c := range []struct {
		name string
		in   []byte
		max  int32
		want []byte
		err  error // a *FrameError stands for one without a cause
	}{
		{name: "short", in: framed([]byte("abc")), max: 10, want: []byte("abc")},
		{name: "empty", in: framed(nil), max: 10, want: []byte{}},
		{name: "as long as allowed", in: framed([]byte("0123456789")), max: 10, want: []byte("0123456789")},
		{name: "half a megabyte", in: framed(long), max: 1 << 20, want: long},
		{name: "longer than allowed", in: framed([]byte("0123456789a")), max: 10, err: &FrameError{}},
		{name: "negative", in: []byte{0xff, 0xff, 0xff, 0xff}, max: 10, err: &FrameError{}},
		{name: "peer gone", in: nil, max: 10, err: io.EOF},
		{name: "peer gone within the length", in: []byte{0, 0}, max: 10, err: io.ErrUnexpectedEOF},
		{name: "peer gone behind the length", in: []byte{0, 0, 0, 3}, max: 10, err: io.ErrUnexpectedEOF},
		{name: "peer gone within the frame", in: []byte{0, 0, 0, 3, 1}, max: 10, err: io.ErrUnexpectedEOF},
		{name: "TLS handshake", in: []byte{0x16, 3, 1, 2, 0}, max: 100 << 20, err: ErrTLSRecord},
		{name: "TLS alert", in: []byte{0x15, 3, 3, 0, 2}, max: 100 << 20, err: ErrTLSRecord},
		{name: "HTTP request", in: []byte("GET / HTTP/1.1\r\n"), max: 100 << 20, err: ErrHTTP},
		{name: "HTTP response", in: []byte("HTTP/1.1 400 Bad Request\r\n"), max: 100 << 20, err: ErrHTTP},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{"at once": bytes.NewReader(c.in), "byte by byte": iotest.OneByteReader(bytes.NewReader(c.in))} {
				got, err := ReadFrame(r, c.max, nil)
				var frame *FrameError
				if _, plain := c.err.(*FrameError); plain {
					if !errors.As(err, &frame) || frame.Err != nil {
						t.Errorf("%s: error: got %v, want a *FrameError without a cause", name, err)
					}
				} else if !errors.Is(err, c.err) {
					t.Errorf("%s: error: got %v, want %v", name, err, c.err)
				}
				if err == nil && !bytes.Equal(got, c.want) {
					t.Errorf("%s: got %d bytes, want %d", name, len(got), len(c.want))
				}
			}
		})
	}
}

func TestReadFrameReusesItsBuffer(t *testing.T) {
	in := bytes.NewReader(bytes.Repeat(framed(make([]byte, 3000)), 200))
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ReadFrame(in, 5000, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}

func TestReadFrameTakesNoMemoryForAClaim(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadFrame(strings.NewReader("\x06\x00\x00\x00a few bytes"), 100<<20+1, nil)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 100<<10 {
		t.Errorf("%d bytes allocated for a frame that never came", got)
	}
}

func TestRequestHeadersAgreeWithKmsg(t *testing.T) {
	id := "client"
	everyRequest(func(key, version int16) {
		if key == 7 && version == 0 {
			return // ControlledShutdown v0 alone has header v0; no broker since 0.9 sends it
		}
		request := kmsg.RequestForKey(key)
		request.SetVersion(version)
		formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID(id))
		frame := formatter.AppendRequest(nil, request, 77)[4:]
		h, body, err := ParseRequestHeader(frame)
		if want := (RequestHeader{key, version, 77, id}); h != want || err != nil {
			t.Fatalf("got %+v, %v, want %+v", h, err, want)
		}
		if want := request.AppendTo(nil); !bytes.Equal(body, want) {
			t.Errorf("%s v%d: body: got %x, want %x", kmsg.NameForKey(key), version, body, want)
		}
		if got := append(AppendRequestHeader(nil, h), body...); !bytes.Equal(got, frame) {
			t.Errorf("%s v%d: encoded again: got %x, want %x", kmsg.NameForKey(key), version, got, frame)
		}
		out := AppendResponseHeader(nil, key, version, 78)
		correlation, rest, err := ParseResponseHeader(key, version, append(out, 'x'))
		if correlation != 78 || string(rest) != "x" || err != nil {
			t.Errorf("%s v%d: response header: got %d, %q, %v", kmsg.NameForKey(key), version, correlation, rest, err)
		}
		flexible := request.IsFlexible() && key != ApiVersionsKey
		if (len(out) == 5) != flexible {
			t.Errorf("%s v%d: response header of %d bytes", kmsg.NameForKey(key), version, len(out))
		}
	})
}

func TestParseRequestHeader(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame string
		want  RequestHeader
		body  string
		ok    bool
	}{
		{"null client id", "\x00\x03\x00\x00\x00\x00\x00\x05\xff\xffbody", RequestHeader{3, 0, 5, ""}, "body", true},
		{"ApiVersions of the future", "\x00\x12\x00\x63\x00\x00\x00\x05\x00\x01c\x00body", RequestHeader{18, 99, 5, "c"}, "body", true},
		{"key of the future", "\x03\xe7\x00\x63\x00\x00\x00\x05\x00\x01cbody", RequestHeader{999, 99, 5, "c"}, "body", true},
		{"tagged field", "\x00\x03\x00\x0c\x00\x00\x00\x05\x00\x00\x01\x02\x03abcbody", RequestHeader{3, 12, 5, ""}, "body", true},
		{"nothing", "", RequestHeader{}, "", false},
		{"cut", "\x00\x03\x00", RequestHeader{Key: 3}, "", false},
		{"client id behind the frame", "\x00\x03\x00\x00\x00\x00\x00\x05\x7f\xffc", RequestHeader{3, 0, 5, ""}, "", false},
		{"client id of length -2", "\x00\x03\x00\x00\x00\x00\x00\x05\xff\xfec", RequestHeader{3, 0, 5, ""}, "", false},
		{"2^32-1 tagged fields", "\x00\x03\x00\x0c\x00\x00\x00\x05\x00\x00\xff\xff\xff\xff\x0f", RequestHeader{3, 12, 5, ""}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, body, err := ParseRequestHeader([]byte(c.frame))
			if h != c.want || string(body) != c.body || (err == nil) != c.ok {
				t.Errorf("got %+v, %q, %v, want %+v, %q", h, body, err, c.want, c.body)
			}
		})
	}
}
