package node_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/node"
)

// alterBroker changes settings of broker 0; a value of "" removes.
func alterBroker(t *testing.T, addr string, settings map[string]string) (kafka.ErrorCode, string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := kmsg.NewIncrementalAlterConfigsRequestResource()
	in.ResourceType, in.ResourceName = kmsg.ConfigResourceTypeBroker, "0"
	for name, value := range settings {
		cfg := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		cfg.Name, cfg.Value = name, &value
		if value == "" {
			cfg.Op = kmsg.IncrementalAlterConfigOpDelete
		}
		in.Configs = append(in.Configs, cfg)
	}
	resp, err := (&kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{in}}).RequestWith(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	got := resp.Resources[0]
	if got.ErrorMessage == nil {
		return kafka.ErrorCode(got.ErrorCode), ""
	}
	return kafka.ErrorCode(got.ErrorCode), *got.ErrorMessage
}

// served is the name in the certificate that a listener shows.
func served(t *testing.T, addr string) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // only its name is looked at
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// TestAListenerIsRenewedWhileItServes gives a listener another key store and
// takes it back, and looks whether a restart remembers.
func TestAListenerIsRenewedWhileItServes(t *testing.T) {
	certs := testkit.NewCerts(t)
	certs.Issue(t, "other")
	p := map[string]string{
		"listeners": "IN://127.0.0.1:0,OUT://127.0.0.1:0", "listener.security.protocol.map": "IN:PLAINTEXT,OUT:SSL",
		"inter.broker.listener.name": "IN", "log.dirs": filepath.Join(t.TempDir(), "data"),
		"ssl.keystore.location": filepath.Join(certs.Dir, "server.keystore.jks"), "ssl.keystore.password": "test1234", "ssl.key.password": "test1234",
	}
	const prefix = "listener.name.out.ssl."
	other := map[string]string{
		prefix + "keystore.location": filepath.Join(certs.Dir, "other.keystore.jks"),
		prefix + "keystore.password": "test1234", prefix + "key.password": "test1234",
	}
	log := &testkit.Output{}
	run := func(use func(in, out string)) {
		t.Helper()
		ctx, cancel := context.WithCancel(within(t))
		defer cancel()
		err := node.Run(ctx, node.Config{Properties: properties(t, p), Stdout: io.Discard, Stderr: log, Ready: func(s node.Started) {
			defer cancel()
			use(s.Listeners["IN"], s.Listeners["OUT"])
		}})
		if err != nil {
			t.Error(err)
		}
	}
	run(func(in, out string) {
		if got := served(t, out); got != "castle" {
			t.Errorf("at first it serves as %q", got)
		}
		wrong := map[string]string{prefix + "keystore.location": filepath.Join(certs.Dir, "none.jks"), prefix + "keystore.password": "test1234"}
		if code, why := alterBroker(t, in, wrong); code != kafka.ErrInvalidRequest || !strings.Contains(why, "none.jks") {
			t.Errorf("a key store that is not there: %v: %s", code, why)
		}
		if code, why := alterBroker(t, in, other); code != kafka.NoError {
			t.Fatalf("%v: %s", code, why)
		}
		if got := served(t, out); got != "other" {
			t.Errorf("then it serves as %q", got)
		}
	})
	run(func(in, out string) {
		if got := served(t, out); got != "other" {
			t.Errorf("after a restart it serves as %q", got)
		}
		if code, why := alterBroker(t, in, map[string]string{prefix + "keystore.location": "", prefix + "keystore.password": "", prefix + "key.password": ""}); code != kafka.NoError {
			t.Fatalf("%v: %s", code, why)
		}
		if got := served(t, out); got != "castle" {
			t.Errorf("taken back it serves as %q", got)
		}
	})
	if strings.Contains(log.String(), "test1234") {
		t.Error("the log holds a password")
	}
}

// TestLimitsChangeWhileItServes limits connections to as many as are open.
func TestLimitsChangeWhileItServes(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	admitted := func() bool {
		t.Helper()
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = c.Write(kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 1))
		if err == nil {
			_, err = c.Read(make([]byte, 1)) // a connection too many is closed at once
		}
		return err == nil
	}
	held, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if !admitted() {
		t.Fatal("a second connection is refused before there is a limit")
	}
	if code, why := alterBroker(t, b.Addr, map[string]string{"max.connections.per.ip": "1"}); code != kafka.NoError {
		t.Fatalf("%v: %s", code, why)
	}
	if admitted() {
		t.Error("a second connection is taken against the limit")
	}
}
