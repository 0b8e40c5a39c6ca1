package corpus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Player runs the commands of a scenario.
type Player interface {
	Run(args []string, input string) (Outcome, error)
	// Start runs a command until stop; started waits for lines of its output.
	Start(args []string) (Running, error)
}

// Running is a command in the background.
type Running interface {
	Await(lines int) error
	Stop() error
}

// Places are the words of a case that stand for this run's own: SERVER, DIR,
// DATA, ZOOKEEPER.
type Places map[string]string

func (p Places) fill(text string) string {
	for name, value := range p {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// hide is the way back, so that a recording names no machine.
func (p Places) hide(text string) string {
	// The longest first: DATA may lie in DIR.
	for _, name := range []string{"DATA", "DIR", "SERVER", "ZOOKEEPER"} {
		if p[name] != "" {
			text = strings.ReplaceAll(text, p[name], name)
		}
	}
	return text
}

// WriteFiles writes the scenario's files into its working folder.
func (s *Scenario) WriteFiles(dir string, places Places) error {
	for name, text := range s.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(places.fill(text)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Play runs the cases that the release knows; "" is our own broker.
func (s *Scenario) Play(version string, places Places, p Player) (g Golden, err error) {
	g = Golden{}
	running := map[string]Running{}
	defer func() {
		for _, r := range running {
			err = errors.Join(err, r.Stop())
		}
	}()
	for i := range s.Cases {
		c := &s.Cases[i]
		if !c.For(version) {
			continue
		}
		args := make([]string, len(c.Args))
		for i, a := range c.Args {
			args[i] = places.fill(a)
		}
		switch {
		case c.Background != "":
			if running[c.Background], err = p.Start(args); err == nil {
				err = running[c.Background].Await(c.Until)
			}
		case c.Stop != "":
			err = running[c.Stop].Stop()
			delete(running, c.Stop)
		default:
			var o Outcome
			o, err = p.Run(args, c.Input)
			g[c.Name] = Outcome{o.Exit, places.hide(o.Stdout), places.hide(o.Stderr)}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.Name, c.Name, err)
		}
	}
	return g, nil
}
