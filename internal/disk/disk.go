// Package disk is the file system as the store sees it: the few operations a
// log needs, with what each of them promises after a power cut.
//
//	write, truncate        in the cache until File.Sync
//	create, rename, remove in the cache until SyncDir of the directory
//
// OS is the real one. Fake keeps both worlds, what was written and what was
// synced, in memory; it can crash or fail at any operation, so that a test can
// enumerate every point at which the power may go.
package disk

import (
	"fmt"
	"io"
	"io/fs"
)

// FS is a file system. Names are paths with slashes. Errors satisfy errors.Is
// with fs.ErrNotExist and fs.ErrExist.
type FS interface {
	// Create makes an empty file, or empties the one that is there.
	Create(name string) (File, error)
	// Open opens a file that exists for reading and writing.
	Open(name string) (File, error)
	// Mkdir makes a directory, whose parent exists. One that is there is no
	// error.
	Mkdir(name string) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(name string) ([]Entry, error)
	// Rename moves a file or directory within its directory. It replaces a
	// file that has the new name: after a power cut one of the two is there.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// SyncDir makes the names in a directory durable: what was created,
	// renamed or removed in it.
	SyncDir(name string) error
	// Space says how many bytes the file system of a directory has, and how
	// many of them may still be used; -1 where the system does not say.
	Space(dir string) (total, usable int64, err error)
	// Lock takes the file name for this process until the closer is closed,
	// making it when it is absent and writing the process id into it. A lock
	// that is held elsewhere gives a *LockedError.
	Lock(name string) (io.Closer, error)
}

// File is an open file. Its methods may be called by several goroutines.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the length of the file.
	Size() (int64, error)
	// Truncate changes the length.
	Truncate(size int64) error
	// Sync makes what was written durable. After an error it is unknown what
	// the disk holds, and a second call proves nothing: the system may have
	// dropped the pages that it could not write.
	Sync() error
	// DropCache forgets cached pages that are not waiting to be written, so
	// that the next read sees what the disk holds. It is a request; a system
	// that cannot do it does nothing.
	DropCache() error
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Dir  bool
}

// LockedError reports a lock that another process holds.
type LockedError struct {
	Name   string
	Holder int // process id, 0 when the lock file does not say
}

func (e *LockedError) Error() string {
	if e.Holder == 0 {
		return fmt.Sprintf("lock %s: held by another process", e.Name)
	}
	return fmt.Sprintf("lock %s: held by process %d", e.Name, e.Holder)
}

// ReadFile reads a whole small file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:n], nil
}

// WriteFile replaces a small file so that after a power cut the old or the new
// content is there: it writes name+".tmp", syncs it, renames it and syncs the
// directory.
func WriteFile(fsys FS, name string, content []byte) error {
	tmp := name + ".tmp"
	if err := WriteSynced(fsys, tmp, content); err != nil {
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return err
	}
	return fsys.SyncDir(parent(name))
}

// WriteSynced creates a file with the content and syncs it, but not its name.
func WriteSynced(fsys FS, name string, content []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// pathError gives the fake's errors the shape that package os gives its own.
func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
