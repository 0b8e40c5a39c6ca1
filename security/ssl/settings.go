package ssl

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"schloss/kafka/config"
)

// settings are the ssl.* settings of one side, checked.
type settings struct {
	key, trust source
	clientAuth tls.ClientAuthType // server only
	checkHost  bool               // client only
	min, max   uint16             // versions
	suites     []uint16           // nil: Go's own choice
	notices    []string           // what was accepted with less effect than it has in Kafka
}

// source is where one store comes from: a file, or PEM text in the settings.
type source struct {
	setting     string // the one that names it, for errors
	origin      string // where that stands
	path        string
	inline      config.Secret
	password    config.Secret
	keyPassword config.Secret
}

func (s source) none() bool { return s.path == "" && s.inline == "" }

func (s source) wrap(err error) error {
	return fmt.Errorf("%s (%s): %w", s.setting, s.origin, err)
}

func serverSettings(v *config.Values) (*settings, error) {
	s, err := commonSettings(v)
	if err != nil {
		return nil, err
	}
	if s.key.none() {
		return nil, ErrNoKeyStore
	}
	switch auth := v.String("ssl.client.auth"); strings.ToLower(auth) {
	case "", "none":
	case "requested":
		s.clientAuth = tls.VerifyClientCertIfGiven
	case "required":
		s.clientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, fmt.Errorf("ssl.client.auth (%s): %q: want none, requested or required", v.Origin("ssl.client.auth"), auth)
	}
	// Differs from Kafka, which then trusts every public authority.
	if s.clientAuth != tls.NoClientCert && s.trust.none() {
		return nil, ErrNoTrustStore
	}
	return s, nil
}

func clientSettings(v *config.Values) (*settings, error) {
	s, err := commonSettings(v)
	if err != nil {
		return nil, err
	}
	s.checkHost = v.String("ssl.endpoint.identification.algorithm") != ""
	return s, nil
}

func commonSettings(v *config.Values) (*settings, error) {
	s := &settings{}
	var err error
	if s.key, err = keySource(v); err != nil {
		return nil, err
	}
	if s.trust, err = trustSource(v); err != nil {
		return nil, err
	}
	if err := s.versions(v); err != nil {
		return nil, err
	}
	if err := s.ciphers(v); err != nil {
		return nil, err
	}
	return s, nil
}

const (
	keyLocation   = "ssl.keystore.location"
	keyText       = "ssl.keystore.key"
	keyChainText  = "ssl.keystore.certificate.chain"
	trustLocation = "ssl.truststore.location"
	trustText     = "ssl.truststore.certificates"
)

func keySource(v *config.Values) (source, error) {
	s := source{
		setting: keyLocation, origin: v.Origin(keyLocation), path: v.String(keyLocation),
		password: v.Secret("ssl.keystore.password"), keyPassword: v.Secret("ssl.key.password"),
	}
	key, chain := v.Secret(keyText), v.Secret(keyChainText)
	switch {
	case key == "" && chain == "":
		return s, nil
	case s.path != "":
		return source{}, fmt.Errorf("%s and %s exclude each other", keyLocation, keyText)
	case key == "" || chain == "":
		return source{}, fmt.Errorf("%s and %s need each other", keyText, keyChainText)
	}
	s.setting, s.origin = keyText, v.Origin(keyText)
	s.inline = key + "\n" + chain
	return s, nil
}

func trustSource(v *config.Values) (source, error) {
	s := source{
		setting: trustLocation, origin: v.Origin(trustLocation), path: v.String(trustLocation),
		password: v.Secret("ssl.truststore.password"), inline: v.Secret(trustText),
	}
	if s.inline == "" {
		return s, nil
	}
	if s.path != "" {
		return source{}, fmt.Errorf("%s and %s exclude each other", trustLocation, trustText)
	}
	s.setting, s.origin = trustText, v.Origin(trustText)
	return s, nil
}

// Versions by their Java names. The old ones stood in Kafka's own defaults up
// to 2.5, so files still name them; Java has switched them off, as we have.
var versionByName = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

var retiredVersions = []string{"TLSv1.1", "TLSv1", "SSLv3", "SSLv2Hello", "SSLv2"}

func (s *settings) versions(v *config.Values) error {
	const setting = "ssl.enabled.protocols"
	names := v.List(setting)
	if !v.IsSet(setting) && v.IsSet("ssl.protocol") {
		switch name := v.String("ssl.protocol"); name {
		case "TLS", "TLSv1.3":
		case "TLSv1.2":
			names = []string{name}
		default:
			return fmt.Errorf("ssl.protocol (%s): %q: want TLS, TLSv1.2 or TLSv1.3", v.Origin("ssl.protocol"), name)
		}
	}
	for _, name := range names {
		version, ok := versionByName[name]
		switch {
		case ok && s.min == 0:
			s.min, s.max = version, version
		case ok:
			s.min, s.max = min(s.min, version), max(s.max, version)
		case slices.Contains(retiredVersions, name):
			s.notices = append(s.notices, fmt.Sprintf("%s (%s): %s is not safe and stays off", setting, v.Origin(setting), name))
		default:
			return fmt.Errorf("%s (%s): %q: want TLSv1.2 or TLSv1.3", setting, v.Origin(setting), name)
		}
	}
	if s.min == 0 {
		return fmt.Errorf("%s (%s): want at least one of TLSv1.2 and TLSv1.3", setting, v.Origin(setting))
	}
	return nil
}

// ciphers reads ssl.cipher.suites, whose Java names are those of IANA. In Java
// a list without a suite of a version switches that version off, and so here.
// Go chooses among the suites of TLS 1.3 itself, so a list that names only some
// of those cannot be kept and is refused.
func (s *settings) ciphers(v *config.Values) error {
	const setting = "ssl.cipher.suites"
	names := v.List(setting)
	if len(names) == 0 {
		return nil
	}
	var old, modern []uint16
	for _, name := range names {
		suite := suiteNamed(name)
		switch {
		case suite == nil:
			s.notices = append(s.notices, fmt.Sprintf("%s (%s): %s is not offered here", setting, v.Origin(setting), name))
		case slices.Contains(suite.SupportedVersions, tls.VersionTLS13):
			modern = append(modern, suite.ID)
		default:
			old = append(old, suite.ID)
		}
	}
	if len(modern) > 0 && len(modern) < countModern() && s.max == tls.VersionTLS13 {
		return fmt.Errorf("%s (%s): suites of TLS 1.3 can only be had together: name all of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256, or none", setting, v.Origin(setting))
	}
	if len(old) == 0 {
		s.min = tls.VersionTLS13
	}
	if len(modern) == 0 {
		s.max = min(s.max, tls.VersionTLS12)
	}
	if s.min > s.max {
		return fmt.Errorf("%s (%s): none of these is offered by the protocols that are enabled", setting, v.Origin(setting))
	}
	s.suites = old
	return nil
}

func suiteNamed(name string) *tls.CipherSuite {
	for _, suite := range tls.CipherSuites() {
		if suite.Name == name {
			return suite
		}
	}
	return nil
}

func countModern() int {
	n := 0
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS13) {
			n++
		}
	}
	return n
}
