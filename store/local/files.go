package local

import (
	"container/list"
	"errors"
	"sync"

	"schloss/internal/disk"
)

// errGone answers the use of a file that retention or a rewrite has removed.
// The segment list that held it has been replaced before: load it again.
var errGone = errors.New("file was removed")

// files opens data files when they are used and keeps the ones used last open,
// so that many partitions do not need as many descriptors.
type files struct {
	fs   disk.FS
	max  int // of those that are kept for later
	most int // of all; 0: no bound

	turns chan struct{} // of the appends that may open a file beyond most

	mu       sync.Mutex // guards all below and every file's fields
	open     int
	entering int        // appends on their way that may open a file each
	idle     *list.List // of *file: open and not in use, used last at the back
}

// file is one data file, which may be open or not.
type file struct {
	files  *files
	path   string
	handle disk.File
	users  int
	gone   bool
	place  *list.Element // in files.idle
}

func newFiles(fs disk.FS, max, most int) *files {
	return &files{fs: fs, max: max, most: most, turns: make(chan struct{}, crowdWidth), idle: list.New()}
}

// crowdWidth is how many appends may go on at a time when most files are open.
const crowdWidth = 64

// enter lets an append begin that may open a file; leave ends it. When most
// files are open, only a few go on at a time: each will sync and let go of its
// file. The caller holds no lock of a log.
func (fs *files) enter() (leave func()) {
	if fs.most == 0 {
		return func() {}
	}
	fs.mu.Lock()
	room := fs.open+fs.entering < fs.most
	if room {
		fs.entering++
	}
	fs.mu.Unlock()
	if room {
		return fs.leave
	}
	fs.turns <- struct{}{}
	return func() { <-fs.turns }
}

func (fs *files) leave() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.entering--
}

// crowded says that as many files are open as there may be: whoever has
// unsynced bytes is to sync them and let go of the file.
func (fs *files) crowded() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.most > 0 && fs.open >= fs.most
}

func (fs *files) at(path string) *file { return &file{files: fs, path: path} }

// create makes the file, or empties it.
func (f *file) create() error {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	handle, err := f.files.fs.Create(f.path)
	if err != nil {
		return err
	}
	f.handle, f.users = handle, 1
	f.files.open++
	return f.releaseLocked()
}

// acquire opens the file if it is not open, and keeps it so until release.
func (f *file) acquire() (disk.File, error) {
	fs := f.files
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.gone {
		return nil, errGone
	}
	if f.handle == nil {
		handle, err := fs.fs.Open(f.path)
		if err != nil {
			return nil, err
		}
		f.handle = handle
		fs.open++
	} else if f.place != nil {
		fs.idle.Remove(f.place)
		f.place = nil
	}
	f.users++
	return f.handle, nil
}

// release ends the use that acquire began. What closing a file says is of no
// interest: whoever needs its bytes to be durable has synced it.
func (f *file) release() {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	_ = f.releaseLocked()
}

func (f *file) releaseLocked() error {
	fs := f.files
	if f.users--; f.users > 0 {
		return nil
	}
	if f.gone {
		return f.closeLocked()
	}
	f.place = fs.idle.PushBack(f)
	var err error
	for fs.open > fs.max && fs.idle.Len() > 0 {
		if cerr := fs.idle.Front().Value.(*file).closeLocked(); err == nil {
			err = cerr
		}
	}
	return err
}

func (f *file) closeLocked() error {
	if f.place != nil {
		f.files.idle.Remove(f.place)
		f.place = nil
	}
	handle := f.handle
	if handle == nil {
		return nil
	}
	f.handle = nil
	f.files.open--
	return handle.Close()
}

// rename moves the file. No acquire sees the old name while the new one is
// true, or the reverse.
func (f *file) rename(path string) error {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	if err := f.files.fs.Rename(f.path, path); err != nil {
		return err
	}
	f.path = path
	return nil
}

// forget makes every later acquire fail with errGone. Readers that hold the
// file keep it until they release it; then it is closed.
func (f *file) forget() {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	f.gone = true
	if f.users == 0 {
		_ = f.closeLocked()
	}
}

// use runs act with the file open.
func (f *file) use(act func(disk.File) error) error {
	handle, err := f.acquire()
	if err != nil {
		return err
	}
	defer f.release()
	return act(handle)
}

func (f *file) sync() error { return f.use(disk.File.Sync) }
