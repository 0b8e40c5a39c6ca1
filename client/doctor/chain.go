package doctor

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"schloss/security/keystore"
	"schloss/security/ssl"
)

// chain judges a broker's certificate, each question by itself: a client stops
// at the first that goes wrong.
func (e *examination) chain(c *connection) []Finding {
	sent := c.state.PeerCertificates
	found := []Finding{e.trust(c.addr, sent)}
	found = append(found, e.names(c, sent[0]))
	found = append(found, e.dates(c.addr, sent)...)
	return append(found, strength(c.addr, sent)...)
}

// trust looks for a way from the certificate to the trust store.
func (e *examination) trust(addr string, sent []*x509.Certificate) Finding {
	var links []string
	for _, cert := range sent {
		links = append(links, fmt.Sprintf("\"%s\"", nameOf(cert)))
	}
	last := sent[len(sent)-1]
	evidence := fmt.Sprintf("sent %s, issued by \"%s\"", strings.Join(links, " < "), dn(last.RawIssuer))
	err := e.stores.Trusts(sent)
	if err == nil {
		return ok("chain", addr, evidence)
	}
	f := failed("chain", addr, err)
	var unknown *ssl.UnknownCAError
	if errors.As(err, &unknown) {
		f.Evidence = fmt.Sprintf("%s; missing in the trust store: \"%s\"%s", evidence, unknown.Issuer, e.namesake(unknown.Issuer))
		f.Cure = fmt.Sprintf("keytool -keystore %s -alias CARoot -importcert -file ca-cert, where ca-cert is that of \"%s\"", orWord(e.Values.String("ssl.truststore.location"), "TRUSTSTORE"), unknown.Issuer)
	}
	return f
}

// namesake tells of an authority in the trust store that has the name of the
// missing one, and is another.
func (e *examination) namesake(issuer string) string {
	s, _, err := keystore.ReadTrustFile(e.Values.String("ssl.truststore.location"), e.Values.Secret("ssl.truststore.password"))
	if err != nil {
		return ""
	}
	for _, t := range s.Trusted {
		if nameOf(t.Certificate) == issuer {
			return fmt.Sprintf("; its entry %s has that name and another key, good until %s: an authority that was made anew", t.Alias, t.Certificate.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	return "; it holds " + trusted(s)
}

// names compares the certificate with the host that was dialled.
func (e *examination) names(c *connection, leaf *x509.Certificate) Finding {
	err := ssl.NamesHost(leaf, c.host)
	checked := e.Values.String("ssl.endpoint.identification.algorithm") != ""
	var host *ssl.HostError
	switch {
	case errors.As(err, &host) && checked:
		f := failed("names", c.addr, err)
		f.Cure = "connect by one of its names, or issue it anew: schloss certs issue --replace --host " + strings.Join(host.Hosts(), ",") + " ..."
		return f
	case err != nil:
		return warning("names", c.addr, HostUnchecked, err.Error()+"; nobody checks, since ssl.endpoint.identification.algorithm is empty",
			"issue it anew: schloss certs issue --replace --host "+c.host+" ..., then remove that line")
	case len(leaf.DNSNames) == 0 && net.ParseIP(c.host) == nil:
		return warning("names", c.addr, HostInCN, fmt.Sprintf("%s stands only in the CN", c.host), "issue it anew: schloss certs issue --replace --host "+c.host+" ...")
	}
	return ok("names", c.addr, fmt.Sprintf("%s is among %s", c.host, strings.Join(alternatives(leaf), ", ")))
}

func alternatives(leaf *x509.Certificate) []string {
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// dates tells of the certificate that is out of its dates, or ends first.
func (e *examination) dates(addr string, sent []*x509.Certificate) []Finding {
	now := e.Now()
	first := sent[0]
	for _, cert := range sent {
		if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
			return []Finding{bad("dates", addr, OutOfDates, fmt.Sprintf("certificate \"%s\" is good %s", nameOf(cert), span(cert.NotBefore, cert.NotAfter, now)), reissue)}
		}
		if cert.NotAfter.Before(first.NotAfter) {
			first = cert
		}
	}
	if first.NotAfter.Sub(now) < soon {
		return []Finding{warning("dates", addr, ExpiresSoon, fmt.Sprintf("certificate \"%s\" is good %s", nameOf(first), span(first.NotBefore, first.NotAfter, now)), reissue)}
	}
	return []Finding{ok("dates", addr, "good until "+first.NotAfter.UTC().Format(time.DateOnly))}
}

// strength names short keys; weak signatures are refused with the chain.
func strength(addr string, sent []*x509.Certificate) []Finding {
	const least = 2048
	for _, cert := range sent {
		if key, rsa := cert.PublicKey.(*rsa.PublicKey); rsa && key.N.BitLen() < least {
			return []Finding{warning("chain", addr, Weak, fmt.Sprintf("the RSA key of \"%s\" has %d bits", nameOf(cert), key.N.BitLen()), "issue it anew: schloss certs issue --replace ...")}
		}
	}
	return nil
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
