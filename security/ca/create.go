package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"schloss/kafka/config"
	"schloss/security/keystore"
	"schloss/security/principal"
)

// CreateParams say what CreateAll makes.
type CreateParams struct {
	Dir       string        // made if missing
	DName     string        // of server and client, as for keytool -dname
	Password  config.Secret // of every store and of ca-key; at least six characters, as keytool wants
	Hosts     []string      // subject alternative names; nil: localhost and 127.0.0.1
	Days      int           // validity; 0: 365
	Algorithm Algorithm     // zero: RSA2048
	Replace   bool          // overwrite existing files
	Now       time.Time     // start of the validity; zero: the present
}

// IssueParams say what IssueNamed makes.
type IssueParams struct {
	Dir       string        // where ca-cert and ca-key are
	Name      string        // of the files: NAME.keystore.jks and its like
	DName     string        // as for keytool -dname
	Password  config.Secret // of the stores and of ca-key
	Hosts     []string      // as in CreateParams
	Days      int           // as in CreateParams, and no longer than the root's
	Algorithm Algorithm     // as in CreateParams
	Replace   bool          // as in CreateParams
	Now       time.Time     // as in CreateParams
}

// Made is one identity and the files that hold it.
type Made struct {
	Name      string   // server, client, the name given to IssueNamed, or CARoot
	Files     []string // paths, in the order they were written
	Principal string   // "User:CN=..." as Kafka will see it; empty for CARoot, which is nobody
	Subject   string   // RFC 2253
	NotAfter  time.Time
}

// The names of files and entries, as the course has them.
const (
	certFile  = "ca-cert"
	keyFile   = "ca-key"
	rootAlias = "CARoot"
)

const (
	defaultDays = 365
	// rootDays: certificates are renewed under the same root, so that trust
	// stores all over a cluster need not change every year.
	rootDays    = 3650
	minPassword = 6
)

var defaultHosts = []string{"localhost", "127.0.0.1"}

// CreateAll makes a root and under it server and client, both with the same
// DN as in the course. The last of Made is the root.
func CreateAll(p CreateParams) ([]Made, error) {
	o, err := newOrder(p.DName, p.Hosts, p.Days, p.Algorithm, p.Now)
	if err != nil {
		return nil, fmt.Errorf("create certificates: %w", err)
	}
	w := &writer{dir: p.Dir, password: p.Password, now: o.now, replace: p.Replace}
	made, err := createAll(o, w)
	if err != nil {
		return nil, fmt.Errorf("create certificates in %q: %w", p.Dir, err)
	}
	return made, nil
}

