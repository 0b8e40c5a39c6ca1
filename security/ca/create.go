package ca

import (
	"time"

	"schloss/kafka/config"
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
	Now       time.Time     // start of the validity
}

// Made is one identity and the files that hold it.
type Made struct {
	Name      string   // server, client, or the name given to IssueNamed
	Files     []string // paths, in the order they were written
	Principal string   // "User:CN=..." as Kafka will see it
	NotAfter  time.Time
}

// CreateAll makes a root and under it server and client, both with the same
// DN as in the course.
func CreateAll(p CreateParams) ([]Made, error) { return nil, nil }

// IssueParams say what IssueNamed makes.
type IssueParams struct {
	Dir       string        // where ca-cert and ca-key are
	Name      string        // of the files: NAME.keystore.jks and its like
	DName     string        // as for keytool -dname
	Password  config.Secret // of the stores and of ca-key
	Hosts     []string      // as in CreateParams
	Days      int           // as in CreateParams
	Algorithm Algorithm
	Replace   bool
	Now       time.Time
}

// IssueNamed adds an identity under the root that CreateAll made.
func IssueNamed(p IssueParams) (Made, error) { return Made{}, nil }

// Algorithm is the kind of a key pair.
type Algorithm int8

// The algorithms.
const (
	RSA2048 Algorithm = iota
	RSA3072
	RSA4096
	ECP256
)
