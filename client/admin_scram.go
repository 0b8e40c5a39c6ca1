package client

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"math/big"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// ScramMechanism is a SCRAM mechanism, with its code on the wire
// (Kafka: ScramMechanism).
type ScramMechanism int8

// The mechanisms that Kafka has.
const (
	ScramSHA256 ScramMechanism = 1
	ScramSHA512 ScramMechanism = 2
)

// LeastScramIterations is what Kafka asks of both mechanisms, and what it takes
// unless told otherwise.
const LeastScramIterations = 4096

// String is the name of the mechanism as SASL has it.
func (m ScramMechanism) String() string {
	switch m {
	case ScramSHA256:
		return "SCRAM-SHA-256"
	case ScramSHA512:
		return "SCRAM-SHA-512"
	}
	return fmt.Sprintf("SCRAM mechanism %d", int8(m))
}

// ScramCredential is what a broker tells of one password.
type ScramCredential struct {
	Mechanism  ScramMechanism
	Iterations int32
}

// ScramUser is a user with its credentials. Err is what the broker said
// instead.
type ScramUser struct {
	Name        string
	Credentials []ScramCredential
	Err         error
}

// ScramUsers describes the named users, or all that have credentials. A user
// without any is left out.
func (a *Admin) ScramUsers(ctx context.Context, names ...string) ([]ScramUser, error) {
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	for _, name := range names {
		u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		u.Name = name
		req.Users = append(req.Users, u)
	}
	resp, err := ask[*kmsg.DescribeUserSCRAMCredentialsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	d := deed{"describe the SCRAM credentials of user", kafka.Describe, kafka.Cluster}
	if err := d.err(resp.ErrorCode, resp.ErrorMessage, ""); err != nil {
		return nil, err
	}
	var users []ScramUser
	for _, r := range resp.Results {
		if kafka.ErrorCode(r.ErrorCode) == kafka.ErrResourceNotFound {
			continue
		}
		u := ScramUser{Name: r.User, Err: d.err(r.ErrorCode, r.ErrorMessage, r.User)}
		for _, c := range r.CredentialInfos {
			u.Credentials = append(u.Credentials, ScramCredential{ScramMechanism(c.Mechanism), c.Iterations})
		}
		users = append(users, u)
	}
	sortBy(users, func(u ScramUser) string { return u.Name })
	return users, nil
}

// ScramChange sets the password of a user for one mechanism, or with Delete
// takes the credential away.
type ScramChange struct {
	ScramCredential
	Password config.Secret
	Delete   bool
}

// AlterScram changes the credentials of one user. The password stays here: the
// broker gets it salted.
func (a *Admin) AlterScram(ctx context.Context, user string, changes []ScramChange) error {
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	for _, change := range changes {
		if change.Delete {
			d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
			d.Name, d.Mechanism = user, int8(change.Mechanism)
			req.Deletions = append(req.Deletions, d)
			continue
		}
		u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		u.Name, u.Mechanism, u.Iterations = user, int8(change.Mechanism), change.Iterations
		var err error
		if u.Salt, err = newScramSalt(); err != nil {
			return fmt.Errorf("alter the SCRAM credentials of user %q: %w", user, err)
		}
		if u.SaltedPassword, err = change.salted(u.Salt); err != nil {
			return fmt.Errorf("alter the SCRAM credentials of user %q: %w", user, err)
		}
		req.Upsertions = append(req.Upsertions, u)
	}
	resp, err := ask[*kmsg.AlterUserSCRAMCredentialsResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	d := deed{"alter the SCRAM credentials of user", kafka.Alter, kafka.Cluster}
	for _, r := range resp.Results {
		if err := d.err(r.ErrorCode, r.ErrorMessage, user); err != nil {
			return err
		}
	}
	if len(resp.Results) == 0 {
		return errAnswers("AlterUserScramCredentials", 0, 1)
	}
	return nil
}

// newScramSalt is 130 random bits in base 36 (Kafka: ScramFormatter.secureRandomString).
func newScramSalt() ([]byte, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 130))
	if err != nil {
		return nil, err
	}
	return []byte(n.Text(36)), nil
}

// salted is Hi of RFC 5802, section 2.2, on the password's bytes as they are:
// Kafka does not apply SASLprep.
func (c ScramChange) salted(salt []byte) ([]byte, error) {
	var digest func() hash.Hash
	switch c.Mechanism {
	case ScramSHA256:
		digest = sha256.New
	case ScramSHA512:
		digest = sha512.New
	default:
		return nil, fmt.Errorf("%s is unknown", c.Mechanism)
	}
	return pbkdf2.Key(digest, c.Password.Reveal(), salt, int(c.Iterations), digest().Size())
}
