package tlsrecord

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// wired is a connection whose peer is a slice of bytes.
type wired struct {
	net.Conn // nil: nothing else is called
	in       *bytes.Reader
	out      bytes.Buffer
}

func (w *wired) Read(b []byte) (int, error)       { return w.in.Read(b) }
func (w *wired) Write(b []byte) (int, error)      { return w.out.Write(b) }
func (w *wired) SetWriteDeadline(time.Time) error { return nil }

// pair are two ends that share their secrets: what the first writes is kept, and
// the second reads what it is given.
func pair(t testing.TB, id uint16) (writer *Conn, written *bytes.Buffer, reader func(wire []byte) *Conn) {
	t.Helper()
	s := suites[id]
	secret := make([]byte, s.hash().Size())
	w := &wired{}
	writer = &Conn{Conn: w}
	if err := writer.out.keys.use(s, secret); err != nil {
		t.Fatal(err)
	}
	return writer, &w.out, func(wire []byte) *Conn {
		r := &Conn{Conn: &wired{in: bytes.NewReader(wire)}}
		if err := errors.Join(r.in.keys.use(s, secret), r.out.keys.use(s, secret)); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// raw seals one record.
func (c *Conn) raw(kind byte, content ...byte) {
	c.out.begin(0)
	c.out.wire = append(c.out.wire, content...)
	c.out.seal(0, kind)
	c.flushLocked()
}

func TestRecords(t *testing.T) {
	const aes128 = tls.TLS_AES_128_GCM_SHA256
	data := func(w *Conn, text string) { w.Write([]byte(text)) }
	ticket := append([]byte{newSessionTicket, 0, 1, 0}, make([]byte, 256)...)
	cases := []struct {
		name  string
		send  func(w *Conn)
		wire  func(wire []byte) []byte
		want  string
		alert tls.AlertError // of ours; 0: none
		err   error
	}{
		{name: "padding is taken off", send: func(w *Conn) { w.raw(applicationRecord, 'a', 'b', 0, 0); data(w, "c") }, want: "ab\x00\x00c", err: io.EOF},
		{name: "an empty record brings nothing", send: func(w *Conn) { w.raw(applicationRecord); data(w, "a") }, want: "a", err: io.EOF},
		{name: "many empty records are refused", send: func(w *Conn) {
			for range maxUseless + 1 {
				w.raw(applicationRecord)
			}
		}, alert: unexpectedMessage},
		{name: "a ticket in two records", send: func(w *Conn) {
			data(w, "a")
			w.raw(handshakeRecord, ticket[:7]...)
			w.raw(handshakeRecord, ticket[7:]...)
			data(w, "b")
		}, want: "ab", err: io.EOF},
		{name: "data within a message", send: func(w *Conn) { w.raw(handshakeRecord, ticket[:7]...); data(w, "b") }, alert: unexpectedMessage},
		{name: "updates of keys without data between them are refused", send: func(w *Conn) {
			data(w, "a")
			for range maxUseless + 1 {
				w.raw(handshakeRecord, keyUpdate, 0, 0, 1, 0)
				if err := w.out.keys.update(); err != nil {
					panic(err)
				}
			}
		}, want: "a", alert: unexpectedMessage},
		{name: "an update of keys that is not the last of its record", send: func(w *Conn) { w.raw(handshakeRecord, keyUpdate, 0, 0, 1, 0, keyUpdate) }, alert: unexpectedMessage},
		{name: "an update of keys of another kind", send: func(w *Conn) { w.raw(handshakeRecord, keyUpdate, 0, 0, 1, 2) }, alert: unexpectedMessage},
		{name: "a request for a certificate", send: func(w *Conn) { w.raw(handshakeRecord, 13, 0, 0, 1, 0) }, alert: unexpectedMessage},
		{name: "a message without end", send: func(w *Conn) { w.raw(handshakeRecord, newSessionTicket, 255, 0, 0) }, alert: unexpectedMessage},
		{name: "a goodbye", send: func(w *Conn) { data(w, "a"); w.raw(alertRecord, 1, 0); data(w, "b") }, want: "a", err: io.EOF},
		{name: "an alert", send: func(w *Conn) { data(w, "a"); w.raw(alertRecord, 2, 42) }, want: "a", err: tls.AlertError(42)},
		{name: "an alert of one byte", send: func(w *Conn) { w.raw(alertRecord, 2) }, alert: unexpectedMessage},
		{name: "a record of an unknown kind", send: func(w *Conn) { w.raw(99, 'a') }, alert: unexpectedMessage},
		{name: "a record of zeros", send: func(w *Conn) { w.raw(0, 0, 0) }, alert: unexpectedMessage},
		{name: "a bit that has changed", send: func(w *Conn) { data(w, "a") }, wire: func(b []byte) []byte { b[7] ^= 1; return b }, alert: badRecordMAC},
		{name: "a length that has changed", send: func(w *Conn) { data(w, "abc") }, wire: func(b []byte) []byte { b[4]--; return b[:len(b)-1] }, alert: badRecordMAC},
		{name: "a record too long", send: func(w *Conn) { data(w, "a") }, wire: func(b []byte) []byte { b[3] = 255; return b }, alert: recordOverflow},
		{name: "a record too short", wire: func([]byte) []byte { return []byte{applicationRecord, 3, 3, 0, 3, 1, 2, 3} }, alert: badRecordMAC},
		{name: "plaintext", wire: func([]byte) []byte { return []byte{alertRecord, 3, 3, 0, 2, 2, 42} }, alert: unexpectedMessage},
		{name: "the same record twice", send: func(w *Conn) { data(w, "a") }, wire: func(b []byte) []byte { return append(b, b...) }, want: "a", alert: badRecordMAC},
		{name: "an end within a record", send: func(w *Conn) { data(w, "a"); data(w, "b") }, wire: func(b []byte) []byte { return b[:len(b)-1] }, want: "a", err: io.ErrUnexpectedEOF},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, written, reader := pair(t, aes128)
			if c.send != nil {
				c.send(w)
			}
			wire := written.Bytes()
			if c.wire != nil {
				wire = c.wire(wire)
			}
			r := reader(wire)
			got, err := readAll(r)
			if string(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var alert tls.AlertError
			switch {
			case c.alert != 0:
				var op *net.OpError
				if !errors.As(err, &alert) || alert != c.alert || !errors.As(err, &op) || op.Op != "local error" {
					t.Errorf("got %v, want %v of ours", err, c.alert)
				}
				if _, err := r.Write([]byte("x")); err == nil {
					t.Error("it is written to after that")
				}
			case !errors.Is(err, c.err):
				t.Errorf("got %v, want %v", err, c.err)
			}
			if _, again := r.Read(make([]byte, 1)); again != err {
				t.Errorf("the second read says %v, the first said %v", again, err)
			}
		})
	}
}

func readAll(r *Conn) (got []byte, err error) {
	for b := make([]byte, 100); ; {
		n, err := r.Read(b)
		if got = append(got, b[:n]...); err != nil {
			return got, err
		}
	}
}

// Keys change by themselves before they have sealed too much, and the peer
// follows.
func TestNewKeys(t *testing.T) {
	for id := range suites {
		w, written, reader := pair(t, id)
		r := reader(nil)
		w.out.keys.seq, r.in.keys.seq = recordsPerKey-1, recordsPerKey-1
		for range 3 {
			w.Write([]byte("x"))
		}
		r.Conn = &wired{in: bytes.NewReader(written.Bytes())}
		if got, err := readAll(r); string(got) != "xxx" || err != io.EOF {
			t.Errorf("%s: got %q, %v", tls.CipherSuiteName(id), got, err)
		}
		if w.out.keys.seq != 2 || !bytes.Equal(w.out.keys.secret, r.in.keys.secret) {
			t.Errorf("%s: %d records under the last keys, the same on both sides: %v", tls.CipherSuiteName(id), w.out.keys.seq, bytes.Equal(w.out.keys.secret, r.in.keys.secret))
		}
	}
}

// Whatever a network makes of the records: what is read is what was sent, up to
// where it was changed.
func FuzzRead(f *testing.F) {
	f.Add([]byte("some text"), uint16(3), byte(1), uint16(9))
	f.Add(bytes.Repeat([]byte("long "), 10000), uint16(16406), byte(255), uint16(40000))
	f.Add([]byte{}, uint16(0), byte(0), uint16(0))
	f.Fuzz(func(t *testing.T, text []byte, at uint16, flip byte, size uint16) {
		w, written, reader := pair(t, tls.TLS_AES_128_GCM_SHA256)
		w.Write(text)
		w.Write(text)
		wire := written.Bytes()
		if int(at) < len(wire) {
			wire[at] ^= flip
		}
		r := reader(wire)
		var got []byte
		for b := make([]byte, 1+int(size)); ; {
			n, err := r.Read(b)
			got = append(got, b[:n]...)
			if err != nil {
				break
			}
		}
		sent := append(bytes.Clone(text), text...)
		if !bytes.HasPrefix(sent, got) {
			t.Fatal("what is read was not sent")
		}
		if (flip == 0 || int(at) >= len(wire)) && len(got) != len(sent) {
			t.Fatalf("%d of %d bytes are read", len(got), len(sent))
		}
	})
}

// The way of 2 MB through the records, without a socket.
func BenchmarkSeal(b *testing.B) {
	w, written, _ := pair(b, tls.TLS_AES_256_GCM_SHA384)
	text := random(2 << 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		written.Reset()
		w.WriteBuffers(net.Buffers{text})
	}
}

func BenchmarkOpen(b *testing.B) {
	w, written, reader := pair(b, tls.TLS_AES_256_GCM_SHA384)
	text := random(2 << 20)
	w.Write(text)
	r := reader(nil)
	whole := r.Whole()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Conn = &wired{in: bytes.NewReader(written.Bytes())}
		r.in.keys.seq = 0
		if _, err := io.ReadFull(whole, text); err != nil {
			b.Fatal(err)
		}
	}
}