func createAll(o order, w *writer) ([]Made, error) {
	if err := w.checkPassword(); err != nil {
		return nil, err
	}
	subject, err := rootSubject(o.subject)
	if err != nil {
		return nil, err
	}
	r, err := newRoot(subject, o.algorithm, o.now, max(rootDays, o.days))
	if err != nil {
		return nil, err
	}
	var made []Made
	for _, name := range []string{"server", "client"} {
		m, err := w.identity(r, name, o)
		if err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	m, err := w.root(r)
	if err != nil {
		return nil, err
	}
	return append(made, m), w.flush()
}

// IssueNamed adds an identity under the root that CreateAll, or the course's
// openssl command, made.
func IssueNamed(p IssueParams) (Made, error) {
	m, err := issueNamed(p)
	if err != nil {
		return Made{}, fmt.Errorf("issue certificate %q: %w", p.Name, err)
	}
	return m, nil
}

func issueNamed(p IssueParams) (Made, error) {
	if p.Name == "" || p.Name[0] == '.' || strings.ContainsAny(p.Name, "/\\\x00\n") {
		return Made{}, errors.New("the name must be one that a file can begin with")
	}
	o, err := newOrder(p.DName, p.Hosts, p.Days, p.Algorithm, p.Now)
	if err != nil {
		return Made{}, err
	}
	w := &writer{dir: p.Dir, password: p.Password, now: o.now, replace: p.Replace}
	if err := w.checkPassword(); err != nil {
		return Made{}, err
	}
	r, err := loadRoot(p.Dir, p.Password)
	if err != nil {
		return Made{}, err
	}
	m, err := w.identity(r, p.Name, o)
	if err != nil {
		return Made{}, err
	}
	return m, w.flush()
}

// writer gathers files and writes them when all are ready, so that a mistake
// leaves none behind.
type writer struct {
	dir      string
	password config.Secret
	now      time.Time
	replace  bool
	pending  []pendingFile
}

type pendingFile struct {
	path string
	data []byte
	mode fs.FileMode
}

func (w *writer) checkPassword() error {
	if len([]rune(w.password.Reveal())) < minPassword {
		return fmt.Errorf("the password must have at least %d characters, else keytool refuses it", minPassword)
	}
	return nil
}

func (w *writer) add(name string, data []byte, mode fs.FileMode) (path string) {
	path = filepath.Join(w.dir, name)
	w.pending = append(w.pending, pendingFile{path, data, mode})
	return path
}

// identity makes a key and its certificate and the files of both.
func (w *writer) identity(r *root, name string, o order) (Made, error) {
	key, leaf, err := r.issue(o)
	if err != nil {
		return Made{}, err
	}
	text, err := principal.NameFromDN(leaf.RawSubject)
	if err != nil {
		return Made{}, err
	}
	made := Made{Name: name, Principal: principal.User(text).String(), Subject: text, NotAfter: leaf.NotAfter}
	keys := []keystore.KeyEntry{{Alias: "kafka-" + name, PrivateKey: key, Chain: r.chain(leaf)}}
	trusted := []keystore.TrustedEntry{{Alias: rootAlias, Certificate: r.certificate}}
	for _, f := range []struct {
		name     string
		store    keystore.Store
		format   keystore.Format
		password config.Secret
	}{
		{name + ".keystore.jks", keystore.Store{Keys: keys, Trusted: trusted}, keystore.PKCS12, w.password},
		{name + ".truststore.jks", keystore.Store{Trusted: trusted}, keystore.PKCS12, w.password},
		{name + ".pem", keystore.Store{Keys: keys}, keystore.PEM, ""},
	} {
		data, err := keystore.Encode(&f.store, f.format, f.password, w.now)
		if err != nil {
			return Made{}, err
		}
		made.Files = append(made.Files, w.add(f.name, data, 0o600))
	}
	return made, nil
}

func (w *writer) root(r *root) (Made, error) {
	certificate, err := keystore.Encode(&keystore.Store{Trusted: []keystore.TrustedEntry{{Certificate: r.certificate}}}, keystore.PEM, "", w.now)
	if err != nil {
		return Made{}, err
	}
	key, err := keystore.Encode(&keystore.Store{Keys: []keystore.KeyEntry{{Alias: rootAlias, PrivateKey: r.key}}}, keystore.PEM, w.password, w.now)
	if err != nil {
		return Made{}, err
	}
	subject, err := principal.NameFromDN(r.certificate.RawSubject)
	if err != nil {
		return Made{}, err
	}
	return Made{
		Name:     rootAlias,
		Subject:  subject,
		Files:    []string{w.add(certFile, certificate, 0o644), w.add(keyFile, key, 0o600)},
		NotAfter: r.certificate.NotAfter,
	}, nil
}

// flush writes all files, or none where one exists that may not be replaced.
func (w *writer) flush() error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	for _, f := range w.pending {
		if _, err := os.Lstat(f.path); err == nil && !w.replace {
			return fmt.Errorf("%q: %w", f.path, fs.ErrExist)
		}
	}
	for _, f := range w.pending {
		if err := keystore.WriteFile(f.path, f.data, f.mode, w.replace); err != nil {
			return err
		}
	}
	return nil
}
