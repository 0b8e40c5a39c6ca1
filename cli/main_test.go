package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"schloss/cli"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/node"
	"schloss/security/acl"
)

// TestMain lets scripts call this test binary by the names of the commands.
func TestMain(m *testing.M) {
	commands := map[string]func(){"schloss": process}
	for _, name := range []string{"kafka-server-start", "kafka-acls", "kafka-topics", "kafka-configs", "kafka-get-offsets", "kafka-delete-records", "kafka-broker-api-versions", "kafka-log-dirs", "kafka-cluster", "kafka-console-producer", "kafka-console-consumer", "kafka-mirror-maker", "kafka-consumer-groups", "kafka-producer-perf-test", "kafka-consumer-perf-test", "kafka-dump-log"} {
		commands[name], commands[name+".sh"] = process, process
	}
	testscript.Main(m, commands)
}

// process is cmd/schloss.
func process() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := (<-signals).(syscall.Signal)
		cancel(&cli.Signal{Name: s.String(), Number: int(s)})
	}()
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(cli.Main(ctx, os.Args, cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}, nodeSide()))
}

func nodeSide() cli.Node {
	return cli.Node{
		Run: func(ctx context.Context, p cli.RunParams) error {
			return node.Run(ctx, node.Config{Properties: p.Properties, Stdout: p.Out, Stderr: p.Err})
		},
		Offline: node.Offline, ErrRunning: node.ErrRunning, SocketDial: node.SocketDial,
		NotAllowed: func(err error) (string, bool) {
			var e *node.NotAllowedError
			if !errors.As(err, &e) {
				return "", false
			}
			return e.Principal, true
		},
	}
}

// run calls a command in process.
func run(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Main(t.Context(), args, cli.IO{In: strings.NewReader(input), Out: &out, Err: &err}, nodeSide())
	return code, out.String(), err.String()
}

// TestScripts run the commands as processes. They find an open broker, a
// secured one with the identities alice (who may use topics that begin with
// open-, and nothing else) and client (who may do everything), and free ports for brokers of their own.
func TestScripts(t *testing.T) {
	open := testkit.Start(t, testkit.Options{})
	certs := testkit.NewCerts(t)
	alice := certs.Issue(t, "alice")
	secured := testkit.Start(t, testkit.Options{TLS: true, Authorizer: true, Certs: certs, ACLs: []acl.Binding{
		{ResourceType: kafka.Topic, Name: "open-", Pattern: kafka.Prefixed, Principal: alice, Host: "*", Operation: kafka.All, Permission: kafka.Allow}}})
	strangers := testkit.NewCerts(t)
	var ports ports
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(6 * time.Minute), // of all scripts together, on a busy machine
		Setup: func(e *testscript.Env) error {
			// The race detector lets every process wait a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Setenv("SERVER", open.Addr)
			e.Setenv("SECURED", secured.Addr)
			e.Setenv("ALICE", secured.Client(t, "alice"))
			e.Setenv("ADMIN", secured.Client(t, "client"))
			e.Setenv("CERTS", secured.Certs.Dir)
			e.Setenv("STRANGERS", strangers.Dir)
			for i := 1; i <= 3; i++ {
				e.Setenv(fmt.Sprintf("PORT%d", i), ports.take(t))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":   await,
			"within":  within,
			"replace": replace,
			"inputs":  inputs,
		},
	})
}

// ports hands out ports that nobody else gets. A port that was free a moment
// ago is no such: the system gives it to the next connection that goes out. So
// these lie below those that it gives, and a listener on another loopback
// address keeps each from a second run of this test.
type ports struct {
	mu   sync.Mutex // guards next
	next int
}

func (p *ports) take(t *testing.T) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const first, end = 21000, 32000 // ip_local_port_range begins at 32768
	if p.next == 0 {
		p.next = first + os.Getpid()%(end-first)
	}
	for range end - first {
		if p.next++; p.next >= end {
			p.next = first
		}
		port := strconv.Itoa(p.next)
		claim, err := net.Listen("tcp", "127.0.0.2:"+port)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", "localhost:"+port)
		if err != nil {
			claim.Close()
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { claim.Close() })
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// await waits until the file holds the text: await FILE TEXT.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE TEXT")
	}
	path := ts.MkAbs(args[0])
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not hold %q in time, but: %s", args[0], args[1], content)
		}
	}
}

// within runs a command that must fail within six seconds, with one error line
// and one hint line: within COMMAND ARGS...
func within(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: within COMMAND ARGS...")
	}
	began := time.Now()
	if err := ts.Exec(args[0], args[1:]...); err == nil {
		ts.Fatalf("it succeeded")
	}
	if took := time.Since(began); took > 6*time.Second {
		ts.Fatalf("it took %s", took)
	}
	var errs, hints int
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		switch {
		case strings.HasPrefix(line, "error: "):
			errs++
		case strings.HasPrefix(line, "hint: "):
			hints++
		case strings.HasPrefix(line, "warning: "), strings.HasPrefix(line, "Processed a total of "), strings.HasPrefix(line, "time="):
		default:
			ts.Fatalf("a line of neither kind: %s", line)
		}
	}
	if errs != 1 || hints != 1 {
		ts.Fatalf("%d error and %d hint lines", errs, hints)
	}
}

// replace puts the values of the environment into a file: replace FILE NAME...
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: replace FILE NAME...")
	}
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	for _, name := range args[1:] {
		text = strings.ReplaceAll(text, name, ts.Getenv(name))
	}
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

// inputs writes files that no script can hold: inputs DIR.
func inputs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: inputs DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	var many strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&many, "line %d\n", i+1)
	}
	for name, text := range map[string]string{
		"empty": "",
		"odd":   "crlf\r\nnul\x00nul\n\nlatin \xe9\n" + strings.Repeat("x", 2<<20) + "\nno end",
		"many":  many.String(),
	} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
}
