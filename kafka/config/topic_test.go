package config

import (
	"errors"
	"testing"
	"time"
)

func TestTopicInherits(t *testing.T) {
	tests := []struct {
		name, file string
		own        map[string]string
		retention  time.Duration
	}{
		{"default", "", nil, 7 * 24 * time.Hour},
		{"hours", "log.retention.hours=2\n", nil, 2 * time.Hour},
		{"minutes over hours", "log.retention.hours=2\nlog.retention.minutes=5\n", nil, 5 * time.Minute},
		{"milliseconds over both", "log.retention.ms=7\nlog.retention.hours=2\nlog.retention.minutes=5\n", nil, 7 * time.Millisecond},
		{"for ever", "log.retention.hours=-1\n", nil, -time.Millisecond},
		{"many hours", "log.retention.hours=2147483647\n", nil, 1<<63 - 1},
		{"own", "log.retention.hours=2\n", map[string]string{"retention.ms": " 9 "}, 9 * time.Millisecond},
		{"own for ever", "log.retention.hours=2\n", map[string]string{"retention.ms": "-1"}, -time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := TopicValues(mustRead(t, Server, test.file), test.own)
			if got := v.Duration("retention.ms"); got != test.retention {
				t.Errorf("retention is %v, want %v", got, test.retention)
			}
		})
	}
}

