package client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
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
