// Command record plays the corpus with the tools and the brokers of real Kafka
// releases and writes what they did: make golden. Its arguments name the
// scenarios to record; without any it records all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
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
	own := flag.Bool("own", false, "run each tool in a JVM of its own: ten times slower, to see that the outcome is the same")
	flag.Parse()
	if err := record(strings.Split(*versions, ","), flag.Args(), *own); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func record(versions, names []string, own bool) error {
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
			g, err := play(s, version, own)
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
func play(s *corpus.Scenario, version string, own bool) (corpus.Golden, error) {
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
	tools := &java{ctx: ctx, version: version, dir: dir, own: own}
	g, err := s.Play(version, places, tools)
	return g, errors.Join(err, tools.close(), stop())
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
	b, err := peers.StartBroker(ctx, s.Broker(version, behind))
	if err != nil {
		return nil, err
	}
	places["SERVER"], places["DATA"] = b.Plaintext, filepath.Join(behind, "data")
	return b.Stop, nil
}
