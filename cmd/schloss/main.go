// Command schloss is a secured Kafka in one binary. Called by the name of one
// of Kafka's scripts (kafka-acls.sh, kafka-topics, ...) it is that tool.
package main

import (
	"context"
	"os"

	"schloss/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args, cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}, cli.Node{}))
}
