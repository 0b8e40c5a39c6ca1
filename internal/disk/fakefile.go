package disk

import (
	"io"
	"io/fs"
)

// fakeFile is an open file of a Fake.
type fakeFile struct {
	fs     *Fake
	node   *node
	name   string
	life   int
	closed bool
}

// check says why the file cannot be used. The caller holds fs.mu.
func (f *fakeFile) check() error {
	switch {
	case f.fs.off || f.life != f.fs.life:
		return ErrCrashed
	case f.closed:
		return fs.ErrClosed
	}
	return nil
}

// do runs a changing operation.
func (f *fakeFile) do(op string, act func()) error {
	err := f.check()
	if err == nil {
		err = f.fs.step(act)
	}
	if err != nil {
		return pathError(op, f.name, err)
	}
	return nil
}

func (f *fakeFile) ReadAt(b []byte, at int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check(); err != nil {
		return 0, pathError("read", f.name, err)
	}
	if at >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *fakeFile) WriteAt(b []byte, at int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	usable := f.check() == nil
	if err := f.do("write", func() { f.node.apply(write{at: at, bytes: b}) }); err != nil {
		if !usable || f.fs.off {
			return 0, err
		}
		half := b[:len(b)/2]
		f.node.apply(write{at: at, bytes: half})
		return len(half), err
	}
	return len(b), nil
}

func (f *fakeFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.do("truncate", func() { f.node.apply(write{at: size, truncate: true}) })
}

func (f *fakeFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	usable := f.check() == nil
	err := f.do("sync", f.node.syncData)
	if err != nil && usable && !f.fs.off {
		f.node.writes = nil // clean in the cache, never on the disk
	}
	return err
}

func (f *fakeFile) DropCache() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check(); err != nil {
		return pathError("drop cache", f.name, err)
	}
	f.node.dropCache()
	return nil
}

func (f *fakeFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check(); err != nil {
		return 0, pathError("stat", f.name, err)
	}
	return int64(len(f.node.data)), nil
}

func (f *fakeFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}