func TestCheckTopic(t *testing.T) {
	tests := []struct {
		name string
		own  map[string]string
		want string
	}{
		{"good", map[string]string{"retention.ms": "1000", "cleanup.policy": "compact,delete", "segment.bytes": "1048576"}, ""},
		{"bad number", map[string]string{"retention.ms": "1h"}, "topic: retention.ms=1h: want a whole number of 64 bits"},
		{"near", map[string]string{"retention.m": "1"}, `topic: unknown setting "retention.m", did you mean "retention.ms"?`},
		{"the broker's name", map[string]string{"log.segment.bytes": "1"}, "topic: log.segment.bytes=1: want a topic setting that exists"},
		{"tiers", map[string]string{"remote.storage.enable": "true"}, "topic: remote.storage.enable=true: want false: tiered storage is not built"},
		{"codec", map[string]string{"compression.type": "zstd"}, "topic: compression.type=zstd: want producer: batches are stored as they come"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckTopic(test.own)
			if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestDescribeTopic(t *testing.T) {
	server := mustRead(t, Server, "log.retention.hours=1\nlog.segment.bytes=2000\nlog.roll.hours=2\n").With(Dynamic{
		Own: map[string]string{"log.retention.ms": "7", "log.message.timestamp.type": "LogAppendTime"},
		All: map[string]string{"log.retention.ms": "8", "message.max.bytes": "9"},
	})
	byName := map[string]Described{}
	for _, d := range DescribeTopic(server, map[string]string{"retention.ms": "5"}) {
		byName[d.Name] = d
	}
	if len(byName) != len(topicTable) {
		t.Errorf("described %d settings, want %d", len(byName), len(topicTable))
	}
	type synonym struct {
		name, value string
		source      Source
	}
	want := map[string][]synonym{
		"retention.ms": {{"retention.ms", "5", DynamicTopicConfig}, {"log.retention.ms", "7", DynamicBrokerConfig}, {"log.retention.ms", "8", DynamicDefaultBrokerConfig},
			{"log.retention.hours", "1", StaticBrokerConfig}, {"log.retention.hours", "168", DefaultConfig}},
		"max.message.bytes":      {{"message.max.bytes", "9", DynamicDefaultBrokerConfig}, {"message.max.bytes", "1048588", DefaultConfig}},
		"message.timestamp.type": {{"log.message.timestamp.type", "LogAppendTime", DynamicBrokerConfig}, {"log.message.timestamp.type", "CreateTime", DefaultConfig}},
		"segment.bytes":          {{"log.segment.bytes", "2000", StaticBrokerConfig}, {"log.segment.bytes", "1073741824", DefaultConfig}},
		"cleanup.policy":         {{"log.cleanup.policy", "delete", DefaultConfig}},
	}
	for name, synonyms := range want {
		d := byName[name]
		if *d.Value != synonyms[0].value || d.Source != synonyms[0].source || len(d.Synonyms) != len(synonyms) {
			t.Errorf("%s is described as %+v", name, d)
			continue
		}
		for i, s := range synonyms {
			if got := (synonym{d.Synonyms[i].Name, *d.Synonyms[i].Value, d.Synonyms[i].Source}); got != s {
				t.Errorf("%s synonym %d is %v, want %v", name, i, got, s)
			}
		}
	}
	// Two hours of the broker's are the topic's milliseconds; as Kafka does, they
	// are not among the synonyms.
	if d := byName["segment.ms"]; *d.Value != "7200000" || d.Source != StaticBrokerConfig || len(d.Synonyms) != 0 {
		t.Errorf("segment.ms is described as %+v", d)
	}
}

func TestListeners(t *testing.T) {
	kraft := "process.roles=broker,controller\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\nadvertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\nlistener.security.protocol.map=CONTROLLER:SASL_SSL,PLAINTEXT:PLAINTEXT\n"
	tests := []struct {
		name, file, want, told, inter string
	}{
		{"default", "", "PLAINTEXT://:9092", "PLAINTEXT://:9092", "PLAINTEXT"},
		{"course", "listeners=SSL://localhost:9093\nsecurity.inter.broker.protocol=SSL\n", "SSL://localhost:9093", "SSL://localhost:9093", "SSL"},
		{"named", "listeners=IN://:1,OUT://[::1]:2\nlistener.security.protocol.map=in:SSL, OUT:PLAINTEXT\ninter.broker.listener.name=in\nadvertised.listeners=OUT://a.example:2\n",
			"IN://:1 OUT://[::1]:2", "OUT://a.example:2", "IN"},
		{"KRaft", kraft, "PLAINTEXT://:9092", "PLAINTEXT://localhost:9092", "PLAINTEXT"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := mustRead(t, Server, test.file)
			open, err := Listeners(v)
			if err != nil {
				t.Fatal(err)
			}
			told, err := Advertised(v)
			if err != nil {
				t.Fatal(err)
			}
			inter, err := InterBroker(v)
			if err != nil {
				t.Fatal(err)
			}
			if got := join(open); got != test.want {
				t.Errorf("listeners are %s, want %s", got, test.want)
			}
			if got := join(told); got != test.told {
				t.Errorf("advertised are %s, want %s", got, test.told)
			}
			if inter.Name != test.inter {
				t.Errorf("inter-broker listener is %s, want %s", inter, test.inter)
			}
		})
	}
}

func TestListenersRefuse(t *testing.T) {
	tests := []struct{ name, file, key string }{
		{"no form", "listeners=localhost:9092\n", "listeners"},
		{"no port", "listeners=SSL://localhost\n", "listeners"},
		{"port too high", "listeners=SSL://:65536\n", "listeners"},
		{"name twice", "listeners=SSL://:1,SSL://:2\n", "listeners"},
		{"port twice", "listeners=SSL://:1,PLAINTEXT://:1\n", "listeners"},
		{"not mapped", "listeners=INTERNAL://:1\n", "listeners"},
		{"SASL", "listeners=SASL_SSL://:1\n", "listeners"},
		{"only controllers", "listeners=CONTROLLER://:1\ncontroller.listener.names=CONTROLLER\n", "listeners"},
		{"bad map", "listener.security.protocol.map=A\n", "listener.security.protocol.map"},
		{"bad protocol in map", "listener.security.protocol.map=A:TLS\n", "listener.security.protocol.map"},
		{"advertised name unknown", "advertised.listeners=SSL://a:1\n", "advertised.listeners"},
		{"advertised all addresses", "advertised.listeners=PLAINTEXT://0.0.0.0:9092\n", "advertised.listeners"},
		{"inter-broker protocol without listener", "listeners=SSL://:1\n", "security.inter.broker.protocol"},
		{"inter-broker name without listener", "inter.broker.listener.name=X\n", "inter.broker.listener.name"},
		{"both", "inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT\n", "inter.broker.listener.name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := mustRead(t, Server, test.file)
			_, err := Advertised(v)
			if err == nil {
				_, err = InterBroker(v)
			}
			var value *ValueError
			if !errors.As(err, &value) || value.Key != test.key {
				t.Errorf("got %v, want a *ValueError of %s", err, test.key)
			}
		})
	}
}

func join(listeners []Listener) string {
	text := ""
	for i, l := range listeners {
		if i > 0 {
			text += " "
		}
		text += l.String()
	}
	return text
}
