package ssl

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"schloss/kafka/config"
	"schloss/security/keystore"
)

func TestProtocolsAndCiphers(t *testing.T) {
	const v12, v13 = tls.VersionTLS12, tls.VersionTLS13
	all13 := "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256"
	tests := []struct {
		name, text string
		min, max   uint16
		suites     []uint16
		notices    int
		err        string
	}{
		{name: "defaults", min: v12, max: v13},
		{name: "only 1.2", text: "ssl.enabled.protocols=TLSv1.2", min: v12, max: v12},
		{name: "only 1.3", text: "ssl.enabled.protocols=TLSv1.3", min: v13, max: v13},
		{name: "the default of Kafka 2.4", text: "ssl.enabled.protocols=TLSv1.2,TLSv1.1,TLSv1", min: v12, max: v12, notices: 2},
		{name: "only what is retired", text: "ssl.enabled.protocols=TLSv1.1", err: "at least one of"},
		{name: "no protocol", text: "ssl.enabled.protocols=TLS1.2", err: `"TLS1.2"`},
		{name: "ssl.protocol alone", text: "ssl.protocol=TLSv1.2", min: v12, max: v12},
		{name: "ssl.protocol of old", text: "ssl.protocol=TLS", min: v12, max: v13},
		{name: "ssl.protocol beside the list", text: "ssl.protocol=TLSv1.2\nssl.enabled.protocols=TLSv1.3", min: v13, max: v13},
		{name: "ssl.protocol that is retired", text: "ssl.protocol=TLSv1.1", err: "ssl.protocol"},
		{name: "one suite of 1.2", text: "ssl.cipher.suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", min: v12, max: v12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}},
		{name: "suites of 1.3", text: "ssl.cipher.suites=" + all13, min: v13, max: v13},
		{name: "suites of both", text: "ssl.cipher.suites=" + all13 + ",TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", min: v12, max: v13, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{name: "one of 1.3", text: "ssl.cipher.suites=TLS_AES_256_GCM_SHA384", err: "only be had together"},
		{name: "one of 1.3, which is off", text: "ssl.enabled.protocols=TLSv1.2\nssl.cipher.suites=TLS_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", min: v12, max: v12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{name: "one we lack beside one we have", text: "ssl.cipher.suites=TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", min: v12, max: v12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, notices: 1},
		{name: "only unsafe ones", text: "ssl.cipher.suites=TLS_RSA_WITH_AES_128_CBC_SHA", err: "none of these"},
		{name: "suites of the version that is off", text: "ssl.enabled.protocols=TLSv1.3\nssl.cipher.suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", err: "none of these"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := clientSettings(values(t, config.Admin, tt.text))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want an error with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.min != tt.min || s.max != tt.max || !slices.Equal(s.suites, tt.suites) || len(s.notices) != tt.notices {
				t.Errorf("got %x to %x with %x and notices %q, want %x to %x with %x and %d", s.min, s.max, s.suites, s.notices, tt.min, tt.max, tt.suites, tt.notices)
			}
		})
	}
}

func TestSettingsSayWhatIsWrong(t *testing.T) {
	const keys = "ssl.keystore.location=../keystore/testdata/course/server.keystore.jks\nssl.keystore.password=test1234\n"
	tests := []struct {
		name, text string
		is         error
		says       string
	}{
		{name: "no key store", says: "ssl.keystore.location is not set"},
		{name: "no trust store", text: keys + "ssl.client.auth=required", says: "ssl.truststore.location is not set"},
		{name: "absent key store", text: "ssl.keystore.location=absent.jks\nssl.keystore.password=test1234", is: fs.ErrNotExist, says: "ssl.keystore.location (test.properties:1)"},
		{name: "wrong password", text: strings.Replace(keys, password, "wrong123", 1), is: keystore.ErrWrongPassword, says: "server.keystore.jks"},
		{name: "wrong key password", text: keys + "ssl.key.password=wrong123", is: keystore.ErrWrongKeyPassword},
		{name: "no password", text: "ssl.keystore.location=../keystore/testdata/course/server.keystore.jks", is: keystore.ErrPasswordNeeded},
		{name: "trust store for a key store", text: strings.Replace(keys, "keystore.jks", "truststore.jks", 1), says: "no private key"},
		{name: "wrong password of the trust store", text: keys + "ssl.truststore.location=../keystore/testdata/course/server.truststore.jks\nssl.truststore.password=wrong123", is: keystore.ErrWrongPassword, says: "truststore"},
		{name: "file and text at once", text: keys + "ssl.keystore.key=x\nssl.keystore.certificate.chain=y", says: "exclude each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ServerConfig(values(t, config.Server, tt.text))
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v with %q", err, tt.is, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "wrong123") {
				t.Errorf("the error %q holds a password", err)
			}
		})
	}
}
