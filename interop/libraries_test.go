//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"schloss/internal/peers"
)

// scenario is what each program of testdata/clients prints (its README.md).
const scenario = `created 4
retention 3600000
alone 4
shared 4
alone 4
consumed 900
committed 900
grown 6
denied topic True
denied group True
denied create True
deleted
`

// library is one client library that tells the scenario.
type library struct {
	name    string
	command func(cache string) *exec.Cmd
}

func clientFile(name string) string { return filepath.Join("testdata/clients", name) }

func python(script string) func(cache string) *exec.Cmd {
	return func(cache string) *exec.Cmd {
		cmd := exec.Command("python3", clientFile(script))
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(cache, "python"), "PYTHONUNBUFFERED=1")
		return cmd
	}
}

var libraries = []library{
	{"librdkafka", python("confluent.py")},
	{"kafka-python", python("kafka_python.py")},
	{"kafkajs", func(cache string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(cache, "python/bin/node"), clientFile("kafkajs.cjs"))
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(cache, "python"), "NODE_PATH="+filepath.Join(cache, "node/node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING=1")
		return cmd
	}},
	{"sarama", func(cache string) *exec.Cmd { return exec.Command(filepath.Join(cache, "sarama")) }},
}

// fetchLibraries brings the clients into the cache once: Python's wheels, one of
// which carries Node, then kafkajs by that Node's npm, and a build of sarama's.
var fetchLibraries = sync.OnceValues(func() (string, error) {
	cache, err := peers.Cache()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "clients")
	steps := []*exec.Cmd{exec.Command("go", "build", "-o", filepath.Join(cache, "sarama"), ".")}
	steps[0].Dir = clientFile("sarama")
	var pins strings.Builder
	for _, name := range []string{"requirements.txt", "package.json"} {
		text, err := os.ReadFile(clientFile(name))
		if err != nil {
			return "", err
		}
		pins.Write(text)
		if err := os.MkdirAll(filepath.Join(cache, "node"), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(cache, "node", name), text, 0o644); err != nil {
			return "", err
		}
	}
	stamp := filepath.Join(cache, ".fetched")
	if had, _ := os.ReadFile(stamp); string(had) != pins.String() {
		npm := exec.Command(filepath.Join(cache, "python/bin/npm"), "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock")
		npm.Dir = filepath.Join(cache, "node")
		npm.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(cache, "python"))
		steps = append(steps, exec.Command("python3", "-m", "pip", "install", "-q", "--upgrade", "--target", filepath.Join(cache, "python"), "-r", clientFile("requirements.txt")), npm)
	}
	for _, step := range steps {
		if out, err := step.CombinedOutput(); err != nil {
			return "", fmt.Errorf("fetch client libraries: %v: %w\n%s", step.Args, err, out)
		}
	}
	return cache, os.WriteFile(stamp, []byte(pins.String()), 0o644)
})

// TestLibraries lets each library administer, produce with idempotence and
// compression, consume in a group that grows and shrinks, and be denied, all
// over mutual TLS with ACLs on.
func TestLibraries(t *testing.T) {
	cache, err := fetchLibraries()
	if err != nil {
		t.Fatal(err)
	}
	s := newSecured(t)
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			cmd := l.command(cache)
			cmd.Args = append(cmd.Args, s.addr, s.path("certs/ca-cert"), s.path("certs/tenant.pem"), s.path("certs/admin.pem"), "tenant-"+l.name)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			defer context.AfterFunc(ctx, func() {
				if cmd.Process != nil {
					cmd.Process.Kill()
				}
			})()
			if r := run(t, cmd, ""); r.stdout != scenario {
				t.Errorf("exit %d, printed:\n%swant:\n%s%s", r.code, r.stdout, scenario, r.stderr)
			}
		})
	}
	s.broker.end(20 * time.Second)
	dumpAll(t, s.folder, s.path("data"))
}
