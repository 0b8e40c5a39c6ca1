package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"schloss/client"
	"schloss/kafka/config"
)

// A server.properties may carry zookeeper.connect although there is no
// ZooKeeper: it is the name of that broker's own store of rules. A tool that is
// given the name finds the file and works on the store, through the broker's
// Unix socket when it runs and in process when it does not. A name that no
// file carries is a foreign cluster's ZooKeeper: nothing is guessed then.

// The authorizer classes that Kafka has had. Their rules are served alike.
var authorizerClasses = []string{
	"kafka.security.auth.SimpleAclAuthorizer",
	"kafka.security.authorizer.AclAuthorizer",
	"org.apache.kafka.metadata.authorizer.StandardAuthorizer",
}

// noServerError says that no file names the ZooKeeper given.
type noServerError struct {
	connect string
	tried   []string
	others  []namedServer // files that name another
}

type namedServer struct{ file, connect string }

func (e *noServerError) Error() string {
	return fmt.Sprintf("no server.properties names zookeeper.connect=%s (looked at %s)", e.connect, strings.Join(e.tried, ", "))
}

// twoServersError says that several files name it.
type twoServersError struct {
	connect string
	files   []string
}

func (e *twoServersError) Error() string {
	return fmt.Sprintf("zookeeper.connect=%s is named by %s", e.connect, strings.Join(e.files, " and by "))
}

// localAdmin reaches the store that --authorizer-properties names.
func (s *session) localAdmin(ctx context.Context, o *options) (*client.Admin, func(), error) {
	if class := o.get("authorizer"); class != "" && !slices.Contains(authorizerClasses, class) {
		return nil, nil, &usageError{problem: fmt.Sprintf("authorizer %s is not served", class), advice: "leave --authorizer out, or name " + authorizerClasses[1]}
	}
	given, err := pairs("authorizer-properties", o.all("authorizer-properties"), true)
	if err != nil {
		return nil, nil, err
	}
	connect, meant := "", ""
	for _, kv := range given {
		if strings.TrimSpace(kv[0]) != "zookeeper.connect" {
			s.warn("--authorizer-properties %s has no effect: only zookeeper.connect is read", kv[0])
			if meant == "" {
				meant = kv[0]
				if kv[1] != "" {
					meant = kv[1]
				}
			}
			continue
		}
		connect = strings.TrimSpace(kv[1])
	}
	if connect == "" {
		if meant == "" {
			meant = "localhost:2181"
		}
		err := &usageError{problem: "Missing required configuration `zookeeper.connect` which has no default value.",
			advice: "write it as the broker's server.properties has it: --authorizer-properties zookeeper.connect=" + quotedWord(meant)}
		fmt.Fprintf(s.Out, "Error while executing ACL command: %s\n", err.problem)
		return nil, nil, err
	}
	properties, err := s.serverOf(connect, o.get("config"))
	if err != nil {
		return nil, nil, err
	}
	conn, closer, err := s.dialStore(ctx, properties)
	if err != nil {
		return nil, nil, err
	}
	return client.NewAdmin(conn), func() {
		if err := errors.Join(conn.Close(), closer.Close()); err != nil {
			s.warn("close the store of %s: %v", properties.Source(), err)
		}
	}, nil
}

// dialStore opens the store itself, or the broker's socket when it runs.
func (s *session) dialStore(ctx context.Context, p *config.Properties) (*client.Conn, io.Closer, error) {
	var closer io.Closer = noCloser{}
	dial, offline, err := s.node.Offline(p)
	switch {
	case err == nil:
		closer = offline
	case errors.Is(err, s.node.ErrRunning):
		if dial, err = s.node.SocketDial(p); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, err
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reach the broker of %s: %w", p.Source(), err), closer.Close())
	}
	return client.NewConn(nc), closer, nil
}

type noCloser struct{}

func (noCloser) Close() error { return nil }

// Where a server.properties usually is, seen from where tools are started.
var usualConfigs = []string{"config/server.properties", "server.properties"}

// candidate is a file that may name the ZooKeeper.
type candidate struct {
	path   string
	needed bool // the user named it, so it must be there
}

func (s *session) candidates() []candidate {
	var out []candidate
	if path := s.env("SCHLOSS_CONFIG"); path != "" {
		out = append(out, candidate{path: path, needed: true})
	}
	for _, path := range usualConfigs {
		out = append(out, candidate{path: path})
	}
	return out
}

// serverOf finds the one file that names the ZooKeeper. The text is compared
// as it stands, chroot included. A file given by --config is the only one asked.
func (s *session) serverOf(connect, given string) (*config.Properties, error) {
	candidates := []candidate{{path: given, needed: true}}
	if given == "" {
		candidates = s.candidates()
	}
	var found []*config.Properties
	var others []namedServer
	var infos []fs.FileInfo
	for _, c := range candidates {
		info, err := os.Stat(c.path)
		if errors.Is(err, fs.ErrNotExist) && !c.needed {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the broker's settings: %w", err)
		}
		if slices.ContainsFunc(infos, func(other fs.FileInfo) bool { return os.SameFile(info, other) }) {
			continue
		}
		infos = append(infos, info)
		p, err := config.ReadFile(c.path)
		if err != nil {
			return nil, err
		}
		switch other := connectOf(p); other {
		case connect:
			found = append(found, p)
		case "":
		default:
			others = append(others, namedServer{file: c.path, connect: other})
		}
	}
	switch len(found) {
	case 0:
		e := &noServerError{connect: connect, others: others}
		for _, c := range candidates {
			e.tried = append(e.tried, c.path)
		}
		return nil, e
	case 1:
		return found[0], nil
	}
	files := make([]string, len(found))
	for i, p := range found {
		files[i] = p.Source()
	}
	return nil, &twoServersError{connect: connect, files: files}
}
