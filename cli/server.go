package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"schloss/kafka/config"
)

var serverStart = &tool{
	name:  "kafka-server-start",
	about: "This tool starts a broker from its server.properties and runs until it is told to stop (Ctrl-C, SIGTERM).",
	usage: "FILE [--override KEY=VALUE]...",
	words: true,
	run: func(ctx context.Context, s *session, o *options) error {
		if len(o.words) != 1 {
			return &usageError{problem: "exactly one properties file is needed", advice: s.name + " config/server.properties [--override KEY=VALUE]..."}
		}
		return startServer(ctx, s, o.words[0], o.all("override"))
	},
	flags: []flag{
		{name: "override", value: needsValue, arg: "KEY=VALUE", many: true, doc: "A setting that goes before the file."},
		{name: "daemon", refused: "the broker runs in the foreground", insteadUse: "nohup kafka-server-start.sh FILE >kafka.log 2>&1 &"},
	},
}

// startServer runs a broker until the context ends.
func startServer(ctx context.Context, s *session, file string, overrides []string) error {
	p, err := config.ReadFile(file)
	if err != nil {
		return err
	}
	given, err := pairs("override", overrides, true)
	if err != nil {
		return err
	}
	for _, kv := range given {
		p.Set(kv[0], kv[1])
	}
	err = s.node.Run(ctx, RunParams{Properties: p, Out: s.Out, Err: s.IO.Err})
	if who, ok := s.node.NotAllowed(err); ok {
		return &ownRightsError{err: err, principal: who, file: file, tool: s.beside("kafka-acls"), connect: connectOf(p)}
	}
	return err
}

func connectOf(p *config.Properties) string {
	connect, _ := p.Get("zookeeper.connect")
	return strings.TrimSpace(connect)
}

// ownRightsError is a broker that may not act on its own cluster.
type ownRightsError struct {
	err                            error
	principal, file, tool, connect string
}

func (e *ownRightsError) Error() string { return e.err.Error() }
func (e *ownRightsError) Unwrap() error { return e.err }

// Hint is the command that allows it. It needs zookeeper.connect as the name
// of the broker's store.
func (e *ownRightsError) Hint() string {
	if e.connect == "" {
		return fmt.Sprintf("set super.users=%s in %s, or name its store there, as zookeeper.connect=localhost:2181, and run: %s",
			e.principal, e.file, e.line("localhost:2181"))
	}
	return "allow it: " + e.line(e.connect)
}

func (e *ownRightsError) line(connect string) string {
	config := ""
	if !slices.Contains(usualConfigs, filepath.Clean(e.file)) {
		config = " --config " + quotedPath(e.file)
	}
	return fmt.Sprintf("%s --authorizer-properties zookeeper.connect=%s%s --add --allow-principal %s --operation All --cluster",
		e.tool, connect, config, quoted(e.principal))
}
