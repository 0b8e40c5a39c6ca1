package ssl

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"schloss/security/keystore"
)

func TestReloadWhileServing(t *testing.T) {
	root, stranger := issue(t, "root", nil, authority), issue(t, "stranger", nil, authority)
	first, second := issue(t, "first", root, nil), issue(t, "second", root, nil)
	text := side(t, first, root)
	keyPath := location(t, text, "ssl.keystore.location=")
	trustPath := location(t, text, "ssl.truststore.location=")
	r := newServer(t, text+"ssl.client.auth=required\n")
	server := r.Server() // kept throughout, as a listener keeps it
	client := newClient(t, side(t, first, root))
	serves := func(want string) {
		t.Helper()
		o := connect(t, server, client.Client("localhost"))
		if o.server != nil || o.client != nil {
			t.Fatalf("server %v, client %v", o.server, o.client)
		}
		if got := o.clientState.PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("it serves as %q, want %q", got, want)
		}
	}
	reload := func(changed bool, fault string) {
		t.Helper()
		got, err := r.Reload()
		if got != changed || (err != nil) != (fault != "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("reload: got %v, %v, want %v, %q", got, err, changed, fault)
		}
	}
	write := func(path string, data string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serves("first")
	reload(false, "")

	writeStore(t, keyPath, &keystore.Store{Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: second.key, Chain: second.chain}}})
	serves("first")
	reload(true, "")
	serves("second")
	if got := r.Leaf().Subject.CommonName; got != "second" {
		t.Errorf("the leaf is %q", got)
	}

	write(keyPath, "broken")
	reload(false, "neither JKS nor PKCS12 nor PEM")
	serves("second")
	reload(false, "") // told once

	if err := os.Remove(keyPath); err != nil {
		t.Fatal(err)
	}
	reload(false, "no such file")
	serves("second")

	writeStore(t, keyPath, &keystore.Store{Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: first.key, Chain: first.chain}}})
	reload(true, "")
	serves("first")

	writeStore(t, trustPath, &keystore.Store{Trusted: []keystore.TrustedEntry{{Alias: "CARoot", Certificate: stranger.chain[0]}}})
	reload(true, "")
	if o := connect(t, server, client.Client("localhost")); o.server == nil {
		t.Error("a client of the old authority is still let in")
	}
}

func location(t *testing.T, text, prefix string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(path)
		}
	}
	t.Fatalf("no %s in %q", prefix, text)
	return ""
}

func TestClientsReloadToo(t *testing.T) {
	root, other := issue(t, "root", nil, authority), issue(t, "other", nil, authority)
	text := side(t, nil, root)
	r := newClient(t, text)
	server := newServer(t, side(t, issue(t, "s", other, nil), nil)).Server()
	var unknown *UnknownCAError
	judge(t, "client", connect(t, server, r.Client("localhost")).client, &unknown)
	writeStore(t, location(t, text, "ssl.truststore.location="), &keystore.Store{Trusted: []keystore.TrustedEntry{{Alias: "CARoot", Certificate: other.chain[0]}}})
	if changed, err := r.Reload(); !changed || err != nil {
		t.Fatalf("got %v, %v", changed, err)
	}
	judge(t, "client", connect(t, server, r.Client("localhost")).client, nil)
}

func TestWatch(t *testing.T) {
	root := issue(t, "root", nil, authority)
	text := side(t, issue(t, "first", root, nil), root)
	r := newServer(t, text)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan error)
	ended := make(chan struct{})
	go func() {
		r.Watch(ctx, time.Millisecond, func(err error) { heard <- err })
		close(ended)
	}()
	path := location(t, text, "ssl.keystore.location=")
	second := issue(t, "second", root, nil)
	writeStore(t, path, &keystore.Store{Keys: []keystore.KeyEntry{{Alias: "own", PrivateKey: second.key, Chain: second.chain}}})
	if err := <-heard; err != nil {
		t.Error(err)
	}
	if err := keystore.WriteFile(path, []byte("broken"), 0o600, true); err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err == nil {
		t.Error("nothing was said of a broken file")
	}
	if got := r.Leaf().Subject.CommonName; got != "second" {
		t.Errorf("the leaf is %q", got)
	}
	cancel()
	<-ended
}
