package tlsrecord

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes of records (RFC 8446, 5.1 and 5.2).
const (
	headerSize    = 5
	maxPlaintext  = 16 << 10
	maxCiphertext = maxPlaintext + 256
	largestRecord = headerSize + maxCiphertext
	tagSize       = 16
	overhead      = headerSize + 1 + tagSize // of one record without padding
)

// Types of records and of messages.
const (
	alertRecord       = 21
	handshakeRecord   = 22
	applicationRecord = 23

	newSessionTicket = 4
	keyUpdate        = 24
)

// Alerts (RFC 8446, 6).
const (
	closeNotify       tls.AlertError = 0
	unexpectedMessage tls.AlertError = 10
	badRecordMAC      tls.AlertError = 20
	recordOverflow    tls.AlertError = 22
	internalError     tls.AlertError = 80
	userCanceled      tls.AlertError = 90
)

// atOnce is how many bytes pass through one system call; it fits the
// processor's second-level cache.
const atOnce = 256 << 10

// Conn is the client's end of a TLS 1.3 connection. One may read while another
// writes.
type Conn struct {
	net.Conn // below; its Read and Write are not those of this type

	in  input
	out output
	// updateAsked is set when the peer wants us to change our keys; the next
	// write does, for a reader who waited to write might wait for ever.
	updateAsked atomic.Bool
}

// Client shakes hands over nc. It returns a *Conn, or a *tls.Conn where that
// has negotiated what is not handled here. Nobody else may use nc, whose Read
// is asked for more than 32 KiB only where so much is sure to come; so it may
// wait for all of it. On error, nc is the caller's.
func Client(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	var keys secrets
	config = config.Clone()
	config.KeyLogWriter = &keys
	below := &framed{Conn: nc}
	t := tls.Client(below, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := t.ConnectionState()
	suite := suites[state.CipherSuite]
	if suite == nil || state.Version != tls.VersionTLS13 || fips140.Enabled() {
		below.free = true
		return t, nil
	}
	c := &Conn{Conn: nc}
	if err := errors.Join(c.in.keys.use(suite, keys.server), c.out.keys.use(suite, keys.client)); err != nil {
		return nil, err
	}
	return c, nil
}

// framed gives crypto/tls no byte of a record before it has asked for the one
// before: what it read ahead would be lost to who takes over.
type framed struct {
	net.Conn
	header [headerSize]byte
	have   int // of the header
	left   int // of the record behind it
	free   bool
}

func (f *framed) Read(b []byte) (int, error) {
	switch {
	case f.free:
		return f.Conn.Read(b)
	case f.left > 0:
		n, err := f.Conn.Read(b[:min(len(b), f.left)])
		f.left -= n
		return n, err
	}
	n, err := f.Conn.Read(b[:min(len(b), headerSize-f.have)])
	f.have += copy(f.header[f.have:], b[:n])
	if f.have == headerSize {
		f.have, f.left = 0, int(binary.BigEndian.Uint16(f.header[3:]))
	}
	return n, err
}

// closeWithin is how long the goodbye may take.
const closeWithin = time.Second

// Close says goodbye, if nobody is writing, and closes the connection.
func (c *Conn) Close() error {
	c.tell(closeNotify)
	return c.Conn.Close()
}

// tell sends an alert, if that can be done now. Nothing is written after it.
func (c *Conn) tell(alert tls.AlertError) {
	if !c.out.mu.TryLock() {
		return
	}
	defer c.out.mu.Unlock()
	if c.out.err != nil {
		return
	}
	level := byte(2) // fatal
	if alert == closeNotify {
		level = 1
	}
	c.Conn.SetWriteDeadline(time.Now().Add(closeWithin))
	c.out.begin(0)
	c.out.wire = append(c.out.wire, level, byte(alert))
	c.out.seal(0, alertRecord)
	_ = c.flushLocked() // who has gone cannot be told
	c.out.err = net.ErrClosed
}

// input is the reading half.
type input struct {
	mu    sync.Mutex // guards what follows
	keys  keys
	wire  []byte // [from:to] was read and not opened yet
	from  int
	to    int
	rest  []byte // opened and not yet taken
	spare []byte // what rest lies in
	// messages are of the handshake, behind it: tickets and updates of keys.
	messages []byte
	useless  int // records in a row that brought no data
	err      error
}

// output is the writing half.
type output struct {
	mu   sync.Mutex // guards what follows
	keys keys
	wire []byte // sealed, but for the last record, and not yet written
	err  error
}
