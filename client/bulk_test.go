package client

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// However large the parts are that are asked for, all that was sent arrives:
// what is small is not waited for longer, and an end within a large part is
// told.
func TestBulkReader(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 3*bulk/16+5)
	addr := listener(t, func(nc net.Conn) {
		for _, part := range [][]byte{[]byte("head"), large[:10], large[10 : bulk+1], large[bulk+1:], []byte("tail"), large[:bulk/2]} {
			nc.Write(part)
		}
	})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r, err := newBulkReader(nc.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{[]byte("head"), large, []byte("tail")} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes: %v, equal %v", len(want), err, bytes.Equal(got, want))
		}
	}
	if n, err := io.ReadFull(r, make([]byte, bulk)); n != bulk/2 || err != io.ErrUnexpectedEOF {
		t.Errorf("at the end: got %d, %v, want %d and %v", n, err, bulk/2, io.ErrUnexpectedEOF)
	}
}
