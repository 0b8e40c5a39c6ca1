package disk

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
)

// ErrCrashed answers every operation between a crash and Restart, and for ever
// those on files that were opened before it.
var ErrCrashed = errors.New("power is off")

// Fake is a file system in memory that knows what was synced. Its zero value
// is not usable: see NewFake.
//
// Every operation that changes something has a number, counted from 1. A test
// runs its work once to learn how many there are, and then again for each n
// with CrashAt(n) or FailAt(n).
type Fake struct {
	mu      sync.Mutex
	rng     *rand.Rand
	root    *node
	ops     int
	crashAt int
	failAt  int
	failure error
	off     bool
	life    int // number of restarts: files of an earlier life are dead
	locks   map[string]bool
}

// Survival says what a crash leaves of what was not synced.
type Survival int

const (
	// KeepNothing loses all of it.
	KeepNothing Survival = iota
	// KeepSome keeps any part: of a file some sectors in some of their
	// versions, up to some length, of a directory some changes.
	KeepSome
	// KeepAll is a process that was killed on a machine that lives on: what it
	// wrote is still in the cache, and still not synced.
	KeepAll
)

// Sector is the unit that a disk writes whole or not at all.
const Sector = 512

// NewFake makes an empty file system, which holds the directory "/". The seed
// decides what survives where chance does.
func NewFake(seed uint64) *Fake {
	return &Fake{rng: rand.New(rand.NewPCG(seed, 0)), root: newDir(), locks: map[string]bool{}}
}

// Ops is the number of changing operations so far.
func (f *Fake) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// CrashAt switches the power off during the n-th changing operation.
func (f *Fake) CrashAt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt = n
}

// FailAt lets the n-th changing operation fail with err. A write is cut short;
// a sync drops what it should have written, as Linux does.
func (f *Fake) FailAt(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.failure = n, err
}

// Crash switches the power off now.
func (f *Fake) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

// Crashed says whether the power is off.
func (f *Fake) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.off
}

// Restart switches the power on, with what the crash left. All locks are free
// and no further crash or failure is planned.
func (f *Fake) Restart(keep Survival) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.root.crash(keep, f.rng)
	f.off, f.crashAt, f.failAt, f.failure = false, 0, 0, nil
	f.life++
	f.locks = map[string]bool{}
}

// Corrupt changes a file behind everyone's back, on the disk itself.
func (f *Fake) Corrupt(name string, change func(content []byte) []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err != nil {
		return pathError("corrupt", name, err)
	}
	n.data = change(n.data)
	n.disk, n.writes = slices.Clone(n.data), nil
	return nil
}

// step counts a changing operation. It calls act unless the operation fails;
// a crash may come before or after it. The caller holds mu.
func (f *Fake) step(act func()) error {
	if f.off {
		return ErrCrashed
	}
	f.ops++
	switch f.ops {
	case f.crashAt:
		f.off = true
		if f.rng.IntN(2) == 0 {
			act()
		}
		return ErrCrashed
	case f.failAt:
		return f.failure
	}
	act()
	return nil
}

// Create implements FS.
func (f *Fake) Create(name string) (File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.findParent(name)
	if err != nil {
		return nil, pathError("create", name, err)
	}
	n := dir.names[base]
	switch {
	case n == nil:
		n = &node{}
		err = f.step(func() { dir.change(change{to: base, node: n}) })
	case n.dir:
		err = errors.New("is a directory")
	default:
		err = f.step(func() { n.apply(write{truncate: true}) })
	}
	if err != nil {
		return nil, pathError("create", name, err)
	}
	return &fakeFile{fs: f, node: n, name: name, life: f.life}, nil
}

// Open implements FS.
func (f *Fake) Open(name string) (File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err == nil && n.dir {
		err = errors.New("is a directory")
	}
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &fakeFile{fs: f, node: n, name: name, life: f.life}, nil
}

// Mkdir implements FS.
func (f *Fake) Mkdir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.findParent(name)
	if err != nil {
		return pathError("mkdir", name, err)
	}
	if n := dir.names[base]; n != nil {
		if n.dir {
			return nil
		}
		return pathError("mkdir", name, fs.ErrExist)
	}
	if err := f.step(func() { dir.change(change{to: base, node: newDir()}) }); err != nil {
		return pathError("mkdir", name, err)
	}
	return nil
}

// ReadDir implements FS.
func (f *Fake) ReadDir(name string) ([]Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	var entries []Entry
	for name, child := range n.names {
		entries = append(entries, Entry{Name: name, Dir: child.dir})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// fakeSpace is what a Fake says it has.
const fakeSpace = 1 << 40

// Space implements FS. All of it is usable: nothing here fills up.
func (f *Fake) Space(dir string) (total, usable int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.find(dir); err != nil {
		return -1, -1, pathError("statfs", dir, err)
	}
	return fakeSpace, fakeSpace, nil
}

// Rename implements FS.
func (f *Fake) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.findParent(from)
	switch {
	case err != nil:
	case path.Dir(from) != path.Dir(to):
		err = errors.New("the new name is in another directory")
	case dir.names[base] == nil:
		err = fs.ErrNotExist
	default:
		err = f.step(func() { dir.change(change{from: base, to: path.Base(to), node: dir.names[base]}) })
	}
	if err != nil {
		return pathError("rename", from, err)
	}
	return nil
}

// Remove implements FS.
func (f *Fake) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.findParent(name)
	switch {
	case err != nil:
	case dir.names[base] == nil:
		err = fs.ErrNotExist
	case len(dir.names[base].names) > 0:
		err = errors.New("directory is not empty")
	default:
		err = f.step(func() { dir.change(change{from: base, node: dir.names[base]}) })
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	return nil
}

// SyncDir implements FS.
func (f *Fake) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err == nil {
		err = f.step(n.syncNames)
	}
	if err != nil {
		return pathError("sync", name, err)
	}
	return nil
}

// Lock implements FS. The holder is always process 1.
func (f *Fake) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, err := f.findParent(name)
	if err != nil {
		return nil, pathError("lock", name, err)
	}
	if f.locks[name] {
		return nil, &LockedError{Name: name, Holder: 1}
	}
	if dir.names[base] == nil {
		if err := f.step(func() { dir.change(change{to: base, node: &node{}}) }); err != nil {
			return nil, pathError("lock", name, err)
		}
	}
	f.locks[name] = true
	return &fakeLock{fs: f, name: name, life: f.life}, nil
}

type fakeLock struct {
	fs   *Fake
	name string
	life int
}

func (l *fakeLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.life == l.fs.life {
		delete(l.fs.locks, l.name)
	}
	return nil
}

// find walks to a name. The caller holds mu.
func (f *Fake) find(name string) (*node, error) {
	if f.off {
		return nil, ErrCrashed
	}
	n := f.root
	for _, part := range strings.Split(strings.Trim(path.Clean(name), "/"), "/") {
		if part == "" {
			continue
		}
		if n = n.names[part]; n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

func (f *Fake) findParent(name string) (dir *node, base string, err error) {
	dir, err = f.find(path.Dir(name))
	if err == nil && !dir.dir {
		err = fs.ErrNotExist
	}
	return dir, path.Base(name), err
}
