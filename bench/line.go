package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"schloss/internal/peers"
)

const (
	// lineRate is the bandwidth of a long line, in bytes a second each way: 1 Gbit/s.
	lineRate = 125e6
	// lineWindow is how many bytes one TCP connection may have under way: what
	// Linux lets its send buffer grow to by default (net.ipv4.tcp_wmem).
	lineWindow = 4 << 20
)

// line is a long line: a process of its own that passes connections on, later,
// and no faster than the bandwidth that all of them share.
func line(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("line", flag.ExitOnError)
	listen := flags.String("listen", "", "host:port to accept on")
	to := flags.String("to", "", "host:port to pass on to")
	trip := flags.Duration("trip", 0, "round trip to add")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	out, back := &road{delay: *trip / 2}, &road{delay: *trip / 2}
	for {
		near, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			time.Sleep(*trip) // the handshake of a connection is one round trip
			far, err := net.Dial("tcp", *to)
			if err != nil {
				fmt.Fprintln(os.Stderr, "line:", err)
				near.Close()
				return
			}
			go out.carry(far, near)
			back.carry(near, far)
		}()
	}
}

// road is one direction of a line.
type road struct {
	delay time.Duration

	mu   sync.Mutex // guards free
	free time.Time  // when all that was given to the road has left
}

// enter says when bytes that come now arrive at the other end.
func (r *road) enter(bytes int) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.free.Before(now) {
		r.free = now
	}
	r.free = r.free.Add(time.Duration(float64(bytes) / lineRate * 1e9))
	return r.free.Add(r.delay)
}

// packet is a piece of a connection's bytes on the road.
type packet struct {
	bytes []byte
	due   time.Time
}

// carry passes on what comes until either end is closed. A byte stays half a
// round trip, and TCP counts it as under way for a whole one, until it hears of
// it: so half a window fits on the road.
func (r *road) carry(to, from net.Conn) {
	const piece = 32 << 10
	packets := make(chan packet, lineWindow/2/piece)
	spare := make(chan []byte, cap(packets))
	go func() {
		defer close(packets)
		for {
			var bytes []byte
			select {
			case bytes = <-spare:
			default:
				bytes = make([]byte, piece)
			}
			n, err := from.Read(bytes)
			if n > 0 {
				packets <- packet{bytes[:n], r.enter(n)}
			}
			if err != nil {
				return
			}
		}
	}()
	var broken error
	for p := range packets {
		time.Sleep(time.Until(p.due))
		if broken == nil {
			if _, broken = to.Write(p.bytes); broken != nil {
				from.Close()
			}
		}
		select {
		case spare <- p.bytes[:cap(p.bytes)]:
		default:
		}
	}
	to.Close()
}

// startLine puts a line between two addresses.
func startLine(listen, to string, trip time.Duration) (peers.Process, error) {
	exe, err := os.Executable()
	if err != nil {
		return peers.Process{}, err
	}
	cmd := exec.Command(exe, "line", "-listen", listen, "-to", to, "-trip", trip.String())
	cmd.Stderr = os.Stderr
	p, err := peers.StartProcess(cmd)
	if err != nil {
		return peers.Process{}, err
	}
	return p, p.AwaitPort(listen, 10*time.Second)
}
