package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"schloss/client"
	"schloss/client/doctor"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/mirror"
	"schloss/security/acl"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// advices are the entries that know what the command was told: its settings,
// and the certificate in its key store.
func (s *session) advices() []func(error) string {
	return []func(error) string{
		ofType(s.deniedAdvice),
		ofType(s.versionAdvice),
		ofType(s.advertisedAdvice),
		s.alertAdvice,
		ofType(s.absentAdvice),
		ofType(func(e *busyGroupError) string {
			return "stop its consumers first; see them with: " + s.again("", "", "group describe "+quotedWord(e.group))
		}),
		ofType(s.longLineAdvice),
		is(kafka.ErrInvalidReplicationFactor, "ask for no more replicas than there are brokers: "+s.flagOf("--replication-factor", "--replicas")+" 1"),
		is(kafka.ErrInvalidConfig, "see the settings there are, with their values: "+s.again("kafka-configs", "--describe --topic NAME --all", "config describe --topic NAME --all")),
		is(kafka.ErrMessageTooLarge, "let the topic take it: "+s.again("kafka-configs", "--alter --topic NAME --add-config max.message.bytes=BYTES", "config set --topic NAME max.message.bytes=BYTES")),
		is(kafka.ErrGroupIDNotFound, "see what groups there are: "+s.again("kafka-consumer-groups", "--list", "group list")),
		is(kafka.ErrNonEmptyGroup, stopMembers+s.again("kafka-consumer-groups", "--describe --members --all-groups", "group describe GROUP")),
		is(kafka.ErrGroupSubscribedToTopic, stopMembers+s.again("kafka-consumer-groups", "--describe --members --all-groups", "group describe GROUP")),
		ofType(s.refusedAdvice),
		func(err error) string {
			if doctor.CodeOf(err) != doctor.NoLeader || len(s.clusters) == 0 {
				return ""
			}
			return fmt.Sprintf("start the broker that holds it; which: %s --bootstrap-server %s%s --describe --unavailable-partitions",
				s.beside("kafka-topics"), s.clusters[len(s.clusters)-1].List("bootstrap.servers")[0], s.commandConfig(err))
		},
		is(s.node.ErrRunning, "stop the other broker first, or give this one folders of its own: --override log.dirs=FOLDER"),
		func(err error) string {
			if !errors.Is(err, client.ErrPlaintextToTLS) {
				return ""
			}
			if v := s.settingsAt(err); v != nil && v.Source() != commandLine {
				return fmt.Sprintf("set security.protocol=SSL and the ssl settings in %s", quotedPath(v.Source()))
			}
			return "set security.protocol=SSL and the ssl settings in a file, and name it: --command-config FILE"
		},
	}
}

const stopMembers = "stop its members first; see them with: "

// again is another command on the same cluster, in the manner of the one that
// was called: a tool of Kafka's, or a command of our own.
func (s *session) again(tool, flags, own string) string {
	if s.native || tool == "" {
		return quotedPath(s.program) + " " + own + s.reach
	}
	server := "HOST:PORT"
	if n := len(s.clusters); n > 0 {
		server = s.clusters[n-1].List("bootstrap.servers")[0]
	}
	return fmt.Sprintf("%s --bootstrap-server %s%s %s", s.beside(tool), server, s.commandConfig(nil), flags)
}

func (s *session) flagOf(kafkas, own string) string {
	if s.native {
		return own
	}
	return kafkas
}

func (s *session) absentAdvice(e *absentError) string {
	switch e.kind {
	case "topic", "group", "acl":
		return "see what there is with: " + s.again("", "", e.kind+" list")
	}
	return ""
}

// longLineAdvice is about a line that our own bound keeps back, before the
// broker's.
func (s *session) longLineAdvice(e *longLineError) string {
	where := "add --command-property"
	if s.native {
		where = "set, in the file of --command-config,"
	}
	return fmt.Sprintf("%s max.request.size=%d; the topic's max.message.bytes must allow it too", where, e.length+1024)
}

// advertisedAdvice is about the broker's address, which the broker's operator
// alone can mend, or about its certificate.
func (s *session) advertisedAdvice(e *client.AdvertisedError) string {
	asked, _, _ := net.SplitHostPort(e.Asked)
	var host *ssl.HostError
	if errors.As(e.Err, &host) {
		return fmt.Sprintf("at the broker, advertise one of its certificate's names (advertised.listeners), or issue it anew: schloss certs issue --replace --host %s ...", strings.Join(host.Hosts(), ","))
	}
	return fmt.Sprintf("at broker %d, set advertised.listeners to an address that clients reach, as %s; all addresses: schloss doctor %s%s", e.Node, asked, e.Asked, s.commandConfig(e))
}

// refusedAdvice is about records that the target of a mirror does not take: the
// error names the limit, this where it is set.
func (s *session) refusedAdvice(e *mirror.SendError) string {
	if len(s.clusters) == 0 {
		return ""
	}
	return fmt.Sprintf("change what the target's topic takes: %s --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config max.message.bytes=BYTES; or leave such records out, and have them counted: --abort.on.send.failure false",
		s.beside("kafka-configs"), s.clusters[len(s.clusters)-1].List("bootstrap.servers")[0], quotedWord(e.Topic))
}

