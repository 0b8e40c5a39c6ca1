package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"schloss/internal/peers"
)

const password = "test1234"

// certificates makes one set of stores that both brokers and the load use.
func (b bench) certificates(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "schloss"), "certs", "create", "--dir", b.stores(),
		"--dname", "CN=bench, O=Castle", "--password", password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make certificates: %w\n%s", err, out)
	}
	return nil
}

func (b bench) stores() string { return filepath.Join(b.dir, "certificates") }

// clientTLS is what a client with the certificates in a folder presents and trusts.
func clientTLS(stores string) (*tls.Config, error) {
	certs, authority, err := readPEM(stores, "client.pem")
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: certs, RootCAs: authority, ServerName: "localhost"}, nil
}

// serverTLS is what a server does that asks its clients for certificates.
func serverTLS(stores string) (*tls.Config, error) {
	certs, authority, err := readPEM(stores, "server.pem")
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: certs, ClientCAs: authority, ClientAuth: tls.RequireAndVerifyClientCert}, nil
}

func readPEM(stores, name string) ([]tls.Certificate, *x509.CertPool, error) {
	file := filepath.Join(stores, name)
	cert, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return nil, nil, err
	}
	pem, err := os.ReadFile(filepath.Join(stores, "ca-cert"))
	if err != nil {
		return nil, nil, err
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(pem) {
		return nil, nil, errors.New("read ca-cert: it holds no certificate")
	}
	return []tls.Certificate{cert}, authority, nil
}

func (b bench) startSchloss(ctx context.Context) (*server, error) {
	plain, err := peers.FreePort()
	if err != nil {
		return nil, err
	}
	ssl, err := peers.FreePort()
	if err != nil {
		return nil, err
	}
	s := &server{plaintext: fmt.Sprintf("localhost:%d", plain), ssl: fmt.Sprintf("localhost:%d", ssl)}
	dir := filepath.Join(b.dir, "schloss")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	store := func(name string) string { return filepath.Join(b.stores(), name) }
	properties := filepath.Join(dir, "server.properties")
	text := strings.Join([]string{
		fmt.Sprintf("listeners=PLAINTEXT://%s,SSL://%s", s.plaintext, s.ssl),
		"ssl.truststore.location=" + store("server.truststore.jks"), "ssl.truststore.password=" + password,
		"ssl.keystore.location=" + store("server.keystore.jks"), "ssl.keystore.password=" + password, "ssl.key.password=" + password,
		"ssl.client.auth=required", "log.dirs=" + filepath.Join(dir, "data"), fmt.Sprintf("num.partitions=%d", partitions)}, "\n") + "\n"
	if err := os.WriteFile(properties, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(b.bin, "kafka-server-start.sh"), properties)
	cmd.Stdout, cmd.Stderr = log, log
	begin := time.Now()
	if s.process, err = peers.StartProcess(cmd); err != nil {
		return nil, err
	}
	if err := s.process.AwaitPort(s.plaintext, 20*time.Second); err != nil {
		return nil, err
	}
	s.started = time.Since(begin)
	s.stop = func() error { return s.process.Stop(20 * time.Second) }
	s.listTopics = func(ctx context.Context) error {
		return exec.CommandContext(ctx, filepath.Join(b.bin, "kafka-topics.sh"), "--list", "--bootstrap-server", s.plaintext).Run()
	}
	return s, nil
}

// startKafka starts Kafka twice: formatting its folder is no part of the time.
func (b bench) startKafka(ctx context.Context) (*server, error) {
	broker, err := peers.StartBroker(ctx, peers.BrokerConfig{Version: peers.Last3, Dir: filepath.Join(b.dir, "kafka"), Stores: b.stores(),
		Settings: map[string]string{"num.partitions": fmt.Sprint(partitions)}})
	if err != nil {
		return nil, err
	}
	if err := broker.Stop(); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := broker.Start(ctx); err != nil {
		return nil, err
	}
	return &server{
		process: broker.Process, plaintext: broker.Plaintext, ssl: broker.SSL, started: time.Since(begin), stop: broker.Stop,
		listTopics: func(ctx context.Context) error {
			cmd, err := peers.Java(ctx, peers.Last3, "topics", "--list", "--bootstrap-server", broker.Plaintext)
			if err != nil {
				return err
			}
			return cmd.Run()
		},
	}, nil
}
