//go:build interop

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"schloss/internal/peers"
)

const (
	binDir = "../bin"
	// coursePrincipal is the course's DN as Java prints it.
	coursePrincipal = "User:CN=Xi Hu,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN"
)

func TestMain(m *testing.M) {
	if err := ready(); err != nil {
		fmt.Fprintln(os.Stderr, "error: interop tests cannot run:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func ready() error {
	if err := peers.Check(); err != nil {
		return err
	}
	if _, err := exec.LookPath("python3"); err != nil {
		return errors.New("python3: not found on this machine (kafka-python is one of the clients tried)")
	}
	if _, err := os.Stat(filepath.Join(binDir, "kafka-acls.sh")); err != nil {
		return fmt.Errorf("the binary is not built (make build): %w", err)
	}
	for _, v := range []string{peers.Oldest, peers.Last3, peers.Newest} {
		if _, err := peers.Jars(v); err != nil {
			return err
		}
	}
	return nil
}

// courseStores makes the course's stores once for all tests.
var courseStores = sync.OnceValues(func() (string, error) {
	cache, err := peers.Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "course-certificates")
	if _, err := os.Stat(filepath.Join(dir, ".done")); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := peers.MakeCourseStores(context.Background(), dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, ".done"), nil, 0o644)
})

// folder is a working folder laid out as in the course: bin is a link to ours,
// config and client-ssl.config are the course's files, certificates its stores.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir := t.TempDir()
	bin, err := filepath.Abs(binDir)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := courseStores()
	if err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"bin": bin, "certificates": stores} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f := folder{t, dir}
	for _, name := range []string{"client-ssl.config", "config/server.properties", "config/consumer.properties", "config/producer.properties"} {
		text, err := os.ReadFile(filepath.Join("testdata/course", name))
		if err != nil {
			t.Fatal(err)
		}
		f.write(name, strings.ReplaceAll(string(text), "BASE", dir))
	}
	return f
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f folder) write(name, text string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// edit replaces text in a file, which must be there.
func (f folder) edit(name, from, to string) {
	f.t.Helper()
	text := f.read(name)
	if !strings.Contains(text, from) {
		f.t.Fatalf("%s does not hold %q", name, from)
	}
	f.write(name, strings.ReplaceAll(text, from, to))
}

// result is what a finished command left.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

func (r result) all() string { return r.stdout + r.stderr }

// sh runs one line of the course in a shell, in the folder.
func (f folder) sh(line string) result { return f.shIn(line, "") }

func (f folder) shIn(line, stdin string) result {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir = f.dir
	return run(f.t, cmd, stdin)
}

// must is sh for a command that has to succeed.
func (f folder) must(line string) result {
	f.t.Helper()
	r := f.sh(line)
	if r.code != 0 {
		f.t.Fatalf("%s\nexit %d\n%s", line, r.code, r.all())
	}
	return r
}

// java runs a tool of a real Kafka release in the folder.
func (f folder) java(version, stdin, tool string, args ...string) result {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd, err := peers.Java(ctx, version, tool, args...)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd.Dir = f.dir
	return run(f.t, cmd, stdin)
}

func run(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.WaitDelay = 5 * time.Second
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out.String(), errs.String())
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(start)}
}

// background is a long-running command whose output is kept.
type background struct {
	peers.Process
	t   *testing.T
	log *lockedBuffer
}

// spawn starts a line of the course and ends it with the test.
func (f folder) spawn(line string) background {
	f.t.Helper()
	return f.spawnCmd(exec.Command("bash", "-c", "exec "+line))
}

func (f folder) spawnCmd(cmd *exec.Cmd) background {
	f.t.Helper()
	line := strings.Join(cmd.Args, " ")
	cmd.Dir = f.dir
	log := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	p, err := peers.StartProcess(cmd)
	if err != nil {
		f.t.Fatal(err)
	}
	b := background{p, f.t, log}
	f.t.Cleanup(func() {
		if err := b.Stop(20 * time.Second); err != nil {
			f.t.Errorf("%s: %v", line, err)
		}
		if f.t.Failed() {
			f.t.Logf("%s\n%s", line, log.String())
		}
	})
	return b
}

// serve starts our broker with a settings file and waits for its port.
func (f folder) serve(properties, addr string) background {
	f.t.Helper()
	b := f.spawn("bin/kafka-server-start.sh " + properties)
	if err := b.AwaitPort(addr, 20*time.Second); err != nil {
		f.t.Fatalf("%v\n%s", err, b.log)
	}
	return b
}

// end stops the command and gives its exit code.
func (b background) end(grace time.Duration) int {
	b.t.Helper()
	if err := b.Stop(grace); err != nil {
		b.t.Fatalf("%v\n%s", err, b.log)
	}
	var exit *exec.ExitError
	if errors.As(b.Err(), &exit) {
		return exit.ExitCode()
	}
	return 0
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// eventually waits until check is nil; the last error is the test's.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// wants fails the test when text lacks one of the parts.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("output lacks %q:\n%s", p, text)
		}
	}
}
