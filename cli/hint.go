package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"schloss/client"
	"schloss/client/doctor"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/security/ca"
	"schloss/security/keystore"
	"schloss/security/ssl"
)

// hintFor is the one place where an error becomes advice: what to try, as a
// command or a setting. The first entry that fits counts, so what is nearer to
// the cause stands first; what needs to know the command's settings is tried
// before the rest (hint_session.go). The last resort is the help.
func (s *session) hintFor(err error) string {
	for _, advise := range append(s.advices(), advices...) {
		if text := advise(err); text != "" {
			return text
		}
	}
	return s.name + " --help lists all options"
}

// report prints the error and the advice for it. The code of an error is that
// of schloss doctor; schloss help CODE explains it.
func (s *session) report(err error) {
	code := ""
	if c := doctor.CodeOf(err); c != "" {
		code = " (" + string(c) + ")"
	}
	fmt.Fprintf(s.voice.err, "error: %s%s\n", oneLine(err.Error()), code)
	s.hint(s.hintFor(err))
}

var advices = []func(error) string{
	ofType(func(e *usageError) string { return e.advice }),
	ofType(func(e *authorityPasswordError) string { return e.Hint() }),
	ofType(func(*ca.HostError) string { return "write it as --host localhost,127.0.0.1" }),
	ofType(func(e *config.SyntaxError) string {
		return fmt.Sprintf("write line %d of %s as key=value, or begin it with # to make it a comment", e.Line, e.Source)
	}),
	ofType(func(e *config.UnknownError) string {
		return fmt.Sprintf("did you mean %s?%s", e.Nearest, lineOf(e.Source, e.Line))
	}),
	ofType(func(e *config.ValueError) string {
		return valueAdvice(e)
	}),
	ofType(func(e *noServerError) string {
		if len(e.others) > 0 {
			return fmt.Sprintf("%s says --authorizer-properties zookeeper.connect=%s; another broker's file is named by --config, a foreign cluster by --bootstrap-server", e.others[0].file, quotedWord(e.others[0].connect))
		}
		return "name the broker's file: --config PATH/server.properties; the rules of a foreign cluster are reached by --bootstrap-server HOST:PORT"
	}),
	ofType(func(e *twoServersError) string { return "choose one: --config " + quotedPath(e.files[0]) }),
	ofType(func(e *principalError) string {
		return "write it with its type: " + quoted("User:"+strings.TrimSpace(e.text))
	}),
	ofType(func(e *lineError) string {
		return "set --reader-property key.separator=..., or --reader-property ignore.error=true to take such lines as values"
	}),
	ofType(func(e *missingError) string {
		return "see what there is with --list; --if-exists makes a missing topic no error"
	}),
	ofType(func(e *portTakenError) string { return "choose another with " + e.flag }),
	ofType(func(e *mirror.PatternError) string {
		return "quote it for the shell and write it as Java does: 'orders-.*|payments', or '.*' for all"
	}),
	ofType(func(e *mirror.SameClusterError) string {
		return "name the other cluster: bootstrap.servers in the file of --producer.config"
	}),
	is(keystore.ErrWrongKeyPassword, "check ssl.key.password; in a PKCS#12 store the key has the store's password"),
	is(keystore.ErrWrongPassword, "check ssl.keystore.password and ssl.truststore.password; keytool -list -keystore FILE asks for it and tries it"),
	is(keystore.ErrPasswordNeeded, "set ssl.keystore.password (of the trust store: ssl.truststore.password)"),
	is(ssl.ErrNoKeyStore, "set ssl.keystore.location, ssl.keystore.password and ssl.key.password; schloss certs create makes such a store"),
	is(ssl.ErrNoTrustStore, "set ssl.truststore.location and ssl.truststore.password; schloss certs create makes such a store"),
	is(ssl.ErrNoPrivateKey, "set ssl.keystore.location to the store with the key: NAME.keystore.jks, where NAME.truststore.jks only holds the authority"),
	ofType(func(e *keystore.FormatError) string {
		return "see what the file is with: keytool -list -keystore FILE; stores are made with: schloss certs create --dir DIR ..."
	}),
	ofType(func(e *ssl.UnknownCAError) string {
		return fmt.Sprintf("put the certificate of %s into the trust store: keytool -keystore TRUSTSTORE -alias CARoot -importcert -file ca-cert", quoted(e.Issuer))
	}),
	ofType(func(e *ssl.HostError) string {
		return fmt.Sprintf("connect by one of its names, or issue it anew: schloss certs issue --replace --host %s ...", strings.Join(e.Hosts(), ","))
	}),
	ofType(func(e *ssl.ExpiredError) string {
		return "issue it anew: schloss certs issue --replace ...; and check the clock: date"
	}),
	ofType(func(e *ssl.WeakError) string {
		return "have it signed anew, with SHA-256: schloss certs issue --replace ..."
	}),
	ofType(alertAdvice),
	is(ssl.ErrNoClientCertificate, noCertificate),
	ofType(func(e *client.SASLError) string {
		return "take a listener of the cluster without SASL: --bootstrap-server HOST:PORT; these tools do not log in by SASL yet"
	}),
	is(client.ErrTLSToPlaintext, "set security.protocol=PLAINTEXT in the client's file, or take the port of the broker's SSL listener"),
	is(client.ErrController, "take the port of a listener for clients: one that advertised.listeners names in the broker's server.properties"),
	is(client.ErrNotKafka, "check the port given by --bootstrap-server: it belongs to something else"),
	is(kafka.ErrInvalidTopicException, "name it with letters, digits, '.', '_' and '-', 249 at most"),
	is(kafka.ErrSecurityDisabled, "set authorizer.class.name=kafka.security.auth.SimpleAclAuthorizer in the broker's server.properties"),
	is(kafka.ErrTopicAlreadyExists, "add --if-not-exists to leave it as it is"),
	ofType(settingAdvice),
	ofType(connectAdvice),
	ofType(func(e interface {
		error
		Hint() string
	}) string {
		return e.Hint()
	}),
	ofType(func(e *net.DNSError) string { return "check the host name: getent hosts " + quotedWord(e.Name) }),
	is(syscall.EADDRINUSE, "another process listens there; choose a free port: --override listeners=SSL://localhost:PORT"),
	pathAdvice,
}

