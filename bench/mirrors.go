package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"schloss/internal/peers"
)

// The mirrors that are measured.
const (
	ours = "schloss"
	mm1  = "mm1"
	mm2  = "mm2"
)

// copying is one topic that one mirror copies.
type copying struct {
	dir, topic string
	from, to   string // bootstrap servers
	watch      string // the target, for us
	group      string
	secure     bool
	codec      string // compression.type of a mirror that compresses anew
	data       written
	partitions int32
}

// cost is what a mirror has used.
type cost struct {
	cpu  time.Duration // start-up included
	peak int64         // bytes
	rate float64       // MB/s of record data, from the first record in the target to the last
}

func (c cost) perGB(w written) float64 { return c.cpu.Seconds() / w.GB() }

// run copies the topic and waits until the target has every record.
func (b bench) run(ctx context.Context, kind string, c copying) (cost, error) {
	if err := createTopic(ctx, c.watch, c.topic, c.partitions); err != nil {
		return cost{}, err
	}
	process, err := b.start(kind, c)
	if err != nil {
		return cost{}, err
	}
	defer process.Stop(20 * time.Second)
	took, err := c.wait(ctx, process)
	if err != nil {
		return cost{}, err
	}
	used, err := peers.UsageOf(process.PID())
	return cost{cpu: used.CPU, peak: used.PeakRSS, rate: took}, err
}

// start starts a mirror; what it says goes to its folder.
func (b bench) start(kind string, c copying) (peers.Process, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return peers.Process{}, err
	}
	cmd, err := b.command(kind, c)
	if err != nil {
		return peers.Process{}, err
	}
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return peers.Process{}, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return peers.StartProcess(cmd)
}

// patience is how long a mirror may copy nothing before it counts as stuck.
const patience = 3 * time.Minute

// wait polls the target's ends, and gives the rate.
func (c copying) wait(ctx context.Context, process peers.Process) (rate float64, err error) {
	err = withAdmin(c.watch, func(a *kadm.Client) error {
		var first int64
		var begun time.Time
		var last int64
		moved := time.Now()
		for last < c.data.records {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-process.Done():
				return fmt.Errorf("it ended early: %v%s", process.Err(), c.said())
			case <-time.After(50 * time.Millisecond):
			}
			ends, err := a.ListEndOffsets(ctx, c.topic)
			if err != nil {
				return err
			}
			now := time.Now()
			var sum int64
			ends.Each(func(o kadm.ListedOffset) { sum += max(o.Offset, 0) })
			if sum > last {
				last, moved = sum, now
			} else if now.Sub(moved) > patience {
				return fmt.Errorf("it stands still after %d of %d records%s", last, c.data.records, c.said())
			}
			if first == 0 && sum > 0 {
				first, begun = sum, now
			}
			if sum > first {
				rate = float64(sum-first) * recordSize / 1e6 / now.Sub(begun).Seconds()
			}
		}
		return nil
	})
	return rate, err
}

// said is the end of what a mirror has said, for an error.
func (c copying) said() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil || len(text) == 0 {
		return ""
	}
	return "; it said:\n" + string(text[max(0, len(text)-2000):])
}

// streams is how many each mirror works with: num.streams, tasks.max.
const streams = "2"

// command is the mirror's command line; its files are written.
func (b bench) command(kind string, c copying) (*exec.Cmd, error) {
	if kind == mm2 {
		return b.mm2Command(c)
	}
	lines := ""
	if c.secure {
		lines = b.sslLines("")
	}
	consumer, producer := filepath.Join(c.dir, "consumer.properties"), filepath.Join(c.dir, "producer.properties")
	text := "bootstrap.servers=" + c.from + "\ngroup.id=" + c.group + "\nauto.offset.reset=earliest\n" + lines
	if err := os.WriteFile(consumer, []byte(text), 0o600); err != nil {
		return nil, err
	}
	text = "bootstrap.servers=" + c.to + "\n" + lines
	if kind == mm1 {
		text += "compression.type=" + c.codec + "\n"
	}
	if err := os.WriteFile(producer, []byte(text), 0o600); err != nil {
		return nil, err
	}
	args := []string{"--consumer.config", consumer, "--producer.config", producer, "--num.streams", streams, "--whitelist", c.topic}
	if kind == mm1 {
		return peers.Java(context.Background(), peers.Last3, "mirror-maker", args...)
	}
	return exec.Command(filepath.Join(b.bin, "kafka-mirror-maker.sh"), args...), nil
}

// mm2Command runs the dedicated MirrorMaker 2 with what it does besides
// copying switched off: heartbeats, checkpoints, configurations, ACLs. Where it
// stands it keeps by the source's alias, so each run has its own.
func (b bench) mm2Command(c copying) (*exec.Cmd, error) {
	from := strings.ReplaceAll(c.group, "-", "")
	lines := []string{
		"clusters=" + from + ",to", from + ".bootstrap.servers=" + c.from, "to.bootstrap.servers=" + c.to,
		from + "->to.enabled=true", from + "->to.topics=" + c.topic, "to->" + from + ".enabled=false",
		"replication.policy.class=org.apache.kafka.connect.mirror.IdentityReplicationPolicy", "tasks.max=" + streams,
		"replication.factor=1", "offset-syncs.topic.replication.factor=1", "checkpoints.topic.replication.factor=1", "heartbeats.topic.replication.factor=1",
		"config.storage.replication.factor=1", "offset.storage.replication.factor=1", "status.storage.replication.factor=1",
		"emit.heartbeats.enabled=false", "emit.checkpoints.enabled=false", "sync.topic.configs.enabled=false", "sync.topic.acls.enabled=false",
		"to.producer.compression.type=" + c.codec, from + ".consumer.auto.offset.reset=earliest",
	}
	text := strings.Join(lines, "\n") + "\n"
	if c.secure {
		text += b.sslLines(from+".") + b.sslLines("to.")
	}
	file := filepath.Join(c.dir, "mm2.properties")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return peers.Java(context.Background(), peers.Last3, "mirror-maker-2", file)
}

func (b bench) sslLines(prefix string) string {
	store := func(name string) string { return filepath.Join(b.stores(), name) }
	lines := []string{
		"security.protocol=SSL",
		"ssl.truststore.location=" + store("client.truststore.jks"), "ssl.truststore.password=" + password,
		"ssl.keystore.location=" + store("client.keystore.jks"), "ssl.keystore.password=" + password, "ssl.key.password=" + password,
	}
	return prefix + strings.Join(lines, "\n"+prefix) + "\n"
}
