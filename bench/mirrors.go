package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"schloss/internal/peers"
)

// mirrors copies the same topic from one real Kafka to another, once with our
// mirror and once with MirrorMaker 1, by the same command line; first over
// plaintext, then over mutual TLS on both sides.
func (b bench) mirrors(ctx context.Context) error {
	source, target, err := b.pair(ctx)
	if err != nil {
		return err
	}
	defer source.Stop()
	defer target.Stop()
	records := b.records / 2
	from := loader{addr: source.Plaintext, pid: source.Process.PID()}
	for _, side := range []struct{ name, from, to, extra string }{
		{"plaintext", source.Plaintext, target.Plaintext, ""},
		{"mutual TLS", source.SSL, target.SSL, b.sslLines()},
	} {
		var costs [2]load
		for i, kind := range []string{"schloss", "mm1"} {
			topic := fmt.Sprintf("copy-%s-%.1s", kind, side.name)
			if _, err := from.produce(ctx, topic, records); err != nil {
				return err
			}
			run := mirrorRun{dir: filepath.Join(b.dir, topic), from: side.from, to: side.to, extra: side.extra, topic: topic, kind: kind}
			if costs[i], err = b.mirror(ctx, run, target.Plaintext, records); err != nil {
				return fmt.Errorf("mirror with %s: %w", kind, err)
			}
		}
		row("mirror, "+side.name+", CPU (beside MirrorMaker 1)", "s/GB", costs[0].cpuPerGB, costs[1].cpuPerGB)
		row("mirror, "+side.name+", rate", "MB/s", costs[0].mbPerSecond, costs[1].mbPerSecond)
	}
	return nil
}

func (b bench) pair(ctx context.Context) (source, target *peers.Broker, err error) {
	cfg := peers.BrokerConfig{Version: peers.Last3, Dir: filepath.Join(b.dir, "source"), Stores: b.stores(),
		Settings: map[string]string{"num.partitions": fmt.Sprint(partitions)}}
	if source, err = peers.StartBroker(ctx, cfg); err != nil {
		return nil, nil, err
	}
	cfg.Dir = filepath.Join(b.dir, "target")
	if target, err = peers.StartBroker(ctx, cfg); err != nil {
		return nil, nil, err
	}
	return source, target, nil
}

func (b bench) sslLines() string {
	store := func(name string) string { return filepath.Join(b.stores(), name) }
	return "security.protocol=SSL\nssl.truststore.location=" + store("client.truststore.jks") + "\nssl.truststore.password=" + password +
		"\nssl.keystore.location=" + store("client.keystore.jks") + "\nssl.keystore.password=" + password + "\nssl.key.password=" + password + "\n"
}

// mirrorRun is one copy of one topic.
type mirrorRun struct{ dir, from, to, extra, topic, kind string }

// mirror runs one mirror until the target holds every record. Its whole CPU
// time counts, start-up included.
func (b bench) mirror(ctx context.Context, r mirrorRun, watch string, records int) (load, error) {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return load{}, err
	}
	consumer, producer := filepath.Join(r.dir, "consumer.properties"), filepath.Join(r.dir, "producer.properties")
	if err := os.WriteFile(consumer, []byte("bootstrap.servers="+r.from+"\ngroup.id="+r.topic+"\nauto.offset.reset=earliest\n"+r.extra), 0o600); err != nil {
		return load{}, err
	}
	if err := os.WriteFile(producer, []byte("bootstrap.servers="+r.to+"\n"+r.extra), 0o600); err != nil {
		return load{}, err
	}
	args := []string{"--consumer.config", consumer, "--producer.config", producer, "--num.streams", "2", "--whitelist", r.topic}
	cmd := exec.Command(filepath.Join(b.bin, "kafka-mirror-maker.sh"), args...)
	if r.kind == "mm1" {
		var err error
		if cmd, err = peers.Java(context.Background(), peers.Last3, "mirror-maker", args...); err != nil {
			return load{}, err
		}
	}
	log, err := os.Create(filepath.Join(r.dir, "log"))
	if err != nil {
		return load{}, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	start := time.Now()
	process, err := peers.StartProcess(cmd)
	if err != nil {
		return load{}, err
	}
	defer process.Stop(20 * time.Second)
	at := loader{addr: watch}
	for copied := int64(0); copied < int64(records); {
		select {
		case <-ctx.Done():
			return load{}, ctx.Err()
		case <-process.Done():
			return load{}, fmt.Errorf("it ended early: %v", process.Err())
		case <-time.After(200 * time.Millisecond):
		}
		if copied, err = at.ends(ctx, r.topic); err != nil {
			copied = 0 // the topic is not there yet
		}
	}
	took := time.Since(start)
	used, err := peers.UsageOf(process.PID())
	if err != nil {
		return load{}, err
	}
	bytes := float64(records) * recordSize
	return load{cpuPerGB: used.CPU.Seconds() / bytes * 1e9, mbPerSecond: bytes / 1e6 / took.Seconds()}, nil
}
