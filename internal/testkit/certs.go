package testkit

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"schloss/client"
	"schloss/kafka/config"
	"schloss/node"
	"schloss/security/acl"
	"schloss/security/ca"
)

const password = "test1234"

// Certs are an authority and the identities under it.
type Certs struct {
	Dir    string
	Server string // principal of "server" and, as in the course, of "client"
}

// NewCerts makes an authority with the identities "server" and "client", which
// have the same name.
func NewCerts(t testing.TB) *Certs {
	t.Helper()
	c := &Certs{Dir: t.TempDir()}
	made, err := ca.CreateAll(ca.CreateParams{Dir: c.Dir, DName: "CN=castle, O=Test", Password: password, Algorithm: ca.ECP256, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	c.Server = made[0].Principal
	return c
}

// Issue makes one more identity, CN=name, and returns its principal.
func (c *Certs) Issue(t testing.TB, name string) string {
	t.Helper()
	made, err := ca.IssueNamed(ca.IssueParams{Dir: c.Dir, Name: name, DName: "CN=" + name, Password: password, Algorithm: ca.ECP256, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return made.Principal
}

// stores are the ssl.* settings of an identity.
func (c *Certs) stores(name string) map[string]string {
	return map[string]string{
		"ssl.keystore.location":   filepath.Join(c.Dir, name+".keystore.jks"),
		"ssl.keystore.password":   password,
		"ssl.key.password":        password,
		"ssl.truststore.location": filepath.Join(c.Dir, name+".truststore.jks"),
		"ssl.truststore.password": password,
	}
}

// addACLs makes access rules while no broker runs.
func addACLs(t testing.TB, serverProperties string, bindings []acl.Binding) {
	t.Helper()
	p, err := config.ReadFile(serverProperties)
	if err != nil {
		t.Fatal(err)
	}
	dial, held, err := node.Offline(p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	each, err := client.NewAdmin(client.NewConn(conn)).CreateACLs(ctx, bindings)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range each {
		if err != nil {
			t.Fatalf("create %s: %v", bindings[i], err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
}
