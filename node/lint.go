package node

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"schloss/security/principal"
	"schloss/security/ssl"
)

// finding is something about the settings that is legal, and rarely meant.
type finding struct {
	listener string // "" for the whole broker
	problem  string
	hint     string
}

// lint tells what an operator should know about the settings before it is
// learned the hard way: doors that stand open, addresses that clients cannot
// reach, certificates that they will not take.
func (n *running) lint() {
	for _, f := range append(n.openDoors(), n.addresses()...) {
		args := []any{"hint", f.hint}
		if f.listener != "" {
			args = append([]any{"listener", f.listener}, args...)
		}
		n.log.Warn(f.problem, args...)
	}
}

// nameless says whether whoever comes by the endpoint may be User:ANONYMOUS.
func (e *endpoint) nameless() bool {
	return e.tls == nil || !strings.EqualFold(e.values.String("ssl.client.auth"), "required")
}

// wide says whether the endpoint can be reached from other machines.
func (e *endpoint) wide() bool { return !loopback(e.Host) }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// openDoors are the ways past the access rules.
func (n *running) openDoors() []finding {
	var doors []finding
	for i := range n.endpoints {
		e := &n.endpoints[i]
		if e.tls == nil && e.wide() {
			doors = append(doors, finding{e.Name, "open door: whatever goes over this plaintext listener can be read and changed on its way",
				"listen on localhost alone, or take SSL: listeners=SSL://..."})
		}
	}
	if n.authorizer == nil {
		return append(doors, finding{"", "open door: no authorizer.class.name, so everyone may do everything",
			"set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"})
	}
	if n.authorizer.AllowEveryoneIfNoACL {
		doors = append(doors, finding{"", "open door: allow.everyone.if.no.acl.found=true, so everyone may do everything to what has no ACL", "set allow.everyone.if.no.acl.found=false"})
	}
	for i := range n.endpoints {
		e := &n.endpoints[i]
		if !e.nameless() {
			continue
		}
		f := finding{e.Name, fmt.Sprintf("open door: who comes without a certificate is %s here", principal.Anonymous), "set ssl.client.auth=required"}
		if e.tls == nil {
			f.problem = fmt.Sprintf("open door: whoever comes by this listener is %s", principal.Anonymous)
			f.hint = "grant that principal nothing, or remove the listener"
		}
		if n.authorizer.Supers.Has(principal.Anonymous.String()) {
			f.problem += ", who is a super user"
			f.hint = fmt.Sprintf("remove %s from super.users", principal.Anonymous)
		}
		doors = append(doors, f)
	}
	return doors
}

// soon is how long before its end a certificate is told of.
const soon = 14 * 24 * time.Hour

// addresses compares what clients are told with what is there.
func (n *running) addresses() []finding {
	var found []finding
	for i := range n.endpoints {
		e := &n.endpoints[i]
		told := e.reached(nil).Host
		if e.wide() && loopback(told) {
			found = append(found, finding{e.Name, fmt.Sprintf("clients on other machines are told to connect to %s, which is their own", told),
				fmt.Sprintf("set advertised.listeners=%s://NAME:%d with a name of this machine that they can resolve", e.Name, e.advertised.Port)})
		}
		if e.tls == nil || e.tls.Leaf() == nil {
			continue
		}
		var other *ssl.HostError
		if errors.As(ssl.NamesHost(e.tls.Leaf(), told), &other) {
			found = append(found, finding{e.Name, fmt.Sprintf("clients are told to connect to %s, and will refuse this: %v", told, other),
				fmt.Sprintf("issue it anew: schloss certs issue --replace --host %s ...; or advertise one of its names", strings.Join(other.Hosts(), ","))})
		}
		if left := time.Until(e.tls.Leaf().NotAfter); left > 0 && left < soon {
			found = append(found, finding{e.Name, fmt.Sprintf("the certificate of this listener expires on %s", e.tls.Leaf().NotAfter.UTC().Format(time.RFC3339)), "issue it anew: schloss certs issue --replace ..."})
		}
	}
	return found
}
