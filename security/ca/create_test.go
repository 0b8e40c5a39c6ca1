package ca

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/principal"
)

const (
	courseName      = "CN=Xi Hu, OU=YourDept, O=YourCompany, L=Beijing, ST=Beijing, C=CN"
	coursePrincipal = "User:CN=Xi Hu,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN"
	password        = config.Secret("test1234")
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// course makes the course's files, with small keys to keep tests short.
func course(t *testing.T) (dir string, made []Made) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "certificates")
	made, err := CreateAll(CreateParams{Dir: dir, DName: courseName, Password: password, Algorithm: ECP256, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	return dir, made
}

func store(t *testing.T, dir, name string) *keystore.Store {
	t.Helper()
	s, format, err := keystore.ReadFile(filepath.Join(dir, name), password, password)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.HasSuffix(name, ".jks"); want != (format == keystore.PKCS12) {
		t.Errorf("%s: format %v", name, format)
	}
	return s
}

func TestCreateAllMakesTheCoursesFiles(t *testing.T) {
	dir, made := course(t)
	want := map[string]fs.FileMode{
		"server.keystore.jks": 0o600, "server.truststore.jks": 0o600, "server.pem": 0o600,
		"client.keystore.jks": 0o600, "client.truststore.jks": 0o600, "client.pem": 0o600,
		"ca-cert": 0o644, "ca-key": 0o600,
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode, ok := want[e.Name()]; !ok || info.Mode().Perm() != mode {
			t.Errorf("%s with mode %v: wanted %v, with mode %v", e.Name(), info.Mode(), ok, mode)
		}
		delete(want, e.Name())
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	names := []string{"server", "client", "CARoot"}
	principals := []string{coursePrincipal, coursePrincipal, ""}
	for i, m := range made {
		if m.Name != names[i] || m.Principal != principals[i] {
			t.Errorf("made %q as %q, want %q as %q", m.Name, m.Principal, names[i], principals[i])
		}
		for _, f := range m.Files {
			if _, err := os.Stat(f); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCertificatesAreWhatTheyShould(t *testing.T) {
	dir, _ := course(t)
	s := store(t, dir, "server.keystore.jks")
	if len(s.Keys) != 1 || s.Keys[0].Alias != "kafka-server" || len(s.Keys[0].Chain) != 2 || len(s.Trusted) != 1 || s.Trusted[0].Alias != "CARoot" {
		t.Fatalf("the server's store holds %+v", s)
	}
	leaf, root := s.Keys[0].Chain[0], s.Keys[0].Chain[1]
	if got, _ := principal.NameFromDN(root.RawSubject); got != "CN=Xi Hu CA,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN" {
		t.Errorf("the root is called %q", got)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		for _, host := range []string{"localhost", "127.0.0.1"} {
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: noon}); err != nil {
				t.Errorf("usage %d at %s: %v", usage, host, err)
			}
		}
	}
	if err := leaf.VerifyHostname("example.com"); err == nil {
		t.Error("the certificate is good for any host")
	}
	if want := noon.AddDate(0, 0, 365); !leaf.NotAfter.Equal(want) {
		t.Errorf("it ends at %v, want %v", leaf.NotAfter, want)
	}
	for _, name := range []string{"server.truststore.jks", "client.truststore.jks", "ca-cert"} {
		if s := store(t, dir, name); len(s.Keys) != 0 || len(s.Trusted) != 1 || !s.Trusted[0].Certificate.Equal(root) {
			t.Errorf("%s holds %+v", name, s)
		}
	}
	if s := store(t, dir, "server.pem"); !s.Keys[0].Chain[0].Equal(leaf) {
		t.Error("server.pem is not the twin of the key store")
	}
	if client := store(t, dir, "client.keystore.jks"); client.Keys[0].Alias != "kafka-client" || client.Keys[0].Chain[0].Equal(leaf) {
		t.Error("the client's certificate is not its own")
	}
}

func TestIssueNamed(t *testing.T) {
	dir, _ := course(t)
	made, err := IssueNamed(IssueParams{Dir: dir, Name: "reader", DName: "CN=reader, O=YourCompany", Password: password, Hosts: []string{"*.example.com", "::1"}, Days: 9999, Algorithm: ECP256, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	if want := "User:CN=reader,O=YourCompany"; made.Principal != want {
		t.Errorf("principal: got %q, want %q", made.Principal, want)
	}
	s := store(t, dir, "reader.keystore.jks")
	leaf, root := s.Keys[0].Chain[0], s.Keys[0].Chain[1]
	if s.Keys[0].Alias != "kafka-reader" {
		t.Errorf("alias %q", s.Keys[0].Alias)
	}
	if err := leaf.CheckSignatureFrom(root); err != nil {
		t.Error(err)
	}
	if !leaf.NotAfter.Equal(root.NotAfter) {
		t.Errorf("it ends at %v, its root at %v", leaf.NotAfter, root.NotAfter)
	}
	for _, host := range []string{"a.example.com", "[::1]"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
}

func TestMistakesLeaveNothingBehind(t *testing.T) {
	dir, _ := course(t)
	before := listing(t, dir)
	issue := IssueParams{Dir: dir, Name: "x", DName: "CN=x", Password: password, Algorithm: ECP256, Now: noon}
	tests := []struct {
		name string
		do   func(p IssueParams) error
		want string
	}{
		{"create over existing files", func(IssueParams) error {
			_, err := CreateAll(CreateParams{Dir: dir, DName: courseName, Password: password, Algorithm: ECP256, Now: noon})
			return err
		}, "already exists"},
		{"issue over existing files", func(p IssueParams) error { p.Name = "server"; return issueError(p) }, "already exists"},
		{"wrong password", func(p IssueParams) error { p.Password = "wrong123"; return issueError(p) }, "wrong key password"},
		{"short password", func(p IssueParams) error { p.Password = "12345"; return issueError(p) }, "at least 6"},
		{"a DN that is none", func(p IssueParams) error { p.DName = "Xi Hu"; return issueError(p) }, "NAME=value"},
		{"the root's own DN", func(p IssueParams) error {
			p.DName = "CN=Xi Hu CA, OU=YourDept, O=YourCompany, L=Beijing, ST=Beijing, C=CN"
			return issueError(p)
		}, "the root's own"},
		{"a path for a name", func(p IssueParams) error { p.Name = "../x"; return issueError(p) }, "name must be"},
		{"a host with a port", func(p IssueParams) error { p.Hosts = []string{"localhost:9093"}; return issueError(p) }, "without port"},
		{"an empty host", func(p IssueParams) error { p.Hosts = []string{""}; return issueError(p) }, "host"},
		{"an expired root", func(p IssueParams) error { p.Now = noon.AddDate(11, 0, 0); return issueError(p) }, "expired"},
		{"no root", func(p IssueParams) error { p.Dir = t.TempDir(); return issueError(p) }, "no such file"},
		{"a negative validity", func(p IssueParams) error { p.Days = -1; return issueError(p) }, "positive"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do(issue)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "wrong123") {
				t.Errorf("the error %q holds a password", err)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("files are now %s, were %s", after, before)
			}
		})
	}
}

func issueError(p IssueParams) error {
	_, err := IssueNamed(p)
	return err
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestReplace(t *testing.T) {
	dir, _ := course(t)
	old := store(t, dir, "ca-cert").Trusted[0].Certificate
	if _, err := CreateAll(CreateParams{Dir: dir, DName: courseName, Password: password, Algorithm: ECP256, Now: noon, Replace: true}); err != nil {
		t.Fatal(err)
	}
	if store(t, dir, "ca-cert").Trusted[0].Certificate.Equal(old) {
		t.Error("the old root is still there")
	}
}

func TestRootNames(t *testing.T) {
	tests := []struct{ leaf, want string }{
		{"CN=a", "CN=a CA"},
		{"CN=a, O=b", "CN=a CA,O=b"},
		{"O=b, CN=a", "O=b,CN=a CA"},
		{"O=b", "CN=CA,O=b"},
		{"CN=a+UID=u, O=b", "CN=CA,CN=a+UID=u,O=b"},
		{"CN=Jürgen, O=b", "CN=Jürgen CA,O=b"},
		{"EMAILADDRESS=a@b, CN=a", "1.2.840.113549.1.9.1=#1603614062,CN=a CA"},
	}
	for _, tt := range tests {
		t.Run(tt.leaf, func(t *testing.T) {
			der, err := principal.DNFromText(tt.leaf)
			if err != nil {
				t.Fatal(err)
			}
			subject, err := rootSubject(der)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := principal.NameFromDN(subject); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestEveryAlgorithm(t *testing.T) {
	for _, a := range []Algorithm{RSA2048, ECP256} {
		o, err := newOrder("CN=a", nil, 1, a, noon)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRoot([]byte{0x30, 0}, a, noon, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, leaf, err := r.issue(o)
		if err != nil {
			t.Fatal(err)
		}
		if rsa := leaf.PublicKeyAlgorithm == x509.RSA; rsa != (leaf.KeyUsage&x509.KeyUsageKeyEncipherment != 0) {
			t.Errorf("%v with usage %b", leaf.PublicKeyAlgorithm, leaf.KeyUsage)
		}
	}
	if _, err := Algorithm(9).generate(); err == nil {
		t.Error("an unknown algorithm made a key")
	}
}

func TestJavaReadsTheStores(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("keytool is not installed: that Java reads our stores is not tested here")
	}
	dir := t.TempDir()
	if _, err := CreateAll(CreateParams{Dir: dir, DName: courseName, Password: password, Now: noon}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		file string
		want []string
	}{
		{"server.keystore.jks", []string{"contains 2 entries", "Alias name: kafka-server", "Entry type: PrivateKeyEntry",
			"Certificate chain length: 2", "Alias name: caroot", "Entry type: trustedCertEntry", "Owner: " + courseName, "DNSName: localhost"}},
		{"client.keystore.jks", []string{"Alias name: kafka-client", "Certificate chain length: 2"}},
		{"client.truststore.jks", []string{"contains 1 entry", "Alias name: caroot", "Entry type: trustedCertEntry"}},
	}
	for _, tt := range tests {
		out, err := exec.Command(keytool, "-list", "-v", "-storepass", "test1234", "-keystore", filepath.Join(dir, tt.file)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", tt.file, err, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: keytool does not say %q:\n%s", tt.file, want, out)
			}
		}
	}
}

func TestIssueUnderTheCoursesRoot(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: its root is not tested here")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v: %s", args, err, out)
		}
	}
	run("req", "-new", "-x509", "-keyout", keyFile, "-out", certFile, "-days", "365", "-passin", "pass:test1234", "-passout", "pass:test1234",
		"-subj", "/C=CN/ST=Beijing/L=Beijing/O=YourCompany/OU=YourDept,CN=Xi Hu")
	if _, err := IssueNamed(IssueParams{Dir: dir, Name: "reader", DName: "CN=reader", Password: password, Algorithm: ECP256}); err != nil {
		t.Fatal(err)
	}
	run("verify", "-CAfile", certFile, "reader.pem")
	if _, err := IssueNamed(IssueParams{Dir: dir, Name: "other", DName: "CN=other", Password: "wrong123"}); !errors.Is(err, keystore.ErrWrongKeyPassword) {
		t.Errorf("got %v, want %v", err, keystore.ErrWrongKeyPassword)
	}
}

func TestOpenSSLReadsOurRoot(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: that it reads ca-key is not tested here")
	}
	dir, _ := course(t)
	out, err := exec.Command(openssl, "pkey", "-in", filepath.Join(dir, keyFile), "-passin", "pass:test1234", "-noout", "-text").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