// commandConfig is the flag that names the settings of a failed connection.
func (s *session) commandConfig(err error) string {
	if v := s.settingsAt(err); v != nil && v.Source() != commandLine {
		return " --command-config " + quotedPath(v.Source())
	}
	return ""
}

// alertAdvice is about our own certificate, where the broker dislikes it and
// the settings tell which it is.
func (s *session) alertAdvice(err error) string {
	var e *ssl.AlertError
	v := s.settingsAt(err)
	if v == nil || !errors.As(err, &e) {
		return ""
	}
	const badCertificate, unknownCertificate, unknownCA, certificateRequired = 42, 46, 48, 116
	var leaf *x509.Certificate
	if stores, err := ssl.ClientConfig(v); err == nil {
		leaf = stores.Leaf()
	}
	switch e.Code {
	case badCertificate, unknownCertificate, unknownCA, certificateRequired:
	default:
		return ""
	}
	if leaf == nil {
		return "the broker wants a client certificate: set ssl.keystore.location, ssl.keystore.password and ssl.key.password in " + quotedPath(v.Source())
	}
	issuer, err := principal.NameFromDN(leaf.RawIssuer)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("put the certificate of %s, which signed ours, into the broker's ssl.truststore.location: keytool -keystore TRUSTSTORE -alias NAME -importcert -file ca-cert; whom the broker accepts: schloss doctor %s --command-config %s",
		quoted(issuer), v.List("bootstrap.servers")[0], quotedPath(v.Source()))
}

// settingsAt are the settings with which the broker of a failed connection was
// called. A mirror has two clusters.
func (s *session) settingsAt(err error) *config.Values {
	var e *client.ConnectError
	var advertised *client.AdvertisedError
	for _, v := range s.clusters {
		servers := v.List("bootstrap.servers")
		if len(s.clusters) == 1 || errors.As(err, &advertised) && slices.Contains(servers, advertised.Asked) ||
			errors.As(err, &e) && slices.Contains(servers, e.Addr) {
			return v
		}
	}
	return nil
}

// versionAdvice is the command that shows what the broker serves.
func (s *session) versionAdvice(*client.VersionError) string {
	server := "HOST:PORT"
	if n := len(s.clusters); n > 0 {
		server = s.clusters[n-1].List("bootstrap.servers")[0]
	}
	return fmt.Sprintf("see what it serves: %s --bootstrap-server %s", s.beside("kafka-broker-api-versions"), server)
}

// deniedAdvice is the command that allows what was denied. Whoever may give it
// needs settings of their own, which we cannot know.
func (s *session) deniedAdvice(e *client.DeniedError) string {
	v := s.settingsFor(e)
	who, certain := "User:NAME", false
	server := "HOST:PORT"
	if v != nil {
		server = v.List("bootstrap.servers")[0]
		who, certain = principalOf(v)
	}
	admin := ""
	if v == nil || !strings.EqualFold(v.String("security.protocol"), "PLAINTEXT") {
		admin = " --command-config ADMIN.properties"
	}
	grant := acl.Query{Principal: who, Operation: e.Operation, ResourceType: e.ResourceType, Name: e.Name}.Granting()
	if e.ResourceType == kafka.Group && len(s.clusters) > 1 {
		grant.Operation = kafka.Read // a mirror becomes a member; to describe is the least of it
	}
	if e.ResourceType == kafka.Group && strings.HasPrefix(e.Name, ownGroupPrefix) {
		grant.Name, grant.Pattern = ownGroupPrefix, kafka.Prefixed // the next run has another name
	}
	text := fmt.Sprintf("whoever may do so can allow it: %s --bootstrap-server %s%s --add %s", s.beside("kafka-acls"), server, admin, grant.Flags())
	if !certain {
		text += "; the broker's log names the principal it saw"
	}
	return text
}

// settingsFor are those of the cluster that denied: of a mirror's two the
// source is read, in a group, and the target is not.
func (s *session) settingsFor(e *client.DeniedError) *config.Values {
	switch {
	case len(s.clusters) == 0:
		return nil
	case e.Operation == kafka.Read, e.ResourceType == kafka.Group:
		return s.clusters[0]
	}
	return s.clusters[len(s.clusters)-1]
}

// principalOf is who the settings make us, as a broker without mapping rules
// sees it.
func principalOf(v *config.Values) (name string, certain bool) {
	if strings.EqualFold(v.String("security.protocol"), "PLAINTEXT") {
		return principal.Anonymous.String(), true
	}
	stores, err := ssl.ClientConfig(v)
	if err != nil || stores.Leaf() == nil {
		return "User:NAME", false
	}
	dn, err := principal.NameFromDN(stores.Leaf().RawSubject)
	if err != nil {
		return "User:NAME", false
	}
	return principal.User(dn).String(), true
}
