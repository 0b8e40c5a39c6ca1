//go:build interop

package interop

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/internal/peers"
	"schloss/kafka/config"
	"schloss/security/keystore"
)

const (
	storeProgram  = "testdata/stores/Open.java"
	storePassword = "test1234"
	keyPassword   = "other5678" // of the true JKS alone
)

// opened is how Kafka's DefaultSslEngineFactory opens a store: what its key
// manager picks and what entries there are, or why not.
func opened(t *testing.T, stores [][4]string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd, err := peers.Java(ctx, peers.Last3, storeProgram, slices.Concat(flat(stores)...)...)
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, cmd, "")
	lines := strings.Split(strings.TrimSpace(out.stdout), "\n")
	if out.code != 0 || len(lines) != len(stores) {
		t.Fatalf("exit %d: %s", out.code, out.all())
	}
	return lines
}

func flat(stores [][4]string) (all [][]string) {
	for _, s := range stores {
		all = append(all, s[:])
	}
	return all
}

// outlined is a store of ours in the words of the Java program, without what
// it picks.
func outlined(s *keystore.Store) string {
	var entries []string
	for _, k := range s.Keys {
		entries = append(entries, fmt.Sprintf("key %s CN=%s %d", k.Alias, k.Chain[0].Subject.CommonName, len(k.Chain)))
	}
	for _, e := range s.Trusted {
		entries = append(entries, fmt.Sprintf("trusted %s CN=%s 0", strings.ToLower(e.Alias), e.Certificate.Subject.CommonName))
	}
	slices.Sort(entries)
	return strings.Join(entries, "; ")
}

// TestStoresOfRealTools makes stores anew with keytool and openssl, and opens
// each as we do and as Kafka 3.9.1 on Java 17 does.
func TestStoresOfRealTools(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "../security/keystore/testdata/make.sh", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make stores: %v\n%s", err, out)
	}
	const p, none = storePassword, "-"
	tests := []struct {
		file, format  string
		password, key string
		picks         string // by Java; "" where it refuses the store or finds no key
		ours          string // part of our error; "" where we open it
		java          string // part of Kafka's error
		more          bool   // we see more than Java does
	}{
		{file: "openssl.p12", format: "PKCS12", password: p, key: p, picks: "leaf"},
		{file: "openssl-legacy.p12", format: "PKCS12", password: p, key: p, picks: "leaf"},
		{file: "openssl-plain.p12", format: "PKCS12", password: p, key: p, picks: "null", more: true}, // Java passes over a key that is not encrypted
		{file: "openssl-nomac.p12", format: "PKCS12", password: p, key: p, picks: "leaf", ours: "no integrity code"},
		{file: "openssl-unmarked.p12", format: "PKCS12", password: p, key: p, ours: "none of them marked as trusted"},
		{file: "legacy.p12", format: "PKCS12", password: p, key: p, picks: "old"},
		{file: "two.p12", format: "PKCS12", password: p, key: p, picks: "one"},
		{file: "two.p12", format: "JKS", password: p, key: p, picks: "one"}, // by content, whatever the type says
		{file: "many.p12", format: "PKCS12", password: p, key: p, picks: "node-k"},
		{file: "ed25519.p12", format: "PKCS12", password: p, key: p, picks: "edwards"},
		{file: "sun.jks", format: "JKS", password: p, key: keyPassword, picks: "one"},
		{file: "sun.jks", format: "JKS", password: p, key: p, ours: "wrong key password", java: "Cannot recover key"},
		{file: "sun.jks", format: "JKS", password: keyPassword, key: keyPassword, ours: "wrong store password", java: "assword"},
		{file: "trust.jceks", format: "JCEKS", password: p, key: p, ours: "JCEKS"},
		{file: "leaf.pem", format: "PEM", password: none, key: none, picks: "kafka"},
		{file: "leaf-pbe.pem", format: "PEM", password: none, key: p, picks: "kafka"},
		{file: "leaf-md5des.pem", format: "PEM", password: none, key: p, picks: "kafka"},
		// What follows is more than Kafka reads.
		{file: "leaf-sha1des.pem", format: "PEM", password: none, key: p, java: "PBEWithSHA1AndDES"},
		{file: "leaf-sha512.pem", format: "PEM", password: none, key: p, java: "PBES2"},
		{file: "leaf-des3.pem", format: "PEM", password: none, key: p, java: "AES cipher"},
		{file: "leaf-aes256.pem", format: "PEM", password: none, key: p, java: "PBES2"},
		{file: "ed25519.pem", format: "PEM", password: none, key: none, java: "SEQUENCE"},
		{file: "leaf-sec1.pem", format: "PEM", password: none, key: none, ours: "openssl pkcs8 -topk8", java: " "},
		{file: "leaf-pkcs1.pem", format: "PEM", password: none, key: none, ours: "openssl pkcs8 -topk8", java: " "},
	}
	var stores [][4]string
	for _, tt := range tests {
		stores = append(stores, [4]string{tt.format, filepath.Join(dir, tt.file), tt.password, tt.key})
	}
	secret := func(s string) config.Secret { return config.Secret(strings.Trim(s, none)) }
	for i, java := range opened(t, stores) {
		tt := tests[i]
		t.Run(tt.file+" as "+tt.format, func(t *testing.T) {
			s, _, err := keystore.ReadFile(stores[i][1], secret(tt.password), secret(tt.key))
			switch {
			case tt.ours == "" && err != nil:
				t.Errorf("we refuse it: %v", err)
			case tt.ours != "" && (err == nil || !strings.Contains(err.Error(), tt.ours)):
				t.Errorf("our error is %v, want one with %q", err, tt.ours)
			}
			reason, refused := strings.CutPrefix(java, "REFUSED")
			picked, entries, _ := strings.Cut(strings.TrimPrefix(java, "picks "), ": ")
			switch {
			case refused != (tt.java != "") || !strings.Contains(reason, tt.java):
				t.Errorf("Kafka says %s, want refusal %q", java, tt.java)
			case tt.picks != "" && picked != tt.picks:
				t.Errorf("Java picks %s, want %s", picked, tt.picks)
			case err == nil && !refused && !tt.more && outlined(s) != entries:
				t.Errorf("we see %s, Java sees %s", outlined(s), entries)
			}
		})
	}
}

