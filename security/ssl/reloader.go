package ssl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"

	"schloss/kafka/config"
)

// Reloader holds the TLS side of one listener or client and renews it when the
// files of its stores change. It is safe for concurrent use.
type Reloader struct {
	// Warn, when set before first use, hears what is accepted but should be
	// mended, such as a host name found only in a CN.
	Warn func(text string)
}

// ServerConfig reads the ssl.* settings of a listener.
func ServerConfig(v *config.Values) (*Reloader, error) { return nil, nil }

// ClientConfig reads the ssl.* settings of a client.
func ClientConfig(v *config.Values) (*Reloader, error) { return nil, nil }

// Server is the configuration to accept with. It may be kept: each handshake
// uses the stores as last read.
func (r *Reloader) Server() *tls.Config { return nil }

// Client is the configuration to dial host with; host is a name or an address
// without port. It holds the stores as last read.
func (r *Reloader) Client(host string) *tls.Config { return nil }

// DialContext connects and shakes hands; its signature fits kgo.Dialer. Errors
// are explained.
func (r *Reloader) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return nil, nil
}

// Leaf is the certificate that we present, nil when there is none.
func (r *Reloader) Leaf() *x509.Certificate { return nil }

// Reload reads the stores again if their files changed. On error the old ones
// stay in force and changed is false.
func (r *Reloader) Reload() (changed bool, err error) { return false, nil }

// Watch reloads every interval until ctx ends; done hears of each reload and
// of each failure once.
func (r *Reloader) Watch(ctx context.Context, interval time.Duration, done func(err error)) {}
