package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
)

// load opens the directory of a log, or makes it.
func (d *directory) load(l *Log, create bool) (store.Recovery, error) {
	exists, err := d.settleID(l, create)
	r := &recovery{Log: l, clean: d.clean, point: d.point(l.tp)}
	l.start.Store(int64(d.starts.at(l.tp)))
	r.found.Unclean = !d.clean
	if err == nil && !exists {
		if !create {
			return r.found, fmt.Errorf("directory %s: %w", l.path, fs.ErrNotExist)
		}
		if r.point > 0 {
			return r.found, r.damage("", 0, fmt.Sprintf("its directory is gone, but was durable up to %d", r.point))
		}
		r.found.Unclean = false
		return r.found, d.create(l)
	}
	if err == nil {
		err = r.load()
	}
	return r.found, err
}

// settleID finds out whether the log is there. A directory of an earlier topic
// of this name is set aside when a new one is wanted. One without an id or a
// segment is what a crash has left of its creation: nothing was ever in it.
func (d *directory) settleID(l *Log, create bool) (exists bool, err error) {
	entries, err := d.fs.ReadDir(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		_, log := parseFileName(e.Name, logSuffix)
		_, swap := parseFileName(e.Name, logSuffix+swapSuffix)
		exists = exists || log || swap
	}
	id, err := readID(d.fs, l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists && !l.id.IsZero():
		return true, d.adopt(l) // Kafka before 2.8 wrote no ids
	case !exists, errors.Is(err, fs.ErrNotExist):
		return exists, nil
	case err != nil || l.id.IsZero() || id == l.id:
		return true, err
	case !create:
		return true, fmt.Errorf("directory %s belongs to topic id %s instead of %s", l.path, id, l.id)
	}
	_, err = d.setAside(l.tp, id)
	return false, err
}

func (d *directory) adopt(l *Log) error {
	return disk.WriteFile(d.fs, path.Join(l.path, idFile), formatID(l.id))
}

// create makes the directory and an empty segment. The segment comes last: it
// is what makes the log exist.
func (d *directory) create(l *Log) error {
	if err := makeDirectory(d.fs, l.path); err != nil {
		return err
	}
	if !l.id.IsZero() {
		if err := disk.WriteSynced(d.fs, path.Join(l.path, idFile), formatID(l.id)); err != nil {
			return err
		}
	}
	first, err := newSegment(l.files, l.path, kafka.Offset(0), "")
	if err != nil {
		return err
	}
	l.segments.Store(&[]*segment{first})
	return d.fs.SyncDir(l.path)
}
