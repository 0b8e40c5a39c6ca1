package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile writes a store so that a reader sees the old content or the new,
// never a part, also after a power cut. Unless replace is set an existing
// file is left alone and the error is fs.ErrExist.
func WriteFile(path string, data []byte, mode fs.FileMode, replace bool) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = publish(f.Name(), path, replace)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %q: %w", path, err), os.Remove(f.Name()))
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// publish gives the finished file its name. A link, unlike a rename, fails on
// an existing one.
func publish(temp, path string, replace bool) error {
	if replace {
		return os.Rename(temp, path)
	}
	if err := os.Link(temp, path); err != nil {
		return err
	}
	_ = os.Remove(temp) // a second name of a file that is already in place
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
