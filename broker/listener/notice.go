package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"schloss/kafka/wire"
	"schloss/security/ssl"
)

// notices decide what is said about connections that came to nothing, so that
// peers that try again and again fill no log: the first of a peer and reason is
// said at once, then the tenth, the hundredth and so on. Beyond maxNotices of
// them an hour, further ones are counted in sum alone.
type notices struct {
	now func() time.Time

	mu     sync.Mutex // guards what follows
	since  time.Time
	times  map[[2]string]int
	others int
}

const (
	maxNotices     = 1024
	noticesForget  = time.Hour
	maxNoticeBytes = 512 // of a reason, which may quote a peer's certificate
)

// note counts one and says whether to tell of it: how often it was seen, and
// for others how many there are that were told in no other way.
func (n *notices) note(peer, what string) (times, others int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := n.now(); n.times == nil || now.Sub(n.since) >= noticesForget {
		n.since, n.times, n.others = now, make(map[[2]string]int), 0
	}
	key := [2]string{peer, what}
	if _, known := n.times[key]; !known && len(n.times) >= maxNotices {
		n.others++
		return 0, rounded(n.others)
	}
	n.times[key]++
	return rounded(n.times[key]), 0
}

// rounded is n where it is a power of ten, else 0.
func rounded(n int) int {
	for power := n; power > 0; power /= 10 {
		if power == 1 {
			return n
		}
		if power%10 != 0 {
			break
		}
	}
	return 0
}

// tell writes the line about a peer, unless it was said before.
func (l *Listener) tell(message, host string, why cause, more ...any) {
	why.reason = shortened(why.reason)
	times, others := l.told.note(host, why.reason)
	if others > 0 {
		l.log.Warn("further connections refused, only counted", "since", l.told.started(), "count", others)
	}
	if times == 0 {
		return
	}
	more = append([]any{"peer", host}, more...)
	more = append(more, "reason", why.reason)
	if why.fault != "" {
		more = append(more, "fault", why.fault)
	}
	if why.hint != "" {
		more = append(more, "hint", why.hint)
	}
	if times > 1 {
		more = append(more, "times", times)
	}
	l.log.Warn(message, more...)
}

func (n *notices) started() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.since.UTC().Format(time.RFC3339)
}

// refuse tells why a peer was not let in.
func (l *Listener) refuse(host string, err error) {
	if l.ctx.Err() != nil || quiet(err) {
		l.log.Debug("connection ended before its first request", "peer", host, "reason", err)
		return
	}
	l.tell("connection refused", host, causeOf(err), stackOf(err)...)
}

// report tells why a connection was cut, when it was not simply closed.
func (l *Listener) report(c *conn, err error) {
	if quiet(err) {
		l.log.Debug("connection closed", "peer", c.peer.Host, "reason", err)
		return
	}
	l.tell("connection closed", c.peer.Host, causeOf(err), append(stackOf(err), "principal", shortened(c.peer.Name))...)
}

// shortened is a text that a peer may have made as long as it liked.
func shortened(text string) string {
	if len(text) > maxNoticeBytes {
		return text[:maxNoticeBytes] + "..."
	}
	return text
}

// stackOf is where a panic came from.
func stackOf(err error) []any {
	var panicked *PanicError
	if errors.As(err, &panicked) {
		return []any{"stack", string(panicked.Stack)}
	}
	return nil
}

// cause is what an operator can make of a failure: on which side it is to be
// mended, and how.
type cause struct {
	reason, fault, hint string
}

const (
	peersFault   = "peer"
	ourFault     = "this broker"
	eithersFault = "peer or this broker"
)

// causeOf reads the error of a handshake or of a frame.
func causeOf(err error) cause {
	var header tls.RecordHeaderError
	var unknown *ssl.UnknownCAError
	var expired *ssl.ExpiredError
	var weak *ssl.WeakError
	var common *ssl.NothingCommonError
	var alert *ssl.AlertError
	var unmapped *ssl.UnmappedError
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		return cause{err.Error(), ourFault, "a defect of this program: please report it with this line"}
	case errors.As(err, &header), errors.Is(err, ssl.ErrPlaintextPeer):
		return cause{"the peer speaks plaintext, this listener TLS", peersFault, "set security.protocol=SSL and the ssl settings in the peer's file"}
	case errors.Is(err, wire.ErrTLSRecord):
		return cause{"the peer speaks TLS, this listener plaintext", peersFault, "set security.protocol=PLAINTEXT in the peer's file, or give it the port of an SSL listener"}
	case errors.Is(err, wire.ErrHTTP):
		return cause{"the peer speaks HTTP", peersFault, "a browser or a health check: it has the wrong port"}
	case errors.Is(err, ssl.ErrNoClientCertificate):
		return cause{"the peer showed no client certificate, and ssl.client.auth=required wants one", peersFault,
			"set ssl.keystore.location, ssl.keystore.password and ssl.key.password in the peer's file; keytool -list must show a PrivateKeyEntry in that store, no trustedCertEntry"}
	case errors.As(err, &unknown):
		return cause{"client " + unknown.Error(), eithersFault,
			fmt.Sprintf("to trust it, put the certificate of %s into this listener's ssl.truststore.location: keytool -keystore TRUSTSTORE -alias NAME -importcert -file ca-cert; else issue the peer's by an authority that is there", unknown.Issuer)}
	case errors.As(err, &expired):
		return cause{"client " + expired.Error(), peersFault, "issue the peer's certificate anew: schloss certs issue --replace ...; and compare the clocks of both machines: date"}
	case errors.As(err, &weak):
		return cause{"client " + weak.Error(), peersFault, "sign the peer's certificate anew, with SHA-256: schloss certs issue --replace ..."}
	case errors.As(err, &common):
		return cause{common.Error(), eithersFault, "compare ssl.enabled.protocols and ssl.cipher.suites of both sides"}
	case errors.As(err, &unmapped):
		return cause{unmapped.Error(), ourFault, "add DEFAULT as the last rule of ssl.principal.mapping.rules, or a rule that matches"}
	case errors.As(err, &alert):
		return alertCause(alert)
	}
	return cause{reason: err.Error()}
}

// alertCause reads what a client answered our certificate with (RFC 8446,
// section 6).
func alertCause(e *ssl.AlertError) cause {
	const handshakeFailure, badCertificate, expired, unknownCertificate, unknownCA, protocolVersion = 40, 42, 45, 46, 48, 70
	reason := e.Error()
	switch e.Code {
	case badCertificate, unknownCertificate, unknownCA:
		return cause{reason + ": it does not accept this broker's certificate", eithersFault,
			"its trust store must hold the authority that signed ours, and ours must name the host that it dialled; at the peer: schloss doctor HOST:PORT --command-config FILE"}
	case expired:
		return cause{reason + ": this broker's certificate is out of date for it", eithersFault, "issue it anew: schloss certs issue --replace ...; and compare the clocks of both machines: date"}
	case handshakeFailure, protocolVersion:
		return cause{reason, eithersFault, "compare ssl.enabled.protocols and ssl.cipher.suites of both sides"}
	}
	return cause{reason: reason}
}

// quiet says whether err is the ordinary end of a connection.
func quiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) ||
		errors.Is(err, errIdle) || errors.Is(err, io.ErrUnexpectedEOF)
}
