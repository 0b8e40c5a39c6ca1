package local

import (
	"fmt"
	"path"

	"schloss/internal/disk"
	"schloss/kafka"
)

// snapshot is a file with the state of the producers before an offset. Those
// of rolls and closes are synced; those between them are not, and may turn out
// to be damaged after a power cut: then an older one is taken.
type snapshot struct {
	offset kafka.Offset
	synced bool
}

func (l *Log) snapshotName(o kafka.Offset) string {
	return path.Join(l.path, fileName(o, snapshotSuffix))
}

// snapshotWhenDue counts the bytes that are to be appended and writes the
// producers down when a recovery would have to replay too many.
func (l *Log) snapshotWhenDue(n int64) error {
	l.sinceSnapshot += n
	if l.sinceSnapshot < snapshotBytes {
		return nil
	}
	return l.writeSnapshot(false)
}

// writeSnapshot writes the state of the producers before the log's end.
func (l *Log) writeSnapshot(synced bool) error {
	end := l.End()
	l.sinceSnapshot = 0
	if n := len(l.snapshots); l.replica == nil || n > 0 && l.snapshots[n-1].offset == end && l.snapshots[n-1].synced {
		return nil
	}
	if err := l.putSnapshot(end, synced); err != nil {
		return fmt.Errorf("producer snapshot: %w", err)
	}
	if n := len(l.snapshots); n > 0 && l.snapshots[n-1].offset == end {
		l.snapshots = l.snapshots[:n-1]
	}
	l.snapshots = append(l.snapshots, snapshot{end, synced})
	return l.pruneSnapshots()
}

func (l *Log) putSnapshot(end kafka.Offset, synced bool) error {
	f, err := l.fs.Create(l.snapshotName(end))
	if err != nil {
		return err
	}
	_, err = f.WriteAt(l.replica.Snapshot(), 0)
	if err == nil && synced {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && synced {
		err = l.fs.SyncDir(l.path)
	}
	return err
}

// pruneSnapshots keeps the newest two of each kind.
func (l *Log) pruneSnapshots() error {
	kept := map[bool]int{}
	for i := len(l.snapshots) - 1; i >= 0; i-- {
		s := l.snapshots[i]
		if kept[s.synced]++; kept[s.synced] <= 2 {
			continue
		}
		if err := l.fs.Remove(l.snapshotName(s.offset)); err != nil {
			return fmt.Errorf("remove producer snapshot: %w", err)
		}
		l.snapshots = append(l.snapshots[:i], l.snapshots[i+1:]...)
	}
	return nil
}

// restore gives the owner its newest sound snapshot and the headers behind it.
func (l *Log) restore() error {
	if l.replica == nil {
		return nil
	}
	from, err := l.restoreSnapshot()
	if err != nil {
		return err
	}
	segments := *l.segments.Load()
	for _, s := range segments[floor(segments, from):] {
		err := s.log.use(func(f disk.File) error { return l.replay(s, f, from) })
		if err != nil {
			return fmt.Errorf("replay %s: %w", s.log.path, err)
		}
	}
	return nil
}

// restoreSnapshot returns the offset from which headers are to be replayed.
func (l *Log) restoreSnapshot() (kafka.Offset, error) {
	for i := len(l.snapshots) - 1; i >= 0; i-- {
		o := l.snapshots[i].offset
		content, err := disk.ReadFile(l.fs, l.snapshotName(o))
		if err != nil {
			return 0, err
		}
		if len(content) > 0 && l.replica.Restore(content) == nil {
			return o, nil
		}
	}
	return (*l.segments.Load())[0].base, l.replica.Restore(nil)
}

func (l *Log) replay(s *segment, f disk.File, from kafka.Offset) error {
	near, err := s.cursorNear(f, from)
	if err != nil {
		return err
	}
	c := newCursor(f, near.after, s.size.Load(), walkWindow)
	for c.next() {
		if c.head.BaseOffset() < from {
			continue
		}
		l.sinceSnapshot += int64(sizeOf(c.head))
		if err := l.replica.Replay(c.head.Header()); err != nil {
			return err
		}
	}
	return c.err
}
