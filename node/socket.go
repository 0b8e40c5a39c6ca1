package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"schloss/broker/listener"
	"schloss/kafka/config"
	"schloss/security/principal"
)

// socketName is the Unix socket of a running broker, beside its metadata. It
// serves the access rules to users of this machine who may open it.
const socketName = ".schloss.sock"

// localSocket is the open socket with the directory that its path goes
// through.
type localSocket struct {
	*listener.Listener
	dir *os.File
}

// openSocket binds the socket with mode 0600 from the first moment. A socket
// that a killed broker left behind is replaced: the lock on the directory says
// that nobody serves it.
func openSocket(dir string, h listener.Handler, pool *listener.Pool, log *slog.Logger) (*localSocket, error) {
	handle, path, err := shortPath(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("replace the local socket: %w", err), handle.Close())
	}
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmod error
		if err := c.Control(func(fd uintptr) { chmod = syscall.Fchmod(int(fd), 0o600) }); err != nil {
			return err
		}
		return chmod
	}}
	socket, err := private.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the local socket %s: %w", filepath.Join(dir, socketName), err), handle.Close())
	}
	cfg := listener.Config{
		Limits: &listener.Limits{Max: 64}, Pool: pool, Log: log,
		Name: "LOCAL", Local: true, MaxFrame: 1 << 20, Identify: identifyLocal,
	}
	return &localSocket{Listener: listener.New(cfg, socket, h), dir: handle}, nil
}

func (s *localSocket) close(ctx context.Context) error {
	return errors.Join(s.Shutdown(ctx), s.dir.Close()) // closing removes the socket
}

// shortPath is a path to the socket in dir that fits the 108 bytes a socket
// address has. It leads through the open directory, which is to be kept open
// as long as the path is used.
func shortPath(dir string) (*os.File, string, error) {
	handle, err := os.Open(dir)
	if err != nil {
		return nil, "", fmt.Errorf("open data directory: %w", err)
	}
	return handle, filepath.Join("/proc/self/fd", strconv.Itoa(int(handle.Fd())), socketName), nil
}

// identifyLocal names the user at the other end, as the kernel knows it.
func identifyLocal(_ context.Context, c net.Conn) (principal.Principal, error) {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return principal.Principal{}, errors.New("the local socket took a connection that is not local")
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return principal.Principal{}, err
	}
	var peer *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		peer, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err = errors.Join(err, credErr); err != nil {
		return principal.Principal{}, fmt.Errorf("ask who connects: %w", err)
	}
	return localUser(int(peer.Uid)), nil
}

// SocketDial reaches the local socket of the broker that runs on these data
// directories.
func SocketDial(properties *config.Properties) (func(context.Context) (net.Conn, error), error) {
	values, _, err := config.Server.Read(properties)
	if err != nil {
		return nil, err
	}
	dir := metadataDir(values)
	return func(ctx context.Context) (net.Conn, error) {
		handle, path, err := shortPath(dir)
		if err != nil {
			return nil, err
		}
		defer handle.Close() // read-only, and not needed once connected
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("reach the broker through %s: %w", filepath.Join(dir, socketName), err)
		}
		return c, nil
	}, nil
}
