package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// How long a child may take to end by itself.
const childPatience = 20 * time.Second

// child is a process of this binary that runs one of its tools, with a log of
// its own.
type child struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read it after done
}

// deathError is a child that ended by itself.
type deathError struct {
	name, log string
	err       error
}

func (e *deathError) Error() string { return fmt.Sprintf("the %s ended: %v", e.name, e.err) }
func (e *deathError) Hint() string  { return "see its log: less " + quoted(relative(e.log)) }

// start runs this binary as one of its tools.
func (q *quickstart) start(name, tool string, args ...string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	c := &child{name: name, log: q.file("logs/" + name + ".log"), done: make(chan struct{})}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of the %s: %w", name, err)
	}
	c.cmd = exec.Command(exe, append([]string{tool}, args...)...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = childAttributes()
	started := make(chan error)
	go func() {
		// Linux ends the child with the thread that started it, so this
		// thread stays for as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		_ = log.Close() // the child has its own
		started <- err
		if err != nil {
			return
		}
		c.err = c.cmd.Wait()
		close(c.done)
		q.died <- c
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the %s: %w", name, err)
	}
	q.children = append(q.children, c)
	return nil
}

// stop ends the children in the reverse of the order they were started in.
func (q *quickstart) stop() {
	for i := len(q.children) - 1; i >= 0; i-- {
		c := q.children[i]
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-c.done:
		case <-time.After(childPatience):
			q.warn("the %s did not end in %s and is killed", c.name, childPatience)
			_ = c.cmd.Process.Kill() // likewise
			<-c.done
		}
	}
}

// deathOf tells how a child ended, with the last lines of its log.
func (q *quickstart) deathOf(c *child) error {
	err := c.err
	if err == nil {
		err = fmt.Errorf("exit status 0")
	}
	if tail, logErr := lastLines(c.log, 10); logErr == nil {
		for _, line := range tail {
			fmt.Fprintf(q.IO.Err, "%s: %s\n", c.name, oneLine(string(line)))
		}
	}
	return &deathError{name: c.name, log: c.log, err: err}
}

// lastLines reads no more than the end of the file.
func lastLines(path string, n int) ([][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const enough = 8 << 10
	if info, err := f.Stat(); err == nil && info.Size() > enough {
		if _, err := f.Seek(-enough, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return lines[max(0, len(lines)-n):], nil
}
