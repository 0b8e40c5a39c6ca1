package broker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/config"
)

const (
	topicResource  = kmsg.ConfigResourceTypeTopic
	brokerResource = kmsg.ConfigResourceTypeBroker
)

type settingChange struct {
	name  string
	op    kmsg.IncrementalAlterConfigOp
	value string // "-": null
}

func alterRequest(kind kmsg.ConfigResourceType, name string, changes ...settingChange) *kmsg.IncrementalAlterConfigsRequest {
	in := kmsg.NewIncrementalAlterConfigsRequestResource()
	in.ResourceType, in.ResourceName = kind, name
	for _, change := range changes {
		cfg := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		cfg.Name, cfg.Op = change.name, change.op
		if change.value != "-" {
			cfg.Value = &change.value
		}
		in.Configs = append(in.Configs, cfg)
	}
	return &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{in}}
}

// alter changes settings, which must succeed.
func alter(t *testing.T, c *rawConn, kind kmsg.ConfigResourceType, name string, changes ...settingChange) {
	t.Helper()
	got := c.ask(t, alterRequest(kind, name, changes...), 1).(*kmsg.IncrementalAlterConfigsResponse).Resources[0]
	if got.ErrorCode != 0 {
		t.Fatalf("alter %q: %v: %s", name, kafka.ErrorCode(got.ErrorCode), text(got.ErrorMessage))
	}
}

// described is a setting as DescribeConfigs shows it; nil if it does not.
func described(t *testing.T, c *rawConn, kind kmsg.ConfigResourceType, name, setting string) *kmsg.DescribeConfigsResponseResourceConfig {
	t.Helper()
	req := &kmsg.DescribeConfigsRequest{IncludeSynonyms: true, IncludeDocumentation: true, Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name}}}
	got := c.ask(t, req, 4).(*kmsg.DescribeConfigsResponse).Resources[0]
	if got.ErrorCode != 0 {
		t.Fatalf("describe %q: %v: %s", name, kafka.ErrorCode(got.ErrorCode), text(got.ErrorMessage))
	}
	for i := range got.Configs {
		if got.Configs[i].Name == setting {
			return &got.Configs[i]
		}
	}
	return nil
}

func wantSetting(t *testing.T, c *rawConn, kind kmsg.ConfigResourceType, name, setting, value string, source config.Source) {
	t.Helper()
	d := described(t, c, kind, name, setting)
	if d == nil || text(d.Value) != value || d.Source != kmsg.ConfigSource(source) {
		t.Errorf("%s of %q is %+v, want %q from %v", setting, name, d, value, source)
	}
}

