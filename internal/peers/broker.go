package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// BrokerConfig says how a real Kafka broker is to run. Ports are found free.
type BrokerConfig struct {
	Version  string
	Dir      string            // its folder: settings, data, log
	Stores   string            // folder of the course's stores; set: a mutual-TLS listener too
	Far      bool              // a plaintext listener too that clients are to reach through somebody in between
	ACLs     bool              // StandardAuthorizer; the plaintext listener's anonymous user is super user
	Settings map[string]string // more broker settings
	Features []string          // NAME=LEVEL, where it is not the release's own
}

// Broker is a running one-node KRaft broker.
type Broker struct {
	Plaintext string // host:port
	SSL       string // host:port, empty without stores
	Far       string // host:port that its clients are told to connect to; empty without a far listener
	FarEnd    string // host:port where it listens for them
	Process   Process
	cfg       BrokerConfig
}

// StartBroker formats the data directory at the first start, and waits until
// the broker accepts connections. Starting it again with the same folder and
// ports is what Restart does.
func StartBroker(ctx context.Context, cfg BrokerConfig) (*Broker, error) {
	plain, err := FreePort()
	if err != nil {
		return nil, err
	}
	control, err := FreePort()
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, Plaintext: fmt.Sprintf("localhost:%d", plain)}
	if cfg.Stores != "" {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		b.SSL = fmt.Sprintf("localhost:%d", port)
	}
	if cfg.Far {
		for _, addr := range []*string{&b.Far, &b.FarEnd} {
			port, err := FreePort()
			if err != nil {
				return nil, err
			}
			*addr = fmt.Sprintf("localhost:%d", port)
		}
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.properties(), []byte(b.settings(control)), 0o644); err != nil {
		return nil, err
	}
	if err := b.format(ctx); err != nil {
		return nil, err
	}
	return b, b.Start(ctx)
}

func (b *Broker) properties() string { return filepath.Join(b.cfg.Dir, "server.properties") }

func (b *Broker) settings(control int) string {
	listeners := "PLAINTEXT://" + b.Plaintext
	if b.SSL != "" {
		listeners += ",SSL://" + b.SSL
	}
	advertised := listeners
	if b.Far != "" {
		listeners += ",FAR://" + b.FarEnd
		advertised += ",FAR://" + b.Far
	}
	lines := []string{
		"process.roles=broker,controller", "node.id=1",
		fmt.Sprintf("controller.quorum.voters=1@localhost:%d", control),
		fmt.Sprintf("listeners=%s,CONTROLLER://localhost:%d", listeners, control),
		"advertised.listeners=" + advertised,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(b.cfg.Dir, "data"),
		"num.network.threads=2", "num.io.threads=4",
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=10",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
		"share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
	}
	if b.cfg.Stores != "" {
		lines = append(lines,
			"ssl.truststore.location="+filepath.Join(b.cfg.Stores, "server.truststore.jks"), "ssl.truststore.password=test1234",
			"ssl.keystore.location="+filepath.Join(b.cfg.Stores, "server.keystore.jks"), "ssl.keystore.password=test1234",
			"ssl.key.password=test1234", "ssl.client.auth=required")
	}
	if b.cfg.ACLs {
		lines = append(lines, "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users=User:ANONYMOUS")
	}
	for k, v := range b.cfg.Settings {
		lines = append(lines, k+"="+v)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (b *Broker) format(ctx context.Context) error {
	cmd, err := Java(ctx, b.cfg.Version, "storage", "random-uuid")
	if err != nil {
		return err
	}
	id, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("ask Kafka %s for a cluster id: %w", b.cfg.Version, err)
	}
	words := strings.Fields(string(id))
	if len(words) == 0 {
		return fmt.Errorf("ask Kafka %s for a cluster id: no answer", b.cfg.Version)
	}
	args := []string{"format", "-t", words[len(words)-1], "-c", b.properties()}
	for _, f := range b.cfg.Features {
		args = append(args, "--feature", f)
	}
	cmd, err = Java(ctx, b.cfg.Version, "storage", args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format the folder of Kafka %s: %w\n%s", b.cfg.Version, err, out)
	}
	return nil
}

// Start starts the broker on its folder and ports, and waits until it accepts.
func (b *Broker) Start(ctx context.Context) error {
	cmd, err := Java(ctx, b.cfg.Version, "server", b.properties())
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(b.cfg.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if b.Process, err = StartProcess(cmd); err != nil {
		return err
	}
	for _, addr := range []string{b.Plaintext, b.SSL} {
		if addr == "" {
			continue
		}
		if err := b.Process.AwaitPort(addr, time.Minute); err != nil {
			return fmt.Errorf("start Kafka %s: %w; see %s", b.cfg.Version, err, filepath.Join(b.cfg.Dir, "log"))
		}
	}
	return nil
}

// Stop ends the broker and waits for it.
func (b *Broker) Stop() error { return b.Process.Stop(30 * time.Second) }

// Process is a child process that is waited for in the background.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  *error
}

// StartProcess starts cmd in a process group of its own, so that a Ctrl-C on
// the terminal reaches only its parent.
func StartProcess(cmd *exec.Cmd) (Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return Process{}, err
	}
	p := Process{cmd: cmd, done: make(chan struct{}), err: new(error)}
	go func() {
		*p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the process id.
func (p Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended; Err is what Wait said then.
func (p Process) Done() <-chan struct{} { return p.done }

// Err is the result of the process; call it after Done.
func (p Process) Err() error { return *p.err }

// Signal sends a signal to the process.
func (p Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop sends SIGTERM, and SIGKILL after the grace time; it waits for the end.
func (p Process) Stop(grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
	}
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return fmt.Errorf("process %d did not end within %v", p.PID(), grace)
}

// AwaitPort waits until addr accepts a connection or the process has ended.
func (p Process) AwaitPort(addr string, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("the process ended before %s was open: %v", addr, *p.err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s was not open after %v", addr, limit)
}

// FreePort finds a port of loopback that nothing listens on just now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
