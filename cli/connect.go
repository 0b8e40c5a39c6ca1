package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// settings reads a client's properties file, if one is named, lays what the
// flags say over it, and checks all against the table.
type settings struct {
	table  *config.Table
	file   string      // "" means none
	lay    [][2]string // over the file, in this order
	under  [][2]string // where neither file nor flags say anything
	server string      // bootstrap.servers by flag; "" means the file's
	// without are settings that the command has read itself, to leave out.
	without []string
}

// commandLine is the source of settings that no file has.
const commandLine = "the command line"

func (s *session) readSettings(from settings) (*config.Values, error) {
	p, err := from.properties()
	if err != nil {
		return nil, err
	}
	values, notices, err := from.table.Read(p)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		if !anotherClients(n.Key) {
			s.warn("%s", n)
		}
	}
	s.clusters = append(s.clusters, values)
	if len(values.List("bootstrap.servers")) == 0 {
		return nil, &usageError{problem: "no bootstrap servers are given", advice: "add --bootstrap-server HOST:PORT"}
	}
	return values, nil
}

// anotherClients says whether the setting belongs to some kind of client. One
// file often serves them all, which is no mistake.
func anotherClients(key string) bool {
	for _, table := range []*config.Table{config.Consumer, config.Producer, config.Admin} {
		if setting, ok := table.Lookup(key); ok && setting.NoEffect == "" {
			return true
		}
	}
	return false
}

func (from settings) properties() (*config.Properties, error) {
	p := config.NewProperties(commandLine)
	if from.file != "" {
		var err error
		if p, err = config.ReadFile(from.file); err != nil {
			return nil, err
		}
	}
	for _, kv := range from.lay {
		p.Set(kv[0], kv[1])
	}
	if from.server != "" {
		p.Set("bootstrap.servers", from.server)
	}
	for _, kv := range from.under {
		if _, given := p.Get(kv[0]); !given {
			p.Set(kv[0], kv[1])
		}
	}
	p.Drop(from.without...)
	return p, nil
}

// missingRight makes the denial of a topic that is not there one of its
// creation: both are the same to whoever just reads or writes.
func missingRight(ctx context.Context, c *client.Client, err error) error {
	var denied *client.DeniedError
	if !errors.As(err, &denied) || denied.ResourceType != kafka.Topic {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	topic, failed := metadataOf(ctx, c, denied.Name)
	if failed != nil || kafka.ErrorCode(topic.ErrorCode) != kafka.ErrUnknownTopicOrPartition {
		return err // who may not describe it does not learn whether it is there
	}
	return &client.DeniedError{Operation: kafka.Create, ResourceType: kafka.Topic, Name: denied.Name, Code: denied.Code}
}

// metadataOf asks for one topic without having it made.
func metadataOf(ctx context.Context, c *client.Client, name string) (kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, c)
	if err != nil {
		return kmsg.MetadataResponseTopic{}, err
	}
	if len(resp.Topics) != 1 {
		return kmsg.MetadataResponseTopic{}, fmt.Errorf("describe topic %q: the broker told of %d topics", name, len(resp.Topics))
	}
	return resp.Topics[0], nil
}

// openAdmin connects as the flags --bootstrap-server and --command-config say.
func (s *session) openAdmin(ctx context.Context, o *options) (*client.Client, error) {
	return s.openAdminAt(ctx, o.get("command-config"), o.get("bootstrap-server"))
}

// openAdminAt is openAdmin for tools whose flags have other names.
func (s *session) openAdminAt(ctx context.Context, file, server string) (*client.Client, error) {
	values, err := s.readSettings(settings{table: config.Admin, file: file, server: server})
	if err != nil {
		return nil, err
	}
	return client.Open(ctx, client.Config{Values: values, ClientID: s.name, Warn: s.warning})
}