// TestOthersOpenWhatWeWrite lets Kafka, keytool and openssl open stores of ours.
func TestOthersOpenWhatWeWrite(t *testing.T) {
	const testdata = "../security/keystore/testdata/"
	two, _, err := keystore.ReadFile(testdata+"two.p12", storePassword, "")
	if err != nil {
		t.Fatal(err)
	}
	leaf, _, err := keystore.ReadFile(testdata+"leaf.pem", "", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, s *keystore.Store, f keystore.Format, password config.Secret) string {
		data, err := keystore.Encode(s, f, password, time.Now())
		path := filepath.Join(dir, name)
		if err = errors.Join(err, keystore.WriteFile(path, data, 0o600, false)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	jks, p12 := write("ours.jks", two, keystore.JKS, storePassword), write("ours.p12", two, keystore.PKCS12, storePassword)
	pem, sealed := write("ours.pem", leaf, keystore.PEM, ""), write("sealed.pem", leaf, keystore.PEM, storePassword)
	lines := opened(t, [][4]string{{"JKS", jks, storePassword, storePassword}, {"PKCS12", p12, storePassword, storePassword}, {"PEM", pem, "-", "-"}})
	for i, want := range []string{"picks one: " + outlined(two), "picks one: " + outlined(two), "picks kafka: " + outlined(leaf)} {
		if lines[i] != want {
			t.Errorf("Kafka says %s, want %s", lines[i], want)
		}
	}
	for _, line := range []string{
		"keytool -list -storetype JKS -keystore " + jks + " -storepass " + storePassword,
		"keytool -list -storetype PKCS12 -keystore " + p12 + " -storepass " + storePassword,
		"openssl pkcs12 -noout -in " + p12 + " -passin pass:" + storePassword,
		"openssl pkey -noout -in " + pem,
		"openssl pkey -noout -in " + sealed + " -passin pass:" + storePassword,
	} {
		words := strings.Fields(line)
		if r := run(t, exec.Command(words[0], words[1:]...), ""); r.code != 0 {
			t.Errorf("%s: exit %d\n%s", line, r.code, r.all())
		}
	}
	if text, err := os.ReadFile(pem); err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
		t.Errorf("the certificates of our PEM cannot be read: %v", err)
	}
}
