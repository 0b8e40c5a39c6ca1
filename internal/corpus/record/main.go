// Command record plays the corpus with the tools and the brokers of real Kafka
// releases and writes what they did: make golden. Its arguments name the
// scenarios to record; without any it records all.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"schloss/internal/corpus"
	"schloss/internal/peers"
)

const folder = "cli/testdata/corpus"

func main() {
	versions := flag.String("versions", peers.Last3+","+peers.Newest, "releases to record, separated by commas")
	flag.Parse()
	if err := record(strings.Split(*versions, ","), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func record(versions, names []string) error {
	if err := peers.Check(); err != nil {
		return err
	}
	scenarios, err := corpus.Load(folder)
	if err != nil {
		return err
	}
	for _, version := range versions {
		for _, s := range scenarios {
			if len(names) > 0 && !slices.Contains(names, s.Name) {
				continue
			}
			if !slices.ContainsFunc(s.Cases, func(c corpus.Case) bool { return c.For(version) }) {
				continue
			}
			begun := time.Now()
			g, err := play(s, version)
			if err != nil {
				return fmt.Errorf("record with Kafka %s: %w", version, err)
			}
			if err := s.WriteGolden(folder, version, g); err != nil {
				return err
			}
			fmt.Printf("%s: %d commands of Kafka %s in %s\n", s.Name, len(g), version, time.Since(begun).Round(time.Second))
		}
	}
	return nil
}

// play plays one scenario on a broker of its own.
func play(s *corpus.Scenario, version string) (corpus.Golden, error) {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	places := corpus.Places{"DIR": dir}
	stop, err := serve(ctx, s, version, places)
	if err != nil {
		return nil, err
	}
	if err := s.WriteFiles(dir, places); err != nil {
		return nil, errors.Join(err, stop())
	}
	g, err := s.Play(version, places, java{ctx, version, dir})
	return g, errors.Join(err, stop())
}

// serve starts what the scenario needs and says where it is.
func serve(ctx context.Context, s *corpus.Scenario, version string, places corpus.Places) (stop func() error, err error) {
	behind := filepath.Join(places["DIR"], "behind")
	switch s.Needs {
	case "nothing":
		places["SERVER"] = "localhost:1"
		return func() error { return nil }, nil
	case "zookeeper":
		port, err := peers.FreePort()
		if err != nil {
			return nil, err
		}
		cmd, err := peers.Java(ctx, version, "zookeeper", fmt.Sprint(port), behind)
		if err != nil {
			return nil, err
		}
		p, err := peers.StartProcess(cmd)
		if err != nil {
			return nil, err
		}
		places["ZOOKEEPER"] = fmt.Sprintf("localhost:%d", port)
		return func() error { return p.Stop(20 * time.Second) }, p.AwaitPort(places["ZOOKEEPER"], time.Minute)
	}
	b, err := peers.StartBroker(ctx, peers.BrokerConfig{Version: version, Dir: behind, ACLs: s.Needs == "authorizer", Settings: s.Settings})
	if err != nil {
		return nil, err
	}
	places["SERVER"], places["DATA"] = b.Plaintext, filepath.Join(behind, "data")
	return b.Stop, nil
}

// java runs the tools of a release.
type java struct {
	ctx          context.Context
	version, dir string
}

func (j java) command(ctx context.Context, args []string) (*exec.Cmd, error) {
	tool := strings.TrimPrefix(args[0], "kafka-")
	tool = strings.TrimSuffix(tool, "-test")
	cmd, err := peers.Java(ctx, j.version, tool, args[1:]...)
	if err != nil {
		return nil, err
	}
	cmd.Dir = j.dir
	return cmd, nil
}

func (j java) Run(args []string, input string) (corpus.Outcome, error) {
	ctx, cancel := context.WithTimeout(j.ctx, 3*time.Minute)
	defer cancel()
	cmd, err := j.command(ctx, args)
	if err != nil {
		return corpus.Outcome{}, err
	}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return corpus.Outcome{}, fmt.Errorf("%v: %w\n%s%s", args, errors.Join(err, ctx.Err()), out.String(), errs.String())
	}
	return corpus.Outcome{Exit: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}, nil
}

func (j java) Start(args []string) (corpus.Running, error) {
	cmd, err := j.command(j.ctx, args)
	if err != nil {
		return nil, err
	}
	return corpus.StartCommand(cmd)
}