// ofType makes an entry of the errors of one type.
func ofType[E error](advise func(E) string) func(error) string {
	return func(err error) string {
		var e E
		if errors.As(err, &e) {
			return advise(e)
		}
		return ""
	}
}

// is makes an entry of one sentinel.
func is(sentinel error, text string) func(error) string {
	return func(err error) string {
		if errors.Is(err, sentinel) {
			return text
		}
		return ""
	}
}

// lineOf names the place of a setting, unless that is the command line.
func lineOf(source string, line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" it stands in line %d of %s", line, source)
}

const noCertificate = "the broker wants a client certificate: set ssl.keystore.location, ssl.keystore.password and ssl.key.password in the client's file"

// TLS alerts (RFC 8446, section 6) that name the side at fault.
func alertAdvice(e *ssl.AlertError) string {
	const handshakeFailure, badCertificate, expired, unknownCertificate, unknownCA, protocolVersion, certificateRequired = 40, 42, 45, 46, 48, 70, 116
	switch e.Code {
	case certificateRequired:
		return noCertificate
	case badCertificate, unknownCA, unknownCertificate:
		return "the broker does not accept our certificate: without one set ssl.keystore.location, else put its CA into the broker's ssl.truststore.location"
	case expired:
		return "our certificate is out of date; issue it anew: schloss certs issue --replace ...; and check the clock: date"
	case handshakeFailure, protocolVersion:
		return "no cipher or protocol in common, or no client certificate: check ssl.enabled.protocols, ssl.cipher.suites and ssl.keystore.location"
	}
	return "the broker ended the TLS handshake: check ssl.enabled.protocols and the stores on both sides"
}

func settingAdvice(e *client.SettingError) string {
	switch {
	case e.Key == "bootstrap.servers":
		return "write it as --bootstrap-server HOST:PORT, several separated by commas"
	case e.Value == "":
		return fmt.Sprintf("add a line %s=... to the client's file", e.Key)
	}
	return fmt.Sprintf("change %s=%s in the client's file, or remove it", e.Key, e.Value)
}

func connectAdvice(e *client.ConnectError) string {
	host, _, _ := strings.Cut(e.Addr, ":")
	switch {
	case e.Step == client.Resolve:
		return "check the host name: getent hosts " + host
	case e.Step == client.Connect:
		return "check --bootstrap-server, and that the broker runs: bin/kafka-server-start.sh config/server.properties"
	case e.Step == client.TLS, errors.Is(e, client.ErrClosed):
		return "check security.protocol and the ssl settings in the client's file; the broker's log tells its side; step by step: schloss doctor " + e.Addr
	}
	return "see what the port speaks: openssl s_client -connect " + e.Addr
}

// pathAdvice is about a file. Not every error about one still holds its path.
func pathAdvice(err error) string {
	path, where := ".", "."
	var e *fs.PathError
	if errors.As(err, &e) {
		path, where = e.Path, nearestFolder(e.Path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "check the path; see what is there with: ls -l " + quotedPath(where)
	case errors.Is(err, fs.ErrExist):
		return "take another folder with --dir, or add --replace to overwrite"
	case errors.Is(err, fs.ErrPermission):
		if _, err := os.Lstat(path); err != nil {
			path = where // it was to be made there
		}
		return "see whose it is: ls -ld " + quotedPath(path)
	case errors.Is(err, syscall.EISDIR):
		return "name a file in it: ls -l " + quotedPath(path)
	case errors.Is(err, syscall.ENOTDIR):
		return "name a folder; this is none: ls -ld " + quotedPath(path)
	case errors.Is(err, syscall.ENOSPC):
		return "see what is full: df -h " + quotedPath(where)
	}
	return ""
}

// nearestFolder is the folder of the path, or the nearest above that is there.
func nearestFolder(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return dir
		}
	}
}

// valueAdvice is about a setting's value: the word that was meant, if one of
// those that are wanted is near.
func valueAdvice(e *config.ValueError) string {
	words := strings.FieldsFunc(e.Want, func(r rune) bool { return r == ' ' || r == ',' })
	if near, ok := config.Nearest(e.Value, words); ok && near != e.Value {
		return fmt.Sprintf("did you mean %s=%s?%s", e.Key, near, lineOf(e.Source, e.Line))
	}
	if example, ok := examples[e.Key]; ok {
		return strings.TrimSuffix(fmt.Sprintf("write it as %s=%s;%s", e.Key, example, lineOf(e.Source, e.Line)), ";")
	}
	return strings.TrimSuffix(fmt.Sprintf("set %s to %s;%s", e.Key, e.Want, lineOf(e.Source, e.Line)), ";")
}

// Settings whose values are easier shown than told.
var examples = map[string]string{
	"listeners":                             "SSL://localhost:9093",
	"advertised.listeners":                  "SSL://localhost:9093",
	"security.inter.broker.protocol":        "SSL, as the listener is called",
	"ssl.endpoint.identification.algorithm": "https, or with nothing behind the = to check no host names",
	"bootstrap.servers":                     "localhost:9093",
	"log.dirs":                              "/var/lib/kafka",
}
