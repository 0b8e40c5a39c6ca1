package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
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
}

// Client reaches one cluster.
type Client struct {
	config Config
}

// Open tries the bootstrap servers in turn until one answers as Kafka does,
// within five seconds. Its error is a *ConnectError, a *SettingError, or what
// reading the key stores gave.
func Open(ctx context.Context, c Config) (*Client, error) { return &Client{config: c}, nil }

// Close ends all connections.
func (c *Client) Close() {}

// Kgo makes a franz-go client with the connection's settings, to which the
// caller adds options, such as those of ProducerOptions. It is the caller's to
// close.
func (c *Client) Kgo(extra ...kgo.Opt) (*kgo.Client, error) { return nil, nil }

// Request sends one request to the broker that has to answer it. Client is a
// kmsg.Requestor.
func (c *Client) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return nil, nil
}

// Dial connects to one broker, for pipelined Fetch and Produce requests.
func (c *Client) Dial(ctx context.Context, node kafka.NodeID) (*Conn, error) { return nil, nil }

// ProducerOptions are the kgo options of a producer's settings.
func ProducerOptions(v *config.Values) ([]kgo.Opt, error) { return nil, nil }

// ConsumerOptions are the kgo options of a consumer's settings, with those of
// the group where group.id is set. Topics are the caller's to add.
func ConsumerOptions(v *config.Values) ([]kgo.Opt, error) { return nil, nil }
