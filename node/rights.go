package node

import (
	"fmt"
	"net"
	"net/netip"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/principal"
	"schloss/security/ssl"
)

// NotAllowedError says that the broker's own principal may not act on the
// cluster, so that brokers could not talk to each other: the broker does not
// start.
type NotAllowedError struct {
	Principal string // "User:CN=..."
}

func (e *NotAllowedError) Error() string {
	return fmt.Sprintf("the broker's own principal %s may not act on the cluster: ClusterAction on Cluster:%s is not allowed", e.Principal, kafka.ClusterName)
}

// checkOwnRights refuses to start a broker that talks SSL to brokers and has
// an authorizer which does not allow it that. The right counts when it holds
// from any address of this machine.
func (n *running) checkOwnRights() error {
	own, ok, err := n.ownPrincipal()
	if err != nil || !ok || n.authorizer == nil {
		return err
	}
	rules := n.store.Metadata().Image().ACLs
	for _, host := range ownHosts() {
		q := acl.Query{Principal: own, Host: host, Operation: kafka.ClusterAction, ResourceType: kafka.Cluster, Name: kafka.ClusterName}
		if n.authorizer.Authorize(rules, q).Allowed {
			return nil
		}
	}
	return &NotAllowedError{Principal: own}
}

// ownPrincipal is who this broker is to other brokers; false when they do not
// talk SSL.
func (n *running) ownPrincipal() (string, bool, error) {
	between, err := config.InterBroker(n.values)
	if err != nil || between.Protocol != "SSL" {
		return "", false, err
	}
	values := n.values.Listener(between.Name)
	store, err := ssl.ServerConfig(values)
	if err != nil {
		return "", false, fmt.Errorf("read the key store for connections between brokers: %w", err)
	}
	leaf := store.Leaf()
	if leaf == nil {
		return principal.Anonymous.String(), true, nil
	}
	dn, err := principal.NameFromDN(leaf.RawSubject)
	if err != nil {
		return "", false, fmt.Errorf("read the subject of the broker's own certificate: %w", err)
	}
	rules, err := principal.ParseRules(values.String("ssl.principal.mapping.rules"))
	if err != nil {
		return "", false, fmt.Errorf("read ssl.principal.mapping.rules: %w", err)
	}
	mapped, ok := rules.Apply(dn)
	if !ok {
		return "", false, &ssl.UnmappedError{DN: dn}
	}
	return principal.User(mapped).String(), true, nil
}

// ownHosts are the addresses of this machine, as ACLs name them.
func ownHosts() []string {
	hosts := []string{"127.0.0.1"}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return hosts // an ACL for one address alone cannot be recognised then
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			hosts = append(hosts, acl.HostOf(p.Addr().Unmap()))
		}
	}
	return hosts
}
