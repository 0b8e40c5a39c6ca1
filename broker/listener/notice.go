package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"schloss/kafka/wire"
)

// once remembers what was told about whom, so that a peer that tries again and
// again fills no log. It forgets everything when it has grown too large.
type once struct {
	mu   sync.Mutex // guards told
	told map[[2]string]struct{}
}

const maxTold = 1024

func (o *once) first(peer, what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := [2]string{peer, what}
	if _, ok := o.told[key]; ok {
		return false
	}
	if o.told == nil || len(o.told) >= maxTold {
		o.told = make(map[[2]string]struct{})
	}
	o.told[key] = struct{}{}
	return true
}

// refuse tells why a peer was not let in, once for each peer and reason.
func (l *Listener) refuse(host string, err error) {
	if l.ctx.Err() != nil || quiet(err) {
		l.log.Debug("connection ended before its first request", "peer", host, "reason", err)
		return
	}
	var header tls.RecordHeaderError
	reason := err.Error()
	if errors.As(err, &header) {
		reason = "the peer speaks plaintext, this listener TLS; it needs security.protocol=SSL"
	}
	if l.told.first(host, reason) {
		l.log.Warn("connection refused", "peer", host, "reason", reason)
	}
}

// report tells why a connection was cut, when it was not simply closed.
func (l *Listener) report(c *conn, err error) {
	if quiet(err) {
		l.log.Debug("connection closed", "peer", c.peer.Host, "reason", err)
		return
	}
	reason := err.Error()
	if errors.Is(err, wire.ErrTLSRecord) {
		reason = "the peer speaks TLS, this listener plaintext; it needs security.protocol=PLAINTEXT or another port"
	}
	if l.told.first(c.peer.Host, reason) {
		l.log.Warn("connection closed", "peer", c.peer.Host, "principal", c.peer.Name, "reason", reason)
	}
}

// quiet says whether err is the ordinary end of a connection.
func quiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) ||
		errors.Is(err, errIdle) || errors.Is(err, io.ErrUnexpectedEOF)
}
