package doctor

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"schloss/client"
)

// advertised takes the way to every broker by the address that it tells
// clients, which is the way that they go.
func (e *examination) advertised(ctx context.Context, s *server) []Finding {
	nodes := s.nodes[:min(len(s.nodes), mostBrokers)]
	found := make([]Finding, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { found[i] = e.broker(ctx, s, n) })
	}
	all.Wait()
	return found
}

func (e *examination) broker(ctx context.Context, s *server, n client.Node) Finding {
	about := fmt.Sprintf("broker %d", n.ID)
	if n.Address() == s.addr {
		return ok("advertised", about, n.Address()+", as we came")
	}
	c := e.connect(ctx, n.Address())
	if c.stream != nil {
		defer c.stream.Close()
	}
	for _, f := range c.findings {
		if f.Status != Bad {
			continue
		}
		f.Evidence = fmt.Sprintf("it tells clients to go on to %s, and that fails at %s: %s%s", n.Address(), f.Step, f.Evidence, e.elsewhere(s.addr, n.Host))
		f.Code = map[string]Code{"dns": AdvertisedDNS, "tcp": AdvertisedTCP}[f.Step]
		if f.Code == "" {
			f.Code = AdvertisedTLS
		}
		host, _, _ := net.SplitHostPort(s.addr)
		f.Step, f.About, f.Err = "advertised", about, nil
		f.Cure = fmt.Sprintf("set advertised.listeners of that broker to an address that clients reach, as %s", host)
		if f.Code == AdvertisedTLS {
			f.Cure = fmt.Sprintf("issue its certificate anew: schloss certs issue --replace --host %s,%s ...; or set advertised.listeners to one of its names", n.Host, host)
		}
		return f
	}
	if e.elsewhere(s.addr, n.Host) != "" {
		return warning("advertised", about, AdvertisedLocal, fmt.Sprintf("it tells clients to go on to %s%s", n.Address(), e.elsewhere(s.addr, n.Host)), "set advertised.listeners of that broker to a name that clients resolve")
	}
	return ok("advertised", about, n.Address()+" is reached")
}

// elsewhere says that a broker on another machine has told an address of ours.
func (e *examination) elsewhere(came, told string) string {
	host, _, _ := net.SplitHostPort(came)
	if loopback(told) && !loopback(host) {
		return ", which is this machine, where the bootstrap server is not"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
