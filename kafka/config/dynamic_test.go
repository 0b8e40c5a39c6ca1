package config

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckDynamic(t *testing.T) {
	server := mustRead(t, Server, "listeners=IN://:1,OUT://:2\nlistener.security.protocol.map=IN:SSL,OUT:PLAINTEXT\n")
	tests := []struct {
		name, key, value string
		own, all         string // what is wrong for one broker, and for all
	}{
		{"good", "log.retention.ms", "5", "", ""},
		{"bad number", "message.max.bytes", "a", "whole number", "whole number"},
		{"too low", "message.max.bytes", "-1", "at least 0", "at least 0"},
		{"no connections", "max.connections", "0", "at least 1", "at least 1"},
		{"no connections from anywhere", "max.connections.per.ip", "0", "at least 1", "at least 1"},
		{"fixed", "log.dirs", "/x", "cannot be changed", "cannot be changed"},
		{"in hours", "log.retention.hours", "5", "cannot be changed", "cannot be changed"},
		{"without effect", "num.io.threads", "5", "goroutines", "goroutines"},
		{"unknown", "no.such.thing", "5", "does not exist", "does not exist"},
		{"near", "message.max.byte", "5", "message.max.bytes does", "message.max.bytes does"},
		{"TLS without listener", "ssl.keystore.location", "/x", "listener.name.NAME.ssl", "listener.name.NAME.ssl"},
		{"a password", "listener.name.in.ssl.keystore.password", "geheim", "", "under the broker's id"},
		{"TLS", "listener.name.in.ssl.keystore.location", "/x", "", "under the broker's id"},
		{"connections of a listener", "listener.name.out.max.connections", "5", "", ""},
		{"another setting of a listener", "listener.name.in.message.max.bytes", "5", "cannot be changed", "cannot be changed"},
		{"no listener", "listener.name.up.max.connections", "5", "is not there", "is not there"},
		{"listener in capitals", "listener.name.IN.max.connections", "5", "in lower case", "in lower case"},
		{"not built", "compression.type", "zstd", "stored as they come", "stored as they come"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, own := range []bool{true, false} {
				want := test.all
				if own {
					want = test.own
				}
				err := server.CheckDynamic(map[string]string{test.key: test.value}, own)
				if err != nil && strings.Contains(err.Error(), "geheim") {
					t.Errorf("a password is shown: %v", err)
				}
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("own %v: got %v, want %q", own, err, want)
				}
			}
		})
	}
}

func TestDynamicWins(t *testing.T) {
	file := mustRead(t, Server, "message.max.bytes=1\nlog.retention.hours=1\n")
	first := file.With(Dynamic{All: map[string]string{"message.max.bytes": "3", "log.retention.ms": "4"}})
	both := first.With(Dynamic{Own: map[string]string{"message.max.bytes": " 2 "}, All: first.dynamic.All})
	for _, test := range []struct {
		name    string
		values  *Values
		message int
		topic   int64
	}{
		{"file", file, 1, 3600000}, {"all", first, 3, 4}, {"own over all", both, 2, 4}, {"taken back", both.With(Dynamic{}), 1, 3600000},
	} {
		if got := test.values.Int("message.max.bytes"); got != test.message {
			t.Errorf("%s: message.max.bytes is %d, want %d", test.name, got, test.message)
		}
		if got := TopicValues(test.values, nil).Int64("retention.ms"); got != test.topic {
			t.Errorf("%s: retention.ms is %d, want %d", test.name, got, test.topic)
		}
	}
}

func TestDescribeServerShowsWhatIsDynamic(t *testing.T) {
	v := mustRead(t, Server, "listeners=IN://:1\nlistener.security.protocol.map=IN:SSL\nlog.dirs=/d\n").With(Dynamic{
		Own: map[string]string{"listener.name.in.ssl.keystore.password": "geheim", "log.retention.ms": "5"},
		All: map[string]string{"message.max.bytes": "3"},
	})
	got := map[string]Described{}
	for _, d := range DescribeServer(v) {
		got[d.Name] = d
	}
	if d := got["listener.name.in.ssl.keystore.password"]; !d.Sensitive || d.Value != nil || d.Source != DynamicBrokerConfig || len(d.Synonyms) != 1 || d.Synonyms[0].Value != nil {
		t.Errorf("the password is described as %+v", d)
	}
	if d := got["log.dirs"]; !d.ReadOnly || d.Source != StaticBrokerConfig {
		t.Errorf("log.dirs is described as %+v", d)
	}
	d := got["log.retention.ms"]
	names := []string{}
	for _, s := range d.Synonyms {
		names = append(names, s.Name)
	}
	if d.ReadOnly || *d.Value != "5" || !slices.Equal(names, []string{"log.retention.ms", "log.retention.hours"}) {
		t.Errorf("log.retention.ms is described as %+v", d)
	}
	if d := got["log.retention.hours"]; *d.Value != "168" || d.Source != DefaultConfig || len(d.Synonyms) != 1 {
		t.Errorf("log.retention.hours is described as %+v", d)
	}
	all := DescribeDefaults(v)
	if len(all) != 1 || all[0].Name != "message.max.bytes" || *all[0].Value != "3" || all[0].Source != DynamicDefaultBrokerConfig {
		t.Errorf("the defaults are described as %+v", all)
	}
}
