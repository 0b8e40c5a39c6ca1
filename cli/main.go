package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"

	"schloss/kafka/config"
)

// Version is the release, as --version and schloss version print it.
const Version = "0.1.0"

// IO is what a command may read and write. Env looks up an environment
// variable; nil means that there are none.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(name string) string
}

// Dial opens a connection that speaks Kafka's protocol.
type Dial = func(ctx context.Context) (net.Conn, error)

// RunParams is what a broker's run needs.
type RunParams struct {
	Properties *config.Properties
	Out, Err   io.Writer
	// Ready, where set, is called once all listeners answer, with the address
	// of each by its listener's name.
	Ready func(listeners map[string]string)
}

// Node is the broker side that cmd/schloss hands in, so that this package need
// not import it.
type Node struct {
	// Run serves until the context ends, then stops cleanly.
	Run func(ctx context.Context, p RunParams) error
	// Offline serves ACL requests in process on the data of a broker that does
	// not run; its error is ErrRunning when one does.
	Offline    func(p *config.Properties) (Dial, io.Closer, error)
	ErrRunning error
	// SocketDial reaches the Unix socket of the broker that runs on that data.
	SocketDial func(p *config.Properties) (Dial, error)
	// NotAllowed says whether Run's error is that the broker's own principal
	// may not act on the cluster, and who that is.
	NotAllowed func(err error) (principal string, ok bool)
}

// Signal is the cause of a context that a signal ended.
type Signal struct {
	Name   string
	Number int
}

func (s *Signal) Error() string { return s.Name }

// The tools that go by Kafka's names.
var tools = []*tool{serverStart, acls, topics, configs, getOffsets, deleteRecords, apiVersions, logDirs, cluster, consoleProducer, consoleConsumer, mirrorMaker, consumerGroups, producerPerf, consumerPerf, dumpLog}

func toolNamed(name string) *tool {
	name = strings.TrimSuffix(filepath.Base(name), ".sh")
	for _, t := range tools {
		if t.name == name {
			return t
		}
	}
	return nil
}

// Main runs the command that args name (args[0] is the program, as the shell
// gives it) and returns the process's exit code.
func Main(ctx context.Context, args []string, stdio IO, node Node) int {
	s := &session{IO: stdio, voice: voice{err: stdio.Err}, node: node, name: filepath.Base(args[0]), program: args[0]}
	if t := toolNamed(args[0]); t != nil {
		s.linked = true
		return t.main(ctx, s, args[1:])
	}
	if len(args) > 1 {
		if t := toolNamed(args[1]); t != nil {
			s.name += " " + args[1]
			return t.main(ctx, s, args[2:])
		}
	}
	return native(ctx, s, args[1:])
}

// native runs a command of our own; its exit codes are those of exit.go.
func native(ctx context.Context, s *session, args []string) int {
	err := interrupted(ctx, rootCommand(ctx, s, args))
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		if exit.err != nil && !exit.quiet {
			s.report(exit.err)
		}
	case err != nil && !brokenPipe(err):
		s.report(err)
	}
	return exitCode(err)
}
