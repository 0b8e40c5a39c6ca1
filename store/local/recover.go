package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// recovery opens the files of one log. Nothing it does before it has decided
// on the log's end changes what a second attempt would find.
type recovery struct {
	*Log
	clean bool         // the directory was closed cleanly
	point kafka.Offset // all below it was durable
	names map[string]bool
	found store.Recovery

	changed bool // files were removed, cut or made
}

// load fills the log from its directory.
func (r *recovery) load() error {
	steps := []func() error{r.list, r.finishSwaps, r.discard, r.openSegments, r.openLast, r.loadEpochs, r.keep}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return r.restore()
}

func (r *recovery) list() error {
	entries, err := r.fs.ReadDir(r.path)
	if err != nil {
		return err
	}
	r.names = map[string]bool{}
	for _, e := range entries {
		r.names[e.Name] = true
	}
	return nil
}

func (r *recovery) remove(name string) error {
	if !r.names[name] {
		return nil
	}
	delete(r.names, name)
	r.changed = true
	return r.fs.Remove(path.Join(r.path, name))
}

// finishSwaps completes rewrites that a crash cut short. A segment whose name
// ends in .log.swap is whole and replaces all segments in its range.
func (r *recovery) finishSwaps() error {
	for name := range r.names {
		base, ok := parseFileName(name, logSuffix+swapSuffix)
		if !ok {
			continue
		}
		next, err := r.swapEnd(name, base)
		if err != nil {
			return err
		}
		for old := range r.names {
			if o, ok := parseFileName(old, logSuffix); ok && o > base && o < next {
				if err := errors.Join(r.remove(old), r.removeIndexes(o)); err != nil {
					return err
				}
			}
		}
		if err := errors.Join(r.removeIndexes(base), r.fs.SyncDir(r.path)); err != nil {
			return err
		}
		final := fileName(base, logSuffix)
		if err := r.fs.Rename(path.Join(r.path, name), path.Join(r.path, final)); err != nil {
			return err
		}
		if err := r.fs.SyncDir(r.path); err != nil {
			return err
		}
		delete(r.names, name)
		r.names[final] = true
	}
	return nil
}

func (r *recovery) removeIndexes(base kafka.Offset) error {
	return errors.Join(r.remove(fileName(base, indexSuffix)), r.remove(fileName(base, timesSuffix)))
}

// swapEnd is the offset behind the last batch of a swap file, which a rewrite
// always keeps.
func (r *recovery) swapEnd(name string, base kafka.Offset) (next kafka.Offset, err error) {
	next = base
	f := r.files.at(path.Join(r.path, name))
	defer f.forget()
	err = f.use(func(h disk.File) error {
		size, err := h.Size()
		if err != nil {
			return err
		}
		c := newCursor(h, 0, size, walkWindow)
		for c.next() {
			next = c.head.NextOffset()
		}
		return c.err
	})
	if err != nil {
		return 0, r.damage(name, 0, err.Error())
	}
	return next, nil
}

