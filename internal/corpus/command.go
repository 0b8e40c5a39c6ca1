package corpus

import (
	"bytes"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"schloss/internal/peers"
)

// Broker is the broker of a release that a scenario is played on. Eligible
// leader replicas are off: with them a broker of 4.x gives itself a setting of
// min.insync.replicas, which every topic then shows.
func (s *Scenario) Broker(version, dir string) peers.BrokerConfig {
	cfg := peers.BrokerConfig{Version: version, Dir: dir, ACLs: s.Needs == "authorizer", Settings: s.Settings}
	if version == peers.Newest {
		cfg.Features = []string{"eligible.leader.replicas.version=0"}
	}
	return cfg
}

// command is a process in the background whose lines are counted.
type command struct {
	peers.Process
	out *Counter
}

// StartCommand starts a process as a case's background command.
func StartCommand(cmd *exec.Cmd) (Running, error) {
	out := &Counter{}
	cmd.Stdout, cmd.Stderr = out, &bytes.Buffer{}
	p, err := peers.StartProcess(cmd)
	return command{p, out}, err
}

func (c command) Await(lines int) error { return c.out.Await(lines, c.Done()) }
func (c command) Stop() error           { return c.Process.Stop(20 * time.Second) }

// Counter counts the lines written to it.
type Counter struct {
	mu   sync.Mutex // guards text
	text []byte
}

// Write implements io.Writer.
func (c *Counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p...)
	return len(p), nil
}

// Await waits until so many lines were written, or the writer has ended.
func (c *Counter) Await(lines int, done <-chan struct{}) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		c.mu.Lock()
		have := bytes.Count(c.text, []byte{'\n'})
		c.mu.Unlock()
		if have >= lines {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("the command ended after %d lines, wanted %d", have, lines)
		default:
		}
	}
	return fmt.Errorf("no %d lines within a minute", lines)
}