// TestAlterConfigsJudgesEachChange asks as the running Kafka 4.3.1 was asked.
func TestAlterConfigsJudgesEachChange(t *testing.T) {
	const set, remove, add, subtract = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete, kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"broker.id": "3"}})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	c.ask(t, walk["OffsetCommit"].ask("t", "g"), 8) // makes the groups' topic
	one := func(name string, op kmsg.IncrementalAlterConfigOp, value string) []settingChange {
		return []settingChange{{name, op, value}}
	}
	for _, tt := range []struct {
		name     string
		kind     kmsg.ConfigResourceType
		resource string
		changes  []settingChange
		want     kafka.ErrorCode
	}{
		{"a topic", topicResource, "t", one("retention.ms", set, "5"), kafka.NoError},
		{"nothing", topicResource, "t", nil, kafka.NoError},
		{"no topic", topicResource, "none", one("retention.ms", set, "5"), kafka.ErrUnknownTopicOrPartition},
		{"every topic", topicResource, "", one("retention.ms", set, "5"), kafka.ErrInvalidRequest},
		{"a bad name", topicResource, "a b", one("retention.ms", set, "5"), kafka.ErrInvalidTopicException},
		{"a bad number", topicResource, "t", one("retention.ms", set, "long"), kafka.ErrInvalidConfig},
		{"too low a number", topicResource, "t", one("min.insync.replicas", set, "0"), kafka.ErrInvalidConfig},
		{"null", topicResource, "t", one("retention.ms", set, "-"), kafka.ErrInvalidRequest},
		{"an unknown setting", topicResource, "t", one("no.such", set, "5"), kafka.ErrInvalidConfig},
		{"removing an unknown setting", topicResource, "t", one("no.such", remove, "-"), kafka.NoError},
		{"removing with a value", topicResource, "t", one("retention.ms", remove, "5"), kafka.NoError},
		{"appending to a number", topicResource, "t", one("retention.ms", add, "5"), kafka.ErrInvalidConfig},
		{"appending to a list", topicResource, "t", one("cleanup.policy", add, "compact"), kafka.NoError},
		{"taking out of a list", topicResource, "t", one("cleanup.policy", subtract, "compact"), kafka.NoError},
		{"a bad item", topicResource, "t", one("cleanup.policy", set, "never"), kafka.ErrInvalidConfig},
		{"an unknown way", topicResource, "t", one("retention.ms", 9, "5"), kafka.ErrInvalidRequest},
		{"a setting twice", topicResource, "t", []settingChange{{"retention.ms", set, "5"}, {"retention.ms", set, "6"}}, kafka.ErrInvalidRequest},
		{"good and bad", topicResource, "t", []settingChange{{"retention.bytes", set, "5"}, {"segment.bytes", set, "a"}}, kafka.ErrInvalidConfig},
		{"recompression", topicResource, "t", one("compression.type", set, "zstd"), kafka.ErrInvalidConfig},
		{"the groups' own state", topicResource, kafka.ConsumerOffsetsTopic, one("cleanup.policy", set, "delete"), kafka.ErrInvalidConfig},
		{"a long value", brokerResource, "3", one("listener.name.plaintext.ssl.keystore.location", set, string(make([]byte, 1<<15))), kafka.ErrInvalidConfig},
		{"a broker", brokerResource, "3", one("message.max.bytes", set, "2000000"), kafka.NoError},
		{"all brokers", brokerResource, "", one("message.max.bytes", set, "3000000"), kafka.NoError},
		{"another broker", brokerResource, "4", one("message.max.bytes", set, "2000000"), kafka.ErrInvalidRequest},
		{"a broker without number", brokerResource, "x", one("message.max.bytes", set, "2000000"), kafka.ErrInvalidRequest},
		{"a broker's id written otherwise", brokerResource, "03", one("message.max.bytes", set, "2000000"), kafka.ErrInvalidRequest},
		{"a fixed setting", brokerResource, "3", one("log.dirs", set, "/x"), kafka.ErrInvalidRequest},
		{"a setting without effect", brokerResource, "3", one("num.io.threads", set, "5"), kafka.ErrInvalidRequest},
		{"appending to a broker's number", brokerResource, "3", one("message.max.bytes", add, "5"), kafka.ErrInvalidConfig},
		{"a limit that locks out", brokerResource, "3", one("max.connections", set, "0"), kafka.ErrInvalidRequest},
		{"TLS of a plain listener", brokerResource, "3", one("listener.name.plaintext.ssl.keystore.location", set, "/x"), kafka.ErrInvalidRequest},
		{"loggers", kmsg.ConfigResourceTypeBrokerLogger, "3", one("root", set, "DEBUG"), kafka.ErrInvalidRequest},
		{"an unknown kind", 77, "x", one("a", set, "b"), kafka.ErrInvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, dry := range []bool{true, false} {
				req := alterRequest(tt.kind, tt.resource, tt.changes...)
				req.ValidateOnly = dry
				got := c.ask(t, req, 1).(*kmsg.IncrementalAlterConfigsResponse).Resources
				if len(got) != 1 || kafka.ErrorCode(got[0].ErrorCode) != tt.want || got[0].ResourceName != tt.resource {
					t.Errorf("dry %v: got %+v (%s), want %v", dry, got, text(got[0].ErrorMessage), tt.want)
				}
			}
		})
	}
	if d := described(t, c, topicResource, "t", "retention.bytes"); text(d.Value) != "-1" {
		t.Errorf("the good half of a bad change was made: %s", text(d.Value))
	}
	twice := alterRequest(topicResource, "t", one("retention.ms", set, "5")...)
	twice.Resources = append(twice.Resources, twice.Resources[0])
	if got := c.ask(t, twice, 1).(*kmsg.IncrementalAlterConfigsResponse).Resources; len(got) != 1 || kafka.ErrorCode(got[0].ErrorCode) != kafka.ErrInvalidRequest {
		t.Errorf("a resource named twice: got %+v, want one INVALID_REQUEST", got)
	}
}

