package testkit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"schloss/kafka/config"
	"schloss/node"
	"schloss/security/acl"
)

// Options say what broker to run. The zero value is plaintext, open to
// everyone, on a new directory.
type Options struct {
	// TLS makes the listener SSL and asks every client for a certificate.
	TLS bool
	// Authorizer switches the access rules on. With TLS the broker's own
	// principal, which the identity "client" shares, is a super user.
	Authorizer bool
	// ACLs are there before the broker starts.
	ACLs []acl.Binding
	// Data is the data directory; "" makes a new one.
	Data string
	// Certs are certificates to use again; nil makes new ones.
	Certs *Certs
	// Properties are laid over the settings of the kit.
	Properties map[string]string
}

// Broker is a broker that runs in this process.
type Broker struct {
	Addr     string // host:port of its one listener
	Data     string // its data directory
	Config   string // path of its server.properties
	Certs    *Certs // nil without TLS
	Log      *Output
	protocol string
	dir      string

	stop  func() // idempotent
	ended chan error
}

// Start runs a broker until the test ends.
func Start(t testing.TB, o Options) *Broker {
	t.Helper()
	b := &Broker{Data: o.Data, Certs: o.Certs, Log: &Output{}, protocol: "PLAINTEXT", dir: t.TempDir(), ended: make(chan error, 1)}
	if b.Data == "" {
		b.Data = filepath.Join(b.dir, "data")
	}
	if o.TLS {
		b.protocol = "SSL"
		if b.Certs == nil {
			b.Certs = NewCerts(t)
		}
	}
	properties := b.properties(o)
	b.Config = filepath.Join(b.dir, "server.properties")
	WriteProperties(t, b.Config, properties)
	if len(o.ACLs) > 0 {
		addACLs(t, b.Config, o.ACLs)
	}
	b.run(t)
	return b
}

func (b *Broker) properties(o Options) map[string]string {
	p := map[string]string{
		"listeners":                        b.protocol + "://127.0.0.1:0",
		"log.dirs":                         b.Data,
		"offsets.topic.num.partitions":     "4",
		"group.initial.rebalance.delay.ms": "0",
	}
	if o.TLS {
		maps.Copy(p, map[string]string{
			"ssl.client.auth":                "required",
			"security.inter.broker.protocol": "SSL",
			"super.users":                    b.Certs.Server,
		})
		maps.Copy(p, b.Certs.stores("server"))
	}
	if o.Authorizer {
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	}
	maps.Copy(p, o.Properties)
	return p
}

func (b *Broker) run(t testing.TB) {
	t.Helper()
	properties, err := config.ReadFile(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan node.Started, 1)
	result := make(chan error, 1)
	go func() {
		result <- node.Run(ctx, node.Config{Properties: properties, Stdout: io.Discard, Stderr: b.Log, Ready: func(s node.Started) { ready <- s }})
	}()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			b.ended <- <-result
		})
	}
	select {
	case s := <-ready:
		b.Addr = s.Listeners[b.protocol]
	case err := <-result:
		cancel()
		t.Fatalf("broker did not start: %v\n%s", err, b.Log)
	case <-time.After(30 * time.Second):
		cancel()
		t.Fatalf("broker was not ready in time\n%s", b.Log)
	}
	t.Cleanup(func() { b.Stop(t) })
}

// Stop stops the broker cleanly, if it still runs.
func (b *Broker) Stop(t testing.TB) {
	t.Helper()
	b.stop()
	select {
	case err := <-b.ended:
		if err != nil {
			t.Errorf("broker ended with %v\n%s", err, b.Log)
		}
	default: // it was stopped before
	}
}

// KilledCopy is a new data directory with what a kill -9 at this moment would
// leave: every byte that was written, and no sign of a clean stop.
func (b *Broker) KilledCopy(t testing.TB) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	err := filepath.WalkDir(b.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(b.Data, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o750)
		case !d.Type().IsRegular():
			return nil // the socket
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// Client writes the property file of a client and returns its path. With TLS
// name is the identity, made by Certs.Issue; "client" is there from the start.
func (b *Broker) Client(t testing.TB, name string) string {
	t.Helper()
	p := map[string]string{"bootstrap.servers": b.Addr, "security.protocol": b.protocol}
	if b.Certs != nil {
		maps.Copy(p, b.Certs.stores(name))
	}
	path := filepath.Join(b.dir, name+".properties")
	WriteProperties(t, path, p)
	return path
}

// WriteProperties writes a .properties file.
func WriteProperties(t testing.TB, path string, p map[string]string) {
	t.Helper()
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(p[key], `\`, `\\`))
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Output collects what a process writes. It may be used by many goroutines.
type Output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
