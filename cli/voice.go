package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// The rules of the voice: results go to standard output; everything said to
// the user goes to standard error, one line each, beginning with "error:",
// "hint:" or "warning:". Errors are lower case and end without a period, but for
// the sentences that scripts know from Kafka's tools. A hint holds a command
// or a setting to try. No colours; the head of a table is bold where that can
// be seen (session.styled).

// voice speaks to the user on standard error.
type voice struct {
	err   io.Writer
	quiet bool // say nothing but errors and what mends them
}

func (v voice) warn(format string, args ...any) {
	if v.quiet {
		return
	}
	fmt.Fprintf(v.err, "warning: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// warning is warn for what is no format.
func (v voice) warning(text string) { v.warn("%s", text) }

func (v voice) say(format string, args ...any) { fmt.Fprintf(v.err, format+"\n", args...) }

func (v voice) hint(text string) {
	if text != "" {
		fmt.Fprintf(v.err, "hint: %s\n", oneLine(text))
	}
}

// oneLine keeps a message that quotes foreign text from breaking the line or
// driving the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
}

// exitError is an error that has a code of its own, or one that was told
// already (quiet): then only the code is left to give.
type exitError struct {
	code  int
	err   error
	quiet bool
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// brokenPipe says that whoever read our output has gone: no mistake of the
// user, hence no message.
func brokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// terminal says whether a stream is a terminal.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// interruption is the exit of a command that the user or the system ended:
// silent, with the shell's code for the signal.
func interruption(ctx context.Context) error {
	var signal *Signal
	if errors.As(context.Cause(ctx), &signal) {
		return &exitError{code: 128 + signal.Number}
	}
	return &exitError{code: 130}
}

// interrupted turns an error that only says that ctx has ended into that exit.
func interrupted(ctx context.Context, err error) error {
	if onlyEnded(ctx, err) {
		return interruption(ctx)
	}
	return err
}

// onlyEnded says whether the error is no more than the end of ctx.
func onlyEnded(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}
