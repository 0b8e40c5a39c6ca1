package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// SyntaxError is a line that is not a setting. Text is the line's key, where
// it has one: the rest of the line may be a password.
type SyntaxError struct {
	Source  string
	Line    int
	Text    string
	Problem string
}

func (e *SyntaxError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s", place(e.Source, e.Line), e.Problem)
	}
	return fmt.Sprintf("%s: key %q: %s", place(e.Source, e.Line), e.Text, e.Problem)
}

// FileError is a file of settings that is not there or cannot be read.
type FileError struct {
	Source string
	Err    error
}

func (e *FileError) Error() string {
	if path := (*fs.PathError)(nil); errors.As(e.Err, &path) {
		return fmt.Sprintf("read properties: %v", e.Err) // it names the file
	}
	return fmt.Sprintf("read properties %q: %v", e.Source, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// ValueError is a setting with a value it cannot have. Value is empty where
// it may be secret.
type ValueError struct {
	Source string
	Line   int
	Key    string
	Value  string
	Want   string // completes "want ..."
}

func (e *ValueError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s: want %s", place(e.Source, e.Line), e.Key, e.Want)
	}
	return fmt.Sprintf("%s: %s=%s: want %s", place(e.Source, e.Line), e.Key, e.Value, e.Want)
}

// UnknownError is a setting that does not exist but is nearly one that does.
type UnknownError struct {
	Source  string
	Line    int
	Key     string
	Nearest string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s: unknown setting %q, did you mean %q?", place(e.Source, e.Line), e.Key, e.Nearest)
}

// Notice says that a setting was read and changes nothing, and why.
type Notice struct {
	Source string
	Line   int
	Key    string
	Reason string
}

// String is the notice as one line.
func (n Notice) String() string {
	return fmt.Sprintf("%s: %s has no effect: %s", place(n.Source, n.Line), n.Key, n.Reason)
}

// place is "source:line", or the source alone for what no line holds.
func place(source string, line int) string {
	if line == 0 {
		return source
	}
	return source + ":" + strconv.Itoa(line)
}
