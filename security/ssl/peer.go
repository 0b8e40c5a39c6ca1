package ssl

import (
	"crypto/tls"

	"schloss/security/principal"
)

// Peer is the principal of a connection: Anonymous without a certificate, else
// the mapped DN of its leaf. A DN that no rule maps is an *UnmappedError.
func Peer(cs tls.ConnectionState, rules principal.Rules) (principal.Principal, error) {
	if len(cs.PeerCertificates) == 0 {
		return principal.Anonymous, nil
	}
	dn, err := principal.NameFromDN(cs.PeerCertificates[0].RawSubject)
	if err != nil {
		return principal.Principal{}, err
	}
	name, ok := rules.Apply(dn)
	if !ok {
		return principal.Principal{}, &UnmappedError{DN: dn}
	}
	return principal.User(name), nil
}
