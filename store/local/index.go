package local

import (
	"encoding/binary"
	"io"
	"sync/atomic"

	"schloss/internal/disk"
)

// An index is a file of entries of one width that grow strictly, in both of
// their fields. Entries are gathered in memory and written a block at a time;
// a file therefore holds the first of them, and the rest is made again from
// the segment after a crash.
//
// One goroutine adds; any number searches, without locks.
type index[E entry[E]] struct {
	file *file
	view atomic.Pointer[indexView[E]]
}

// indexView is one state of an index. It never changes, but entries behind
// len(tail) may be written in tail's array.
type indexView[E any] struct {
	stored int // entries in the file
	tail   []E // entries behind them
}

type entry[E any] interface {
	width() int
	put([]byte)
	parse([]byte) E
	// follows says whether the entry may stand behind e.
	follows(e E) bool
}

// position is an entry of the offset index: the last offset of a batch,
// relative to the segment's base, and where in the segment the batch begins.
type position struct{ offset, at int32 }

// stamp is an entry of the time index: the largest timestamp so far, and the
// last offset, relative to the segment's base, of the first batch that has it.
type stamp struct {
	timestamp int64
	offset    int32
}

func (position) width() int { return 8 }
func (stamp) width() int    { return 12 }

func (p position) put(b []byte) {
	binary.BigEndian.PutUint32(b, uint32(p.offset))
	binary.BigEndian.PutUint32(b[4:], uint32(p.at))
}

func (s stamp) put(b []byte) {
	binary.BigEndian.PutUint64(b, uint64(s.timestamp))
	binary.BigEndian.PutUint32(b[8:], uint32(s.offset))
}

func (position) parse(b []byte) position {
	return position{offset: int32(binary.BigEndian.Uint32(b)), at: int32(binary.BigEndian.Uint32(b[4:]))}
}

func (stamp) parse(b []byte) stamp {
	return stamp{timestamp: int64(binary.BigEndian.Uint64(b)), offset: int32(binary.BigEndian.Uint32(b[8:]))}
}

func (p position) follows(e position) bool { return p.offset > e.offset && p.at > e.at }
func (s stamp) follows(e stamp) bool       { return s.timestamp > e.timestamp && s.offset > e.offset }

const (
	tailEntries  = 512 // written when so many wait
	blockEntries = 256 // read at once when a search has come so near
)

func newIndex[E entry[E]](f *file) *index[E] {
	x := &index[E]{file: f}
	x.open(0)
	return x
}

// open says how many entries the file holds.
func (x *index[E]) open(stored int) { x.view.Store(&indexView[E]{stored: stored}) }

// add appends an entry, which follows the last one.
func (x *index[E]) add(e E) error {
	v := x.view.Load()
	x.view.Store(&indexView[E]{stored: v.stored, tail: append(v.tail, e)})
	if len(v.tail)+1 < tailEntries {
		return nil
	}
	return x.flush()
}

// flush writes what is in memory, without syncing it.
func (x *index[E]) flush() error {
	v := x.view.Load()
	if len(v.tail) == 0 {
		return nil
	}
	var e E
	width := e.width()
	b := make([]byte, width*len(v.tail))
	for i, e := range v.tail {
		e.put(b[i*width:])
	}
	err := x.file.use(func(f disk.File) error {
		_, err := f.WriteAt(b, int64(v.stored*width))
		return err
	})
	if err != nil {
		return err
	}
	x.view.Store(&indexView[E]{stored: v.stored + len(v.tail)})
	return nil
}

func (x *index[E]) sync() error {
	if err := x.flush(); err != nil {
		return err
	}
	return x.file.sync()
}

// cut keeps the first n entries, all of which are stored.
func (x *index[E]) cut(n int) error {
	var e E
	x.open(n)
	return x.file.use(func(f disk.File) error { return f.Truncate(int64(n * e.width())) })
}

// last is the last entry.
func (x *index[E]) last() (e E, ok bool, err error) {
	return x.search(func(E) bool { return true })
}

// search finds the last entry for which in is true. in is true for entries up
// to some point, and false behind it.
func (x *index[E]) search(in func(E) bool) (e E, ok bool, err error) {
	v := x.view.Load()
	if len(v.tail) > 0 && in(v.tail[0]) {
		lo, hi := 0, len(v.tail)
		for hi-lo > 1 {
			if mid := (lo + hi) / 2; in(v.tail[mid]) {
				lo = mid
			} else {
				hi = mid
			}
		}
		return v.tail[lo], true, nil
	}
	if v.stored == 0 {
		return e, false, nil
	}
	err = x.file.use(func(f disk.File) error {
		e, ok, err = searchStored(f, v.stored, in)
		return err
	})
	return e, ok, err
}

// searchStored halves [0, n) down to a block and reads that at once.
func searchStored[E entry[E]](f disk.File, n int, in func(E) bool) (e E, ok bool, err error) {
	width := e.width()
	buf := make([]byte, blockEntries*width)
	lo, hi := 0, n // entries before lo are in, those from hi on are not
	for hi-lo > blockEntries {
		mid := (lo + hi) / 2
		if _, err := f.ReadAt(buf[:width], int64(mid*width)); err != nil {
			return e, false, unexpectedEnd(err)
		}
		if in(e.parse(buf)) {
			lo = mid
		} else {
			hi = mid
		}
	}
	buf = buf[:(hi-lo)*width]
	if _, err := f.ReadAt(buf, int64(lo*width)); err != nil {
		return e, false, unexpectedEnd(err)
	}
	for ; len(buf) > 0; buf = buf[width:] {
		next := e.parse(buf)
		if !in(next) {
			break
		}
		e, ok = next, true
	}
	return e, ok, nil
}

// unexpectedEnd says that a file is shorter than what it was known to hold.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sound counts the entries of the file up to the first that does not follow
// the one before. After a crash an entry is either as it was written or
// zeros, which follow nothing.
func (x *index[E]) sound(in func(E) bool) (int, error) {
	var e, before E
	width, n, stored := e.width(), 0, x.view.Load().stored
	err := x.file.use(func(f disk.File) error {
		buf := make([]byte, 64<<10/width*width)
		for at := 0; at < stored; {
			b := buf[:min(len(buf), (stored-at)*width)]
			if _, err := f.ReadAt(b, int64(at*width)); err != nil {
				return unexpectedEnd(err)
			}
			for ; len(b) > 0; b = b[width:] {
				e = e.parse(b)
				if n > 0 && !e.follows(before) || !in(e) {
					return nil
				}
				before = e
				n, at = n+1, at+1
			}
		}
		return nil
	})
	return n, err
}
