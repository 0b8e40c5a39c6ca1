package client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"schloss/security/tlsrecord"
)

// However large the parts are that are asked for, all that was sent arrives:
// what is small is not waited for longer, and an end within a large part is
// told.
func TestBulkConnReads(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 3*awaited/16+5)
	addr := listener(t, func(nc net.Conn) {
		for _, part := range [][]byte{[]byte("head"), large[:10], large[10 : awaited+1], large[awaited+1:], []byte("tail"), large[:awaited/2]} {
			nc.Write(part)
		}
	})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r, err := newBulkConn(nc.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{[]byte("head"), large, []byte("tail")} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes: %v, equal %v", len(want), err, bytes.Equal(got, want))
		}
	}
	if n, err := io.ReadFull(r, make([]byte, awaited)); n != awaited/2 || err != io.ErrUnexpectedEOF {
		t.Errorf("at the end: got %d, %v, want %d and %v", n, err, awaited/2, io.ErrUnexpectedEOF)
	}
}

// Whatever the buffers are, all of them arrive, also when the reader is late.
func TestBulkConnWrites(t *testing.T) {
	text := make([]byte, 3*awaited+77)
	for i := range text {
		text[i] = byte(i * i >> 8)
	}
	bufs := net.Buffers{nil, text[:10], text[10 : 2*awaited+5], nil, text[2*awaited+5 : 2*awaited+6]}
	for at := 2*awaited + 6; at < len(text); at += 700 {
		bufs = append(bufs, text[at:min(len(text), at+700)])
	}
	bufs = append(bufs, nil)
	begin, written := make(chan struct{}), make(chan error, 1)
	got := make(chan []byte, 1)
	addr := listener(t, func(nc net.Conn) {
		<-begin
		all, _ := io.ReadAll(nc)
		got <- all
	})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	tcp := nc.(*net.TCPConn)
	if err := tcp.SetWriteBuffer(32 << 10); err != nil { // it is full, and more than once
		t.Fatal(err)
	}
	c, err := newBulkConn(tcp)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		n, err := c.WriteBuffers(bufs)
		if err == nil && n != int64(len(text)) {
			err = io.ErrShortWrite
		}
		c.Close()
		written <- err
	}()
	close(begin)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(<-got, text) {
		t.Error("something else arrives")
	}
}

// A peer that has gone is an error of the socket, as package net tells it.
func TestBulkConnFails(t *testing.T) {
	addr := listener(t, func(nc net.Conn) {
		io.ReadFull(nc, make([]byte, 1))
		nc.(*net.TCPConn).SetLinger(0)
		nc.Close()
	})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c, err := newBulkConn(nc.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, leastBulk))
	var op *net.OpError
	if !isReset(err) || !errors.As(err, &op) {
		t.Errorf("read: got %v, want a reset", err)
	}
	if _, err = c.Write(make([]byte, leastBulk)); !isReset(err) || !errors.As(err, &op) {
		t.Errorf("write: got %v, want a broken pipe", err)
	}
}

// The reader of a TLS connection never waits for more than what was asked for:
// the server goes on only when it has heard that all has come.
func TestWholeReader(t *testing.T) {
	ca := sign(t, nil, func(*x509.Certificate) {})
	leaf := sign(t, ca, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	const gathered, record = 256 << 10, 16 << 10 // of tlsrecord
	sizes := []int{4, leastBulk, leastBulk + record, 100, gathered - 1, gathered, gathered + record + 1, 3*awaited + 7, 1}
	large := bytes.Repeat([]byte("0123456789abcdef"), awaited/4)
	addr := listener(t, func(nc net.Conn) {
		server := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{leaf.tls()}})
		for _, size := range sizes {
			server.Write(large[:size/2])
			server.Write(large[size/2 : size])
			if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
				return
			}
		}
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(time.Minute))
		conn, err := secure(t.Context(), nc, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		whole := io.Reader(conn)
		if r, ok := conn.(*tlsrecord.Conn); ok == (version == tls.VersionTLS13) {
			if ok {
				whole = r.Whole()
			}
		} else {
			t.Fatalf("%s is carried by %T", tls.VersionName(version), conn)
		}
		for _, size := range sizes {
			got := make([]byte, size)
			if _, err := io.ReadFull(whole, got); err != nil || !bytes.Equal(got, large[:size]) {
				t.Fatalf("%s, %d bytes: %v, equal %v", tls.VersionName(version), size, err, bytes.Equal(got, large[:size]))
			}
			if _, err := conn.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
