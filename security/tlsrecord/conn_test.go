package tlsrecord

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"testing"
	"time"
)

// certificate signs itself.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// served connects with a server of crypto/tls, on a socket of the loopback, and
// hands both ends out.
func served(t testing.TB, server, client *tls.Config) (net.Conn, *tls.Conn) {
	t.Helper()
	server.Certificates = []tls.Certificate{certificate(t)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *tls.Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			accepted <- nil
			return
		}
		s := tls.Server(nc, server)
		_ = s.Handshake() // the client's end tells
		accepted <- s
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client.InsecureSkipVerify = true
	c, err := Client(context.Background(), nc, client)
	if err != nil {
		t.Fatal(err)
	}
	s := <-accepted
	t.Cleanup(func() { c.Close(); s.Close() })
	for _, nc := range []net.Conn{c, s} {
		nc.SetDeadline(time.Now().Add(time.Minute))
	}
	return c, s
}

func ours(t testing.TB, c net.Conn) *Conn {
	t.Helper()
	conn, ok := c.(*Conn)
	if !ok {
		t.Fatalf("got %T, want a *Conn", c)
	}
	return conn
}

func random(n int) []byte {
	b := make([]byte, n)
	mrand.NewChaCha8([32]byte{}).Read(b)
	return b
}

// What one end writes the other reads, in whatever pieces.
func TestBothWays(t *testing.T) {
	for _, tickets := range []bool{false, true} {
		c, s := served(t, &tls.Config{SessionTicketsDisabled: !tickets}, &tls.Config{})
		text := random(3<<20 + 77)
		conn := ours(t, c)
		dice := mrand.New(mrand.NewPCG(1, 2))
		sent := make(chan error, 2)
		pieces := func(b []byte, write func(piece []byte) error) {
			for len(b) > 0 {
				n := min(len(b), 1+dice.IntN(1+dice.IntN(200<<10)))
				if err := write(b[:n]); err != nil {
					sent <- err
					return
				}
				b = b[n:]
			}
			sent <- nil
		}
		go pieces(text, func(b []byte) error {
			half := len(b) / 2
			n, err := conn.WriteBuffers(net.Buffers{b[:half], nil, b[half:]})
			if err == nil && n != int64(len(b)) {
				err = io.ErrShortWrite
			}
			return err
		})
		got := make([]byte, len(text))
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("tickets %v: the server reads: %v, equal %v", tickets, err, bytes.Equal(got, text))
		}
		go func() { _, err := s.Write(text); sent <- err }()
		clear(got)
		for rest := got; len(rest) > 0; {
			piece := rest[:min(len(rest), 1+dice.IntN(100<<10))]
			from := io.Reader(conn)
			if dice.IntN(2) == 0 {
				from = conn.Whole()
			}
			n, err := from.Read(piece)
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(got, text) {
			t.Fatalf("tickets %v: the client reads something else", tickets)
		}
		for range 2 {
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOlderVersionsStayWithCryptoTLS(t *testing.T) {
	c, s := served(t, &tls.Config{MaxVersion: tls.VersionTLS12}, &tls.Config{})
	if _, ok := c.(*tls.Conn); !ok {
		t.Fatalf("got %T, want a *tls.Conn", c)
	}
	go s.Write([]byte("hello"))
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// The goodbye of either end is the other's EOF.
func TestClose(t *testing.T) {
	c, s := served(t, &tls.Config{}, &tls.Config{})
	c.Write([]byte("last words"))
	c.Close()
	if got, err := io.ReadAll(s); err != nil || string(got) != "last words" {
		t.Errorf("the server reads %q, %v", got, err)
	}
	if _, err := c.Write([]byte("more")); err == nil {
		t.Error("a closed connection takes more")
	}
	c, s = served(t, &tls.Config{}, &tls.Config{})
	s.Write([]byte("last words"))
	s.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "last words" {
		t.Errorf("the client reads %q, %v", got, err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

// A server of TLS 1.3 refuses a client's certificate when the client's
// handshake is done.
func TestAlert(t *testing.T) {
	c, _ := served(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, &tls.Config{})
	_, err := c.Read(make([]byte, 1))
	var op *net.OpError
	var alert tls.AlertError
	if !errors.As(err, &op) || op.Op != "remote error" || !errors.As(err, &alert) || alert != 116 {
		t.Errorf("got %v, want the alert certificate required", err)
	}
}

// A read that ran out of time may be tried again.
func TestTimeout(t *testing.T) {
	c, s := served(t, &tls.Config{}, &tls.Config{})
	c.SetReadDeadline(time.Now().Add(-time.Second))
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %v, want a time-out", err)
	}
	c.SetReadDeadline(time.Time{})
	s.Write([]byte("late"))
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "late" {
		t.Errorf("got %q, %v", got, err)
	}
}

// crypto/tls understands our change of keys, and its answer to one that was
// asked for is understood here.
func TestNewKeysWithCryptoTLS(t *testing.T) {
	c, s := served(t, &tls.Config{}, &tls.Config{})
	conn := ours(t, c)
	talk := func() {
		t.Helper()
		got := make([]byte, 4)
		c.Write([]byte("ping"))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "ping" {
			t.Fatalf("the server reads %q, %v", got, err)
		}
		s.Write([]byte("pong"))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "pong" {
			t.Fatalf("the client reads %q, %v", got, err)
		}
	}
	talk()
	before := conn.out.keys.secret
	conn.updateAsked.Store(true)
	talk()
	if bytes.Equal(before, conn.out.keys.secret) || conn.out.keys.seq != 1 {
		t.Errorf("the keys are the old ones, or %d records were sealed with the new", conn.out.keys.seq)
	}
	before = conn.in.keys.secret
	conn.out.begin(0) // as a peer that asks for ours: update_requested
	conn.out.wire = append(conn.out.wire, keyUpdate, 0, 0, 1, 1)
	conn.out.seal(0, handshakeRecord)
	if err := conn.out.keys.update(); err != nil {
		t.Fatal(err)
	}
	talk()
	talk()
	if bytes.Equal(before, conn.in.keys.secret) {
		t.Error("the server's keys are the old ones")
	}
}
