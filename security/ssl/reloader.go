package ssl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"time"

	"schloss/kafka/config"
)

// Reloader holds the TLS side of one listener or client and renews it when the
// files of its stores change. It is safe for concurrent use.
//
// Connections that stand keep what they were made with, as in Kafka.
type Reloader struct {
	// Warn, when set before first use, hears what is accepted but should be
	// mended, such as a host name found only in a CN. Each is said once.
	Warn func(text string)

	settings *settings
	server   bool
	now      func() time.Time
	current  atomic.Pointer[material]

	// mu guards what follows.
	mu         sync.Mutex
	key, trust stamp           // of the files as last tried, good or not
	said       map[string]bool // warnings
}

// ServerConfig reads the ssl.* settings of a listener.
func ServerConfig(v *config.Values) (*Reloader, error) {
	s, err := serverSettings(v)
	if err != nil {
		return nil, err
	}
	return open(s, true, time.Now)
}

// ClientConfig reads the ssl.* settings of a client.
func ClientConfig(v *config.Values) (*Reloader, error) {
	s, err := clientSettings(v)
	if err != nil {
		return nil, err
	}
	return open(s, false, time.Now)
}

func open(s *settings, server bool, now func() time.Time) (*Reloader, error) {
	r := &Reloader{settings: s, server: server, now: now, said: make(map[string]bool)}
	r.key, _ = stampOf(s.key.path) // the reading tells what is wrong
	r.trust, _ = stampOf(s.trust.path)
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

// Server is the configuration to accept with. It may be kept: each handshake
// uses the stores as last read.
func (r *Reloader) Server() *tls.Config {
	r.sayNotices()
	c := r.base()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.current.Load().server, nil }
	return c
}

// Client is the configuration to dial host with; host is a name or an address
// without port. It holds the stores as last read.
func (r *Reloader) Client(host string) *tls.Config {
	r.sayNotices()
	m := r.current.Load()
	c := r.base()
	c.ServerName = host
	// Go's own verification knows no way to leave the host name out, nor to
	// find it in a CN; VerifyConnection does all that it would.
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(cs tls.ConnectionState) error { return r.verifyServer(m, cs, host) }
	c.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for i := range m.certificates {
			if request.SupportsCertificate(&m.certificates[i]) == nil {
				return &m.certificates[i], nil
			}
		}
		// A certificate of an authority that the server does not name is
		// shown all the same: then the server says what it dislikes.
		if len(m.certificates) > 0 {
			return &m.certificates[0], nil
		}
		return &tls.Certificate{}, nil
	}
	return c
}

// base is what both sides have in common. Without tickets no session is
// resumed, so every connection verifies its peer. Records are full from the
// first: the ramp-up for browsers only costs system calls here.
func (r *Reloader) base() *tls.Config {
	return &tls.Config{
		MinVersion:                  r.settings.min,
		MaxVersion:                  r.settings.max,
		CipherSuites:                r.settings.suites,
		Time:                        r.now,
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
	}
}

// serverWith is the configuration that serves with m.
func (r *Reloader) serverWith(m *material) *tls.Config {
	c := r.base()
	c.Certificates = m.certificates
	c.ClientAuth = r.settings.clientAuth
	c.ClientCAs = m.roots // which are also named to the client, to choose by
	c.VerifyConnection = verifyClient
	return c
}

// Leaf is the certificate that we present, nil when there is none.
func (r *Reloader) Leaf() *x509.Certificate {
	if m := r.current.Load(); len(m.certificates) > 0 {
		return m.certificates[0].Leaf
	}
	return nil
}

// Reload reads the stores again if their files changed since they were last
// tried. On error the old ones stay in force and changed is false; the same
// files are not tried twice.
func (r *Reloader) Reload() (changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, keyErr := stampOf(r.settings.key.path)
	trust, trustErr := stampOf(r.settings.trust.path)
	if key.same(r.key) && trust.same(r.trust) {
		return false, nil
	}
	// The stamps are from before the reading: a change while reading is seen
	// next time.
	r.key, r.trust = key, trust
	if keyErr != nil {
		return false, r.settings.key.wrap(keyErr)
	}
	if trustErr != nil {
		return false, r.settings.trust.wrap(trustErr)
	}
	if err := r.read(); err != nil {
		return false, err
	}
	return true, nil
}

func (r *Reloader) read() error {
	m, err := r.settings.load()
	if err != nil {
		return err
	}
	if r.server {
		m.server = r.serverWith(m)
	}
	r.current.Store(m)
	return nil
}

// Watch reloads every interval until ctx ends; done hears of each reload and
// of each failure once.
func (r *Reloader) Watch(ctx context.Context, interval time.Duration, done func(err error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if changed, err := r.Reload(); changed || err != nil {
			done(err)
		}
	}
}

// sayNotices says what the settings and the dates of our certificate give
// cause for; it waits for first use, when Warn is set.
func (r *Reloader) sayNotices() {
	for _, n := range r.settings.notices {
		r.warn(n)
	}
	if n := r.current.Load().datesNotice(r.now()); n != "" {
		r.warn(n)
	}
}

func (r *Reloader) warn(text string) {
	r.mu.Lock()
	first := !r.said[text]
	r.said[text] = true
	r.mu.Unlock()
	if first && r.Warn != nil {
		r.Warn(text)
	}
}
