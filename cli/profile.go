package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"schloss/kafka/config"
)

// profile is a cluster under a name. It holds no secret: it names the file of
// client settings that does.
type profile struct {
	Name            string `json:"name,omitempty"`
	BootstrapServer string `json:"bootstrap_server"`
	CommandConfig   string `json:"command_config"`
	ReadOnly        bool   `json:"read_only"`
	Output          string `json:"output"`
}

// profiles are all that the user keeps, in one file of the configuration
// folder (XDG Base Directory Specification).
type profiles struct {
	path string

	Current  string             `json:"current"`
	Profiles map[string]profile `json:"profiles"`
}

// errNoProfileFolder is a user without a home.
var errNoProfileFolder = errors.New("profiles have no folder: neither XDG_CONFIG_HOME nor HOME is set")

func (s *session) profilesPath() (string, error) {
	if dir := s.env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) { // others are to be ignored, says the specification
		return filepath.Join(dir, "schloss", "profiles.json"), nil
	}
	if home := s.env("HOME"); home != "" {
		return filepath.Join(home, ".config", "schloss", "profiles.json"), nil
	}
	return "", errNoProfileFolder
}

// readProfiles reads the file; none is no profiles. What it does not know it
// refuses, so that no slip in read_only opens a cluster to changes.
func (s *session) readProfiles() (*profiles, error) {
	path, err := s.profilesPath()
	if errors.Is(err, errNoProfileFolder) {
		return &profiles{Profiles: map[string]profile{}}, nil
	}
	p := &profiles{path: path, Profiles: map[string]profile{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		return nil, &usageError{problem: fmt.Sprintf("read profiles from %s: %v", path, err), advice: "mend the file, or start anew: mv " + quotedPath(path) + " " + quotedPath(path+".broken")}
	}
	return p, nil
}

// changeProfiles reads the profiles, lets them be changed and writes them, while
// no other command does: of two at once the second would undo the first.
func (s *session) changeProfiles(change func(*profiles) error) error {
	path, err := s.profilesPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	lock := path + ".lock"
	for deadline := time.Now().Add(profilesWait); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close() // nothing is in it
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("write profiles: %w", err)
		}
		if time.Now().After(deadline) {
			return &usageError{problem: "another command is changing the profiles", advice: "when none is, remove what it left: rm " + quotedPath(lock)}
		}
	}
	defer os.Remove(lock)
	all, err := s.readProfiles()
	if err != nil {
		return err
	}
	if err := change(all); err != nil {
		return err
	}
	return all.write()
}

// profilesWait is long beside the milliseconds that a change takes.
const profilesWait = 5 * time.Second

// write replaces the file as a whole, readable by its owner alone.
func (p *profiles) write() error {
	var text bytes.Buffer
	if err := printJSON(&text, p); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(p.path), ".profiles-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write profiles: %w", err)
	}
	return nil
}

// named is one profile, with its name.
func (p *profiles) named(name string) (profile, error) {
	one, ok := p.Profiles[name]
	if !ok {
		return profile{}, &absentProfileError{name: name, names: p.names()}
	}
	one.Name = name
	return one, nil
}

func (p *profiles) names() []string { return slices.Sorted(maps.Keys(p.Profiles)) }

// absentProfileError is a profile that nobody made.
type absentProfileError struct {
	name  string
	names []string
}

func (e *absentProfileError) Error() string { return (&absentError{"profile", e.name}).Error() }
func (e *absentProfileError) Unwrap() error { return &absentError{"profile", e.name} }
func (e *absentProfileError) Hint() string {
	if near, ok := config.Nearest(e.name, e.names); ok {
		return "did you mean " + near + "?"
	}
	if len(e.names) > 0 {
		return "see what there is with: schloss profile list"
	}
	return "make it with: schloss profile create " + e.name + " --bootstrap-server HOST:PORT"
}

var profileName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