// discard removes what a crash left half made or half removed: files on their
// way in or out, and indexes without a segment.
func (r *recovery) discard() error {
	for name := range r.names {
		gone := false
		for _, suffix := range []string{cleanedSuffix, swapSuffix, deletedSuffix, tmpSuffix} {
			gone = gone || strings.HasSuffix(name, suffix)
		}
		for _, suffix := range []string{indexSuffix, timesSuffix} {
			if base, ok := parseFileName(name, suffix); ok && !r.names[fileName(base, logSuffix)] {
				gone = true
			}
		}
		if gone {
			if err := r.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// openSegments opens the segments in order; the last one is read later.
func (r *recovery) openSegments() error {
	var list []*segment
	for _, base := range sortedBases(r.names, logSuffix) {
		list = append(list, segmentAt(r.files, r.path, base, ""))
	}
	if len(list) == 0 {
		return fmt.Errorf("directory %s: %w: no segment", r.path, fs.ErrNotExist)
	}
	r.segments.Store(&list)
	for _, s := range list[:len(list)-1] {
		if err := r.openClosed(s); err != nil {
			return err
		}
	}
	return nil
}

// openClosed trusts the indexes of a closed segment, which were synced before
// the next one was made, and makes missing ones again. After a crash it looks
// whether the file still ends with a whole batch.
func (r *recovery) openClosed(s *segment) error {
	size, err := fileSize(s.log)
	if err != nil {
		return err
	}
	s.size.Store(size)
	complete, err := r.openIndexes(s)
	if err != nil {
		return err
	}
	if !complete {
		if err := errors.Join(s.offsets.cut(0), s.times.cut(0)); err != nil {
			return err
		}
		w := walk{segment: s, end: size, next: s.base, gaps: true, check: s.base, interval: r.config.Load().IndexInterval}
		if bad, err := w.run(); err != nil {
			return err
		} else if bad != nil {
			return r.damage(path.Base(s.log.path), w.at, bad.Error())
		}
		return s.seal()
	}
	last, ok, err := s.times.last()
	if err != nil {
		return err
	}
	if ok {
		s.newest.Store(&last)
	}
	if r.clean {
		return nil
	}
	return r.checkEnd(s)
}

func (r *recovery) checkEnd(s *segment) error {
	return s.log.use(func(f disk.File) error {
		c, err := s.cursorNear(f, s.base+maxSegment)
		if err != nil {
			return err
		}
		for c.next() {
		}
		if c.err != nil {
			return r.damage(path.Base(s.log.path), c.after, c.err.Error())
		}
		return nil
	})
}

// openIndexes opens the index files, or makes empty ones when one is missing.
// complete says whether they look as a closed segment's do.
func (r *recovery) openIndexes(s *segment) (complete bool, err error) {
	if !r.names[fileName(s.base, indexSuffix)] || !r.names[fileName(s.base, timesSuffix)] {
		r.changed = true
		return false, s.makeIndexes()
	}
	osize, err := fileSize(s.offsets.file)
	if err != nil {
		return false, err
	}
	tsize, err := fileSize(s.times.file)
	if err != nil {
		return false, err
	}
	s.offsets.open(int(osize) / position{}.width())
	s.times.open(int(tsize) / stamp{}.width())
	return osize%8 == 0 && tsize%12 == 0 && (tsize > 0 || s.size.Load() == 0), nil
}

// openLast finds the end of the log. Only the last segment can have lost
// bytes, and only behind the recovery point.
func (r *recovery) openLast() error {
	s := r.active()
	r.point = max(r.point, s.base)
	size, err := r.prepareLast(s)
	if err != nil {
		return err
	}
	w, err := r.trusted(s)
	if err != nil {
		return err
	}
	w.end = size
	bad, err := w.run()
	if err != nil {
		return err
	}
	file := path.Base(s.log.path)
	switch {
	case w.next < r.point && bad == nil:
		return r.damage(file, w.at, fmt.Sprintf("it ends at offset %d, but was durable up to %d", w.next, r.point))
	case w.next < r.point:
		return r.damage(file, w.at, bad.Error())
	case bad != nil:
		if err := r.cutTail(s, w, bad); err != nil {
			return err
		}
	}
	r.end.Store(int64(w.next))
	r.firstTime, r.sinceIndex = w.firstTime, w.since
	for _, e := range w.epochs {
		r.noteEpoch(e.epoch, e.start)
	}
	s.size.Store(w.at)
	return nil
}

func (r *recovery) prepareLast(s *segment) (size int64, err error) {
	if _, err := r.openIndexes(s); err != nil {
		return 0, err
	}
	err = s.log.use(func(f disk.File) error {
		if !r.clean {
			if err := f.DropCache(); err != nil {
				return err
			}
		}
		size, err = f.Size()
		s.size.Store(size) // cursorNear reads up to it
		return err
	})
	return size, err
}

// trusted prepares the walk through the last segment: from its last good index
// entry at or before the recovery point.
func (r *recovery) trusted(s *segment) (*walk, error) {
	w := &walk{segment: s, next: s.base, check: r.point, interval: r.config.Load().IndexInterval, firstTime: -1}
	limit := s.rel(r.point)
	if !r.clean {
		n, err := s.offsets.sound(func(p position) bool { return p.offset >= 0 && p.at >= 0 && p.offset < limit })
		if err != nil {
			return nil, err
		}
		if err := s.offsets.cut(n); err != nil {
			return nil, err
		}
	}
	last, ok, err := s.offsets.last()
	if err != nil {
		return nil, err
	}
	if ok {
		if ok, err = r.matches(s, last); err != nil {
			return nil, err
		}
	}
	if !ok {
		r.changed = true
		return w, errors.Join(s.offsets.cut(0), s.times.cut(0))
	}
	if !r.clean {
		n, err := s.times.sound(func(e stamp) bool { return e.offset >= 0 && e.offset <= last.offset })
		if err != nil {
			return nil, err
		}
		if err := s.times.cut(n); err != nil {
			return nil, err
		}
	}
	newest, known, err := s.times.last()
	if err != nil {
		return nil, err
	}
	if known {
		s.newest.Store(&newest)
	}
	w.at, w.next, w.indexed = int64(last.at), s.base+kafka.Offset(last.offset), true
	return w, nil
}

// matches says whether an index entry names a batch that is there.
func (r *recovery) matches(s *segment, p position) (ok bool, err error) {
	err = s.log.use(func(f disk.File) error {
		if size := s.size.Load(); p.at >= 0 && int64(p.at) < size {
			c := newCursor(f, int64(p.at), size, batch.HeaderSize)
			ok = c.next() && c.head.LastOffset() == s.base+kafka.Offset(p.offset)
		}
		return nil
	})
	return ok, err
}

// cutTail removes a torn tail; keep makes that durable.
func (r *recovery) cutTail(s *segment, w *walk, bad error) error {
	r.changed = true
	return s.log.use(func(f disk.File) error {
		torn, err := tornTail(f, w.at, w.end, w.next)
		if err != nil {
			return err
		}
		if !torn {
			return r.damage(path.Base(s.log.path), w.at, bad.Error()+"; whole batches follow it")
		}
		r.found.TruncatedAt, r.found.TruncatedBytes, r.found.Reason = w.next, w.end-w.at, bad.Error()
		return f.Truncate(w.at)
	})
}

// loadEpochs adds to the epochs of the file those the walk has found behind it.
func (r *recovery) loadEpochs() error {
	walked := *r.epochs.Load()
	var e epochs
	if r.names[epochFile] {
		content, err := disk.ReadFile(r.fs, path.Join(r.path, epochFile))
		if err == nil {
			e, err = parseEpochs(content)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path.Join(r.path, epochFile), err)
		}
	}
	stored := len(e)
	e = e.before(r.End())
	r.epochsChanged = len(e) != stored
	r.epochs.Store(&e)
	for _, s := range walked {
		r.noteEpoch(s.epoch, s.start)
	}
	trimmed := r.epochs.Load().from(r.Start())
	r.epochs.Store(&trimmed)
	return nil
}

// keep makes durable what was found: a process that was killed leaves bytes in
// the cache which nobody has synced. Snapshots behind the end are removed, so
// that none of them can be taken for one of offsets that are yet to come.
func (r *recovery) keep() error {
	for _, o := range sortedBases(r.names, snapshotSuffix) {
		if o <= r.End() {
			r.snapshots = append(r.snapshots, snapshot{o, r.clean || o <= r.active().base})
		} else if err := r.remove(fileName(o, snapshotSuffix)); err != nil {
			return err
		}
	}
	if !r.clean || r.changed {
		if err := r.active().log.sync(); err != nil {
			return err
		}
	}
	r.synced.Store(r.end.Load())
	if r.settled = r.clean && !r.changed; r.settled {
		return nil
	}
	return r.fs.SyncDir(r.path)
}

func (r *recovery) damage(file string, at int64, reason string) error {
	return &store.DamageError{Partition: r.tp, File: path.Join(r.path, file), Position: at, Reason: reason}
}

func fileSize(f *file) (size int64, err error) {
	err = f.use(func(h disk.File) error {
		size, err = h.Size()
		return err
	})
	return size, err
}
