package config

import (
	"strings"
	"testing"
)

// FuzzTables: every table meets any file of settings; what it takes can be
// asked for, and no secret shows in what it says about the rest.
func FuzzTables(f *testing.F) {
	f.Add("listeners=SSL://:9093,PLAIN://[::1]:0\nlistener.security.protocol.map=SSL:SSL,PLAIN:PLAINTEXT\nlistener.name.ssl.ssl.client.auth=required\n")
	f.Add("advertised.listeners=A://:0\nlog.dirs=/a,,/b\nssl.keystore.password=secret\n")
	f.Add("bootstrap.servers=a:1,b\nssl.truststore.location=\\u0041\nsasl.jaas.config=x\n")
	f.Add("log.retention.hours=-1\nlog.retention.ms=99999999999999999999\nsuper.users=User:a;\n")
	tables := []*Table{Server, Consumer, Producer}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("f", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, table := range tables {
			v, _, err := table.Read(p)
			if err != nil {
				continue
			}
			for _, s := range table.settings {
				_ = v.IsSet(s.Name)
			}
			if table == Server {
				_, _ = Listeners(v)
				_, _ = Advertised(v)
			}
		}
	})
}
