package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"schloss/internal/peers"
)

// copySockets is the floor that no mirror gets under: a process of its own that
// reads one socket and writes another, through a buffer, with TLS on both where
// a certificate is given. io.Copy between two sockets would splice them, and no
// byte would enter the process; a mirror has to read the batches' headers.
func copySockets(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("copy", flag.ExitOnError)
	from := flags.String("from", "", "host:port to read")
	to := flags.String("to", "", "host:port to write")
	stores := flags.String("tls", "", "folder of certificates")
	if err := flags.Parse(args); err != nil {
		return err
	}
	source, err := dialFloor(ctx, *from, *stores)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := dialFloor(ctx, *to, *stores)
	if err != nil {
		return err
	}
	defer target.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{target}, struct{ io.Reader }{source}, make([]byte, 256<<10))
	return err
}

func dialFloor(ctx context.Context, addr, stores string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil || stores == "" {
		return nc, err
	}
	config, err := clientTLS(stores)
	if err != nil {
		return nil, err
	}
	return tls.Client(nc, config), nil
}

// floor copies so many bytes, over the row's line if it has one, and gives the
// CPU time of the process that does.
func (b bench) floor(ctx context.Context, bytes int64, r matrixRow) (cpu time.Duration, err error) {
	listen := func() (net.Listener, error) { return net.Listen("tcp", "localhost:0") }
	stores := ""
	if r.secure {
		stores = b.stores()
		config, err := serverTLS(stores)
		if err != nil {
			return 0, err
		}
		listen = func() (net.Listener, error) { return tls.Listen("tcp", "localhost:0", config) }
	}
	source, err := listen()
	if err != nil {
		return 0, err
	}
	defer source.Close()
	target, err := listen()
	if err != nil {
		return 0, err
	}
	defer target.Close()
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	from, to := source.Addr().String(), target.Addr().String()
	if r.side != "" {
		end, listener := &from, source
		if r.side == "target" {
			end, listener = &to, target
		}
		port, err := peers.FreePort()
		if err != nil {
			return 0, err
		}
		far := fmt.Sprintf("localhost:%d", port)
		line, err := startLine(far, *end, r.trip)
		if err != nil {
			return 0, err
		}
		defer line.Stop(5 * time.Second)
		knock, err := listener.Accept() // of whoever asked whether the line is there
		if err != nil {
			return 0, err
		}
		knock.Close()
		*end = far
	}
	cmd := exec.CommandContext(ctx, exe, "copy", "-from", from, "-to", to, "-tls", stores)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	failed := make(chan error, 2)
	go func() { failed <- feed(source, bytes) }()
	go func() { failed <- drain(target, bytes) }()
	for range 2 {
		if e := <-failed; err == nil && e != nil {
			err = fmt.Errorf("copy socket to socket: %w", e)
		}
	}
	if e := cmd.Wait(); err == nil {
		err = e
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

func feed(l net.Listener, bytes int64) error {
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	defer nc.Close()
	for part := make([]byte, 1<<20); bytes > 0; bytes -= int64(len(part)) {
		part = part[:min(int64(len(part)), bytes)]
		if _, err := nc.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func drain(l net.Listener, want int64) error {
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	defer nc.Close()
	got, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, nc, make([]byte, 1<<20))
	if err == nil && got != want {
		err = fmt.Errorf("%d bytes came, want %d", got, want)
	}
	return err
}
