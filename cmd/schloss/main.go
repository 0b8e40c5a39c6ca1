// Command schloss is a secured Kafka in one binary. Called by the name of one
// of Kafka's scripts (kafka-acls.sh, kafka-topics, ...) it is that tool.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"schloss/cli"
	"schloss/node"
)

func main() {
	relax(os.Args)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	go obey(signals, cancel, os.Exit)
	// A reader that has gone is an error of the write, not our death.
	signal.Ignore(syscall.SIGPIPE)
	stdio := cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}
	os.Exit(cli.Main(ctx, os.Args, stdio, nodeSide()))
}

func nodeSide() cli.Node {
	return cli.Node{
		Run: func(ctx context.Context, p cli.RunParams) error {
			return node.Run(ctx, node.Config{Properties: p.Properties, Stdout: p.Out, Stderr: p.Err, Ready: func(s node.Started) {
				if p.Ready != nil {
					p.Ready(s.Listeners)
				}
			}})
		},
		Offline:    node.Offline,
		ErrRunning: node.ErrRunning,
		SocketDial: node.SocketDial,
		NotAllowed: func(err error) (string, bool) {
			var e *node.NotAllowedError
			if !errors.As(err, &e) {
				return "", false
			}
			return e.Principal, true
		},
	}
}
