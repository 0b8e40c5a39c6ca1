package doctor

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"schloss/client"
	"schloss/kafka/config"
	"schloss/security/ssl"
)

// Limit bounds a whole examination.
const Limit = 5500 * time.Millisecond

// How long single steps may take within it.
const (
	resolveLimit = 1500 * time.Millisecond
	connectLimit = 1500 * time.Millisecond
	tlsLimit     = 1500 * time.Millisecond
	mostBrokers  = 16 // whose advertised addresses are tried
)

// Config says what to examine.
type Config struct {
	Values *config.Values // a client's settings, with bootstrap.servers
	Tasks  []Task         // whose rights are asked for
	Tool   string         // how the user calls kafka-acls
	Now    func() time.Time
}

// examination is one run.
type examination struct {
	Config
	stores *ssl.Reloader // nil for plaintext
	secure bool          // security.protocol is SSL
}

// server is what became of one bootstrap server.
type server struct {
	addr     string
	findings []Finding
	nodes    []client.Node
	cluster  string // its id
	asked    bool   // a client certificate was asked for
	reached  bool
}

// Examine walks all steps and returns what was found, in the order of the way.
// It takes no longer than Limit.
func Examine(ctx context.Context, c Config) []Finding {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	e := &examination{Config: c}
	found := e.settings()
	if !Passed(found) && !e.secure {
		return found
	}
	servers := make([]*server, 0, 4)
	for _, addr := range c.Values.List("bootstrap.servers") {
		if err := checkAddress(addr); err != nil {
			found = append(found, failed("settings", addr, err))
			continue
		}
		servers = append(servers, &server{addr: addr})
	}
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() { e.greet(ctx, s) })
	}
	all.Wait()
	var first *server
	for _, s := range servers {
		found = append(found, s.findings...)
		if s.reached && first == nil {
			first = s
		}
	}
	if first == nil {
		return found
	}
	advertised := e.advertised(ctx, first)
	found = append(found, advertised...)
	return append(found, e.rights(ctx, first, advertised)...)
}

// settings reads how connections are secured, and the stores for it.
func (e *examination) settings() []Finding {
	v := e.Values
	source := v.Source()
	switch protocol := strings.ToUpper(v.String("security.protocol")); protocol {
	case "PLAINTEXT":
		return []Finding{ok("settings", source, "security.protocol=PLAINTEXT")}
	case "SSL":
		e.secure = true
	default:
		return []Finding{failed("settings", source, &client.SettingError{Key: "security.protocol", Value: protocol, Problem: "only PLAINTEXT and SSL are built"})}
	}
	found := []Finding{ok("settings", source, "security.protocol=SSL")}
	if v.String("ssl.endpoint.identification.algorithm") == "" {
		found = append(found, warning("settings", source, HostUnchecked, "ssl.endpoint.identification.algorithm is empty: no broker's name is checked",
			"remove that line, and issue certificates with the right --host"))
	}
	return append(found, e.readStores()...)
}

func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || host == "" {
		return &client.SettingError{Key: "bootstrap.servers", Value: addr, Problem: "want HOST:PORT"}
	}
	return nil
}

// greet takes the way to one bootstrap server, as far as it leads.
func (e *examination) greet(ctx context.Context, s *server) {
	c := e.connect(ctx, s.addr)
	s.findings, s.asked = c.findings, c.asked != nil
	if c.stream == nil {
		return
	}
	defer c.stream.Close()
	ctx, cancel := context.WithTimeout(ctx, tlsLimit)
	defer cancel()
	if err := e.protocol(ctx, &c); err != nil {
		s.findings = c.findings
		return
	}
	s.findings = c.findings
	nodes, err := client.AdvertisedNodes(ctx, c.stream)
	if err != nil {
		s.findings = append(s.findings, e.silence(ctx, s.addr, err))
		return
	}
	s.findings = append(s.findings, ok("sasl", s.addr, "no login is asked for"))
	s.nodes, s.reached = nodes, true
	s.findings = append(s.findings, ok("metadata", s.addr, fmt.Sprintf("%s: %s", plural(len(nodes), "broker"), addresses(nodes))))
}

// silence explains a broker that answered ApiVersions and then no more.
func (e *examination) silence(ctx context.Context, addr string, err error) Finding {
	again := e.connect(ctx, addr)
	if again.stream != nil {
		defer again.stream.Close()
		if mechanisms, merr := client.Mechanisms(ctx, again.stream); merr == nil && len(mechanisms) > 0 {
			return failed("sasl", addr, &client.SASLError{Mechanisms: mechanisms})
		}
	}
	return bad("metadata", addr, NoMetadata, fmt.Sprintf("the first request after the greeting: %v", err), "the broker's log names the reason")
}

func addresses(nodes []client.Node) string {
	var list []string
	for i, n := range nodes {
		if i == 3 {
			list = append(list, "...")
			break
		}
		list = append(list, fmt.Sprintf("%d at %s", n.ID, n.Address()))
	}
	return strings.Join(list, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
