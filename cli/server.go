package cli

import (
	"context"

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
	return s.node.Run(ctx, RunParams{Properties: p, Out: s.Out, Err: s.IO.Err})
}
