package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// advices are the entries that know what the command was told: its settings,
// and the certificate in its key store.
func (s *session) advices() []func(error) string {
	return []func(error) string{
		ofType(s.deniedAdvice),
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

// settingsAt are the settings with which the broker of a failed connection was
// called. A mirror has two clusters.
func (s *session) settingsAt(err error) *config.Values {
	var e *client.ConnectError
	for _, v := range s.clusters {
		if len(s.clusters) == 1 || errors.As(err, &e) && slices.Contains(v.List("bootstrap.servers"), e.Addr) {
			return v
		}
	}
	return nil
}

// deniedAdvice is the command that allows what was denied. Whoever may give it
// needs settings of their own, which we cannot know.
func (s *session) deniedAdvice(e *client.DeniedError) string {
	resource := "--cluster"
	if flag, ok := resourceFlags[e.ResourceType]; ok {
		resource = flag + " " + quoted(e.Name)
	}
	if e.ResourceType == kafka.Group && strings.HasPrefix(e.Name, ownGroupPrefix) {
		// The next run has another name.
		resource = "--group " + ownGroupPrefix + " --resource-pattern-type prefixed"
	}
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
	text := fmt.Sprintf("whoever may do so can allow it: %s --bootstrap-server %s%s --add --allow-principal %s --operation %s %s",
		s.beside("kafka-acls"), server, admin, quoted(who), e.Operation, resource)
	if !certain {
		text += "; the broker's log names the principal it saw"
	}
	return text
}

// settingsFor are those of the cluster that denied: of a mirror's two the
// source is read and the target is not.
func (s *session) settingsFor(e *client.DeniedError) *config.Values {
	switch {
	case len(s.clusters) == 0:
		return nil
	case e.Operation == kafka.Read:
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
