package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"schloss/internal/corpus"
	"schloss/internal/peers"
)

//go:embed Tools.java
var source []byte

// java runs the tools of a release in one JVM, which answers in a tenth of the
// time; with own set each runs in a JVM of its own.
type java struct {
	ctx          context.Context
	version, dir string
	own          bool
	process      *exec.Cmd
	in           io.WriteCloser
	out          *bufio.Reader
}

func (j *java) shortName(args []string) string {
	return strings.TrimSuffix(strings.TrimPrefix(args[0], "kafka-"), "-test")
}

func (j *java) Run(args []string, input string) (corpus.Outcome, error) {
	ctx, cancel := context.WithTimeout(j.ctx, 3*time.Minute)
	defer cancel()
	if j.own {
		return j.alone(ctx, args, input)
	}
	if j.process == nil {
		if err := j.start(); err != nil {
			return corpus.Outcome{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() { j.process.Process.Kill() })
	defer stop()
	o, err := j.ask(args, input)
	if errors.Is(err, io.EOF) && ctx.Err() == nil {
		// The option parser of some tools ends the JVM itself, before they do anything.
		_ = j.process.Wait() // its exit code is the tool's, which comes again
		j.process = nil
		return j.alone(ctx, args, input)
	}
	if err != nil {
		return o, fmt.Errorf("%v: %w", args, errors.Join(err, ctx.Err()))
	}
	return o, nil
}

// alone runs one tool in a JVM of its own.
func (j *java) alone(ctx context.Context, args []string, input string) (corpus.Outcome, error) {
	cmd, err := peers.Java(ctx, j.version, j.shortName(args), args[1:]...)
	if err != nil {
		return corpus.Outcome{}, err
	}
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = j.dir, strings.NewReader(input), &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return corpus.Outcome{}, fmt.Errorf("%v: %w\n%s%s", args, errors.Join(err, ctx.Err()), out.String(), errs.String())
	}
	return corpus.Outcome{Exit: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}, nil
}

// start compiles the runner beside the release's jars and starts it.
func (j *java) start() error {
	classes := filepath.Join(j.dir, "behind", "classes")
	if err := os.MkdirAll(classes, 0o755); err != nil {
		return err
	}
	file := filepath.Join(classes, "Tools.java")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	jars, err := peers.Jars(j.version)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(j.ctx, "javac", "-cp", jars, "-d", classes, file).CombinedOutput(); err != nil {
		return fmt.Errorf("compile the runner of Kafka %s's tools: %w\n%s", j.version, err, out)
	}
	if j.process, err = peers.Java(j.ctx, j.version, "Tools"); err != nil {
		return err
	}
	for i, arg := range j.process.Args {
		if arg == "-cp" {
			j.process.Args[i+1] = classes + string(filepath.ListSeparator) + jars
		}
	}
	j.process.Dir, j.process.Stderr = j.dir, os.Stderr
	if j.in, err = j.process.StdinPipe(); err != nil {
		return err
	}
	out, err := j.process.StdoutPipe()
	if err != nil {
		return err
	}
	j.out = bufio.NewReader(out)
	return j.process.Start()
}

// ask is one request to the runner and its answer.
func (j *java) ask(args []string, input string) (o corpus.Outcome, err error) {
	var request []byte
	text := func(s string) {
		request = binary.BigEndian.AppendUint32(request, uint32(len(s)))
		request = append(request, s...)
	}
	text(peers.Class(j.version, j.shortName(args)))
	request = binary.BigEndian.AppendUint32(request, uint32(len(args)-1))
	for _, a := range args[1:] {
		text(a)
	}
	text(input)
	if _, err := j.in.Write(request); err != nil {
		return o, err
	}
	var code int32
	if err := binary.Read(j.out, binary.BigEndian, &code); err != nil {
		return o, err
	}
	o.Exit = int(code)
	for _, to := range []*string{&o.Stdout, &o.Stderr} {
		var size uint32
		if err := binary.Read(j.out, binary.BigEndian, &size); err != nil {
			return o, err
		}
		answer := make([]byte, size)
		if _, err := io.ReadFull(j.out, answer); err != nil {
			return o, err
		}
		*to = string(answer)
	}
	return o, nil
}

func (j *java) Start(args []string) (corpus.Running, error) {
	cmd, err := peers.Java(j.ctx, j.version, j.shortName(args), args[1:]...)
	if err != nil {
		return nil, err
	}
	cmd.Dir = j.dir
	return corpus.StartCommand(cmd)
}

// close ends the runner: its input ends, and it with it.
func (j *java) close() error {
	if j.process == nil {
		return nil
	}
	err := j.process.Process.Kill()
	_ = j.process.Wait() // killed: its exit code says nothing
	return err
}
