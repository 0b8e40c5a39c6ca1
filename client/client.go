package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/ssl"
)

// Config says which cluster to reach, and how.
type Config struct {
	// Values are the settings of a consumer, a producer or an admin client,
	// read with the table of that name.
	Values *config.Values
	// Bootstrap takes the place of bootstrap.servers, where given.
	Bootstrap []string
	// ClientID takes the place of client.id, where given.
	ClientID string
	// Warn, where set, hears what is accepted but should be mended, such as a
	// host name found only in a certificate's CN.
	Warn func(text string)
}

// Client reaches one cluster. It is safe for concurrent use.
type Client struct {
	options  []kgo.Opt
	dialer   *dialer
	clientID string
	timeout  requestTimeout
	kgo      *kgo.Client

	mu    sync.Mutex // guards nodes
	nodes map[kafka.NodeID]string
}

// Open tries the bootstrap servers in turn until one answers as Kafka does,
// within five seconds. Its error is a *ConnectError, a *SettingError, or what
// reading the key stores gave.
func Open(ctx context.Context, c Config) (*Client, error) {
	v := c.Values
	d, err := newDialer(v, c.Warn)
	if err != nil {
		return nil, err
	}
	bootstrap := c.Bootstrap
	if len(bootstrap) == 0 {
		bootstrap = v.List("bootstrap.servers")
	}
	if len(bootstrap) == 0 {
		return nil, &SettingError{Key: "bootstrap.servers", Problem: "no broker is named"}
	}
	for _, addr := range bootstrap {
		_, port, err := net.SplitHostPort(addr)
		if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
			return nil, &SettingError{Key: "bootstrap.servers", Value: addr, Problem: "want HOST:PORT"}
		}
	}
	if err := d.preflight(ctx, bootstrap); err != nil {
		return nil, err
	}
	id := c.ClientID
	if id == "" {
		id = v.String("client.id")
	}
	opened := &Client{
		options:  append(commonOptions(v), kgo.SeedBrokers(bootstrap...), kgo.ClientID(id), kgo.Dialer(d.dial)),
		dialer:   d,
		clientID: id,
		timeout:  requestTimeout(v.Duration("request.timeout.ms")),
		nodes:    make(map[kafka.NodeID]string),
	}
	if opened.kgo, err = opened.Kgo(); err != nil {
		return nil, err
	}
	return opened, nil
}

// newDialer reads how connections are secured.
func newDialer(v *config.Values, warn func(string)) (*dialer, error) {
	switch protocol := strings.ToUpper(v.String("security.protocol")); protocol { // Kafka takes either case
	case "PLAINTEXT":
		return &dialer{}, nil
	case "SSL":
		stores, err := ssl.ClientConfig(v)
		if err != nil {
			return nil, err
		}
		stores.Warn = warn
		return &dialer{stores: stores, warn: warn}, nil
	default:
		return nil, &SettingError{Key: "security.protocol", Value: protocol, Problem: "only PLAINTEXT and SSL are built"}
	}
}

// Close ends the connections of Request.
func (c *Client) Close() {
	c.dialer.drop()
	c.kgo.Close()
}

// Kgo makes a franz-go client with the connection's settings, to which the
// caller adds options, such as those of ProducerOptions. It is the caller's to
// close.
func (c *Client) Kgo(extra ...kgo.Opt) (*kgo.Client, error) {
	cl, err := kgo.NewClient(append(c.options[:len(c.options):len(c.options)], extra...)...)
	if err != nil {
		return nil, fmt.Errorf("configure the kafka client: %w", err)
	}
	return cl, nil
}

// Request sends one request to the broker that has to answer it. Client is a
// kmsg.Requestor.
func (c *Client) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	resp, err := c.kgo.Request(ctx, req)
	if m, ok := resp.(*kmsg.MetadataResponse); ok && err == nil {
		c.remember(m)
	}
	return resp, c.unserved(ctx, req, err)
}

// unserved turns the error of a request that the broker does not know into a
// *VersionError: kgo's own has no type.
func (c *Client) unserved(ctx context.Context, req kmsg.Request, err error) error {
	var connect *ConnectError
	if err == nil || ctx.Err() != nil || errors.As(err, &connect) {
		return err
	}
	resp, failed := c.kgo.Request(ctx, kmsg.NewPtrApiVersionsRequest())
	served, ok := resp.(*kmsg.ApiVersionsResponse)
	if failed != nil || !ok || served.ErrorCode != 0 {
		return err
	}
	for _, k := range served.ApiKeys {
		if k.ApiKey == req.Key() {
			return err
		}
	}
	return &VersionError{API: kafka.APIName(req.Key()), Min: -1, Max: -1, OurMax: req.MaxVersion()}
}

// Node is where to send what one broker has to answer for itself.
func (c *Client) Node(id kafka.NodeID) kmsg.Requestor { return c.kgo.Broker(int(id)) }

// remember keeps where brokers are, for Dial.
func (c *Client) remember(m *kmsg.MetadataResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range m.Brokers {
		c.nodes[kafka.NodeID(b.NodeID)] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
}

// Dial connects to one broker that a Metadata response has named, for
// pipelined Fetch and Produce requests.
func (c *Client) Dial(ctx context.Context, node kafka.NodeID) (*Conn, error) {
	c.mu.Lock()
	addr, ok := c.nodes[node]
	c.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("dial broker %d: no metadata names it", node)
	}
	nc, err := c.dialer.dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := NewConn(nc)
	conn.clientID = c.clientID
	conn.timeout = c.timeout
	return conn, nil
}