func TestSettingsAreInForceAtOnceAndAfterARestart(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"message.max.bytes": "900000"}})
	c := rawConnect(t, b)
	createTopic(t, c, "own", nil)
	createTopic(t, c, "inherits", nil)
	long := build(t, nil, string(make([]byte, 2000)))
	takes := func(topic string, want kafka.ErrorCode) {
		t.Helper()
		if got := codes(c.ask(t, produceRequest(topic, -1, long), 9)); got[0] != want {
			t.Errorf("produce to %s: %v, want %v", topic, got, want)
		}
	}
	set, remove := kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete
	alter(t, c, topicResource, "own", settingChange{"max.message.bytes", set, "3000"})
	alter(t, c, brokerResource, "", settingChange{"message.max.bytes", set, "2500"})
	takes("inherits", kafka.NoError)
	alter(t, c, brokerResource, "0", settingChange{"message.max.bytes", set, "1000"})
	takes("inherits", kafka.ErrMessageTooLarge)
	takes("own", kafka.NoError)

	dry := alterRequest(brokerResource, "0", settingChange{"message.max.bytes", set, "5000"})
	dry.ValidateOnly = true
	c.ask(t, dry, 1)
	for _, killed := range []bool{false, true} {
		wantSetting(t, c, topicResource, "own", "max.message.bytes", "3000", config.DynamicTopicConfig)
		wantSetting(t, c, topicResource, "inherits", "max.message.bytes", "1000", config.DynamicBrokerConfig)
		wantSetting(t, c, brokerResource, "0", "message.max.bytes", "1000", config.DynamicBrokerConfig)
		wantSetting(t, c, brokerResource, "", "message.max.bytes", "2500", config.DynamicDefaultBrokerConfig)
		takes("inherits", kafka.ErrMessageTooLarge)
		takes("own", kafka.NoError)
		data := b.Data
		if killed {
			data = b.KilledCopy(t)
		}
		b.Stop(t)
		b = testkit.Start(t, testkit.Options{Data: data, Properties: map[string]string{"message.max.bytes": "900000"}})
		c = rawConnect(t, b)
	}
	alter(t, c, brokerResource, "0", settingChange{"message.max.bytes", remove, "-"})
	wantSetting(t, c, topicResource, "inherits", "max.message.bytes", "2500", config.DynamicDefaultBrokerConfig)
	alter(t, c, brokerResource, "", settingChange{"message.max.bytes", remove, "-"})
	wantSetting(t, c, topicResource, "inherits", "max.message.bytes", "900000", config.StaticBrokerConfig)
	d := described(t, c, topicResource, "own", "max.message.bytes")
	var sources []config.Source
	for _, s := range d.ConfigSynonyms {
		sources = append(sources, config.Source(s.Source))
	}
	if len(sources) != 3 || sources[0] != config.DynamicTopicConfig || sources[1] != config.StaticBrokerConfig || sources[2] != config.DefaultConfig {
		t.Errorf("synonyms are from %v, want the topic, the file, the default", sources)
	}
	if d.ReadOnly || d.IsSensitive || d.ConfigType != kmsg.ConfigType(config.Int) || text(d.Documentation) == "" {
		t.Errorf("described as %+v", d)
	}
	takes("inherits", kafka.NoError)
}

func TestAlterConfigsReplaces(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", map[string]string{"retention.ms": "77", "segment.bytes": "5000"})
	value := "88"
	replace := func(kind kmsg.ConfigResourceType, name string, configs ...kmsg.AlterConfigsRequestResourceConfig) kafka.ErrorCode {
		t.Helper()
		req := &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{ResourceType: kind, ResourceName: name, Configs: configs}}}
		return codes(c.ask(t, req, 2))[0]
	}
	cfg := kmsg.AlterConfigsRequestResourceConfig{Name: "retention.ms", Value: &value}
	if got := replace(topicResource, "t", cfg); got != kafka.NoError {
		t.Fatal(got)
	}
	wantSetting(t, c, topicResource, "t", "retention.ms", "88", config.DynamicTopicConfig)
	wantSetting(t, c, topicResource, "t", "segment.bytes", "1073741824", config.DefaultConfig)
	for name, tt := range map[string]struct {
		kind    kmsg.ConfigResourceType
		configs []kmsg.AlterConfigsRequestResourceConfig
		want    kafka.ErrorCode
	}{
		"a setting twice": {topicResource, []kmsg.AlterConfigsRequestResourceConfig{cfg, cfg}, kafka.ErrInvalidRequest},
		"null":            {topicResource, []kmsg.AlterConfigsRequestResourceConfig{{Name: "retention.ms"}}, kafka.ErrInvalidRequest},
		"unknown":         {topicResource, []kmsg.AlterConfigsRequestResourceConfig{{Name: "a", Value: &value}}, kafka.ErrInvalidConfig},
		"loggers":         {kmsg.ConfigResourceTypeBrokerLogger, nil, kafka.ErrInvalidRequest},
	} {
		if got := replace(tt.kind, "t", tt.configs...); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	if got := replace(topicResource, "t"); got != kafka.NoError {
		t.Fatal(got)
	}
	wantSetting(t, c, topicResource, "t", "retention.ms", "604800000", config.DefaultConfig)
}
