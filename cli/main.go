package cli

import (
	"context"
	"io"
	"net"

	"schloss/kafka/config"
)

// IO is what a command may read and write. Env looks up an environment
// variable; nil means that there are none.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(name string) string
}

// Dial opens a connection that speaks Kafka's protocol.
type Dial func(ctx context.Context) (net.Conn, error)

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
}

// Main runs the command that args name (args[0] is the program, as the shell
// gives it) and returns the process's exit code.
func Main(ctx context.Context, args []string, stdio IO, node Node) int {
	return 0
}
